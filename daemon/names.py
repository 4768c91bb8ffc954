"""Names in an article, folded so that Tokayev, Токаев, Тоқаев and توكاييف agree. Pure.

Latin and Cyrillic names are known by their capitals. Arabic has none: there any word may be one, and
only another article can tell.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_LETTERS_OF_A_KEY = 7
_LONGEST_NAME = 60
_MOST_OF_A_RUN = 5
_LONGEST_KNOWN = 80  # characters of a run that is remembered

_UPPER = "A-ZÀ-ÖØ-ÞĀČĐĒĞĢĪİĶŁĻŃŅŌŐŘŚŞŠŪŮŰŹŻŽА-ЯЁІЇЄӘҒҚҢӨҰҮҺ"
_WORD = rf"[{_UPPER}][^\W_]*(?:['’ʼ][^\W\d_]+)?"
# What stands before the capital is looked at last: that is asked of few places.
_RUN = re.compile(rf"[{_UPPER}](?<![^\W_].)[^\W_]*(?:['’ʼ][^\W\d_]+)?(?:[ \u00a0-]{_WORD})*")
# Its first letter stands apart, since re finds its way faster to one sign than to a repetition.
_ARABIC = re.compile(r"[\u0621-\u064a\u066e-\u06d3][\u0621-\u064a\u066e-\u06d3]{2,}")
_QUOTED = re.compile(r"«([\u0621-\u06d3]+(?: [\u0621-\u06d3]+){0,3})»")
_OPENING = " \u00a0\t\"'«„“”‘(—–-"
_ENDS = ".!?…:;•\n\r"
_NEAR = 5  # characters before a word in which its sentence's opening is looked for

# Words that open a sentence before a name, and capitals that name nobody: days, months, titles.
_NO_NAMES = frozenset(
    """
    the a an in on at of for from to by with and but as after before when while it its he she they we i
    his her their this that these those there some about according over under since until new former
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september october november december mr mrs ms dr president minister prime governor
    chief deputy head however meanwhile speaking despite although also only even more most many such other
    another last next no not yes if so who what why how where which then now here just all both each every
    в во на по с со к ко у о об от из за до для при под над после перед это этот эта эти он она они мы я
    как что так также его её их но а и или если когда сегодня вчера напомним ранее глава президент
    однако кроме между среди например важно ещё еще всего пока здесь там тем при этом поэтому затем
    министр премьер аким директор заместитель понедельник вторник среда четверг пятница суббота
    бұл ол олар мұны осы бүгін кеше мемлекет президент министр әкім және мен пен
    """.split()
)

_CYRILLIC = str.maketrans(
    {
        **dict.fromkeys("бп", "B"), **dict.fromkeys("вф", "F"), **dict.fromkeys("гғкқхһґ", "K"),
        **dict.fromkeys("сц", "S"), **dict.fromkeys("шщ", "X"), **dict.fromkeys("нң", "N"),
        "д": "D", "т": "T", "ж": "J", "з": "Z", "ч": "C", "л": "L", "м": "M", "р": "R",
    }
)  # fmt: skip
_ARABIC_LETTERS = str.maketrans(
    {
        **dict.fromkeys("بپ", "B"), **dict.fromkeys("فڤ", "F"), **dict.fromkeys("كقغخحهگک", "K"),
        **dict.fromkeys("سص", "S"), **dict.fromkeys("تطث", "T"), **dict.fromkeys("دضذ", "D"),
        **dict.fromkeys("زظ", "Z"), **dict.fromkeys("جژ", "J"),
        "ش": "X", "چ": "C", "ل": "L", "م": "M", "ن": "N", "ر": "R",
    }
)  # fmt: skip
_LATIN = str.maketrans(
    {
        **dict.fromkeys("bp", "B"), **dict.fromkeys("fv", "F"), **dict.fromkeys("gkqhc", "K"),
        "s": "S", "t": "T", "d": "D", "z": "Z", "j": "J", "l": "L", "m": "M", "n": "N", "r": "R", "x": "KS",
    }
)  # fmt: skip
_TOGETHER = re.compile(r"sch|tch|dzh|zh|sh|ch|kh|gh|ph|th|ck|ts|c(?=[eiy])")
_AS_ONE = {
    "sch": "X", "tch": "C", "dzh": "J", "zh": "J", "sh": "X", "ch": "C", "kh": "K", "gh": "K", "ph": "F",
    "th": "T", "ck": "K", "ts": "S", "c": "S",
}  # fmt: skip
_LATIN_ALONE = str.maketrans("ıøłđðþßæœ", "iolddtsao")
_MARKED_LATIN = str.maketrans({"ş": "sh", "š": "sh", "ç": "ch", "č": "ch", "ž": "zh", "ğ": "g"})
_APART = re.compile(r"['’]s$|['’ʼ]")
# Endings of cases and of adjectives made of places; what only changes vowels needs no rule.
_RUSSIAN_ENDING = re.compile(r"(?<=\w{4})(?:(?:ин)?ск(?:ий|ая|ое|ие|ого|ому|ой|ую|ом|им|их)|[иы]м|ых)$")
_ENDS_OF_RUSSIAN_ENDINGS = tuple("йяеоуюмх")
_ADJECTIVE = re.compile(r"[а-яё]{3}(?:[ое]го|[ое]му|[ыио]й|[ая]я|[ое]е|[ыи]е|[ыи]х|[ую]ю)$")
_KAZAKH_ENDING = re.compile(
    r"(?<=\w{3})(?:[дт][ае]ғы|[дт]егі|[нд][ыі]ң|т[ыі]ң|[дтн][ае]н|[мбп]ен|[дт][ае]|[ғқ]а|[гк]е|д[ыі])$"
)
_ARABIC_PREFIX = re.compile(r"^(?:[وفبك]?ال(?=\w{3})|لل(?=\w{3})|و(?=\w{4}))")


class Name(NamedTuple):
    """A name as it stands in the article, and the keys of its words."""

    shown: str
    keys: tuple[str, ...]


def names(text: str, language: str | None = None) -> Iterator[Name]:
    """Names in the order they come. A capital that only opens a sentence makes none."""
    openers: list[str] = []
    sure: set[str] = set()
    for found in _RUN.finditer(text):
        run = found[0]
        part = _known if len(run) <= _LONGEST_KNOWN else _parted
        opener, name = part(run, _opens(text, found.start()), language)
        if opener:
            openers.append(opener)
        if name is not None:
            sure.update(name.keys)
            if opener and opener.lower() not in text:
                name = Name(name.shown, (*name.keys, _fold(opener, language)))
            yield name
    for word, times in Counter(openers).items():
        folded = _fold(word, language)
        if folded in sure or (times > 1 and word.lower() not in text):
            yield Name(word[:_LONGEST_NAME], (folded,))


def _parted(run: str, opens: bool, language: str | None) -> tuple[str, Name | None]:
    """The word that opens a sentence, where the run does, and the name in the rest of it."""
    words = run.replace("\u00a0", " ").replace("-", " ").split(" ")
    start = 0
    while words and words[0].lower() in _NO_NAMES:
        opens = False
        start += len(words.pop(0)) + 1
    opener = words.pop(0) if opens else ""
    if opens:
        start += len(opener) + 1
    words = words[:_MOST_OF_A_RUN]
    if not words:
        return opener, None
    shown = run[start : start + sum(map(len, words)) + len(words) - 1][:_LONGEST_NAME]
    if len(words) == 1 and language == "ru" and _ADJECTIVE.search(words[0]):
        shown = ""  # "Государственного", of the name of an office: too little to be shown
    return opener, Name(shown, tuple(filter(None, (_fold(word, language) for word in words))))


# The same names stand in most articles of a day.
_known = lru_cache(maxsize=1 << 14)(_parted)


def words_like_names(text: str) -> Iterator[tuple[str, str]]:
    """Keys of Arabic words in the order they come, for any may be a name; each with what is shown of
    it: nothing, but for those that stand in quotation marks.
    """
    if text.isascii():
        return
    quoted = {word: phrase for phrase in _QUOTED.findall(text) for word in phrase.split()}
    for found in _ARABIC.finditer(text):
        folded = key(found[0])
        if len(folded) > 2:
            yield folded, quoted.get(found[0], "")


def is_headline_case(title: str) -> bool:
    """Whether a Title Is Written Like This, so that its capitals say nothing."""
    long = [word for word in title.split() if len(word) > 3 and word[0].isalpha()]
    return len(long) > 3 and sum(word[0].isupper() for word in long) > 0.7 * len(long)


def _fold(word: str, language: str | None) -> str:
    """The key of a word in a text of this language. Kazakh endings bring consonants: Алматыдан."""
    return key(_KAZAKH_ENDING.sub("", word) if language == "kk" else word)


@lru_cache(maxsize=1 << 15)
def key(word: str) -> str:
    """The consonants of a word as most scripts can write them: "TKF" of Tokayev, "AKT" of Aktau.

    After Soundex and its kin (R. Russell, US patent 1,261,167): letters that one script cannot tell
    apart are one, vowels go, and only that a word begins with one is kept.
    """
    word = word.lower().replace("ё", "е")
    if "'" in word or "’" in word or "ʼ" in word:
        word = _APART.sub("", word)
    first = word[:1]
    if "\u0400" <= first <= "\u052f":
        if word.endswith(_ENDS_OF_RUSSIAN_ENDINGS):
            word = _RUSSIAN_ENDING.sub("", word)
        letters = word.replace("дж", "ж").replace("тс", "с").translate(_CYRILLIC)
    elif "\u0600" <= first <= "\u06ff":
        word = _ARABIC_PREFIX.sub("", word)
        first = word[:1]
        if first == "و":
            word = "ف" + word[1:]
        ending = word[:-1] if word.endswith(("ه", "ة")) else word
        letters = ending.replace("تش", "چ").replace("دج", "ج").translate(_ARABIC_LETTERS)
    else:
        letters = _latin(word)
    return _consonants(letters)


def _consonants(letters: str) -> str:
    """The capitals alone, and of those that follow each other and are the same only one."""
    kept = "" if letters[:1].isupper() else "A"
    for letter in letters:
        if "A" <= letter <= "Z" and letter != kept[-1:]:
            kept += letter
            if len(kept) == _LETTERS_OF_A_KEY:
                break
    return kept


def _latin(word: str) -> str:
    if not word.isascii():
        word = unicodedata.normalize("NFKD", word.translate(_MARKED_LATIN)).translate(_LATIN_ALONE)
    if word.startswith("w"):
        word = "v" + word[1:]
    if "h" in word or "c" in word or "ts" in word:
        word = _TOGETHER.sub(lambda found: _AS_ONE[found[0]], word)
    return word.translate(_LATIN)


def _opens(text: str, start: int) -> bool:
    """Whether a sentence begins here. An initial before a name ("A. Dosanov") ends none."""
    if text[start - 1 : start] == " " and text[start - 2 : start - 1].isalnum():
        return False  # as for most words, and sooner said
    near = max(0, start - _NEAR)
    end = near + len(text[near:start].rstrip(_OPENING))
    if end == near:
        return start < _NEAR
    last = text[end - 1]
    return last in _ENDS and not (last == "." and text[end - 2 : end - 1].isupper())
