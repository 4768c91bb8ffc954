"""A stream of articles whose topics are known, and what is estimated of it: `python -m tests.recall`.

Weeks of articles with several topics; a model that says some of them and misses others; a draw a day, as
the daemon makes it; a desk that answers. So it can be seen how often an interval holds the true recall.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from daemon import estimating, sampling
from daemon.estimating import Estimate

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Total = Callable[[int, Sequence[float], Sequence[float], int], Estimate]
Chances = Callable[[Floats, float], Floats]

FALSE_ALERTS = 0.1  # of a topic's true articles, as many that are not about it are said to be
NEAR = 0.7  # of the missed articles came near to being said, unless the model is blind
TINY = 1e-9
MIDDLE = 0.7  # an article about a topic that is so likely cannot be below its cut


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    share: float  # of the articles
    recall: float


TOPICS = (
    Topic("recall 0.6", 0.08, 0.6),
    Topic("recall 0.9", 0.06, 0.9),
    Topic("recall 0.99", 0.06, 0.99),
    Topic("no misses", 0.05, 1.0),
    Topic("rare", 0.008, 0.8),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How many articles and questions a day, who answers and judges, and whether the model is blind:
    all that it misses it finds as unlikely as can be.
    """

    name: str
    days: int = 28
    articles: int = 200
    questions: float = 5.0
    answers: float = 1.0
    verdicts: float = 1.0
    blind: bool = False


SETTINGS = (
    Setting("all answer"),
    Setting("70 % answer, 30 % judge", answers=0.7, verdicts=0.3),
    Setting("a model that is blind", blind=True),
    Setting("a small newsroom", articles=15),
    Setting("20 questions a day", questions=20.0),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """Articles, by topic: what they are about and what was said; and on which day each came."""

    day: npt.NDArray[np.int64]
    about: Bools
    said: Bools
    nearness: Floats

    @property
    def alerted(self) -> Bools:
        return np.asarray(self.said.any(axis=0))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there was of a topic, and what was made of it. `silent`: missed in articles without an alert."""

    recall: float
    silent: int
    missed: Estimate
    estimate: Estimate | None  # None: nothing was told and nothing missed, as far as we know


def stream(setting: Setting, chance: np.random.Generator) -> Stream:
    number = int(chance.poisson(setting.days * setting.articles))
    shape = (len(TOPICS), number)
    share, recall = (np.array([[getattr(each, name)] for each in TOPICS]) for name in ("share", "recall"))
    about = chance.random(shape) < share
    said = chance.random(shape) < np.where(about, recall, FALSE_ALERTS * share)
    missed = about & ~said
    near = missed & (chance.random(shape) < NEAR)
    unlikely = chance.beta(0.3, 8.0, shape) * MIDDLE
    likely = np.where(near, chance.beta(2.0, 2.0, shape) * MIDDLE, unlikely)
    nearness = np.where(said, 0.0, likely).max(axis=0)
    if setting.blind:
        nearness[missed.any(axis=0)] = 0.0
    return Stream(np.sort(chance.integers(0, setting.days, number)), about, said, nearness)


def total(articles: int, drawn: Sequence[float], counts: Sequence[float], most: int) -> Estimate:
    return estimating.total(articles, drawn, counts, most=most)


def outcomes(
    setting: Setting, seed: int, *, total: Total = total, chances: Chances = sampling.probabilities
) -> list[Outcome]:
    """What is estimated of each topic in one run."""
    chance = np.random.default_rng([seed, 20])
    found = stream(setting, chance)
    alerted = found.alerted
    probability = np.zeros(len(found.day))
    drawn = np.zeros(len(found.day), dtype=bool)
    for day in range(setting.days):
        frame = np.flatnonzero((found.day == day) & ~alerted)
        if len(frame):
            probability[frame] = chances(found.nearness[frame], setting.questions)
            drawn[frame[sampling.choose(probability[frame], (seed, day))]] = True
    answered = drawn & (chance.random(len(drawn)) < setting.answers)
    judged = alerted & (chance.random(len(drawn)) < setting.verdicts)
    return [_outcome(found, topic, probability, answered, judged, total) for topic in range(len(TOPICS))]


def _outcome(
    found: Stream, topic: int, probability: Floats, answered: Bools, judged: Bools, total: Total
) -> Outcome:
    about, said, silent = found.about[topic], found.said[topic], ~found.alerted
    articles = int(silent.sum())
    missed = total(articles, probability[answered].tolist(), about[answered].astype(float).tolist(), articles)
    added = int((about & ~said & judged).sum())
    share = estimating.share(int((about & said & judged).sum()), int((said & judged).sum()), int(said.sum()))
    estimate = estimating.recall(share.times(float(said.sum())), missed.plus(added))
    recall = float((about & said).sum()) / max(1.0, float(about.sum()))
    return Outcome(recall, int((about & silent).sum()), missed, estimate)


@dataclass(frozen=True, slots=True)
class Row:
    """Of many runs: how often the interval held the truth, how wide it was, and how wrong the total is."""

    topic: str
    recall: float
    low: float
    high: float
    coverage: float
    silent: float
    bias: float
    error: float  # of the bias, one standard error

    @property
    def width(self) -> float:
        return self.high - self.low


def rows(
    setting: Setting, runs: int, *, total: Total = total, chances: Chances = sampling.probabilities
) -> Iterator[Row]:
    by_run = [outcomes(setting, seed, total=total, chances=chances) for seed in range(runs)]
    for topic, found in zip(TOPICS, zip(*by_run, strict=True), strict=True):
        wrong = np.array([each.missed.value - each.silent for each in found])
        recall = np.array([each.recall for each in found if each.estimate])
        low = np.array([each.estimate.low for each in found if each.estimate])
        high = np.array([each.estimate.high for each in found if each.estimate])
        yield Row(
            topic.name,
            float(recall.mean()),
            float(low.mean()),
            float(high.mean()),
            float(((low - TINY <= recall) & (recall <= high + TINY)).mean()),
            float(np.mean([each.silent for each in found])),
            float(wrong.mean()),
            float(wrong.std() / np.sqrt(runs)),
        )


def main() -> None:
    """Print for each setting and topic what became of it in so many runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.recall", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--days", type=int, default=28)
    options = parser.parse_args()
    print(f"{options.runs} runs of {options.days} days; 95 % intervals of recall")
    interval, missed = " covered  width  from    to", " missed  estimated  ± error"
    print(f"{'':26}{'topic':12}  recall {interval} {missed}")
    for setting in SETTINGS:
        name = setting.name
        for row in rows(replace(setting, days=options.days), options.runs):
            interval = f"{row.coverage:8.1%} {row.width:6.2f} {row.low:5.2f} {row.high:5.2f}"
            missed = f"{row.silent:7.1f} {row.silent + row.bias:10.1f} {row.error:8.1f}"
            print(f"{name:26}{row.topic:12} {row.recall:7.2f} {interval} {missed}", flush=True)
            name = ""


if __name__ == "__main__":
    main()
