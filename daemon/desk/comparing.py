"""Two versions held against each other, in a thread: on held-out articles with labels, and what desks would
have heard in the last days.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from classifier import (
    ClassifierError,
    Difference,
    Differing,
    Grade,
    Model,
    ModelTally,
    held_out_articles,
    load_model,
    shipped,
)
from daemon import promises, rehearsing
from daemon.database import plainly
from daemon.desk.languages import marked
from daemon.desk.state import Desk
from daemon.errors import DaemonError
from daemon.rehearsals import Rehearsal

logger = logging.getLogger(__name__)

DAYS = 14.0
MOST_ARTICLES = 2000  # of the last days: some seconds
_MOST_SHOWN = 30  # articles that differ
_KEPT = 4  # comparisons
_AT_ONCE = 50  # articles between two looks at how far it is


@dataclass(frozen=True, slots=True)
class Shown:
    """A topic of a held-out article that two versions grade differently, and what the label says of it.

    `right` is the version that the label agrees with, "before" or "after"; None where it speaks for neither.
    """

    difference: Difference
    label: Grade | None
    right: str | None


@dataclass(frozen=True, slots=True)
class OnLabels:
    """What came of the held-out articles. `strongest`: the articles that differ most, with their differences;
    `topics` as of ModelTally; `right`: how many differences the labels decide for either.
    """

    articles: int
    differing: int
    topics: Mapping[str, Mapping[str, int]]
    strongest: tuple[tuple[Differing, tuple[Shown, ...]], ...]
    right: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it. `whole`: whether all articles of the last days were rehearsed."""

    labels: OnLabels
    rehearsal: Rehearsal
    whole: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a comparison is: waiting for another one, at work, or at its end."""

    what: str = marked("waiting for another comparison")
    done: int = 0
    total: int = 0
    found: Compared | None = None
    error: str = ""

    @property
    def has_ended(self) -> bool:
        return self.found is not None or bool(self.error)


Pair = tuple[str, str]


class Comparisons:
    """One at a time; the last few are kept. Safe to share between threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._known: OrderedDict[Pair, Progress] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._at: Pair | None = None

    def ask(self, before: str, after: str) -> Progress:
        """How far the comparison is; it is begun if it has not been and no other is at work."""
        pair = before, after
        with self._lock:
            found = self._known.get(pair)
            if found is not None and (found.has_ended or self._at == pair):
                return found
            if self._at is not None:
                return Progress()
            self._at = pair
            self._keep(pair, Progress(marked("loading the two versions")))
            self._thread = threading.Thread(target=self._run, args=pair, name="comparing", daemon=True)
            self._thread.start()
            return self._known[pair]

    def forget(self, before: str, after: str) -> None:
        """What was found is old; it is found anew when it is asked for next."""
        with self._lock:
            if self._at != (before, after):
                self._known.pop((before, after), None)

    def settle(self, seconds: float) -> None:
        """Wait until nothing is at work, for so long."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _run(self, before: str, after: str) -> None:
        pair = before, after

        def tell(what: str, done: int, total: int) -> None:
            with self._lock:
                self._keep(pair, Progress(what, done, total))

        ended = Progress(error=marked("It failed; the log says more."))
        try:
            ended = Progress(found=_compared(self._desk, before, after, tell))
        except (ClassifierError, DaemonError, SQLAlchemyError, OSError) as error:
            said = str(error) if isinstance(error, ClassifierError | DaemonError) else plainly(error)
            ended = Progress(error=said)
        except Exception:
            logger.exception("comparing two versions failed")
        finally:
            with self._lock:
                self._keep(pair, ended)
                self._at = None

    def _keep(self, pair: Pair, progress: Progress) -> None:
        self._known[pair] = progress
        self._known.move_to_end(pair)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)


def _compared(desk: Desk, before: str, after: str, tell: Any) -> Compared:
    settings = desk.settings
    sides = [promises.served_model(settings, load_model(settings.models, each)) for each in (before, after)]
    labels = on_labels(desk, sides[0], sides[1], tell)
    found, whole = rehearsing.rehearse_days(
        desk.database,
        settings,
        days=DAYS,
        most=MOST_ARTICLES,
        before=sides[0],
        after=sides[1],
        tell=lambda done, total: tell(marked("replaying the last days"), done, total),
    )
    return Compared(labels, replace(found, before=before, after=after), whole)


def on_labels(desk: Desk, before: Model, after: Model, tell: Any) -> OnLabels:
    """What two models say of the articles that neither was made from, and whom the labels support."""
    judged = [each for file in held_out_articles(desk.home, shipped("labels")).values() for each in file]
    tally, right = ModelTally(len(judged)), {"before": 0, "after": 0}
    for start in range(0, len(judged), _AT_ONCE):
        tell(marked("held-out articles"), start, len(judged))
        some = judged[start : start + _AT_ONCE]
        tagged = [model.tag_all([each.article for each in some]) for model in (before, after)]
        for number, (one, other) in enumerate(zip(*tagged, strict=True), start):
            tally.add(str(number), (before, one), (after, other))
    found = []
    for differing in tally.strongest():
        each = judged[int(differing.file)]
        shown = tuple(_shown(difference, each.main, each.mention) for difference in differing.differences)
        for one_of in shown:
            if one_of.right:
                right[one_of.right] += 1
        found.append((differing, shown))
    return OnLabels(tally.articles, tally.differing, tally.by_topic(), tuple(found[:_MOST_SHOWN]), right)


def _shown(difference: Difference, main: frozenset[str], mention: frozenset[str]) -> Shown:
    """A mention must neither be found nor missed, so a label of one speaks for nobody."""
    topic = difference.topic
    label = Grade.MAIN if topic in main else Grade.MENTION if topic in mention else None
    says = {"before": difference.before.grade is Grade.MAIN, "after": difference.after.grade is Grade.MAIN}
    if label is Grade.MENTION or says["before"] == says["after"]:
        return Shown(difference, label, None)
    return Shown(
        difference, label, next(side for side, is_main in says.items() if is_main == (label is Grade.MAIN))
    )
