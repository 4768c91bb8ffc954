"""Lines of an article that are not its text: photo credits, "follow us", navigation.

Such a line is known by its first word or its last, and then by all of the rest. Wherever a sentence of
news can begin alike, the rest has to say more: "Photo: Reuters" is a credit, "Photos showed …" is not.
"""

from __future__ import annotations

import re
from functools import cache

_LONGEST = 160  # characters

_FIRST = "\\W*([^\\W_][\\w\u064b-\u0652]*)"
_LAST = r"([^\W_]+)\W*\Z"
_HARAKAT = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0640"
_WRITTEN_ALIKE = str.maketrans("ёأإآةى’", "еاااهي'", _HARAKAT)
_EDGES = " \t\xa0.!…:;,،؛→›»«\"'()[]|•*–—-👇👆👉➡▶►📲🔔📷📸🎥"

# What can be followed, read or joined. Of Arabic without vowel marks and with one alef.
_NETS = (
    r"\b(?:telegram|whatsapp|instagram|facebook|twitter|youtube|tiktok|linkedin|viber|rss|google|vk|x"
    r"|newsletters?|channels?|apps?|social media|breaking news|e-?mail"
    r"|телеграм\w*|ватсап\w*|вотсап\w*|инстаграм\w*|фейсбук\w*|твиттер\w*|ютуб\w*|тикток\w*|вконтакте|дзен\w*"
    r"|канал\w*|рассылк\w*|соцсет\w*|социальн\w+ сет\w+|страниц\w*|паблик\w*|приложени\w+"
    r"|арна\w*|парақша\w*|желі\w*|қосымша\w*"
    r"|(?:وال?|بال?|ال|لل)?(?:فيسبوك|فيس بوك|تويتر|اكس|تليغرام|تلغرام|تيليغرام|تيليجرام|تلجرام|تليجرام|واتساب"
    r"|واتس اب|انستغرام|انستجرام|يوتيوب|تيك توك|تطبيق\w*|نشر(?:تنا|ه)\w*|قنا(?:تنا|ه)|صفحتنا|صفحاتنا"
    r"|منصات\w*|مواقع التواصل))\b"
)
_OURS = (
    r"\b(?:ل|ب)?(?:قناتنا|قنواتنا|نشرتنا|صفحتنا|صفحاتنا|حسابنا|حساباتنا|خدمتنا|مجموعتنا|اخبارنا|موقعنا"
    r"|النشره البريديه|نشره\S* البريديه|القائمه البريديه)\b"
)
_AGENCIES = (
    r"(?:reuters|afp|ap|getty images|bloomberg|bbc|cnn|xinhua|interfax|tass|kazinform|qazinform|tengrinews"
    r"|рейтер|рейтерс|интерфакс\S*|тасс|риа новости|казинформ|qaztag|kaztag|sputnik|спутник|синьхуа"
    r"|رويترز|فرانس برس|وكالات|الاناضول|سبوتنيك|سانا|واس|قنا|شينخوا|كازينفورم"
    r"|\S+\.(?:com|org|net|kz|ru|info))"
)
_NAME = r"\S+(?:\s+\S+){0,6}"  # at most seven words
_ALONE = r""
_COUNT = r"\s*[:(]?\s*[\d\s.,]*\d\s?[kmкт]?(?:ыс|лн)?\.?\)?"
_LIST = r"\s*[:：].*"

_CREDIT = (
    rf"(?:\s+(?:credits?|courtesy|source|by))?\s*[:/|©]\s*{_NAME}"
    rf"|\s+(?:by|courtesy of|courtesy|credit|via)\s+(?!picture|photo|image){_NAME}|\s+(?:{_AGENCIES}|©.*)"
)
_CREDIT_RU = (
    rf"\s*[:/|©]\s*{_NAME}|\s+(?:автора|редакции|с сайта \S+|из (?:личного )?архива.{{0,40}}"
    rf"|из открыт\w+ источник\w+|из соцсетей|пресс-служб\w+.{{0,60}}|носит иллюстративный характер"
    rf"|иллюстративное|для иллюстрации|{_AGENCIES})|(?:\s+(?:и|/)\s+видео)\s*[:/|©]\s*{_NAME}"
)
_CREDIT_KK = (
    rf"\s*[:/|©]\s*{_NAME}|\s+(?:автордан|архивтен|мұрағаттан|ашық (?:дерек)?\s?көз\w*(?:\s+алын\w+)?"
    r"|интернеттен(?:\s+алын\w+)?|ғаламтордан(?:\s+алын\w+)?|көрнекі мақсатта\w*.{0,20})"
)
_CREDIT_AR = (
    rf"\s*[:/|©]\s*{_NAME}|\s+(?:ارشيفيه|من الارشيف|تعبيريه|توضيحيه|{_AGENCIES})(?:\s*[:/|-]\s*{_NAME})?"
)

# First words, and the rest of the line that must follow them, in one line of lower case.
_BY_FIRST = (
    ("photo photos pic pics picture pictures image images graphic", _CREDIT),
    ("video videos footage", rf"(?:\s+(?:credit|courtesy|by))?\s*[:/|©]\s*{_AGENCIES}(?:\s.*)?|\s*©.*"),
    ("фото фотография фотографии снимок фотоколлаж коллаж скриншот инфографика", _CREDIT_RU + r"|\s+видео"),
    ("иллюстративное архивное", r"\s+(?:фото|изображение)(?:\s*[:/|©].*)?"),
    (
        "видео",
        rf"\s*[:/|©]\s*(?:{_AGENCIES}|пресс-служб.*|.*{_NETS}.*|архив.*)|\s+(?:пресс-служб.{{0,60}}|автора)",
    ),
    ("сурет суретті фотосурет фото коллаж", _CREDIT_KK),
    ("суретті", rf"\s+түсірген\s*:?\s*{_NAME}"),
    ("бейне бейнебаян бейнежазба видео", rf"\s*[:/|©]\s*(?:{_AGENCIES}|баспасөз қызмет.*|.*{_NETS}.*)"),
    ("تصوير صوره الصوره صور الصور عدسه", _CREDIT_AR),
    ("فيديو الفيديو", rf"\s*[:/|©]\s*{_AGENCIES}.*"),
    ("source sources", rf"\s*:\s*{_AGENCIES}"),
    ("источник", rf"\s*:\s*{_AGENCIES}"),
    ("дереккөз", rf"\s*:\s*{_AGENCIES}"),
    ("المصدر", rf"\s*:\s*{_AGENCIES}(?:\s*[+/|-]\s*{_NAME})?"),
    # Follow, subscribe, join.
    ("follow", rf"\s+(?:us|me|our|\S+ on)\b.*{_NETS}.*|\s+us|\s+@\S+.*"),
    ("find like", rf"\s+us\s+on\b.*{_NETS}.*"),
    ("subscribe", rf"\s+(?:to|for|now|today|on|via|our|and)\b.*{_NETS}.*|(?:\s+(?:now|here|today|to us))?"),
    ("sign", rf"\s+up\s+(?:for|to|here|now|today)\b.*{_NETS}.*|\s+(?:in|up)"),
    ("join", rf"\s+(?:us|our|the conversation)\b.*{_NETS}.*|\s+the conversation"),
    ("download get", r"\s+(?:our|the)\s+(?:\w+\s+)?(?:mobile\s+)?app(?:\s+(?:now|here|from|on|for)\b.*)?"),
    ("stay", r"\s+(?:tuned|connected|updated|informed)(?:\s+(?:with|on)\s.*)?"),
    (
        "подписывайтесь подписывайся подпишитесь подпишись подписаться",
        rf"(?:\s+(?:на|и|в)\b.*{_NETS}.*|\s+на (?:нас|новости|обновления)\b.*)?",
    ),
    (
        "следите следи",
        rf"\s+за\s+(?:нами|нашими новостями|новостями|обновлениями)(?:\s+(?:в|на)\b.*{_NETS}.*)?",
    ),
    ("читайте читай", rf"\s+(?:нас|наши новости|новости|больше новостей|и подписывайтесь)\b.*{_NETS}.*"),
    ("читайте читай читать смотрите смотреть слушайте", r"\s+(?:также|еще|далее|по теме|полностью)\b.*"),
    ("присоединяйтесь вступайте", rf"\s+(?:к|в)\b.*{_NETS}.*|\s+к нам"),
    ("больше", rf"\s+(?:новостей|интересного|важных новостей)\b.*(?:{_NETS}.*|\s(?:сайте|здесь|тут)\b.*)"),
    ("узнавайте будьте", rf"\s+(?:о|новости|первыми|в курсе)\b.*{_NETS}.*"),
    ("мы", r"\s+в\s+(?:соцсетях|социальных сетях|telegram|instagram|facebook)(?:\s*:.*|\s+@?\S+)?"),
    ("наш наши", r"\s+(?:telegram|телеграм|instagram|youtube)\S*(?:\s+канал)?(?:\s*:.*|\s+@\S+)?"),
    ("оставайтесь", r"\s+(?:с нами|на связи|в курсе)\b.*"),
    ("жазылыңыз жазылыңыздар", rf"(?:.*{_NETS}.*)?"),
    ("біздің бізге бізді", rf".*{_NETS}.*(?:жазыл|тіркел|оқы|қосыл)\w*|\s+(?:жазылыңыз|қосылыңыз)"),
    (
        "telegram instagram whatsapp facebook youtube",
        r".*(?:жазылыңыз|қосылыңыз|тіркеліңіз|оқыңыз)(?:дар)?|\S*\s.*\b(?:жазылып|тіркеліп)\b.*(?:біл|оқы)\w*.*",
    ),
    ("жаңалықтарды жедел соңғы", rf".*{_NETS}.*(?:жазыл|тіркел|оқы|қосыл)\w*"),
    ("تابعونا تابعنا", rf"(?:\s+(?:علي|عبر|في)\b.*{_NETS}.*)?"),
    ("تابعوا تابع", r"\s+(?:اخبارنا|صفحتنا|حساباتنا|قناتنا|احدث الاخبار|اخر الاخبار)\b.*"),
    ("اشترك اشتركوا انضم انضموا", rf"(?:\s+(?:في|الي|الان|ب\w*)\b.*{_OURS}.*|\s+الان)"),
    ("لمتابعه للاشتراك للمزيد لمزيد", rf".*(?:{_OURS}|(?:اضغط|انقر|اضغطوا)\s+هنا).*"),
    ("حمل حملوا", r"\s+(?:تطبيقنا|التطبيق)(?:\s+(?:الان|من|علي|مجانا)\b.*)?|\s+تطبيق\s+\S+"),
    # Other articles.
    (
        "read",
        r"\s+(?:also|more|next|further|full story|the full story)(?:\s*[:|>].*|\s+(?:on|about|at|here)\b.*)?",
    ),
    ("also", r"\s+(?:read|see|watch)\s*:?.*"),
    ("see watch", r"\s+also\b.*"),
    (
        "related recommended",
        r"(?:\s+(?:articles?|news|stories|story|topics?|content|coverage|links?|posts?|for you))?",
    ),
    ("related", _LIST),
    (
        "more",
        r"\s+(?:on|from|in)\s+(?:this|the same)\s+(?:story|topic|section|author).*|\s+(?:news|stories)",
    ),
    ("you", r"\s+(?:may|might)\s+(?:also\s+)?(?:like|be interested).{0,40}"),
    ("most", r"\s+(?:read|popular|viewed|shared)"),
    ("latest top trending", r"\s+(?:news|stories|headlines|now)"),
    ("по", r"\s+теме(?:\s*[:：].*)?"),
    ("материалы новости статьи", r"\s+по\s+теме.*|\s+(?:партнеров|партнёров)"),
    ("похожие связанные", r"\s+(?:новости|материалы|статьи|темы)(?:\s*:.*)?"),
    (
        "самое самые все последние главные",
        r"\s+(?:читаемое|читаемые|популярное|новости)(?:\s+(?:дня|часа|недели))?",
    ),
    ("сондай", r"-ақ\s+(?:оқыңыз|оқи отырыңыз|қараңыз|көріңіз)\b.*"),
    ("тағы", r"\s+(?:да\s+)?(?:оқыңыз|оқи отырыңыз|қараңыз)\b.*"),
    ("оқи", r"\s+отырыңыз(?:дар)?\b.*"),
    ("оқыңыз оқыңыздар", r"(?:\s*:.*)?"),
    ("тақырып тақырыпқа", r"\s+(?:бойынша|қатысты)(?:\s+(?:жаңалықтар|материалдар))?(?:\s*:.*)?"),
    ("ұқсас басқа өзге", r"\s+(?:жаңалықтар|материалдар|мақалалар)(?:\s*:.*)?"),
    ("толығырақ", r"(?:\s+(?:оқу|оқыңыз))?(?:\s*:.*)?"),
    ("اقرا شاهد", r"\s+(?:ايضا|المزيد|كذلك)\b.*"),
    ("طالع", r"\s+(?:ايضا|المزيد)\b.*"),
    ("اخبار مواضيع مقالات موضوعات", r"\s+(?:ذات صله|متعلقه|مشابهه|قد تهمك)\b.*"),
    ("المزيد", r"(?:\s+(?:من الاخبار|من المقالات|حول هذا الموضوع))?"),
    ("قد", r"\s+(?:يهمك|يعجبك)(?:\s+ايضا)?\s*:?.*"),
    # Buttons, counters, advertising.
    (
        "share",
        rf"(?:\s+(?:this|on|via|article|story|the)\b.{{0,15}}(?:{_NETS}.*|article|story|post|page|link)?)?\s*:?",
    ),
    ("print", r"(?:\s+(?:version|this (?:page|article)|article))?"),
    (
        "advertisement advertising advert sponsored",
        r"(?:\s+(?:content|feature|by\s+\S+.*)|\s*[:–-]?\s*continue.*)?",
    ),
    ("continue", r"\s+reading\b.{0,60}"),
    ("comments comment", rf"(?:{_COUNT})?"),
    ("leave post add", r"\s+a\s+(?:comment|reply)"),
    ("views viewed reads shares", _COUNT),
    ("reading", r"\s+time\s*:?\s*\d.{0,15}"),
    ("listen", r"\s+to\s+(?:this\s+)?(?:article|story).{0,20}"),
    ("tags tag keywords topics hashtags", _LIST),
    ("filed", r"\s+under\b.*"),
    ("поделиться поделитесь", r"(?:\s+(?:в|с|на|новостью|статьей|ссылкой|публикацией|этой)\b.{0,60})?\s*:?"),
    ("версия", r"\s+для\s+печати"),
    ("распечатать печать", _ALONE),
    ("реклама", r"(?:\s*[.:|].*\b(?:ооо|тоо|ип|ао|erid)\b.*|\s+на сайте)?"),
    ("просмотров просмотры прочитано прочитали", _COUNT),
    ("комментарии комментарий комментариев", rf"(?:{_COUNT})?"),
    ("оставить оставьте", r"\s+комментарий"),
    ("время", r"\s+(?:чтения|прочтения)\s*:?\s*\S.{0,15}"),
    ("теги тэги метки", _LIST),
    ("ключевые", r"\s+слова\s*:.*"),
    ("нашли заметили", r"\s+(?:ошибку|опечатку)\b.*"),
    ("если", r"\s+вы\s+(?:нашли|обнаружили|заметили)\s+(?:ошибку|опечатку)\b.*"),
    ("бөлісу бөлісіңіз", r"(?:\s*:.*)?"),
    ("достарыңызбен", r"\s+бөлісіңіз"),
    ("басып", r"\s+шығару(?:\s+нұсқасы)?"),
    ("жарнама", r"(?:\s*[.:|].*\b(?:жшс|тоо|жк|ақ)\b.*)?"),
    ("қаралды қаралым оқылды", _COUNT),
    ("пікірлер пікір", rf"(?:{_COUNT}|\s+(?:қалдыру|жазу|қалдырыңыз))?"),
    ("оқу", r"\s+уақыты\s*:?\s*\d.{0,15}"),
    ("тегтер тэгтер тегі", _LIST),
    ("кілт", r"\s+сөздер\s*:.*"),
    ("қате", r"\s+(?:таптыңыз|байқадыңыз)\s+ба\b.*"),
    (
        "شارك مشاركه شاركها",
        rf"(?:\s+(?:الخبر|المقال|المقاله|الموضوع|هذا الخبر)(?:\s.*)?|\s+(?:علي|عبر)\b.{{0,10}}{_NETS}.*)?",
    ),
    ("طباعه اطبع", r"(?:\s+(?:الخبر|المقال|الصفحه))?"),
    ("نسخه", r"\s+(?:للطباعه|قابله للطباعه)"),
    ("اعلان اعلانات", _ALONE),
    ("مشاهدات المشاهدات مشاهده", _COUNT),
    ("عدد", rf"\s+(?:المشاهدات|القراءات|الزيارات)(?:{_COUNT})"),
    ("التعليقات تعليقات تعليق", rf"(?:{_COUNT})?"),
    ("اضف اترك", r"\s+(?:تعليقا?|تعليقك)(?:\s.{0,20})?"),
    ("الوسوم وسوم تاغات", _LIST),
    ("كلمات الكلمات", r"\s+(?:مفتاحيه|المفتاحيه|دلاليه|الدلاليه)\s*:?.*"),
    ("مده وقت", r"\s+القراءه\s*:?\s*\d.{0,15}"),
    # Rights and cookies.
    ("copyright", r"\s*(?:©|\(c\)|[:\d]).*"),
    ("c", r"\)\s*\d{4}.*"),
    ("all", r"\s+rights\s+(?:are\s+)?reserved\b.*"),
    ("все", r"\s+права\s+(?:защищены|сохранены|принадлежат)\b.*"),
    ("при", r"\s+(?:использовании|перепечатке|цитировании|копировании)\s.*(?:ссылк\w+|гиперссылк\w+).*"),
    (
        "перепечатка использование копирование",
        r"\s+(?:любых\s+)?материалов\b.*\b(?:сайта|портала|ссылк|согласи|разрешен|редакци)\w*.*",
    ),
    ("барлық", r"\s+құқық\w*\s+(?:қорғалған|сақталған)(?:[.,©].*)?"),
    ("материалды материалдарды сайт", r".*(?:сілтеме|гиперсілтеме)\w*.*"),
    ("جميع كل", r"\s+(?:ال)?حقوق\s+(?:النشر\s+)?محفوظه.*"),
    ("حقوق", r"\s+(?:النشر|الطبع|الملكيه)(?:\s+محفوظه.*|\s*©.*)"),
    ("we", r"\s+use\s+cookies\b.*"),
    ("this our", r"\s+(?:web)?site\s+uses\s+cookies\b.*"),
    ("by", r"\s+(?:continuing|using)\b.*\bcookies\b.*"),
    ("accept", r"\s+(?:all\s+)?cookies"),
    ("мы", r"\s+используем\s+(?:файлы\s+)?(?:cookies?|куки)\b.*"),
    ("сайт этот наш", r".*\bиспользу\w+\s+(?:файлы\s+)?(?:cookies?|куки)\b.*"),
    ("біз бұл", r".*\bcookies?\b.*(?:пайдалан|қолдан)\w*.*"),
    ("نستخدم يستخدم", r".*(?:ملفات تعريف الارتباط|الكوكيز|cookies).*"),
    # Where in the site one is.
    ("home homepage", r"\s*[›»>/|→].*"),
    ("главная", r"(?:\s+страница)?\s*[›»>/|→].*"),
    ("басты", r"\s+бет(?:\s*[›»>/|→].*)?"),
    ("الرئيسيه", r"(?:\s*[›»>/|→←«].*)?"),
    ("skip", r"\s+to\s+(?:main\s+)?(?:content|navigation)"),
    ("back", r"\s+to\s+(?:top|home|news)"),
    ("наверх", _ALONE),
    ("العوده", r"\s+(?:الي\s+)?(?:الاعلي|الصفحه الرئيسيه|للاعلي)"),
)
# Last words, and what must stand before them.
_BY_LAST = (
    ("reserved", r".{0,90}\ball rights\s+"),
    ("защищены", r".{0,90}\bвсе права\s+"),
    ("қорғалған", r".{0,90}\bбарлық құқық\w*\s+"),
    ("محفوظه", r".{0,90}\b(?:جميع|كل) الحقوق\s+"),
    ("жазылыңыз жазылыңыздар қосылыңыз қосылыңыздар", rf".{{0,90}}{_NETS}\S*\s+"),
    ("views reads shares comments", r"[\d\s.,]*\d[km]?\s+"),
    ("read", r"\d+[\s-]+min(?:ute)?s?\s+"),
    ("просмотров просмотра просмотр просмотры", r"[\d\s.,]*\d\s+"),
    ("комментариев комментария комментарий", r"[\d\s.,]*\d\s+"),
    ("қаралды оқылды", r"[\d\s.,]*\d\s+(?:рет\s+)?"),
    ("қаралым пікір", r"[\d\s.,]*\d\s+"),
    ("مشاهده مشاهدات قراءه", r"[\d\s.,]*\d\s+"),
)
_CRUMBS = r"[^›|→\d.]{2,30}(?:\s[›|→]\s[^›|→\d.]{2,30}){2,}"
_HASHTAGS = r"#\w+(?:[\s,]+#\w+)*"


def is_boilerplate(line: str) -> bool:
    """Whether a line says nothing of what the article is about. Never a sentence of news.

    A million articles are asked of each line: what begins and ends like none is told by a few letters.
    """
    if not line or len(line) > _LONGEST:
        return False
    if line[:3].lower() in _HEADS or not line[:1].isalpha():
        return _is_one(line.strip())
    end = line[-4:].lower()
    if end[1:] in _TAILS or end[:3] in _TAILS or "›" in line or "|" in line or "→" in line:
        return _is_one(line.strip())
    return False


def _is_one(line: str) -> bool:
    first = _compiled(_FIRST).match(line)
    if not first:
        return False
    known = _index("first").get(_plain(first[1]), ())
    rest = _plain(line[first.end() :])
    return any(_compiled(each).fullmatch(rest) for each in known) or _ends_so(line) or _is_list_of_links(line)


def _ends_so(line: str) -> bool:
    last = _compiled(_LAST).search(line, max(len(line) - 30, 0))
    known = _index("last").get(_plain(last[1]), ()) if last else ()
    if not last or not known:
        return False
    before = line[: last.start()].casefold().translate(_WRITTEN_ALIKE).lstrip(_EDGES)
    return any(_compiled(each).fullmatch(before) for each in known)


def _is_list_of_links(line: str) -> bool:
    if line[0] == "©" or (line.startswith("http") and " " not in line):
        return True
    if line[0] == "#":
        return _compiled(_HASHTAGS).fullmatch(line) is not None
    return ("›" in line or "|" in line or "→" in line) and _compiled(_CRUMBS).fullmatch(line) is not None


def _plain(rest: str) -> str:
    return rest.casefold().translate(_WRITTEN_ALIKE).rstrip(_EDGES)


@cache
def _index(place: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for words, rest in _BY_FIRST if place == "first" else _BY_LAST:
        for word in words.split():
            found[word] = (*found.get(word, ()), rest)
    return found


@cache
def _compiled(rest: str) -> re.Pattern[str]:
    return re.compile(rest, re.DOTALL)


def _variants(letters: str) -> set[str]:
    """The ways to write what is here written in one."""
    found = {""}
    for letter in letters:
        found = {start + each for start in found for each in _WAYS.get(letter, letter)}
    return found


_WAYS = {"ا": "اأإآ", "ه": "هة", "ي": "يى", "е": "её"}
_HEADS = {each for words, _ in _BY_FIRST for word in words.split() for each in _variants(word[:3])}
_HEADS |= {each + after for each in _HEADS if len(each) < 3 for after in " :"} | {"حمّ", "htt"}
_TAILS = {each for words, _ in _BY_LAST for word in words.split() for each in _variants(word[-3:])}
