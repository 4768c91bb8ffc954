"""What a rehearsal found: alerts gained, lost and moved, with their evidence; and how that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from classifier import shorten
from daemon.clock import to_text
from daemon.neutral import cleaned
from daemon.replaying import SHORT_ID, Mark

_LONGEST_QUOTE = 240  # characters

_COLUMNS = ("receiver", "topic", "before", "after", "gained", "lost", "moved in", "moved out", "✓ lost")


class Kind(StrEnum):
    """`moved`: the receiver hears of the article still, for another topic, or another receiver does."""

    GAINED = "gained"
    LOST = "lost"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Heard:
    """A topic for which a receiver hears of an article, with the evidence.

    `before` and `after` are the topic's probabilities, each with the cut of this grade; None where
    that model does not know the topic. `by_routes`: both say it, in the same grade, and only routes
    differ. `mark` is what desks said.
    """

    receiver: str
    topic: str
    grade: str
    before: float | None
    after: float | None
    cut_before: float | None
    cut_after: float | None
    passage: str
    words: tuple[str, ...]
    by_routes: bool
    mark: Mark | None

    @property
    def key(self) -> tuple[str, str]:
        return self.receiver, self.topic

    def as_json(self) -> dict[str, object]:
        return {
            "receiver": self.receiver,
            "topic": self.topic,
            "grade": self.grade,
            "probability": {"before": self.before, "after": self.after},
            "cut": {"before": self.cut_before, "after": self.cut_after},
            "passage": self.passage,
            "words": list(self.words),
            "by_routes": self.by_routes,
            "verdict": self.mark,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """An article that a receiver would hear of anew (`now`), no more (`was`), or for another topic (both)."""

    article: str  # fingerprint
    headline: str
    language: str | None
    was: Heard | None
    now: Heard | None

    @property
    def kind(self) -> Kind:
        if self.was is None:
            return Kind.GAINED
        return Kind.LOST if self.now is None else Kind.MOVED

    @property
    def loses_right(self) -> bool:
        """Whether a desk said right of what is heard no more, by this receiver or by one in its place."""
        told = self.now is not None and self.was is not None and self.now.topic == self.was.topic
        return self.was is not None and self.was.mark is Mark.RIGHT and not told

    def as_json(self) -> dict[str, object]:
        return {
            "change": self.kind,
            "article": self.article[:SHORT_ID],
            "headline": self.headline,
            "language": self.language,
            "was": self.was and self.was.as_json(),
            "now": self.now and self.now.as_json(),
            "marked_right": self.loses_right,
        }

    def lines(self) -> Iterator[str]:
        """For people; an article's text cannot harm their terminal."""
        heard = [each for each in (self.was, self.now) if each is not None]
        said = " ▶ ".join(_said(each) for each in heard)
        yield f"{self.kind:<6}  {said}  {self.article[:SHORT_ID]}"
        yield f"        {cleaned(self.headline)}"
        for each in heard:
            words = ", ".join(map(cleaned, each.words))
            yield f"        “{cleaned(shorten(each.passage, _LONGEST_QUOTE))}”  ({words})"


@dataclass(frozen=True, slots=True)
class Tally:
    """Articles a receiver hears of for a topic: before - lost - moved_out + gained + moved_in = after."""

    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    moved_in: int = 0
    moved_out: int = 0
    lost_right: int = 0

    @property
    def figures(self) -> tuple[int, ...]:
        """In the order of the printed columns."""
        return (
            self.before, self.after, self.gained, self.lost, self.moved_in, self.moved_out, self.lost_right,
        )  # fmt: skip

    def as_json(self) -> dict[str, int]:
        names = (name.replace(" ", "_") for name in _COLUMNS[2:-1])
        return dict(zip([*names, "lost_right"], self.figures, strict=True))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would change. All numbers are exact; `changes` are the first of each kind, lost ✓ before all.

    `topics`: by receiver and topic; `alerts`: by receiver, alerts before and after, of which each is one
    article whatever its topics.
    """

    since: datetime
    articles: int
    before: str
    after: str
    topics: Mapping[tuple[str, str], Tally]
    alerts: Mapping[str, tuple[int, int]]
    changes: tuple[Change, ...]

    @property
    def gained(self) -> int:
        return sum(tally.gained for tally in self.topics.values())

    @property
    def lost(self) -> int:
        return sum(tally.lost for tally in self.topics.values())

    @property
    def moved(self) -> int:
        return sum(tally.moved_out for tally in self.topics.values())

    @property
    def number_lost_right(self) -> int:
        """How many are lost that a desk marked ✓; `lost_right` has the first of them."""
        return sum(tally.lost_right for tally in self.topics.values())

    @property
    def lost_right(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.loses_right)

    def as_json(self) -> dict[str, object]:
        """Everything but the changes, which have an `as_json` of their own."""
        return {
            "since": to_text(self.since),
            "articles": self.articles,
            "model": {"before": self.before, "after": self.after},
            "gained": self.gained,
            "lost": self.lost,
            "moved": self.moved,
            "lost_right": self.number_lost_right,
            "alerts": [
                {"receiver": receiver, "before": before, "after": after}
                for receiver, (before, after) in sorted(self.alerts.items())
            ],
            "topics": [
                {"receiver": receiver, "topic": topic} | tally.as_json()
                for (receiver, topic), tally in sorted(self.topics.items())
            ],
            "left_aside": ["wishes", "stories"],
            "shown": len(self.changes),
        }

    def summary(self) -> Iterator[str]:
        """What would change in numbers, for people: one row a receiver and topic."""
        models = self.before if self.before == self.after else f"{self.before} ▶ {self.after}"
        yield (
            f"{self.articles:,} articles since {self.since:%Y-%m-%d %H:%M} UTC, model {models};"
            " wishes and stories left aside"
        )
        yield (
            f"alerts of a topic: {self.gained:,} gained, {self.lost:,} lost, {self.moved:,} moved;"
            f" {self.number_lost_right:,} lost that a desk marked ✓"
        )
        for receiver, (before, after) in sorted(self.alerts.items()):
            yield f"{receiver} hears of {after:,} articles, {before:,} before"
        rows = [
            (receiver, topic, *(f"{figure:,}" for figure in tally.figures))
            for (receiver, topic), tally in sorted(self.topics.items())
        ]
        yield from _table([_COLUMNS, *rows]) if rows else ()

    def lines(self, most: int | None = None) -> Iterator[str]:
        """The summary, then the changes, lost ✓ first; at most so many of these."""
        yield from self.summary()
        shown = self.changes[:most]
        for change in shown:
            yield ""
            yield from change.lines()
        more = self.gained + self.lost + self.moved - len(shown)
        if shown and more:
            yield ""
            yield f"and {more:,} more"


def _said(heard: Heard) -> str:
    """`desk: energy 0.83 → 0.41 (cut 0.50) ✓`."""
    cuts = heard.cut_before, heard.cut_after
    cut = _number(cuts[0]) if cuts[0] == cuts[1] else " → ".join(map(_number, cuts))
    likely = f"{_number(heard.before)} → {_number(heard.after)}"
    why = ", by its routes" if heard.by_routes else ""
    mark = f" {heard.mark.sign}" if heard.mark else ""
    return f"{heard.receiver}: {heard.topic} {likely} ({heard.grade} from {cut}{why}){mark}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of cells in columns, two of words and the rest of numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
