"""The language of a text, from its alphabet and its commonest words.

Unknown is allowed, wrong is not: a neighbour of the four languages that we cannot tell for
sure is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from classifier.transliteration import is_kazakh_in_arabic

SHIPPED = ("en", "ru", "kk", "ar")

_LOOKED_AT = 4000  # characters; an article does not change its language after that
_WORDS_LOOKED_AT = 1600  # characters; more English has so many of its words

# What each Cyrillic alphabet has beyond the Russian one, and letters it must not lack.
_BEYOND_RUSSIAN = {
    "kk": frozenset("әғқңөұүһі"),
    "ky": frozenset("ңөү"),
    "uk": frozenset("іїєґ"),
    "be": frozenset("іў"),
    "tg": frozenset("ғӣқӯҳҷ"),
    "uz": frozenset("ўқғҳ"),
    "tt": frozenset("әөүҗңһ"),
    "ba": frozenset("әғҙҡңөҫүһ"),
    "sr": frozenset("ђјљњћџ"),
    "mk": frozenset("ѓѕјљњќџ"),
    "mn": frozenset("өү"),
}
_CYRILLIC_BEYOND = frozenset().union(*_BEYOND_RUSSIAN.values())
# Bulgarian, which stays within the Russian letters too, has no ы or э, and ъ in every line.
_NOT_BULGARIAN = frozenset("ыэ")

_NOT_ARABIC = frozenset("پچژگڭڤۋۇۆۈېەھیکٹڈڑےںہۀۍ")

# Only words that the neighbours do not have: "in", "was", "will" and "is" are theirs as well.
_ENGLISH = frozenset(
    """
    the of and with from that this which their has have said would about been were they after
    into than more but its who through during against because while where when there these
    those could should between under before since such other
    """.split()
)
_LATIN_WORD = re.compile(r"[^\W\d_]+")


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language that most of `text` is in; None where it is not plain."""
    head = text[:_LOOKED_AT].casefold()
    letters = _letters(head)
    scripts = {
        "latin": sum(n for c, n in letters.items() if c < "ɐ"),
        "cyrillic": sum(n for c, n in letters.items() if "Ѐ" <= c <= "ԯ"),
        "arabic": sum(n for c, n in letters.items() if "\u0600" <= c <= "\u06ff"),
    }
    script = max(scripts, key=lambda name: scripts[name])
    if scripts[script] * 2 <= sum(letters.values()) or not scripts[script]:
        return None
    if script == "cyrillic":
        return _cyrillic(letters, scripts[script])
    if script == "arabic":
        return _arabic(letters, scripts[script])
    return _latin(head)


def _letters(text: str) -> dict[str, int]:
    """How often each letter stands in a text."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = zip(*(array.tolist() for array in np.unique(codes, return_counts=True)), strict=True)
    return {character: times for code, times in found if (character := chr(code)).isalpha()}


def _cyrillic(letters: Mapping[str, int], total: int) -> str | None:
    beyond = {c: n for c, n in letters.items() if c in _CYRILLIC_BEYOND}
    # A Russian article may quote a Kazakh name; a Kazakh one has a letter in five or so.
    if sum(beyond.values()) < 0.02 * total:
        bulgarian = letters.get("ъ", 0) > 0.004 * total and not _NOT_BULGARIAN & letters.keys()
        return None if bulgarian else "ru"
    fitting = [
        code
        for code, alphabet in _BEYOND_RUSSIAN.items()
        if sum(n for c, n in beyond.items() if c in alphabet) >= 0.97 * sum(beyond.values())
    ]
    if "kk" in fitting and beyond.keys() & set("қғұ") and beyond.keys() & set("әңөұүһі"):
        return "kk"
    others = [code for code in fitting if code != "kk"]
    return others[0] if len(others) == 1 else None


def _arabic(letters: Mapping[str, int], total: int) -> str | None:
    if is_kazakh_in_arabic("".join(letter * times for letter, times in letters.items())):
        return "kk" if "ې" not in letters and "ئ" not in letters else None  # Uyghur has these
    foreign = sum(n for c, n in letters.items() if c in _NOT_ARABIC)
    return "ar" if foreign < 0.01 * total else None


def _latin(head: str) -> str | None:
    words = _LATIN_WORD.findall(head, 0, _WORDS_LOOKED_AT)
    known = sum(map(_ENGLISH.__contains__, words))
    return "en" if known and known >= 0.06 * len(words) else None
