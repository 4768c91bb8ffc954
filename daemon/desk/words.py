"""Words as the index knows them: one spelling for what people write in several. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 40  # characters of a word
_LONGEST_TOKEN = 160

# Marks that stand on a letter, and signs within a word that nobody sees: Arabic vowel signs, accents,
# soft hyphens, joiners.
_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u00ad\u200b-\u200f\u2060\ufeff"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}]){{0,{_LONGEST_TOKEN - 1}}}")

_SHORT_I = "и\u0306"
_ONE_LETTER = str.maketrans(
    {
        # Alef maqsura, teh marbuta and the letters of Persian keyboards are written for these.
        "ى": "ي",
        "ی": "ي",
        "ة": "ه",
        "ک": "ك",
        "ٱ": "ا",
        "ـ": None,  # the stretching stroke
    }
    | {sign: str(place % 10) for place, sign in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
)
# The article "the" with what is written in one word with it (light10: Larkey, Ballesteros and Connell,
# "Improving stemming for Arabic information retrieval", 2002).
_ARABIC_ARTICLE = re.compile(r"(?:[وبكف]?ال|لل)(?=\w{3})")
# Endings that change with what a word does in a sentence.
_ENDING = re.compile(r"(?<=[а-яёәғқңөұүһі]{4})[аеиоуыэюяйьәіөүұ]{1,2}$|(?<=[a-z]{4})(?:ies|(?<!s)s)$")


def words(text: str) -> list[str]:
    """The words of a text in order, numbers too, each in its one spelling.

    Small letters without accents, Arabic vowel signs, stretching and the Arabic article; ё is е, while
    й and the letters of Kazakh stay what they are. Letters and digits alone, at most LONGEST of them.
    """
    return [plain for word in _WORD.findall(text) if (plain := _plain(word))]


def beginning(word: str) -> str:
    """What the forms of a word begin with, as far as its last letters tell: `words` of a text of one."""
    return _ENDING.sub("", word)


@lru_cache(maxsize=65_536)
def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()[:LONGEST]
    folded = unicodedata.normalize("NFKD", word).casefold().translate(_ONE_LETTER).replace(_SHORT_I, "й")
    plain = folded if folded.isalnum() else "".join(sign for sign in folded if sign.isalnum())
    article = _ARABIC_ARTICLE.match(plain)
    return plain[article.end() if article else 0 :][:LONGEST]
