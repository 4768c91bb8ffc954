"""Dates as files write them ▶ ISO 8601, as exact as they were; None for what is not plainly one.

A line is looked at word by word, and the first that no date has ends it: no pattern is compiled for
it, so that most lines cost next to nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

_LONGEST = 80  # characters of a line that is nothing but a date
_FIRST_YEAR = 1900
_AHEAD = 2  # years that a date may be ahead of now
_MOSCOW_SINCE = 2015  # the first whole year in which Moscow's time was never changed

# In their order, in every form that stands beside a day and a year; Arabic by all its four customs.
_MONTHS = """
january jan | february feb | march mar | april apr | may | june jun | july jul | august aug
| september sept sep | october oct | november nov | december dec

январь января янв | февраль февраля фев февр | март марта мар | апрель апреля апр | май мая | июнь июня июн
| июль июля июл | август августа авг | сентябрь сентября сен сент | октябрь октября окт
| ноябрь ноября ноя нояб | декабрь декабря дек

қаңтар қаң | ақпан ақп | наурыз нау | сәуір сәу | мамыр мам | маусым мау | шілде шіл | тамыз там
| қыркүйек қыр | қазан қаз | қараша қар | желтоқсан жел

يناير جانفي كانون_الثاني | فبراير شباط فيفري | مارس آذار | أبريل إبريل نيسان أفريل | مايو أيار ماي
| يونيو حزيران جوان | يوليو تموز جويلية يوليوز | أغسطس آب أوت غشت | سبتمبر أيلول شتنبر
| أكتوبر تشرين_الأول | نوفمبر تشرين_الثاني نونبر | ديسمبر كانون_الأول دجنبر
"""
# Words that stand beside a date and change nothing of it: days of the week, "published", "year", "at".
_BESIDE = """
monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday sat sunday sun
понедельник пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс
дүйсенбі дс сейсенбі сс сәрсенбі бейсенбі бс жұма жм сенбі сн жексенбі жк
الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد يوم
published posted updated last date on at of st nd rd th
опубликовано обновлено дата публикации в г год года
жарияланды жарияланған жаңартылды күні сағат ж жыл жылы жылғы
نشر في تاريخ النشر آخر تحديث التاريخ الساعة م عام
"""
_YEAR_FIRST = frozenset("ж жыл жылы жылғы".split())  # "2026 жылғы 21 қараша"
_TWO_WORDS = re.compile(r"(تشرين|كانون) (الاول|الثاني)")

_WRITTEN_ALIKE = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹أإآ", "01234567890123456789ااا")
_HAS_YEAR = re.compile(r"\d{4}")
_PART = re.compile(
    r"(?P<time>\d{1,2}:\d\d(?::\d\d)?(?![\d:]))"
    r"|(?P<zone>(?:utc|gmt)? ?[+-]\d\d:?\d\d\b|(?:utc|gmt) ?[+-] ?\d{1,2}\b)"
    r"|(?P<date>\d{4}-\d\d-\d\d\b|\d{1,2}\.\d{1,2}\.\d{4}\b|\d{1,2}/\d{1,2}/\d{4}\b)"
    r"|(?P<number>\d+)|(?P<word>[^\W\d]+)|(?P<mark>[\s,،.|()/–—:-])"
)
# What a line must come down to: day, month and year in an order, or a whole date; then the time and its zone.
_ORDER = re.compile(r"(?:DMY|MDY|YkDM|F)(?:Th?Z?)?|Th?Z?(?:DMY|MDY|YkDM|F)")

# Which names of zones say one offset, whoever says them. The others leave a time without a zone.
_ZONES = {"z": 0, "utc": 0, "gmt": 0, "غرينتش": 0, "جرينتش": 0, "гринвичу": 0, "msk": 3, "мск": 3}
_VAGUE_ZONES = frozenset("est edt et cst cdt ct mst mdt pst pdt pt bst ist cet cest eet eest".split())
_BESIDE_ZONES = frozenset("بتوقيت по".split())
_HALVES = {"am": 0, "pm": 12}
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-]) ?(\d{1,2}?)(?::?(\d\d))?", re.ASCII)

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(z|Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_OF_MAIL = re.compile(
    r"(?:[A-Za-z]{3,9}, ?)?\d{1,2} [A-Za-z]{3,9} (?:\d{4}|\d\d) \d{1,2}:\d\d(?::\d\d)?"
    r"(?: ([A-Z]{1,5}|[+-]\d{4}))?(?: \([^()]{0,40}\))?",
    re.ASCII,
)


def of_line(line: str) -> str | None:
    """The date of a line that is nothing else, with its time and zone where they stand there too.

    A date of figures alone counts where day and month cannot be taken for each other.
    """
    if len(line) > 2 * _LONGEST or not _HAS_YEAR.search(line):
        return None
    line = line.strip()
    if len(line) > _LONGEST:
        return None
    line = " ".join(line.lower().translate(_WRITTEN_ALIKE).split())
    if line[:4].isdigit() and (match := _ISO.fullmatch(line.upper())):
        return _of_iso(match)
    return _of_words(_TWO_WORDS.sub(r"\1_\2", line))


def of_machine(given: object) -> str | None:
    """A date as programs write it, ISO 8601 or that of a mail, with its zone where it has one."""
    if not isinstance(given, str) or len(given) > 2 * _LONGEST:
        return None
    text = given.strip()
    if match := _ISO.fullmatch(text):
        return _of_iso(match)
    if match := _OF_MAIL.fullmatch(text):
        return _of_mail(text, match[1])
    return None


def _of_iso(match: re.Match[str]) -> str | None:
    year, month, day, time, zone = match.groups()
    return _composed(_date(int(year), int(month), int(day)), time, zone)


def _of_mail(text: str, zone: str | None) -> str | None:
    from email.utils import parsedate_tz

    found = parsedate_tz(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = found[:6]
    # "-0000" says that the zone is not known.
    time = f"{hour:02}:{minute:02}:{second:02}"
    return _composed(_date(year, month, day), time, None if zone == "-0000" else zone)


class _Parts:
    """What is found of a date in a line, and in which order."""

    def __init__(self) -> None:
        self.order = ""
        self.day = self.month = self.year = 0
        self.time: str | None = None
        self.zone: str | None = None

    def take(self, kind: str, text: str) -> bool:
        """Take the next part of the line. Whether a date may have it."""
        match kind:
            case "mark":
                return True
            case "time":
                self.order, self.time = self.order + "T", text
            case "zone":
                self.order, self.zone = self.order + "Z", text
            case "date":
                return self._take_date(text)
            case "number":
                return self._take_number(text)
            case _:
                return self._take_word(text)
        return True

    def _take_date(self, text: str) -> bool:
        first, second, third = (int(part) for part in re.split(r"[-./]", text))
        if "-" in text:
            self.year, self.month, self.day = first, second, third
        else:
            self.day, self.month, self.year = first, second, third
        self.order += "F"
        # 03/04/2026 is in April here and in March there.
        return "/" not in text or self.day > 12 or self.day == self.month

    def _take_number(self, text: str) -> bool:
        if len(text) == 4:
            self.order, self.year = self.order + "Y", int(text)
        else:
            self.order, self.day = self.order + "D", int(text)
        return len(text) in (1, 2, 4)

    def _take_word(self, word: str) -> bool:
        months = _months()
        if word in months:
            return self._take_month(months[word])
        if word in _YEAR_FIRST and self.order == "Y":
            self.order += "k"
            return True
        if word in _ZONES or word in _VAGUE_ZONES:
            self.order, self.zone = self.order + "Z", word
            return True
        if word in _HALVES and self.order.endswith("T"):
            self.order, self.time = self.order + "h", _of_half(self.time or "", word)
            return self.time is not None
        return word in _beside()

    def _take_month(self, month: int) -> bool:
        if self.order.endswith("M"):
            return month == self.month  # under two names: "تشرين الثاني/نوفمبر"
        self.order, self.month = self.order + "M", month
        return True


def _of_words(line: str) -> str | None:
    parts, place = _Parts(), 0
    while place < len(line):
        match = _PART.match(line, place)
        if not match or not parts.take(str(match.lastgroup), match[0].strip()):
            return None
        place = match.end()
    if not _ORDER.fullmatch(parts.order):
        return None
    return _composed(_date(parts.year, parts.month, parts.day), parts.time, parts.zone)


def _of_half(time: str, half: str) -> str | None:
    hour, _, rest = time.partition(":")
    return f"{int(hour) % 12 + _HALVES[half]:02}:{rest}" if 1 <= int(hour) <= 12 else None


def _date(year: int, month: int, day: int) -> date | None:
    if not _FIRST_YEAR <= year <= datetime.now(tz=UTC).year + _AHEAD:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _composed(whole: date | None, time: str | None, zone: str | None) -> str | None:
    """The date with what there is of a time and a zone; None where one of them is impossible."""
    if not whole or not time:
        return whole.isoformat() if whole else None
    hour, minute, *second = map(int, time.replace(",", ".").partition(".")[0].split(":"))
    try:
        moment = datetime(whole.year, whole.month, whole.day, hour, minute, sum(second))
        if zone and (offset := _offset(zone.lower(), whole)) is not None:
            moment = moment.replace(tzinfo=timezone(offset))
    except ValueError:
        return None
    return moment.isoformat(timespec="seconds" if second else "minutes")


def _offset(zone: str, when: date) -> timedelta | None:
    """Of a zone's name or number; None for a name that does not say one offset."""
    if zone in _ZONES:
        sure = _ZONES[zone] == 0 or when.year >= _MOSCOW_SINCE
        return timedelta(hours=_ZONES[zone]) if sure else None
    match = _OFFSET.fullmatch(zone)
    if not match:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > timedelta(hours=14):
        raise ValueError(zone)
    return -offset if match[1] == "-" else offset


@cache
def _months() -> dict[str, int]:
    found: dict[str, int] = {}
    for language in _MONTHS.translate(_WRITTEN_ALIKE).strip().split("\n\n"):
        for number, names in enumerate(language.split("|"), 1):
            found.update(dict.fromkeys(names.split(), number))
    return found


@cache
def _beside() -> frozenset[str]:
    return frozenset(_BESIDE.translate(_WRITTEN_ALIKE).split()) | _BESIDE_ZONES
