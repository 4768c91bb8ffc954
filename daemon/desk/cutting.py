"""What is shown of another cut: alerts gained and lost with examples, and what labels and verdicts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from classifier import Article, Labelled, Model, Settled, Share, for_precision, for_recall, quality_at
from daemon import estimating, replaying
from daemon.desk import articles, drawing, slider
from daemon.desk.drawing import Pin, Scale
from daemon.desk.known import Knowledge
from daemon.desk.slider import Change, Floats, Judged, Outlook, Said
from daemon.desk.state import Desk
from daemon.estimating import Estimate
from daemon.replaying import Mark
from daemon.tables import Promise

LEVELS = (0.8, 0.9, 0.95)
LEAST, MOST = 0.001, 0.999  # cuts that the configuration takes
_EXAMPLES = 8
_WAIT = 0.3  # seconds; then the page goes without, and asks again
_MARKED = 60  # ✓ and ✗ on the scale, of each


@dataclass(frozen=True, slots=True)
class Example:
    """An article that is gained or lost: for whom, and what speaks for the topic in it."""

    id: str
    headline: str
    language: str | None
    probability: float
    passage: str
    words: tuple[str, ...]
    receivers: tuple[str, ...]
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Promised:
    """A share of recall or precision, and the cut that the labels carry it with, if they do."""

    share: float
    settled: Settled

    @property
    def cut(self) -> float | None:
        """One that the configuration takes."""
        found = self.settled.cut
        return None if found is None else min(MOST, max(LEAST, found))

    @property
    def pin(self) -> Pin | None:
        """Where that stands on the scale."""
        return None if self.cut is None else drawing.pin(self.cut)


@dataclass(frozen=True, slots=True)
class OnLabels:
    """Recall and precision on the labelled articles, now and with the other cut, and what can be promised."""

    now: tuple[Share, Share]
    then: tuple[Share, Share]
    recalls: tuple[Promised, ...]
    precisions: tuple[Promised, ...]


@dataclass(frozen=True, slots=True)
class OnVerdicts:
    """What desks said of the last days' articles. `precision` is of what the cut says, if any was judged."""

    judged: Judged
    precision: Estimate | None


@dataclass(frozen=True, slots=True)
class Recently:
    """What the cut would have made of the last days."""

    said: Said
    outlook: Outlook
    lost: tuple[Example, ...]
    gained: tuple[Example, ...]
    verdicts: OnVerdicts
    scale: Scale

    @property
    def weeks(self) -> float:
        return self.said.days / 7


@dataclass(frozen=True, slots=True)
class CutShown:
    """`recently` is None while `progress` (articles looked at, and all) goes on, or where it `failed`."""

    topic: str
    now: float
    then: float
    promise: Promise | None
    recently: Recently | None
    progress: tuple[int, int]
    failed: bool
    labels: OnLabels | None
    is_heard: bool

    @property
    def lines(self) -> str:
        """What the configuration says for this cut."""
        return f"[topic.{self.topic}]\ncut = {self.then:g}"

    @property
    def command(self) -> str:
        return f"topicwired rehearse --cut {self.topic}={self.then:g}"


def cut_of(given: str | None, now: float) -> float | None:
    """The cut that somebody asks for, to a thousandth; without one that of now. None for what is none."""
    if given is None or not given.strip():
        return now
    try:
        found = float(given.strip().replace(",", ".")[:20])
    except ValueError:
        return None
    # What is no number compares with nothing.
    return round(found, 3) if LEAST <= found <= MOST else None


def cut_shown(desk: Desk, knowledge: Knowledge, model: Model, topic: str, then: float) -> CutShown:
    """All there is to show of a cut of a topic that the model knows."""
    now = model.cuts[topic].main
    said = knowledge.lookout.said(_WAIT)
    recently = None
    if said is not None and topic in said.model.topics:
        recently = _recently(desk, knowledge, model, said, topic, then)
    return CutShown(
        topic=topic,
        now=now,
        then=then,
        promise=desk.settings.promises.get(topic),
        recently=recently,
        progress=knowledge.lookout.progress,
        failed=said is None and knowledge.lookout.failed,
        labels=_on_labels(knowledge.learned(model).labelled.get(topic), now, then),
        is_heard=any(route.topics is None or topic in route.topics for route in desk.settings.routes),
    )


def _recently(
    desk: Desk, knowledge: Knowledge, model: Model, said: Said, topic: str, then: float
) -> Recently:
    heard = knowledge.lookout.hearing(said, model, topic)
    before = model.cuts[topic]
    after = before if then == before.main else slider.cuts_at(said.model, topic, then)
    with desk.database.reading() as connection:
        marks = _marks(connection, said, topic)
        found = slider.outlook(said, heard, topic, before, after, marks)
        changes = (*found.lost[:_EXAMPLES], *found.gained[:_EXAMPLES])
        shown = {
            each.identity: each for each in articles.shown(connection, [each.article for each in changes])
        }
    texts = {id: Article(each.text, title=each.title, language=each.language) for id, each in shown.items()}
    quotes = knowledge.lookout.quotes(said, topic, texts)

    def examples(given: Sequence[Change]) -> tuple[Example, ...]:
        return tuple(
            Example(
                shown[each.article].id,
                shown[each.article].headline,
                shown[each.article].language,
                each.probability,
                quotes[each.article].passage,
                quotes[each.article].words,
                each.receivers,
                each.mark,
            )
            for each in given[:_EXAMPLES]
            if each.article in shown
        )

    counted = slider.judged(said, topic, after.main, marks)
    likely = said.of(topic)
    counts, _ = np.histogram(likely, bins=drawing.BINS, range=(0.0, 1.0))
    return Recently(
        said,
        found,
        examples(found.lost),
        examples(found.gained),
        OnVerdicts(counted, _precision(counted, found.said[1])),
        drawing.scale(
            counts.tolist(),
            right=_pinned(said, likely, marks, Mark.RIGHT),
            wrong=_pinned(said, likely, marks, Mark.WRONG),
            now=before.main,
            then=after.main,
        ),
    )


def _marks(connection: Connection, said: Said, topic: str) -> dict[int, Mark]:
    """What desks say of the topic, by article."""
    if not said.articles:
        return {}
    found = replaying.marks(connection, int(said.ids[0]), int(said.ids[-1]))
    return {article: marks[topic] for article, marks in found.items() if topic in marks}


def _pinned(said: Said, likely: Floats, marks: Mapping[int, Mark], mark: Mark) -> list[float]:
    """The probabilities of the newest articles with a mark."""
    asked = [article for article, each in marks.items() if each is mark]
    found: list[float] = likely[np.isin(said.ids, asked)][-_MARKED:].tolist()
    return found


def _precision(counted: Judged, articles: int) -> Estimate | None:
    judged = counted.right + counted.wrong
    return estimating.share(counted.right, judged, max(articles, judged)) if judged else None


def _on_labels(labelled: Labelled | None, now: float, then: float) -> OnLabels | None:
    if labelled is None:
        return None
    return OnLabels(
        quality_at(labelled, now),
        quality_at(labelled, then),
        tuple(Promised(share, for_recall(labelled, share)) for share in LEVELS),
        tuple(Promised(share, for_precision(labelled, share)) for share in LEVELS),
    )
