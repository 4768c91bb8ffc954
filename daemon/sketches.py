"""What an article is known by, so that another one that tells the same event can be found. Pure.

A sketch is small enough to be kept for every article: its figures, its names, its words and a sample
of its word triples.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from pydantic_core import from_json as parsed
from pydantic_core import to_json

from classifier import Article
from daemon.figures import Figure, counts, figures
from daemon.names import is_headline_case, key, names, words_like_names

# An article says what it is about at its beginning; the rest of a hostile one is not looked at.
_LONGEST_TEXT = 16_000
_LONGEST_TITLE = 300
_MOST_NAMES = 48
_MOST_FIGURES = 32
_MOST_WORDS = 120
_WORDS_OF_A_LEAD = 10
TRIPLES = 48  # how many of an article are kept

_STEM = 6
_SHORTEST_WORD = 4
_LONG = 6
_TOKENS = re.compile(r"\w+")
_NO_TOKEN_OF_ASCII = {sign: " " for sign in range(128) if not re.match(r"\w", chr(sign))}
_LENGTH_WEIGHTS = (0.0, 0.0, 0.25, 0.5, 0.8, 1.0)
_OF_A_WORD = 0.5
_USUAL_WEIGHT = 0.1
# Names that stand in news of every kind; the ledger's own counts tell the rest.
_USUAL = frozenset(
    mark
    for name in """
    Kazakhstan Kazakh Astana Almaty Tokayev Kassym Jomart Russia Russian Moscow China Chinese America
    American Europe European Union United States Nations Asia Central Washington Ministry Minister
    President Government Bank National Reuters Telegram Facebook Instagram Company Group
    Казахстан Қазақстан Астана Алматы Россия РФ РИА Новости Москва США Китай Европа Украина Президент
    Министерство Министр Правительство Республика Национальный Комитет Департамент ТАСС Акорда
    Мемлекет Министрлігі Үкімет Ресей Қытай Су Сыртқы Ұлттық Ақорда
    كازاخستان السعودية الرياض المملكة الرئيس وزارة الوزير الدولة الشركة رئيس مجلس العربية محمد بن عبدالله
    روسيا الصين الولايات المتحدة الأمم قال وقال خلال الذي التي هذا هذه ذلك بعد قبل على إلى أكثر كما بين
    حيث كان كانت عام العام أمس اليوم الماضي المقبل مليون مليار ألف دولار المئة بالمئة نسبة عدد
    """.split()
    if len(mark := key(name)) > 2
)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What an article is known by.

    `names` and `figures` are marks, each with how it stands in the article, "" where that is not
    worth telling; `weights` say how telling each mark is by itself, from 0 to 1.
    """

    language: str | None
    names: Mapping[str, str]
    figures: Mapping[str, str]
    weights: Mapping[str, float]
    words: frozenset[str]
    lead: frozenset[str]  # those of its headline, or the first where it has none
    triples: tuple[int, ...]
    length: int  # how many word triples there are; `triples` is a sample of them

    @property
    def marks(self) -> list[str]:
        """All marks, the most telling first; of equals, what stands first in the article."""
        places = [mark for pair in zip_longest(self.figures, self.names) for mark in pair]
        telling = [mark for mark in places if mark in self.weights]
        return sorted(telling, key=self.weights.__getitem__, reverse=True)

    def to_json(self) -> str:
        parts = (
            self.language, self.names, self.figures, self.weights,
            " ".join(sorted(self.words)), " ".join(sorted(self.lead)), self.triples, self.length,
        )  # fmt: skip
        return to_json(parts).decode()


@lru_cache(maxsize=1024)
def from_json(written: str) -> Sketch:
    language, named, figured, weights, words, lead, triples, length = parsed(written)
    return Sketch(
        language,
        named,
        figured,
        weights,
        frozenset(words.split()),
        frozenset(lead.split()),
        tuple(triples),
        length,
    )


def of(article: Article) -> Sketch:
    return sketch(article.title, article.text, article.language)


def sketch(title: str | None, text: str, language: str | None) -> Sketch:
    """What this article is known by, from its title and its first pages."""
    headline = (title or "")[:_LONGEST_TITLE]
    body = text[:_LONGEST_TEXT]
    if headline and body.startswith(headline):
        body = body[len(headline) :]
    whole = f"{headline}\n{body}"
    named = _names("" if is_headline_case(headline) else headline, body, language)
    figured = _figures(whole, language)
    # Any Arabic word may be a name, so each says less.
    unshown = _OF_A_WORD if language == "ar" else 1.0
    weights = {mark: _name_weight(mark, 1.0 if shown else unshown) for mark, shown in named.items()}
    weights |= {mark: figure.weight for mark, figure in figured.items()}
    heading, tokens = _tokens(headline), _tokens(body)
    words = heading + tokens
    triples = _triples(tokens)
    return Sketch(
        language=language,
        names=named,
        figures={mark: figure.shown for mark, figure in figured.items()}
        | dict.fromkeys(sorted(counts(words) - figured.keys()), ""),
        weights={mark: weight for mark, weight in weights.items() if weight > 0.0},
        words=_words(words, _MOST_WORDS),
        lead=_words(heading, _MOST_WORDS) or _words(tokens, _WORDS_OF_A_LEAD),
        triples=tuple(triples[:TRIPLES]),
        length=len(triples),
    )


def _tokens(text: str) -> list[str]:
    """The words of a text in small letters."""
    lowered = text.lower()
    if lowered.isascii():  # the same, three times as fast
        return lowered.translate(_NO_TOKEN_OF_ASCII).split()
    return _TOKENS.findall(lowered)


def _triples(tokens: Sequence[str]) -> list[int]:
    """Fingerprints of three words in a row that begin with a long one, the smallest first."""
    found = {
        zlib.crc32(f"{one} {two} {three}".encode())
        for one, two, three in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if len(one) >= _LONG
    }
    return sorted(found)


def _names(headline: str, body: str, language: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for mark, shown in _marks_of_names(headline, body, language):
        if mark not in found:
            found[mark] = shown
            if len(found) == _MOST_NAMES:
                break
    return found


def _marks_of_names(headline: str, body: str, language: str | None) -> Iterator[tuple[str, str]]:
    for name in names(f"{headline}\n{body}", language):
        for mark in name.keys:
            if len(mark) > 1:
                yield mark, name.shown
    yield from words_like_names(f"{headline} {body}")


def _figures(whole: str, language: str | None) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    for figure in figures(whole, language):
        known = found.get(figure.key)
        if known is None and len(found) >= _MOST_FIGURES:
            break
        if known is None or len(known.shown) < len(figure.shown):
            found[figure.key] = figure
    return found


@lru_cache(maxsize=1 << 14)
def _name_weight(mark: str, part: float) -> float:
    weight = _LENGTH_WEIGHTS[min(len(mark), 5)] * (_USUAL_WEIGHT if mark in _USUAL else 1.0)
    return round(weight * part, 2)


def _words(tokens: Iterable[str], most: int) -> frozenset[str]:
    """The first words, cut so that their endings do not count."""
    found: dict[str, None] = {}
    for token in tokens:
        if len(token) >= _SHORTEST_WORD and not token[0].isdecimal():
            found[token[:_STEM]] = None
            if len(found) == most:
                break
    return frozenset(found)
