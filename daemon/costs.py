"""What a cut costs: how much of the ledger's recent articles is said with it, and how much of that is false.

No article has a verdict on everything, so the false ones are expected: of an article said with the
probability p, 1 - p. That is as good as the model's calibration is on the newsroom's own articles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from classifier import Model
from daemon import clock, replaying
from daemon.database import Database

_LEAST_SPAN = timedelta(days=1)  # what came in a shorter time says nothing of a week


@dataclass(frozen=True, slots=True)
class Load:
    """Articles a week that are said to be about a topic, as main, and how many of them are likely not."""

    said: float
    false: float

    def __str__(self) -> str:
        daily = _amount(self.said / 7)
        return f"{_amount(self.said)} a week ({daily} a day), {_amount(self.false)} of them false"

    def as_json(self) -> dict[str, float]:
        return {"a_week": round(self.said, 3), "false_a_week": round(self.false, 3)}


@dataclass(frozen=True, slots=True)
class Costs:
    """Of so many articles in so many days, for each topic and cut that was asked for."""

    articles: int
    days: float
    loads: Mapping[tuple[str, float], Load]


def costs(
    database: Database,
    model: Model,
    cuts: Iterable[tuple[str, float]],
    *,
    since: datetime,
    tell: Callable[[int, int], None] | None = None,
) -> Costs:
    """What each of the cuts, with its topic, would say of the articles that the ledger took since then.

    Copies of an article are counted once, as the ledger does; routes and wishes are left aside. `tell` is
    told the articles done, and all.
    """
    asked = set(cuts)
    # No tags, so no evidence is looked for: probabilities are all that is needed.
    bare = replace(model, retired=frozenset(model.topics))
    with database.reading() as connection:
        span = replaying.span(connection, since)
    said, wrong = dict.fromkeys(asked, 0.0), dict.fromkeys(asked, 0.0)
    done = 0
    for recorded in replaying.parts(database, span):
        for tagged in bare.tag_all([each.article for each in recorded]):
            for topic, cut in asked:
                probability = tagged.probabilities[topic]
                if probability >= cut:
                    said[topic, cut] += 1.0
                    wrong[topic, cut] += 1.0 - probability
        done += len(recorded)
        if tell is not None:
            tell(done, span.articles)
    days = max(clock.now() - (span.began or since), _LEAST_SPAN) / timedelta(days=1)
    weeks = days / 7
    return Costs(span.articles, days, {each: Load(said[each] / weeks, wrong[each] / weeks) for each in asked})


def _amount(number: float) -> str:
    """As a person would say it: two digits."""
    return f"{number:.0f}" if number >= 9.5 else f"{number:.2g}"
