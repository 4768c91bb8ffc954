"""Whether two articles tell the same event, and what one brings that the others had not. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from daemon.sketches import TRIPLES, Sketch

COMMON = 64  # a mark that so many stories share says nothing

# How much each sign says, as a logistic score: fitted on the development pairs of tests/stories and
# on joins of real news that we judged by eye, then rounded. `missing` are figures that both could
# share and do not: yesterday's bulletin. Only articles of one language share words.
_BASE, _FOREIGN, _FOREIGN_WITHOUT_FIGURES = -6.1, 2.6, 0.3
_NAMES_SHARE, _NAMES_SUM, _FEW_NAMES = 4.2, 2.2, 1.0
_FIGURES_SHARE, _FIGURES_SUM, _FEW_FIGURES, _MISSING = 4.5, 0.3, 1.5, -2.2
_OTHER_WORDS, _WORDS_IN_COMMON = -3.0, 0.35
_LEADS, _LEADS_IN_COMMON, _LEADS_ENOUGH, _FEW_LEADS, _EVERY_DAY = 6.0, 0.35, 0.75, 3, 2.0
_ENOUGH = 4.0
_ONE_FIGURE = 0.3
_SAME_STORY = 0.5

_COPIED = 0.75
_NEW_IN_A_COPY = 1.0

_MOST_NEWS = 5
_NAME_WORTH_TELLING = 0.5
_FIGURE_WORTH_TELLING = 0.3
_BARE_WORTH_TELLING = 0.7
_BEGUN, _BEGUN_ABROAD = 4, 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two articles are. `near_copy`: the newer one brings next to nothing of its own."""

    score: float
    same_story: bool
    near_copy: bool


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Weights of the marks that both have, and of all marks of the one that has less."""

    shared: float
    least: float

    def share(self, few: float) -> float:
        """How much of the lesser one is shared; where there is little of it that says little."""
        return self.shared / max(self.least, few)

    @property
    def enough(self) -> float:
        return min(self.shared / _ENOUGH, 1.0)


@lru_cache(maxsize=2 * COMMON)
def rarity(stories: int) -> float:
    """How much a mark tells that so many stories share: 1 for one story, 0 from COMMON on."""
    return max(0.0, 1.0 - math.log(max(stories, 1)) / math.log(COMMON))


def likeness(older: Sketch, newer: Sketch, rarities: Mapping[str, float]) -> Likeness:
    """Whether both tell the same event; a mark without a rarity is taken as rare."""
    foreign = older.language != newer.language
    of_names = _overlap(older, newer, older.names, newer.names, rarities)
    of_figures = _overlap(older, newer, older.figures, newer.figures, rarities)
    missing = max(0.0, min(of_figures.least / _ENOUGH, 1.0) - of_figures.enough)
    if foreign:
        words = _FOREIGN if of_figures.shared >= _ONE_FIGURE else _FOREIGN_WITHOUT_FIGURES
    else:
        words = _said_in_words(older, newer, missing)
    score = _logistic(
        _BASE
        + words
        + _NAMES_SHARE * of_names.share(_FEW_NAMES)
        + _NAMES_SUM * of_names.enough
        + _FIGURES_SHARE * of_figures.share(_FEW_FIGURES)
        + _FIGURES_SUM * of_figures.enough
        + _MISSING * missing
    )
    near_copy = not foreign and _is_near_copy(older, newer)
    return Likeness(score, near_copy or score >= _SAME_STORY, near_copy)


def _overlap(
    older: Sketch,
    newer: Sketch,
    olders: Mapping[str, str],
    newers: Mapping[str, str],
    rarities: Mapping[str, float],
) -> _Overlap:
    # Only the newer one's rarities are known, and only what both have can be common.
    shared = lost = 0.0
    # In the order of the article: the sum of a set would depend on how Python hashes its strings.
    for mark in newers:
        if mark not in olders:
            continue
        before, now = older.weights.get(mark, 0.0), newer.weights.get(mark, 0.0)
        rarity = rarities.get(mark, 1.0)
        shared += min(before, now) * rarity
        lost += before * (1.0 - rarity)
    had = _total(older.weights, olders) - lost
    has = sum([newer.weights.get(mark, 0.0) * rarities.get(mark, 1.0) for mark in newers])
    return _Overlap(shared, min(had, has))


def _said_in_words(older: Sketch, newer: Sketch, missing: float) -> float:
    """What the words of both say for or against: all of them, and those of one headline in the other text.

    A notice that comes every day has the same headline each time, and other figures.
    """
    alike = len(older.words & newer.words) / math.sqrt(max(len(older.words) * len(newer.words), 1))
    leads = (_led(older, newer) + _led(newer, older)) / 2
    led = _LEADS * (min(leads, _LEADS_ENOUGH) - _LEADS_IN_COMMON)
    if led > 0.0:
        led *= max(0.0, 1.0 - _EVERY_DAY * missing)
    return _OTHER_WORDS * max(0.0, _WORDS_IN_COMMON - alike) + led


def _led(one: Sketch, other: Sketch) -> float:
    return len(one.lead & other.words) / max(len(one.lead), _FEW_LEADS)


def _total(weights: Mapping[str, float], marks: Iterable[str]) -> float:
    return sum([weights.get(mark, 0.0) for mark in marks])


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _is_near_copy(older: Sketch, newer: Sketch) -> bool:
    """Whether nearly all of the newer text stands in the older one, and no figure of it is new."""
    if any(mark not in older.figures for mark in newer.figures if not _is_date(mark)):
        return False
    new = [mark for mark in newer.names if mark not in older.names]
    return _total(newer.weights, new) <= _NEW_IN_A_COPY and _contained(older, newer) >= _COPIED


def _contained(older: Sketch, newer: Sketch) -> float:
    """The share of the newer one's word triples that the older one has.

    How much two texts share is estimated from the smallest of their fingerprints (A. Broder, "On the
    resemblance and containment of documents", 1997).
    """
    theirs, ours = set(older.triples), set(newer.triples)
    both = theirs & ours
    if not both:
        return 0.0
    lowest = sorted(theirs | ours)[:TRIPLES]
    alike = sum(each in both for each in lowest) / len(lowest)
    return alike / (1.0 + alike) * (older.length + newer.length) / newer.length


def _is_date(mark: str) -> bool:
    return "-" in mark and "e" not in mark


def news(sketch: Sketch, known: Sequence[Sketch], marks: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What this article has and its story had not: figures and names as they stand in it, the most
    telling first.

    `known` are articles of the story, `marks` what else the story is known by. A name is new only if
    no other begins like it: "Kyrgyz" is not after Kyrgyzstan. Scripts do not spell names alike to
    the end, so that less must differ where the story was told in other languages alone.
    """
    had = marks.union(*(each.weights.keys() | each.figures.keys() for each in known))
    own_language = any(each.language == sketch.language for each in known)
    letters = _BEGUN if own_language else _BEGUN_ABROAD
    begun = {mark[:letters] for mark in had}
    named_before = {shown for mark, shown in sketch.names.items() if mark[:letters] in begun}
    names = [mark for mark, shown in sketch.names.items() if shown not in named_before]
    worth = [mark for mark in names if sketch.weights.get(mark, 0.0) >= _NAME_WORTH_TELLING]
    worth += [mark for mark in sketch.figures if mark not in had and _is_worth_telling(sketch, mark)]
    worth.sort(key=lambda mark: -sketch.weights[mark])
    shown = {**sketch.names, **sketch.figures}
    return tuple(dict.fromkeys(filter(None, (shown[mark] for mark in worth))))[:_MOST_NEWS]


def _is_worth_telling(sketch: Sketch, figure: str) -> bool:
    """Whether a figure says something by itself: it has a scale, a unit, or enough digits."""
    weight = sketch.weights.get(figure, 0.0)
    bare = not any(sign.isalpha() or sign in "%٪$€£" for sign in sketch.figures[figure])
    return weight >= (_BARE_WORTH_TELLING if bare else _FIGURE_WORTH_TELLING)
