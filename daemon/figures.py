"""Figures in an article, so that 1,200, 1 200 and ١٢٠٠ agree, and "4.5 million" and "4,5 млн". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_LONGEST_SHOWN = 40
_DIGITS_OF_A_KEY = 6
_MOST_DIGITS = 15

# What stands before the first digit is looked at after it: that is asked of few places.
_BEFORE = r"(?<![^\W_].)(?<![^\W\d_]-.)"
_FIGURE = re.compile(
    rf"(\d{_BEFORE}\d{{0,2}}(?:[ \u00a0\u202f]\d{{3}})+(?!\d)(?:[.,٫]\d+)?|\d{_BEFORE}\d*(?:[.,٫٬،’':]\d+)*)"
    r"(?:[ \u00a0\u202f-]?(%|٪|[^\W\d_]+)\.?(?:[ \u00a0]([^\W\d_]{3,}))?)?"
)
_MONEY = "$€£¥₸₽"
_DECIMAL_COMMA = frozenset({"ru", "kk", "uk", "be", "de", "fr", "es", "it", "tr", "pl", "uz", "ky", "az"})

_SCALES = {
    "k": 1e3, "thousand": 1e3, "тыс": 1e3, "мың": 1e3, "ألف": 1e3, "آلاف": 1e3, "الف": 1e3, "ألفا": 1e3,
    "m": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6, "millions": 1e6, "млн": 1e6, "миллион": 1e6,
    "مليون": 1e6, "ملايين": 1e6, "مليونا": 1e6, "bn": 1e9, "bln": 1e9, "b": 1e9, "billion": 1e9,
    "billions": 1e9, "млрд": 1e9, "миллиард": 1e9, "مليار": 1e9, "مليارات": 1e9, "مليارا": 1e9, "بليون": 1e9,
    "trillion": 1e12, "trln": 1e12, "tn": 1e12, "трлн": 1e12, "триллион": 1e12, "تريليون": 1e12,
}  # fmt: skip
_SEPARATORS = dict.fromkeys(map(ord, " \u00a0\u202f.,٫٬،’':"))
_ASCII = {0x660 + digit: str(digit) for digit in range(10)} | {
    0x6F0 + digit: str(digit) for digit in range(10)
}
_GROUPS = dict.fromkeys(map(ord, " \u00a0\u202f٬’'")) | dict.fromkeys(map(ord, "٫،"), ".")
_SCALE_STEMS = {"тысяч": 1e3, "миллион": 1e6, "миллиард": 1e9, "триллион": 1e12}
_PERCENT = ("%", "٪", "percent", "per", "pct", "процент", "пайыз", "بالمئة", "بالمائة", "في")
_MONTHS = (
    ("jan", "янв", "қаңт", "يناي"), ("feb", "фев", "ақпа", "فبرا"), ("mar", "март", "наур", "مارس"),
    ("apr", "апр", "сәуі", "أبري", "ابري"), ("may", "мая", "май", "мамы", "مايو"),
    ("jun", "июн", "маус", "يوني"), ("jul", "июл", "шілд", "يولي"), ("aug", "авг", "тамы", "أغسط", "اغسط"),
    ("sep", "сен", "қырк", "سبتم"), ("oct", "окт", "қаза", "أكتو", "اكتو"),
    ("nov", "ноя", "қара", "نوفم"), ("dec", "дек", "желт", "ديسم"),
)  # fmt: skip
_MONTH_OF = {stem: number for number, stems in enumerate(_MONTHS, 1) for stem in stems}
_ENGLISH_MONTHS = frozenset(
    "january february march april may june july august september october november december"
    " jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_WORD_BEFORE = re.compile(r"([A-Za-z]{3,9})\.? $")
_NO_UNITS = frozenset(
    """
    and the with from that this were was than then when while who which after before under over into
    have has had are not but for its their more less about between during since until said per
    что это или как чтобы при после было были был под над для его они она также уже ещё еще более менее
    чем против вместо году года лет год время дня день часов часа час минут хотя где через между
    және мен бен пен үшін деп бұл болды болған дейін кейін жылы жыл күні сағат
    على في من إلى عن مع أن إن كما بعد قبل حتى خلال التي الذي بين منذ عام سنة يوم
    year years day days hour hours minute minutes week weeks month months point points
    """.split()
)
_COUNTS = {
    word: str(number)
    for number, words in enumerate(
        (
            "two both двое двух екі екеуі اثنان اثنين", "three трое трёх трех үш үшеу ثلاثة ثلاث",
            "four четверо четыре четырёх четырех төрт төртеу أربعة أربع",
            "five пять пятеро пяти бес бесеу خمسة خمس",
            "six шесть шестеро шести алты алтау ستة ست", "seven семь семеро семи жеті жетеу سبعة سبع",
            "eight восемь восьмеро восьми сегіз ثمانية ثماني", "nine девять девяти тоғыз تسعة تسع",
            "ten десять десяти он عشرة عشر", "eleven одиннадцать одиннадцати", "twelve двенадцать двенадцати",
        ),
        2,
    )
    for word in words.split()
}  # fmt: skip


class Figure(NamedTuple):
    """A number as it stands, its value as a key, and how telling it is: from 0 to 1."""

    shown: str
    key: str
    weight: float
    at: int


def figures(text: str, language: str | None) -> list[Figure]:
    """Numbers in the order they come; years and small bare numbers weigh nothing."""
    found = []
    for match in _FIGURE.finditer(text):
        digits, tail, unit = match[1].translate(_ASCII), match[2], match[3]
        if len(digits) > _MOST_DIGITS:
            continue
        month = _month(text, match.start(), tail)
        figure = _date(digits, month) if month else _plain(digits, tail or "", unit or "", language)
        if figure is not None:
            shown = "" if month else _shown(match, *figure[2:])
            found.append(Figure(shown, figure[0], figure[1], match.start()))
    return found


def counts(words: Iterable[str]) -> set[str]:
    """The keys of the small numbers that stand in words: "five", "пятеро"."""
    return {_COUNTS[word] for word in _COUNTS.keys() & words}


_Read = tuple[
    str, float, bool, bool
]  # key, weight, whether a scale or per cent follows, and a unit after that


def _date(digits: str, month: int) -> _Read | None:
    if not digits.isdecimal() or not 1 <= int(digits) <= 31:
        return None
    return f"{month}-{int(digits)}", 0.3, False, False


@lru_cache(maxsize=1 << 12)
def _plain(digits: str, tail: str, unit: str, language: str | None) -> _Read | None:
    lowered = tail.lower()
    if ":" in digits:
        return f"{digits}", 0.4, False, False
    value = _value(digits, language in _DECIMAL_COMMA)
    if value is None:
        return None
    scale = _scale(lowered)
    percent = lowered.startswith(_PERCENT) and _is_percent(lowered, unit)
    weight = _weight(value, digits, scaled=scale > 1.0, percent=percent)
    number = f"{value * scale:.{_DIGITS_OF_A_KEY}g}"
    return number, weight, scale > 1.0 or percent, _is_unit(unit) and not percent


def _is_percent(lowered: str, unit: str) -> bool:
    if lowered == "per":
        return unit == "cent"
    return unit in ("المئة", "المائة") if lowered == "في" else True


def _weight(value: float, digits: str, *, scaled: bool, percent: bool) -> float:
    """Figures that few events share tell most: many digits that count, or a fraction."""
    plain = digits.translate(_SEPARATORS)
    counting = len(plain.strip("0"))
    whole = len(plain) == len(digits)
    if whole and not scaled and not percent and (value <= 12 or 1900 <= value <= 2100):
        return 0.0
    if counting <= 1:
        return 0.3 if scaled or value >= 1000 else 0.15
    if counting == 2:
        return 0.7 if scaled or value >= 100 else 0.5 if percent or not whole else 0.3
    return 1.0


def _value(digits: str, comma_is_decimal: bool) -> float | None:
    plain = digits.translate(_GROUPS)
    if plain.count(".") > 1:
        parts = plain.split(".")
        if not all(len(part) == 3 for part in parts[1:]):
            return None
        plain = "".join(parts)
    if "," in plain:
        parts = plain.split(",")
        groups = all(len(part) == 3 for part in parts[1:])
        if len(parts) > 2 or (groups and not comma_is_decimal):
            plain = "".join(parts) if groups else ""
        else:
            plain = ".".join(parts) if "." not in plain else ""
    return float(plain) if plain and plain.count(".") <= 1 else None


@lru_cache(maxsize=1 << 12)
def _scale(word: str) -> float:
    exact = _SCALES.get(word)
    if exact is not None:
        return exact
    return next((scale for stem, scale in _SCALE_STEMS.items() if word.startswith(stem)), 1.0)


def _month(text: str, start: int, tail: str | None) -> int:
    # An English month ends in an ASCII letter: other texts need no search.
    if text[max(0, start - 2) : start].isascii():
        before = _WORD_BEFORE.search(text, max(0, start - 11), start)
        if before is not None and before[1].lower() in _ENGLISH_MONTHS:
            return _MONTH_OF[before[1].lower()[:3]]
    if not tail or len(tail) < 3:
        return 0
    word = tail.lower()
    if word.isascii():
        return _MONTH_OF[word[:3]] if word in _ENGLISH_MONTHS else 0
    return _MONTH_OF.get(word[:4]) or _MONTH_OF.get(word[:3], 0)


def _is_unit(word: str) -> bool:
    return len(word) > 2 and not word[0].isupper() and word.lower() not in _NO_UNITS


def _shown(match: re.Match[str], scaled: bool, unit: bool) -> str:
    """The number with its currency, its scale and what it counts, where these stand right beside it."""
    before = match.string[max(0, match.start() - 1) : match.start()]
    start = match.start() - 1 if before and before in _MONEY else match.start()
    end = match.end(1)
    if match[2] and "-" not in match.string[end : match.start(2)]:
        if scaled:
            end = match.end(3) if unit or match[2].lower() in ("per", "في") else match.end(2)
        elif _is_unit(match[2]):
            end = match.end(2)
    return match.string[start:end][:_LONGEST_SHOWN]
