"""Words of a text, and the one way to normalise them, in training and in tagging alike.

A text is split first and each word normalised by itself, so that a word's row can be looked
up by what stood in the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from classifier.transliteration import is_kazakh_in_arabic, to_cyrillic

# Hostile text can be one word of a megabyte; what lies behind this length says nothing.
LONGEST_WORD = 40
LONGEST_TOKEN = 160  # a longer one is taken in pieces, so that none is remembered whole

# Letters, digits and the marks that may stand on a letter (Arabic vowel signs, combining accents).
_WORD = re.compile(rf"[^\W_][\w\u0300-\u036f\u064b-\u065f\u0670]{{0,{LONGEST_TOKEN - 1}}}", re.UNICODE)

_LETTER_VARIANTS = str.maketrans(
    {
        "ё": "е",
        # Arabic: forms of alef, alef maqsura and teh marbuta are written interchangeably.
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ة": "ه",
        # Persian keyboards type these for the Arabic letters.
        "ک": "ك",
        "ی": "ي",
        "ـ": None,  # the stretching stroke
        "_": None,
    }
)


def split(text: str) -> list[str]:
    """The words of a text in order, repeated ones too, as `normalise` takes them.

    They are the words as they stand in the text, except that Kazakh in Arabic script comes in
    Cyrillic letters.
    """
    return as_known(as_written(text), text)


def as_written(text: str) -> list[str]:
    """The words of a text as they stand in it, one for each of `split`."""
    return _WORD.findall(text)


def places(text: str) -> list[tuple[int, int]]:
    """Where each word of `as_written` starts and ends."""
    return [match.span() for match in _WORD.finditer(text)]


def as_known(written: list[str], text: str) -> list[str]:
    """What `split` has for each of the words of a text as they stand in it."""
    return to_cyrillic(written) if is_kazakh_in_arabic(text) else written


@lru_cache(maxsize=65_536)
def normalise(word: str) -> str:
    """The form of a word that the model knows; empty where the word says nothing.

    Unicode NFKC and case folding (UAX #15, Unicode 3.13), without Arabic vowel signs, with
    one letter for each set of Arabic and Cyrillic variants. Numbers and single letters say
    nothing about a topic.
    """
    if word.isascii() and word.isalpha():  # a shorter way to the same
        return word.lower()[:LONGEST_WORD] if len(word) > 1 else ""
    folded = unicodedata.normalize("NFKC", word[: 4 * LONGEST_WORD]).casefold()
    plain = folded.translate(_LETTER_VARIANTS)
    if not plain.isalpha():  # else nothing is to be taken out of it
        decomposed = unicodedata.normalize("NFC", plain)
        plain = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))
        if not any(c.isalpha() for c in plain):
            return ""
    return plain[:LONGEST_WORD] if len(plain) > 1 else ""
