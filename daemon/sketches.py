"""What an article is known by, and whether two articles tell the same event. Pure.

A sketch is small enough to be kept for every article: its figures, its names, its words and a sample
of its word triples. Nothing of it is learnt from data but the cuts below.
"""

from __future__ import annotations

import heapq
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from daemon.figures import Figure, counts, figures
from daemon.names import is_headline_case, key, names, words_like_names

# An article says what it is about at its beginning; the rest of a hostile one is not looked at.
_LONGEST_TEXT = 16_000
_LONGEST_TITLE = 300
_MOST_NAMES = 48
_MOST_FIGURES = 32
_MOST_WORDS = 120
_MOST_TRIPLES = 48
_MOST_NEWS = 5

COMMON = 64  # a mark that so many stories share says nothing

# How much each sign says, as a logistic score: fitted on the development pairs of tests/stories and
# rounded. `missing` are figures that both could share and do not: yesterday's bulletin.
_BASE, _NAMES_SHARE, _NAMES_SUM, _FIGURES_SHARE, _FIGURES_SUM, _MISSING, _FOREIGN = (
    -6.6,
    4.0,
    4.4,
    4.2,
    2.6,
    -3.6,
    1.0,
)
_ENOUGH = 4.0
_SAME_STORY = 0.5
_COPIED = 0.75
_NEW_IN_A_COPY = 1.0
_WORTH_TELLING = 0.5  # of a name
_FIGURE_WORTH_TELLING = 0.3

_ALIKE = 3
_STEM = 6
_WORDS = re.compile(r"[^\W\d_]{4,}")
_TOKENS = re.compile(r"\w+")
_LENGTH_WEIGHTS = (0.0, 0.0, 0.25, 0.5, 0.8, 1.0)
_USUAL_WEIGHT = 0.1
# Names that stand in news of every kind; the ledger's own counts tell the rest.
_USUAL = frozenset(
    key(name)
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
    triples: tuple[int, ...]
    length: int  # how many word triples there are; `triples` is a sample of them

    @property
    def marks(self) -> list[str]:
        """All marks, the most telling first."""
        return sorted(self.weights, key=lambda mark: (-self.weights[mark], mark))

    def to_json(self) -> str:
        parts = (
            self.language, dict(self.names), dict(self.figures), dict(self.weights),
            " ".join(sorted(self.words)), self.triples, self.length,
        )  # fmt: skip
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two articles are. `near_copy`: the newer one brings next to nothing of its own."""

    score: float
    same_story: bool
    near_copy: bool


@lru_cache(maxsize=1024)
def from_json(written: str) -> Sketch:
    language, named, figured, weights, words, triples, length = json.loads(written)
    return Sketch(language, named, figured, weights, frozenset(words.split()), tuple(triples), length)


def sketch(title: str | None, text: str, language: str | None) -> Sketch:
    """What this article is known by, from its title and its first pages."""
    headline = (title or "")[:_LONGEST_TITLE]
    body = text[:_LONGEST_TEXT]
    if headline and body.startswith(headline):
        body = body[len(headline) :]
    whole = f"{headline}\n{body}"
    named = _names("" if is_headline_case(headline) else headline, body, language)
    figured = _figures(whole, language)
    weights = {mark: _name_weight(mark) for mark in named}
    weights |= {mark: figure.weight for mark, figure in figured.items()}
    lowered = whole.lower()
    tokens = _TOKENS.findall(lowered, len(headline))
    triples = {
        zlib.crc32(" ".join(each).encode()) for each in zip(tokens, tokens[1:], tokens[2:], strict=False)
    }
    return Sketch(
        language=language,
        names=named,
        figures={mark: figure.shown for mark, figure in figured.items()}
        | dict.fromkeys(sorted(counts(set(tokens)) - figured.keys()), ""),
        weights={mark: round(weight, 2) for mark, weight in weights.items() if weight > 0.0},
        words=_words(lowered),
        triples=tuple(heapq.nsmallest(_MOST_TRIPLES, triples)),
        length=len(triples),
    )


def _names(headline: str, body: str, language: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in [*names(headline, language), *names(body, language)]:
        for mark in name.keys:
            if len(mark) > 1 and mark not in found and len(found) < _MOST_NAMES:
                found[mark] = name.shown
    for name in words_like_names(f"{headline} {body}"):
        if len(found) >= _MOST_NAMES:
            break
        found.setdefault(name.keys[0], name.shown)
    return found


def _figures(whole: str, language: str | None) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    for figure in figures(whole, language):
        known = found.get(figure.key)
        if known is None and len(found) >= _MOST_FIGURES:
            break
        if known is None or len(known.shown) < len(figure.shown):
            found[figure.key] = figure
    return found


def _name_weight(mark: str) -> float:
    weight = _LENGTH_WEIGHTS[min(len(mark), 5)]
    return weight * _USUAL_WEIGHT if mark in _USUAL else weight


def _words(lowered: str) -> frozenset[str]:
    found: dict[str, None] = {}
    for word in _WORDS.findall(lowered):
        found[word[:_STEM]] = None
        if len(found) == _MOST_WORDS:
            break
    return frozenset(found)


def rarity(stories: int) -> float:
    """How much a mark tells that so many stories share: 1 for one story, 0 from COMMON on."""
    return max(0.0, 1.0 - math.log(max(stories, 1)) / math.log(COMMON))


def likeness(older: Sketch, newer: Sketch, rarities: Mapping[str, float]) -> Likeness:
    """Whether both tell the same event; a mark without a rarity is taken as rare."""
    of_names = _overlap(older, newer, older.names, newer.names, rarities)
    of_figures = _overlap(older, newer, older.figures, newer.figures, rarities)
    foreign = older.language != newer.language
    score = _logistic(
        _BASE
        + _NAMES_SHARE * of_names.share
        + _NAMES_SUM * min(of_names.shared / _ENOUGH, 1.0)
        + _FIGURES_SHARE * of_figures.share
        + _FIGURES_SUM * min(of_figures.shared / _ENOUGH, 1.0)
        + _MISSING * max(0.0, min(of_figures.least / _ENOUGH, 1.0) - of_figures.shared / _ENOUGH)
        + _FOREIGN * foreign
    )
    near_copy = not foreign and _is_near_copy(older, newer)
    return Likeness(score, near_copy or score >= _SAME_STORY, near_copy)


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Weights of the marks that both have, and of all marks of the one that has less."""

    shared: float
    least: float

    @property
    def share(self) -> float:
        return self.shared / max(self.least, 1.0)


def _overlap(
    older: Sketch,
    newer: Sketch,
    olders: Mapping[str, str],
    newers: Mapping[str, str],
    rarities: Mapping[str, float],
) -> _Overlap:
    def weight(sketch: Sketch, mark: str) -> float:
        return sketch.weights.get(mark, 0.0) * rarities.get(mark, 1.0)

    shared = sum(min(weight(older, mark), weight(newer, mark)) for mark in olders if mark in newers)
    least = min(sum(weight(older, mark) for mark in olders), sum(weight(newer, mark) for mark in newers))
    return _Overlap(shared, least)


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _is_near_copy(older: Sketch, newer: Sketch) -> bool:
    """Whether nearly all of the newer text stands in the older one, and no figure of it is new.

    How much two texts share is estimated from the smallest of their triples' fingerprints (A. Broder,
    "On the resemblance and containment of documents", 1997).
    """
    if _contained(older, newer) < _COPIED:
        return False
    if any(mark not in older.figures for mark in newer.figures if not _is_date(mark)):
        return False
    new = sum(newer.weights.get(mark, 0.0) for mark in newer.names if mark not in older.names)
    return new <= _NEW_IN_A_COPY


def _contained(older: Sketch, newer: Sketch) -> float:
    """The share of the newer one's word triples that the older one has."""
    if not older.length or not newer.length:
        return 0.0
    ours, theirs = set(newer.triples), set(older.triples)
    lowest = heapq.nsmallest(_MOST_TRIPLES, ours | theirs)
    alike = sum(each in ours and each in theirs for each in lowest) / len(lowest)
    return alike / (1.0 + alike) * (older.length + newer.length) / newer.length


def _is_date(mark: str) -> bool:
    return "-" in mark.lstrip("-") and "e" not in mark


def news(sketch: Sketch, known: Sequence[Sketch], marks: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What this article has and its story had not: figures and names as they stand in it.

    `known` are articles of the story, `marks` what else the story is known by. Of the names a story
    had in other languages alone only those are new that do not even begin alike.
    """
    had = marks.union(*(each.weights.keys() | each.figures.keys() for each in known))
    if all(each.language != sketch.language for each in known):
        begun = {mark[:_ALIKE] for mark in had}
        new_names = [mark for mark in sketch.names if mark[:_ALIKE] not in begun]
        named_before = {sketch.names[mark] for mark in sketch.names if mark[:_ALIKE] in begun}
    else:
        new_names = [mark for mark in sketch.names if mark not in had]
        named_before = {sketch.names[mark] for mark in sketch.names if mark in had}
    told = [mark for mark in new_names if sketch.names[mark] not in named_before]
    worth = [mark for mark in told if sketch.weights.get(mark, 0.0) >= _WORTH_TELLING]
    new_figures = [mark for mark in sketch.figures if mark not in had]
    worth += [mark for mark in new_figures if sketch.weights.get(mark, 0.0) >= _FIGURE_WORTH_TELLING]
    worth.sort(key=lambda mark: -sketch.weights[mark])
    shown = {**sketch.names, **sketch.figures}
    return tuple(dict.fromkeys(filter(None, (shown[mark] for mark in worth))))[:_MOST_NEWS]
