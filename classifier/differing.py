"""Where two models decide differently. Pure comparison: what was said, and what the models' cards say."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classifier.articles import Article, Grade
from classifier.model import Model
from classifier.tagging import Cuts, Tag, Tagged

KINDS = ("before", "after", "grade")  # of differences

_STEPS = {None: 0, Grade.MENTION: 1, Grade.MAIN: 3}  # what is main raises alerts


@dataclass(frozen=True, slots=True)
class Side:
    """What one model says of an article and a topic; without a probability it does not know the topic."""

    grade: Grade | None
    probability: float | None
    cuts: Cuts | None

    def __str__(self) -> str:
        if self.probability is None or self.cuts is None:
            return "topic unknown"
        said = f"{self.grade or 'not said'} {self.probability:.2f}"
        return f"{said} (main from {self.cuts.main:.2f}, mention from {self.cuts.mention:.2f})"

    def as_json(self) -> dict[str, object]:
        return {
            "grade": self.grade,
            "probability": self.probability,
            "cuts": {"main": self.cuts.main, "mention": self.cuts.mention} if self.cuts else None,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A topic of an article that two models grade differently, and the passage that carried it."""

    topic: str
    before: Side
    after: Side
    passage: str

    @property
    def size(self) -> tuple[int, float]:
        """How far apart they are: in grades, then in probability."""
        steps = abs(_STEPS[self.before.grade] - _STEPS[self.after.grade])
        return steps, abs((self.before.probability or 0.0) - (self.after.probability or 0.0))

    @property
    def kind(self) -> str:
        """Who alone says the topic, "before" or "after"; "grade" where both do."""
        if self.after.grade is None:
            return "before"
        return "after" if self.before.grade is None else "grade"

    def as_json(self) -> dict[str, object]:
        sides = {"before": self.before.as_json(), "after": self.after.as_json()}
        return {"topic": self.topic, **sides, "passage": self.passage}


@dataclass(frozen=True, slots=True)
class Differing:
    """An article of which two models say different things, the largest difference first."""

    file: str
    article: Article
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, object]:
        article = self.article
        facts = {
            "id": article.id,
            "file": self.file,
            "headline": article.headline,
            "language": article.language,
        }
        return {**facts, "differences": [difference.as_json() for difference in self.differences]}


def differences(before: tuple[Model, Tagged], after: tuple[Model, Tagged]) -> tuple[Difference, ...]:
    """The topics that two models grade differently in one article, the largest difference first."""
    tags = [{tag.topic: tag for tag in tagged.tags} for _, tagged in (before, after)]
    found = []
    for topic in sorted(tags[0].keys() | tags[1].keys()):
        one, other = (each.get(topic) for each in tags)
        if (one and one.grade) != (other and other.grade):
            carried = other or one
            passage = carried.evidence[0].passage if carried and carried.evidence else ""
            found.append(Difference(topic, _side(*before, topic, one), _side(*after, topic, other), passage))
    return tuple(sorted(found, key=lambda each: each.size, reverse=True))


def _side(model: Model, tagged: Tagged, topic: str, tag: Tag | None) -> Side:
    return Side(tag.grade if tag else None, tagged.probabilities.get(topic), model.cuts.get(topic))


@dataclass
class Tally:
    """What two models say of many articles: counts by topic, and the `most` articles that differ most."""

    most: int
    articles: int = 0
    differing: int = 0
    same: Counter[str] = field(default_factory=Counter)  # said by both in one grade, by topic
    kinds: dict[str, Counter[str]] = field(default_factory=dict)  # of differences, by topic
    _kept: list[tuple[tuple[int, float], int, Differing]] = field(default_factory=list)

    def add(self, file: str, before: tuple[Model, Tagged], after: tuple[Model, Tagged]) -> None:
        self.articles += 1
        found = differences(before, after)
        changed = {difference.topic for difference in found}
        self.same.update(tag.topic for tag in after[1].tags if tag.topic not in changed)
        if not found:
            return
        self.differing += 1
        for difference in found:
            self.kinds.setdefault(difference.topic, Counter())[difference.kind] += 1
        # Of two that differ as much the first comes first.
        entry = (found[0].size, -self.articles, Differing(file, before[1].article, found))
        if len(self._kept) < self.most:
            heapq.heappush(self._kept, entry)
        elif self.most:
            heapq.heappushpop(self._kept, entry)

    def strongest(self) -> list[Differing]:
        return [entry[2] for entry in sorted(self._kept, key=lambda entry: entry[:2], reverse=True)]

    def by_topic(self) -> dict[str, dict[str, int]]:
        """A row a topic: said by the one alone, by the other alone, in another grade, and by both."""
        rows = {}
        for topic in sorted(self.same.keys() | self.kinds.keys()):
            kinds = self.kinds.get(topic, Counter[str]())
            rows[topic] = {kind: kinds[kind] for kind in KINDS} | {"same": self.same[topic]}
        return rows


def cards(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, object]]:
    """What the cards of two versions say, a row a topic, and first one for all of them.

    `f1` is on each version's own folds, so it can differ because their labels do.
    """
    sides = (before, after)
    rows: list[dict[str, object]] = [
        {"topic": "all", "f1": [_f1(card["quality"]["all"]) for card in sides], "cuts": [None, None]}
    ]
    names = dict.fromkeys(topic["id"] for card in sides for topic in card["topics"])
    for name in names:
        f1 = [_f1(card["quality"].get("topics", {}).get(name)) for card in sides]
        rows.append({"topic": name, "f1": f1, "cuts": [card["cuts"].get(name) for card in sides]})
    return rows


def _f1(figures: Mapping[str, Any] | None) -> float | None:
    return None if figures is None else figures["f1"]
