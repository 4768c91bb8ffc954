"""The language of a text, from its alphabet and its commonest words.

Unknown is allowed, wrong is not: a text that may as well be in a neighbour of its language, or in a
language we know nothing of, is None.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

import numpy as np

from classifier.transliteration import is_kazakh_in_arabic

SHIPPED = ("en", "ru", "kk", "ar")

_LOOKED_AT = 1200  # characters; an article does not change its language after that
_WORDS_LOOKED_AT = 500  # characters; more any language has so many of its words
_FEW = 400  # characters; of so short a text every word counts, those beside a comma as well
_WORD = re.compile(r"(?<![\d-])[^\W\d_]+(?:['’‘ʻʼ`-][^\W\d_]+)*")

# The commonest words, those of news among them. One that neighbours share is in the list of each.
_COMMON = {
    "en": """
        the and with from that this which their have said would about been were they after into than
        but its who through during against because when where there these those could should between
        before since of has more while such other under says shall any every everyone
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
        вә бир бу үчүн илә олараг да дә олан ҝөрә гәдәр сонра һәр ән едиб олуб ки дејил
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
        и много в на с не от за да се е са ще че по до със във като което които който която това си той те бе
        беше има може след между при или но а според обяви съобщи каза няма бъде всеки към през те
        една един
    """,
    "mk": """
        и много во на со не од за да се е дека ќе што по до како кој која кои ова тоа беше има може според или
        но а ги го му изјави биде секој при меѓу врз ја сите
    """,
    "sr": """
        и много у на са не од за да се је су ће што по до као који која које ово то био била има може након
        или али а изјавио ради свако при међу бити ли јер сви
    """,
    "kk": """
        және бұл үшін бойынша бір сол жылы жылдың туралы қарай дейін кейін арқылы жоқ олар оның біз өз
        екі екен деді дейді облысы сондай-ақ тиіс еді жаңа үлкен алғаш мен бен пен
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
    # Of all other languages in Latin letters, so that they are not taken for English.
    "other": """
        der die das und den von zu mit sich des auf für ist nicht ein eine dem im als auch an wird
        de het een en van dat zijn wordt niet op te met voor ook der nie word aan wat hy
        og och det er et af av på som til till med å att har jeg han der ikke ikkje inte eller
        el los las que y del se un una por con para il di che e della per le les et du au une est dans
        pour qui o os da do em um uma na no și în la cu pe care i w z się nie że jest je v že ja ka si
        yang dan dengan untuk pada dari ini itu sa ang mga ng ya wa kwa ni
    """,
}

_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_ENGLISH = "abcdefghijklmnopqrstuvwxyz"
_ARABIC = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويىٱـ"


def _alphabet(usual: str, beyond: str, lacking: str = "") -> frozenset[str]:
    return frozenset(usual) - frozenset(lacking) | frozenset(beyond)


# Each alphabet as the commonest one of its script, what it has beyond that and what it lacks.
_ALPHABETS = {
    "latin": {
        "en": _alphabet(_ENGLISH, ""),
        "tr": _alphabet(_ENGLISH, "çğıöşüâîû", "qwx"),
        "az": _alphabet(_ENGLISH, "əçğıöşü", "w"),
        "uz": _alphabet(_ENGLISH, "ʻʼ", "w"),
        "tk": _alphabet(_ENGLISH, "çäžňöşüý", "cqvx"),
        "other": _alphabet(_ENGLISH, "àáâãäåæçèéêëìíîïñòóôõöøùúûüýąćęłńśźżăîșțščžřůěőű"),
    },
    "cyrillic": {
        "ru": _alphabet(_RUSSIAN, ""),
        "kk": _alphabet(_RUSSIAN, "әғқңөұүһі"),
        "ky": _alphabet(_RUSSIAN, "ңөү"),
        "uk": _alphabet(_RUSSIAN, "іїєґ", "ыэёъ"),
        "be": _alphabet(_RUSSIAN, "іў", "ищъ"),
        "bg": _alphabet(_RUSSIAN, "ѝ", "ыэёь"),
        "mk": _alphabet(_RUSSIAN, "ѓѕјљњќџѐѝ", "ёйщъыьэюя"),
        "sr": _alphabet(_RUSSIAN, "ђјљњћџ", "ёйщъыьэюя"),
        "tt": _alphabet(_RUSSIAN, "әөүҗңһ"),
        "ba": _alphabet(_RUSSIAN, "әғҙҡңөҫүһ"),
        "tg": _alphabet(_RUSSIAN, "ғӣқӯҳҷ", "щы"),
        "uz": _alphabet(_RUSSIAN, "ўқғҳ", "щы"),
        "mn": _alphabet(_RUSSIAN, "өү"),
        "tk": _alphabet(_RUSSIAN, "әөүңҗ"),
        "az": _alphabet(_RUSSIAN, "әөүғҝһҹј", "щыъьэюя"),
    },
    "arabic": {
        "ar": _alphabet(_ARABIC, ""),
        "fa": _alphabet(_ARABIC, "پچژگکیۀ"),
    },
}
_RANGES = {"cyrillic": ("Ѐ", "ԯ"), "latin": ("a", "ʰ"), "arabic": ("ؠ", "ۿ")}

_KAZAKH = _ALPHABETS["cyrillic"]["kk"]
_KAZAKH_ALONE = frozenset("іұ")  # of those that have the others
_KAZAKH_MARKS = frozenset("ғқұ")
_KAZAKH_TOO = frozenset("әқөүұ")
_LEAST_KAZAKH = 0.04  # of the letters are beyond Russian; in most Kazakh one in five
_MOST_RUSSIAN = 0.08  # of the words of a Kazakh text

_MAIN_SHARE = 0.6  # of the letters are in a text's script
_MOST_FOREIGN = 0.02  # of the letters: a Russian article may quote a Kazakh name
_MOST_FOREIGN_TO_NEIGHBOURS = 0.005
# Words that English has in common with others: few have two of them in one headline.
_OFTEN_ENGLISH = frozenset(
    "to in is on for as by at be are will it his was not or an how why our new".split()
)
_ENOUGH = 20  # words to tell by
# So many of the words are among a language's commonest that no other need be thought of.
_MUCH = {"en": 0.12, "ru": 0.1, "ar": 0.08}
_LEAST = {"en": 0.06, "ru": 0.06, "ar": 0.08}
_LEAST_OF_NEIGHBOURS = 0.1
_LEAD = 1.3  # times as many as the next language
# Of these no language that we do not know has all the letters.
_TOLD_BY_LETTERS = frozenset({"uk", "be", "sr", "mk", "tg", "uz"})

# How Russian words end, for a headline without any of the commonest: where a Slavic neighbour is not
# ruled out by its alphabet, those alone that none of them has.
_RUSSIAN_ENDS = tuple(
    """
    ый ий ые ыми ая яя ую юю ию ью ого его ому ему ами ями ах ях ться тся лся лась лись остью ают уют яют
    ное ых ской ском ские ских ским нной
    """.split()
)
_SLAVIC_ENDS = tuple(
    """
    ым ии ть ость ости ание ания анию анием аний ение ения ению ением ений ций ство ства ству ством
    ила ило или ала али ало ела ели ело ыла ыли ыло яла яли яло
    """.split()
)
_SLAVIC_ENDS_OF_LONG = tuple("ил ал ел ыл ял ой ом ов ев".split())
_LONG, _VERY_LONG = 5, 6  # letters
# Letters that no line is without.
_OFTEN = {
    "uk": frozenset("іїє"),
    "be": frozenset("іў"),
    "tt": frozenset("әөү"),
    "ba": frozenset("әөү"),
    "tg": frozenset("ҳқӣғӯҷ"),
    "kk": frozenset("әғқңөұүі"),
    "fa": frozenset("یکپچگژ"),
}
_OFTEN_WITHIN = 40  # letters
_SLAVIC = frozenset({"uk", "be", "bg", "mk", "sr"})
# Letters of words that a language writes in every line and those whose alphabet is like its own do not.
_MARKS: dict[str, Collection[str]] = {
    "tr": "ğı",
    "uz": tuple(letter + mark for letter in "og" for mark in "'’‘ʻʼ`"),
}
_ARABIC_STARTS, _ARABIC_LETTERS = ("ال", "وال", "بال", "كال", "فال"), frozenset("أإةؤ")
# Kazakh in Arabic letters and Uyghur have the same letters for most sounds, but not for these.
_KAZAKH_IN_ARABIC_OFTEN = frozenset("ەۇۋ")
_KAZAKH_IN_ARABIC_ALONE = frozenset("عحٴء")
_NEVER_KAZAKH_IN_ARABIC = frozenset("ېئۈغخێڕڵیکۅۉہ")


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language that most of `text` is in; None where it is not plain."""
    head = text[:_LOOKED_AT].lower()
    letters = _letters(head)
    script = _script(letters)
    if script is None:
        return None
    words = _WORD.findall(head) if len(head) < _FEW else head[:_WORDS_LOOKED_AT].split()
    return _known_at_once(script, letters, words) or _plainest(script, letters, words)


def _letters(text: str) -> dict[str, int]:
    """How often each letter stands in a text, but for the rare scripts beyond 16 bits."""
    counts = np.bincount(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2"))
    codes = counts.nonzero()[0]
    found = zip(map(chr, codes.tolist()), counts[codes].tolist(), strict=True)
    return {character: times for character, times in found if character.isalpha()}


def _script(letters: Mapping[str, int]) -> str | None:
    """The script that the letters are in, but for some."""
    least = _MAIN_SHARE * sum(letters.values())
    for script, (first, last) in _RANGES.items():
        if sum([n for c, n in letters.items() if first <= c <= last]) > least:
            return script
    return None


def _known_at_once(script: str, letters: Mapping[str, int], words: list[str]) -> str | None:
    """One of the shipped languages, where it need not be held against every neighbour."""
    if script == "latin":
        return "en" if _is_much("en", words) else None
    if script == "arabic":
        if letters.keys() & _KAZAKH_IN_ARABIC_OFTEN:
            return "kk" if _is_kazakh_in_arabic(letters) else None
        is_purely = all(c < "ؠ" for c in letters.keys() - _ALPHABETS["arabic"]["ar"])
        return "ar" if is_purely and _is_much("ar", words) else None
    total = sum(letters.values())
    beyond = {c: n for c, n in letters.items() if c > "я" and c != "ё"}
    own = sum(beyond.values())
    quotes_kazakh = own < _LEAST_KAZAKH * total and _KAZAKH_MARKS & beyond.keys() and beyond.keys() <= _KAZAKH
    if own < _MOST_FOREIGN * total or quotes_kazakh:
        return "ru" if "ы" in letters and _is_much("ru", words) else None
    if own >= _LEAST_KAZAKH * total and beyond.keys() & _KAZAKH_ALONE and beyond.keys() & _KAZAKH_TOO:
        foreign = sum(n for c, n in beyond.items() if c not in _KAZAKH)
        is_kazakh = foreign <= _MOST_FOREIGN_TO_NEIGHBOURS * own
        return "kk" if is_kazakh and _known("ru", words) <= _MOST_RUSSIAN * len(words) else None
    return None


def _is_kazakh_in_arabic(letters: Mapping[str, int]) -> bool:
    if not is_kazakh_in_arabic("".join(letter * times for letter, times in letters.items())):
        return False
    return bool(letters.keys() & _KAZAKH_IN_ARABIC_ALONE) and not letters.keys() & _NEVER_KAZAKH_IN_ARABIC


def _is_much(code: str, words: list[str]) -> bool:
    return len(words) >= _ENOUGH and _known(code, words) > _MUCH[code] * len(words)


def _plainest(script: str, letters: Mapping[str, int], words: list[str]) -> str | None:
    """Of the languages whose alphabet the text keeps to, the one with far more of its words."""
    fitting = _fitting(script, letters)
    if len(fitting) == 1 and fitting[0] in _TOLD_BY_LETTERS and len(words) < _ENOUGH:
        return fitting[0]
    ranked = sorted(((_evidence(code, words, fitting), code) for code in fitting), reverse=True)
    if not ranked:
        return None
    most, code = ranked[0]
    next_most = ranked[1][0] if len(ranked) > 1 else 0
    least = _LEAST.get(code, _LEAST_OF_NEIGHBOURS) * len(words)
    once = 2 if script == "latin" and code not in SHIPPED else 1  # a word may be another language's
    return code if most >= max(least, once) and most > _LEAD * next_most and code != "other" else None


def _fitting(script: str, letters: Mapping[str, int]) -> list[str]:
    """The languages whose alphabet has nearly all letters of the text that are in this script."""
    first, last = _RANGES[script]
    total = sum([n for c, n in letters.items() if first <= c <= last])
    fitting = []
    for code, alphabet in _ALPHABETS[script].items():
        lacks_own = code in _OFTEN and total > _OFTEN_WITHIN and not _OFTEN[code] & letters.keys()
        foreign = sum([letters[c] for c in letters.keys() - alphabet if first <= c <= last])
        most = _MOST_FOREIGN if code in SHIPPED else _MOST_FOREIGN_TO_NEIGHBOURS
        if not lacks_own and foreign <= total * most:
            fitting.append(code)
    return fitting


def _evidence(code: str, words: list[str], fitting: Collection[str]) -> int:
    """How many of the words say that it is this language."""
    found = _known(code, words)
    if code == "ru" and len(words) < 2 * _ENOUGH:
        is_slavic = not _SLAVIC.isdisjoint(fitting)
        ending = sum(1 for word in words if _ends_russian(word, among_slavic=is_slavic))
        return found + ending if found or ending >= max(2, 0.2 * len(words)) else 0
    if code == "en" and not found:
        return len(_OFTEN_ENGLISH.intersection(words)) // 2
    if code == "ar":
        return found + sum(1 for word in words if _looks_arabic(word))
    if code in _MARKS:
        marked = sum(1 for word in words if any(mark in word for mark in _MARKS[code]))
        return found + marked if found or marked > 1 else 0
    return found


def _ends_russian(word: str, *, among_slavic: bool) -> bool:
    if len(word) < _LONG:
        return False
    if word.endswith(_RUSSIAN_ENDS) or "сс" in word or "лл" in word:
        return True
    if among_slavic:
        return False
    return word.endswith(_SLAVIC_ENDS) or (len(word) >= _VERY_LONG and word.endswith(_SLAVIC_ENDS_OF_LONG))


def _looks_arabic(word: str) -> bool:
    return word.startswith(_ARABIC_STARTS) or not _ARABIC_LETTERS.isdisjoint(word)


def _known(code: str, words: list[str]) -> int:
    return sum(map(_commonest(code).__contains__, words))


@cache
def _commonest(code: str) -> frozenset[str]:
    return frozenset(_COMMON[code].split())  # most articles are held against one or two languages
