"""The language of a text, from its alphabet and its commonest words.

Unknown is allowed, wrong is not: a text that may as well be in a neighbour of its language, or in a
language we know nothing of, is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from classifier.transliteration import is_kazakh_in_arabic

SHIPPED = ("en", "ru", "kk", "ar")

_LOOKED_AT = 2400  # characters; an article does not change its language after that
_WORDS_LOOKED_AT = 1000  # characters; more any language has so many of its words
_FEW = 400  # characters; of so short a text every word counts, those beside a comma as well
_WORD = re.compile(r"[^\W\d_]+(?:['’‘ʻʼ`-][^\W\d_]+)*")

# The commonest words, those of news among them. One that neighbours share is in the list of each.
_COMMON = {
    "en": """
        the and with from that this which their have said would about been were they after into than
        but its who through during against because when where there these those could should between
        before since of has more while such other under
    """,
    "tr": """
        ve bir bu için ile olarak da de olan göre kadar sonra çok daha ise ancak dedi tarafından
        olduğunu olduğu gibi her en etti oldu yılında edildi değil veya açıkladı bildirdi yeni üzere ya
        karşı ilk son türkiye önce ki iki büyük belirtti eden yapılan
    """,
    "az": """
        və bir bu üçün ilə olaraq da də olan görə qədər sonra çox daha isə ancaq dedi tərəfindən
        olduğunu kimi hər ən edib bildirib olub ki deyil yeni edən olunub o qarşı ilk son iki
        azərbaycan barədə həm ya
    """,
    "uz": """
        va bir bu uchun bilan ham deb bo'yicha bo'lgan bo'lib qilish qildi edi keyin qadar har o'z yil
        haqida kerak emas ular uning etdi dedi mazkur orqali barcha yangi bo'ldi qilingan esa ega yoki
        o'zbekiston boshlandi katta ikki eng shu so'm yilda
        ва бир бу учун билан ҳам деб бўйича бўлган бўлиб қилиш қилди эди кейин қадар ҳар ўз йил ҳақида
        керак эмас улар унинг этди деди мазкур орқали барча янги бўлди қилинган эса эга ёки ўзбекистон
        бошланди катта икки энг шу сўм йилда
    """,
    "tk": """
        we bir bu üçin bilen hem diýip boýunça bolan bolup soň çenli her öz ýyl däl olar onuň etdi diýdi
        arkaly ähli täze ýa-da ýurduň döwlet ministri ýylda şeýle hakynda
        ве бир бу үчин билен хем дийип боюнча болан болуп соң ченли хер өз дәл олар онуң
    """,
    "ru": """
        и в на с не по что из для от к о об за до при это как его её их он она они был была были было
        будет будут или также года году после чтобы который которые которая которых у же но а так только
        более уже может со во под над между сообщил сообщила сообщили заявил заявила этом этого том
        тысяч млрд человек ещё еще всех лет мы я все
    """,
    "uk": """
        і в на з що не до та за у про від для як це його її був була були було буде також року після щоб
        який яка які але або під між при зі із повідомив заявив й є над вже більше може мають має кожна
    """,
    "be": """
        і ў на з не што да па за ад для як гэта яго яе быў была былі было будзе таксама года пасля каб
        які якая якія але або пра у паміж са пры над ужо больш можа мае паводле кожны дзеля й ці усе
    """,
    "bg": """
        и в на с не от за да се е са ще че по до със във като което които който която това си той те бе
        беше има може след между при или но а според обяви съобщи каза няма бъде всеки към през те ни
        една един
    """,
    "mk": """
        и во на со не од за да се е дека ќе што по до како кој која кои ова тоа беше има може според или
        но а ги го му изјави биде секој при меѓу врз ја ни сите
    """,
    "sr": """
        и у на са не од за да се је су ће што по до као који која које ово то био била има може након
        или али а изјавио ради свако при међу бити ли јер сви
    """,
    "kk": """
        және мен бен пен бұл үшін деп да де та те бойынша осы болып бір екі ол сол деді жылы жылдың
        туралы қарай дейін кейін арқылы бар жоқ емес олар оның біз өз барлық керек болды болған облысы
        сондай-ақ тиіс еді ма ме туралы жаңа үлкен алғаш жыл
    """,
    "ky": """
        жана менен бул үчүн деп да дагы боюнча ушул болуп бир эки ал ошол деди жылы жылдын тууралуу чейин
        кийин аркылуу бар жок эмес алар анын биз өз бардык керек болду болгон ага эле ар өлкөнүн билдирди
        айтты болот тийиш же катары жаңы чоң үч алгач кыргызстандын сом адам укук укуктуу
    """,
    "tt": """
        һәм белән бу өчен дип да дә буенча шул булып бер ике ул диде турында чаклы соң аша бар юк түгел
        алар аның без үз барлык кирәк булды булган хәбәр итә ел иде яңа һәр яки тиеш
    """,
    "ba": """
        һәм менән был өсөн тип да дә буйынса шул булып бер ике ул тине йыл тураһында тиклем һуң аша бар
        юҡ түгел улар уның беҙ үҙ бөтә кәрәк булды булған ине яңы һәр йәки тейеш
    """,
    "tg": """
        ва бо дар аз ба барои ки ин ҳам оид низ то як ду гуфт сол бораи пас онҳо он мо худ ҳар бояд буд
        шуд шудааст кард карда мебошад аст ё ҳамчун бар ҳангоми нав вазири
    """,
    "mn": """
        нь байна ба бол юм гэж энэ тус болон дээр онд оны хувь монгол улсын засгийн газар байгаа байсан
        мөн хүн хийх гэсэн тэр талаар бүр эрх эрхтэй эсхүл аль
    """,
    "ar": """
        من في على أن إلى عن مع هذا هذه التي الذي بعد كما كان كانت قال وقال وقالت ما لا أو قد بين خلال
        ذلك إن عام وفي لم حيث عند ثم أي كل غير اليوم ولا وقد قبل حول لكل حق شخص وعلى ومن أنه منذ
    """,
    "fa": """
        از که به در این را با است و های می آن برای شد شود کرد کند بر تا یک خود نیز هم اما یا وی شده باشد
        بود گفت هر همه دارد آنها ما نمی شده‌است کرده دو روز پس پیش سال اعلام خواهد حق کس
    """,
}
_COMMON_IN: dict[str, tuple[str, ...]] = {}
for _code, _words in _COMMON.items():
    for _word in set(_words.split()):
        _COMMON_IN[_word] = (*_COMMON_IN.get(_word, ()), _code)
