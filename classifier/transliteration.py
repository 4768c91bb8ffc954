"""Kazakh in Arabic script ▶ Kazakh in Cyrillic, so that one set of labels serves both.

The letters are those of the reformed (tote) orthography used by Kazakhs in China and by
Qazinform's Arabic-script service. It writes back and front vowels with one letter and marks a
front word with a hamza, unless the word has a letter (ە, ك, گ) that says so by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LETTERS = str.maketrans(
    {
        "ا": "а", "ب": "б", "ۆ": "в", "گ": "г", "ع": "ғ", "د": "д", "ە": "е", "ج": "ж",
        "ز": "з", "ي": "и", "ك": "к", "ق": "қ", "ل": "л", "م": "м", "ن": "н", "ڭ": "ң",
        "و": "о", "پ": "п", "ر": "р", "س": "с", "ت": "т", "ۋ": "у", "ۇ": "ұ", "ف": "ф",
        "ح": "х", "ھ": "һ", "ه": "һ", "چ": "ч", "ش": "ш", "ى": "ы", "ٵ": "ә", "ٶ": "ө", "ٷ": "ү",
        "ٸ": "і", "ٴ": None, "ء": None,
    }
)  # fmt: skip
_FRONTED = str.maketrans("оұы", "өүі")
_FRONT_LETTERS = frozenset("ٴءەكگ")
_HAMZA = frozenset("ٴء")
# Between a vowel and anything the letter for и stands for й.
_GLIDE = re.compile("(?<=[аәеоөұүыі])и")

# Letters that Kazakh writes in every line and Arabic never; Persian and Urdu have other shapes.
_TELLING = "ەۇۋڭۆ"


def is_kazakh_in_arabic(text: str) -> bool:
    """Whether a text in Arabic script is plainly Kazakh: one letter in twenty says so."""
    # Most texts have none of them, which the search for a letter sees faster than we could count.
    if text.isascii() or not any(letter in text for letter in _TELLING):
        return False
    telling = sum(text.count(letter) for letter in _TELLING)
    return telling * 20 > sum("\u0621" <= character <= "\u06d5" for character in text)


def to_cyrillic(words: Iterable[str]) -> list[str]:
    """The words of a Kazakh text in Arabic script, each in Cyrillic letters."""
    return [_word(word) for word in words]


def _word(word: str) -> str:
    plain = _GLIDE.sub("й", word.translate(_LETTERS))
    letters = set(word)
    if letters & _FRONT_LETTERS:
        plain = plain.translate(_FRONTED)
    # The letters that imply a front word also stand in loans such as "сенат", which keep their а.
    return plain.replace("а", "ә") if letters & _HAMZA else plain
