"""What retagging changed: articles with other topics or grades, and how many; and how that is said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from classifier import Grade
from daemon.neutral import cleaned
from daemon.replaying import SHORT_ID, Mark

_HOW = ("gained", "lost", "raised", "lowered")


@dataclass(frozen=True, slots=True)
class Shift:
    """How the tag of a topic changed; None where there is none. `mark` is what desks say of it."""

    topic: str
    before: tuple[Grade, float] | None
    after: tuple[Grade, float] | None
    mark: Mark | None

    @property
    def how(self) -> str:
        if self.before is None:
            return "gained"
        if self.after is None:
            return "lost"
        return "raised" if self.after[0] is Grade.MAIN else "lowered"

    def as_json(self) -> dict[str, object]:
        sides = (("before", self.before), ("after", self.after))
        told = {name: side and {"grade": side[0], "probability": side[1]} for name, side in sides}
        return {"topic": self.topic, "change": self.how, **told, "verdict": self.mark}

    def __str__(self) -> str:
        sides = " → ".join(f"{side[0]} {side[1]:.2f}" if side else "no" for side in (self.before, self.after))
        mark = f" {self.mark.sign}" if self.mark else ""
        return f"{self.topic} {self.how} ({sides}){mark}"


@dataclass(frozen=True, slots=True)
class Difference:
    """An article with other topics or grades than before."""

    article: str  # fingerprint
    headline: str
    language: str | None
    model: str  # that tagged it before
    shifts: tuple[Shift, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "article": self.article[:SHORT_ID],
            "headline": self.headline,
            "language": self.language,
            "model_before": self.model,
            "topics": [shift.as_json() for shift in self.shifts],
        }

    def __str__(self) -> str:
        """One line for people; an article's headline cannot harm their terminal."""
        shifts = ", ".join(map(str, self.shifts))
        return f"{self.article[:SHORT_ID]}  {shifts}  {cleaned(self.headline)}"


@dataclass(slots=True)
class Retagged:
    """What a run did, or would do: `articles` looked at; `rewritten`, of which the ledger said something
    else; `changed`, with other topics or grades among these, and how `topics` changed.

    `alerts`: owed anew, by receiver; `had_alert`: not owed, because the receiver had an alert of that
    article already. `right_lost`: tags taken away that a desk marked ✓; the verdicts stay.
    """

    model: str
    dry_run: bool = False
    articles: int = 0
    rewritten: int = 0
    changed: int = 0
    right_lost: int = 0
    topics: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    alerts: Counter[str] = field(default_factory=Counter)
    had_alert: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        return {
            "model": self.model,
            "dry_run": self.dry_run,
            "articles": self.articles,
            "rewritten": self.rewritten,
            "changed": self.changed,
            "right_lost": self.right_lost,
            "topics": {
                topic: {how: found[how] for how in _HOW} for topic, found in sorted(self.topics.items())
            },
            "alerts": dict(self.alerts),
            "had_alert": dict(self.had_alert),
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        would = "would be " if self.dry_run else ""
        yield (
            f"{self.articles:,} articles looked at with model {self.model}: {self.rewritten:,}"
            f" {would}rewritten, {self.changed:,} of these with other topics or grades"
        )
        for topic, found in sorted(self.topics.items()):
            yield f"{topic}: " + ", ".join(f"{found[how]:,} {how}" for how in _HOW if found[how])
        if self.right_lost:
            yield f"{self.right_lost:,} tags taken away that a desk marked ✓; what desks said stays"
        for receiver, number in sorted(self.alerts.items()):
            yield f"{receiver}: " + (
                f"at most {number:,} alerts" if self.dry_run else f"{number:,} alerts owed"
            )
        for receiver, number in sorted(self.had_alert.items()):
            yield f"{receiver}: {number:,} not alerted of again, it had an alert of the article already"
