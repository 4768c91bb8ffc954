"""Lines that are not an article's text, in four languages, and sentences of news that begin like them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.boilerplate import is_boilerplate

ENGLISH = """
Photo: Reuters
Photo by A. Sadykov / AFP
(Photos: Ministry of Energy)
Image courtesy of the port authority
Video: YouTube.com
Follow us on X, Instagram and Telegram
👉 Subscribe to our Telegram channel
Subscribe now
Sign up for our daily newsletter
Join us on WhatsApp!
Read also: Kazakhstan raises oil exports to China
Read more
Also read: Wheat harvest ends early
Related articles
More on this story
You may also like
Most read
Share this article on Facebook
Copyright © 2026 Steppe Wire
© 2026 Steppe Wire
Steppe Wire. All rights reserved.
We use cookies to improve this site.
This website uses cookies. Accept or leave.
Home › Politics › Energy
Home / News / Oil and gas
Politics | Economy | Society | Sport
Tags: oil, Atyrau, refinery
#oil #Atyrau
Advertisement
Print version
1,204 views
Views: 4496
3 min read
Comments (12)
Source: Reuters
https://news.example/2026/11/refinery
Download our mobile app
"""
NO_ENGLISH = """
Photos showed tankers leaving the port.
Photo evidence convinced the court, the prosecutor said.
Image recognition helps doctors find tumours
Picture by picture, the archive is being restored
Video of the blast was shared widely on Telegram.
Follow-up talks on the pipeline begin on Monday.
Follow the money, the auditors were told.
Following the talks, both sides signed a memorandum.
Subscribers of the mobile operator lost their connection.
Sign language will be taught in schools
Join forces against locusts, ministers urge neighbours
Read the law before signing, the ombudsman said.
Reading scores rose in rural schools
Related companies must declare their deals from January.
More news agencies will open bureaus in Astana next year.
Share prices of oil companies fell
Shares of the uranium company rose by 4 per cent.
Copyright law was amended by parliament on Thursday.
All rights of shareholders will be protected, the bank said.
Cookies and sweets exports doubled
Home prices rose by a fifth in Almaty
Tags will be put on every cow, the ministry said.
Advertisement of tobacco was banned in 2002.
Print media lose their subsidies
120 tankers left the port in November
Source: Iran ready for new talks
Get the government's new app before Friday, drivers were told.
Views on the reform differ.
"""
RUSSIAN = """
Фото: пресс-служба акимата Атырауской области
Фото: Reuters
Фото из архива
Фото пресс-службы министерства энергетики
Фото из открытых источников
Иллюстративное фото
Коллаж: Степной вестник
Видео: пресс-служба МЧС
Подписывайтесь на наш Telegram-канал
Подпишитесь на рассылку и узнавайте обо всём первыми
Следите за нами в Instagram
Читайте нас в Telegram
Читайте также: Добыча нефти выросла
Смотрите также
Больше новостей в нашем телеграм-канале
Мы в соцсетях
По теме: Нефть дорожает
Материалы по теме
Самое читаемое
Поделиться
Поделиться в Facebook
Реклама
Версия для печати
Просмотров: 4496
1 204 просмотра
Комментарии (5)
Оставить комментарий
Время чтения: 2 мин
Теги: нефть, Атырау
Ключевые слова: экспорт, пшеница
Нашли ошибку? Выделите её и нажмите Ctrl+Enter
Все права защищены.
© 2026 «Степной вестник». Все права защищены
При использовании материалов ссылка на сайт обязательна
Мы используем файлы cookie
Главная › Новости › Энергетика
Источник: Интерфакс
"""
NO_RUSSIAN = """
Фотографии танкеров опубликовало министерство.
Фото нарушений принимают в приложении полиции
Фото и видео аварии изучает прокуратура.
Видео: взрыв на заводе снял очевидец
Видео с камер передали следствию.
Подписывать соглашение будут в Астане.
Подписчики оператора остались без связи.
Подписание договора о газе перенесли на среду
Следите за давлением, советуют врачи пожилым.
Читать по-казахски учат в воскресных школах
Больше новостей о реформе ждут в парламенте весной.
По теме безопасности выступил министр обороны.
По теме воды прошёл отдельный совет
Мы в Telegram продаём меньше, сказал предприниматель.
Поделиться опытом приехали агрономы из Канады
Поделиться властью президент не готов
Рекламу лекарств на телевидении запретят
Реклама подорожала на треть
Просмотры отечественных фильмов выросли вдвое
Теги повесят на каждую корову
Все права акционеров сохранит новый закон
Использование материалов из вторсырья растёт
При использовании дронов нужно разрешение.
Главная дорога страны закрыта из-за метели
Источник: Иран готов к переговорам
Источник: переговоры сорваны
1 204 тонны пшеницы отправили в Иран
Время читать: в сёлах открыли библиотеки
"""
KAZAKH = """
Сурет: ашық дереккөз
Сурет: Reuters
Фото: ҚР Энергетика министрлігі
Сурет ашық дереккөзден алынды
Суретті түсірген: А. Садықов
Бейне: YouTube
Telegram арнамызға жазылыңыз
Біздің Telegram-арнаға жазылыңыз!
Бізді Instagram парақшамыздан оқыңыз
Жаңалықтарды WhatsApp арнамыздан оқыңыз
Сондай-ақ оқыңыз: Мұнай өндіру артты
Тағы оқыңыз
Оқи отырыңыз: Астық жиналды
Тақырып бойынша жаңалықтар
Ұқсас жаңалықтар
Толығырақ
Бөлісу
Достарыңызбен бөлісіңіз
Жарнама
Басып шығару нұсқасы
Қаралды: 4496
1204 рет қаралды
Пікір қалдыру
Оқу уақыты: 2 мин
Тегтер: мұнай, Атырау
Кілт сөздер: экспорт, бидай
Қате таптыңыз ба? Мәтінді белгілеңіз
Барлық құқықтар қорғалған
© 2026 «Дала хабары». Барлық құқықтар қорғалған.
Сайт материалдарын пайдаланғанда сілтеме міндетті
Біз cookie файлдарын пайдаланамыз
Басты бет › Жаңалықтар › Энергетика
Дереккөз: Kazinform
"""
NO_KAZAKH = """
Суреттер көрмесі Астанада ашылды.
Суретші Атырауда көрме өткізді
Сурет салу сабағы мектепке қайтады
Фото мен бейнені прокуратура тексеріп жатыр.
Бейне: зауыттағы өрт қалай басталды
Бейнебақылау камералары орнатылды
Telegram арқылы алаяқтар 5 миллион теңге ұрлады
Біздің мұнай Қытайға жөнелтіледі.
Бізге жаңа заң керек, деді депутат.
Жаңалықтарды оқитындар саны азайды
Сондай-ақ министр су тапшылығын айтты.
Тағы бір зауыт іске қосылды
Оқи алатын балалар саны артты.
Тақырып бойынша үш баяндама жасалды.
Басқа елдерде баға өсті
Толығырақ мәліметті министрлік бермеді.
Бөлісу экономикасы дамып келеді
Жарнама нарығы үштен бірге өсті
Басып шығару цехы жабылды
Қаралды: заң жобасы екінші оқылымға кетті
1204 тонна бидай Иранға жөнелтілді
Пікір айту еркіндігі талқыланды.
Оқу жылы қыркүйекте басталады
Кілт сөз айтылды: су
Қате шешім қымбатқа түсті
Барлық құқықтарын қорғайтын заң қабылданды
Басты мәселе – су
Дереккөз: келіссөз тоқтап қалды
"""
ARABIC = """
تصوير: وكالة الأنباء
صورة: رويترز
الصورة: وزارة الطاقة
صورة أرشيفية
الصورة من الأرشيف
المصدر: وكالات
فيديو: رويترز
تابعونا على تويتر وفيسبوك
تابعنا عبر تليغرام
اشترك في قناتنا على يوتيوب
اشتركوا في نشرتنا البريدية
انضم إلى قناتنا على واتساب
اقرأ أيضا: ارتفاع إنتاج النفط
اقرأ أيضًا
إقرأ المزيد
شاهد أيضاً
أخبار ذات صلة
مواضيع متعلقة
قد يهمك أيضا
للمزيد من الأخبار تابعوا صفحتنا
حمّل التطبيق الآن
شارك
مشاركة
شارك الخبر على فيسبوك
إعلان
نسخة للطباعة
طباعة
عدد المشاهدات: 4496
١٢٠٤ مشاهدة
التعليقات (5)
أضف تعليقا
الوسوم: نفط، كازاخستان
كلمات مفتاحية: تصدير، قمح
جميع الحقوق محفوظة
© 2026 بريد السهوب. جميع الحقوق محفوظة
نستخدم ملفات تعريف الارتباط لتحسين الموقع
الرئيسية › أخبار › طاقة
"""
NO_ARABIC = """
تصوير الأفلام يعود إلى ألماتي
صورة النفط في العام المقبل تبدو أوضح
صور الأقمار الصناعية أظهرت السفن في الميناء.
المصدر الأول للدخل هو النفط.
مصدر: إيران مستعدة للمفاوضات
فيديو الانفجار يثير غضب السكان
تابع الرئيس سير العمل في المصفاة.
تابعوا المباراة رغم المطر، قال المدرب.
اشترك في التمرين ثلاثة آلاف جندي.
انضم إلى قناة الجزيرة مذيع جديد
انضم إلى الحلف بلد ثالث
اقرأ القانون قبل التوقيع، نصحت الوزارة.
شاهد العيان قال إن الحريق بدأ ليلا.
أخبار الحصاد تبشر بالخير
قد يهمل المزارعون الري
للمزيد من الإنتاج تحتاج المزارع إلى الماء.
حمل تطبيق القانون الجديد آثارا على الشركات
شارك الرئيس في القمة.
شارك على رأس وفد كبير في المنتدى
مشاركة المرأة في البرلمان ترتفع
إعلان أستانا يدعو إلى التعاون
نسخة جديدة من القانون أمام البرلمان
طباعة النقود تتوقف
مشاهدة الأفلام الوطنية تضاعفت
١٢٠٤ أطنان من القمح صدرت إلى إيران
جميع الحقوق المدنية يكفلها الدستور
لمتابعة تطبيق القرار شكلت الحكومة لجنة
الرئيسية في الخطة هي المياه
"""


def lines(of: str) -> list[str]:
    return of.strip().split("\n")


@pytest.mark.parametrize("line", [line for of in (ENGLISH, RUSSIAN, KAZAKH, ARABIC) for line in lines(of)])
def test_what_stands_around_an_article_is_boilerplate(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line", [line for of in (NO_ENGLISH, NO_RUSSIAN, NO_KAZAKH, NO_ARABIC) for line in lines(of)]
)
def test_a_sentence_or_a_headline_that_begins_alike_is_not(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize("line", ["Photo: Reuters", "Фото: Reuters", "Сурет: Reuters", "صورة: رويترز"])
def test_what_begins_so_and_goes_on_for_long_is_text(line: str) -> None:
    assert not is_boilerplate(f"{line}. " + "The tankers left the port of Aktau on Monday. " * 4)


@pytest.mark.parametrize(
    "line", ["PHOTO: REUTERS", "[Photo: Reuters]", "→ read also:", "ФОТО: РЕЙТЕР", "Photo:Reuters"]
)
def test_case_and_ornaments_do_not_count(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line", ["", "—", "***", "2026", "Brent | 63.1 | -2 %", "Oil rose → gas fell", "#1 in oil"]
)
def test_marks_and_rows_of_tables_are_not(line: str) -> None:
    assert not is_boilerplate(line)


@given(st.text(max_size=200))
def test_any_line_is_one_or_not(line: str) -> None:
    assert is_boilerplate(line) in (True, False)


def test_no_line_holds_it_up() -> None:
    started = time.perf_counter()
    for first in (
        "photo",
        "follow us",
        "фото",
        "жаңалықтарды",
        "اشترك في",
        "home ›",
        "#a",
        "при использовании",
    ):
        for rest in (" a", ": ", " telegram", " ›", ".", " x", "#a "):
            is_boilerplate((first + rest * 160)[:160])

    assert time.perf_counter() - started < 20
