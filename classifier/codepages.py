"""Which code page bytes are in: the one in which their letters are most like a language's.

Measured before it was written: guessing from the shapes of bytes takes one Cyrillic code page for
another in texts of a few hundred bytes. How often each letter stands in the languages we read, and
where capitals stand, tells them apart in a few words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice

# How often each letter stands in news, in ten thousands.
_LETTERS = {
    "russian": (
        "о969 а891 е807 и778 т674 н616 р592 с553 в460 л456 к336 п334 д332 м273 у261 з190 ы190 я169 г158"
        " б153 ь133 ч114 й112 х86 ж74 ц71 ю65 ш65 ф32 щ30 э18 ъ6 ё5 і9 ї3 є3 ґ1 ў3"
    ),
    "russian with Kazakh names": (
        "о969 а891 е807 и778 т674 н616 р592 с553 в460 л456 к336 п334 д332 м273 у261 з190 ы190 я169 г158"
        " б153 ь133 ч114 й112 х86 ж74 ц71 ю65 ш65 ф32 щ30 э18 ъ6 ё5 і9 қ4 ң3 ғ3 ә3 ө3 ұ3 ү3 һ1"
    ),
    "kazakh": (
        "а1275 ы784 е735 н719 т674 р554 і521 л497 д426 с412 к308 м279 қ275 о254 б210 и203 ғ187 п183 у177"
        " ж166 й151 ш148 з134 ң131 г123 ө84 ү83 ұ78 я52 ә52 в26 х22 ц21 ф18 э13 ь12 ч5 ю4 һ2 щ1 ъ1 ё1"
    ),
    "arabic": (
        "ا1466 ل1098 ي706 م617 و536 ر529 ن501 ت497 ة360 ب354 ع330 د300 ف278 س268 ق254 أ203 ح180 ه180"
        " ك155 ج146 ط114 ش113 ص109 إ104 ى88 خ86 ز82 ث65 ض63 ئ59 غ51 ء36 ذ33 ظ24 آ8 ؤ8 پ3 چ3 ژ2 گ5"
        " ک2 ی2 ه2 ً4 َ2 ُ2 ِ2 ّ4 ْ1 ٌ1 ٍ1 ـ1"
    ),
    "latin": (
        "e1270 t906 a817 o751 i697 n675 s633 h609 r599 d425 l403 c278 u276 m241 w236 f223 g202 y197 p193"
        " b149 v98 k77 x15 j15 q10 z7 é90 è30 à25 ç15 ê12 ü40 ö35 ä35 ß15 á25 í25 ó30 ñ20 ú10 ã15 õ8 å15"
        " ø12 æ8 â6 î5 ï4 ô6 û4 ë4 ù4 ì2 ò3 œ2 š4 ž3 ý2 ð1 þ1"
    ),
}
_SAID_OF = (  # a code page and the letters expected in it; of those that fit alike the first is taken
    ("cp1252", "latin"),
    ("cp1251", "russian"),
    ("koi8_r", "russian"),
    ("cp1256", "arabic"),
    ("iso8859_6", "arabic"),
    ("kz1048", "kazakh"),
    ("kz1048", "russian with Kazakh names"),
    ("cp866", "russian"),
    ("iso8859_5", "russian"),
    ("mac_cyrillic", "russian"),
)
PAGES = frozenset(page for page, _ in _SAID_OF)
_SIGNS = "«»“”„‘’‚…–—№،؛؟"  # what stands in news beside letters; and what does now and then
_RARER_SIGNS = "•·°€™©®§\xa0±£"
_SIGN, _RARER_SIGN, _RARE, _STRANGE = -5.5, -8.0, -9.5, -12.0

_OTHER, _SMALL, _CAPITAL, _LATIN_SMALL, _LATIN_CAPITAL = range(5)
_IN_A_WORD = -7.0  # the cost of a capital behind a small letter, and of two scripts in one word
_COSTS = (  # of a kind of character behind another
    (0.0, 0.0, -1.5, 0.0, -1.5),
    (0.0, 0.0, _IN_A_WORD, _IN_A_WORD, _IN_A_WORD),
    (0.0, 0.0, -0.2, _IN_A_WORD, _IN_A_WORD),
    (0.0, _IN_A_WORD, _IN_A_WORD, 0.0, _IN_A_WORD),
    (0.0, _IN_A_WORD, _IN_A_WORD, 0.0, -0.2),
)

_VOWELS = frozenset("аеёиоуыэюяіїєәөұүАЕЁИОУЫЭЮЯІЇЄӘӨҰҮ")
_NO_SYLLABLE = -0.7  # the cost of two vowels or two consonants that meet

_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_THREE = re.compile(rb"[\x80-\xff]{3}")
_ASCII = bytes(range(128))
_KAZAKH = re.compile(rb"[\x8d\x9d\xaa\xba\xbd\xbe]")  # қ, ғ and ң in kz1048
_MOST_WITHOUT = 80  # letters of Kazakh in which none of these need be
_MOST_BYTES = 1500  # looked at
_LEAST_LIKELY = -5.6  # a character, on the average; noise is below, the strangest headline above
_SURELY_BETTER = 1.0
_SURELY, _FEW = -3.4, 60  # a text of ours, whatever it says; of so few bytes nothing is sure
_OF_OTHER_SCRIPTS = frozenset(
    """
    cp1250 cp1253 cp1254 cp1255 cp1257 cp1258 cp437 cp850 cp852 cp874 iso8859_2 iso8859_3 iso8859_4
    iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_13 iso8859_14 iso8859_15 iso8859_16 mac_roman
    mac_latin2 mac_turkish mac_greek
    """.split()
)


def guess(data: bytes) -> str | None:
    """The code page that bytes are most likely in; None where they are text in none of ours."""
    if not _THREE.search(data) and len(data.translate(None, _ASCII)) * 10 <= len(data):
        return "cp1252"  # an accent, a dash or a sign of money now and then
    sample = _sample(data)
    likely, page = _best(sample)
    return page if likely > _LEAST_LIKELY else None


def is_lie(data: bytes, declared: str) -> bool:
    """Whether bytes are surely in another of these code pages than in the one that they say."""
    sample = _sample(data)
    likely, page = _best(sample)
    if declared in _OF_OTHER_SCRIPTS:
        # Hebrew has no capitals and becomes small letters of Russian, as Greek in capitals does.
        text = sample.decode(page, "replace")
        is_cased = not text.islower() and not text.isupper()
        return is_cased and page != "cp1252" and likely > _SURELY and len(sample) > _FEW
    letters = [letters for page, letters in _SAID_OF if page == declared]
    if not letters:
        return False
    said = max(_likeness(sample, declared, each) for each in letters)
    return likely > _LEAST_LIKELY and likely > said + _SURELY_BETTER


def _best(sample: bytes) -> tuple[float, str]:
    is_other = len(sample) > _MOST_WITHOUT and not _KAZAKH.search(sample)  # Belarusian, Serbian
    pages = [each for each in _SAID_OF if not (is_other and each[0] == "kz1048")]
    found = [(_likeness(sample, page, letters), page) for page, letters in pages]
    return max(found, key=lambda each: each[0])


def _sample(data: bytes) -> bytes:
    """The first words that are not plain ASCII, of which alone it can be told."""
    words: list[bytes] = []
    length = 0
    for word in _words(data):
        words.append(word[:200])
        length += len(words[-1])
        if length >= _MOST_BYTES:
            break
    return b" ".join(words)


def _words(data: bytes) -> Iterator[bytes]:
    for match in islice(_WORD.finditer(data), 500_000):
        if not match[0].isascii():
            yield match[0]


def _likeness(sample: bytes, page: str, letters: str) -> float:
    """The mean logarithm of how likely a character of the sample is in that code page."""
    known = _table(letters)
    before, was_vowel, total = _OTHER, False, 0.0
    text = sample.decode(page, "replace")
    for character in text:
        likely, kind = known.get(character) or _unknown(character)
        total += likely + _COSTS[before][kind]
        is_vowel = character in _VOWELS
        if kind and before and is_vowel == was_vowel:
            total += _NO_SYLLABLE
        before, was_vowel = kind, is_vowel
    return total / max(len(text), 1)


_tables: dict[str, dict[str, tuple[float, int]]] = {}


def _table(letters: str) -> dict[str, tuple[float, int]]:
    if letters not in _tables:
        kinds = (_LATIN_SMALL, _LATIN_CAPITAL) if letters == "latin" else (_SMALL, _CAPITAL)
        table = dict.fromkeys(_SIGNS, (_SIGN, _OTHER)) | {" ": (0.0, _OTHER)}
        for each in _LETTERS[letters].split():
            likely = math.log(int(each[1:]) / 10_000)
            table[each[0].upper()] = likely, kinds[1]
            table[each[0]] = likely, kinds[0]
        _tables[letters] = table
    return _tables[letters]


def _unknown(character: str) -> tuple[float, int]:
    """Of a character that is no letter of the language."""
    if character.isascii():
        return _RARE / 2, _LATIN_CAPITAL if character.isupper() else _LATIN_SMALL
    if character.isalpha():
        return _RARE, _CAPITAL if character.isupper() else _SMALL
    return _STRANGE, _OTHER
