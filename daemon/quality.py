"""Quality: how much of what we tell is right, and how much of what there was we told, topic by topic.

What is right is known from the verdicts on alerts, what was missed from the answers to the questions that
were drawn from articles without an alert. A topic that a desk added to an article with an alert was missed
as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, text

from classifier import served_topics, serves_examples, topics_of
from daemon import estimating, questions, unalerted
from daemon.clock import to_text
from daemon.complaints import printable_line
from daemon.config import Sample
from daemon.estimating import Estimate
from daemon.questions import Question
from daemon.records import alert_from_json
from daemon.verdicts import SHORT_ID, Verdict

LEAST_ANSWERS = 20  # with fewer, even a perfect month would leave a recall between a half and one
_MOST_LISTED = 10
_EVERYTHING = "All topics"
_NOTHING = Estimate(0.0, 0.0, 0.0)

_DRAWS = text(
    """
    SELECT id, above, up_to, articles
    FROM draws
    WHERE drawn_at >= :since
    ORDER BY id
    """
)
_ASKED = text(
    """
    SELECT questions.article_id, questions.probability, answers.asked
    FROM questions
    JOIN articles ON articles.id = questions.article_id
    LEFT JOIN answers ON answers.question_id = questions.id
    WHERE questions.draw_id >= :first
      AND articles.tagged_at >= :since
    ORDER BY questions.id
    """
)
_TOLD = text(
    """
    SELECT tags.topic, COUNT(*) AS articles,
        SUM(CASE WHEN articles.id > :above AND articles.id <= :up_to THEN 1 ELSE 0 END) AS covered
    FROM articles
    JOIN tags ON tags.article_id = articles.id AND tags.grade = 'main'
    WHERE articles.tagged_at >= :since
      AND EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id)
    GROUP BY tags.topic
    """
)
_SAID = text(
    """
    SELECT verdicts.article_id, verdicts.topic, verdicts.verdict, verdicts.said_at, verdicts.settles,
        tags.grade, EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id) AS alerted
    FROM verdicts
    JOIN articles ON articles.id = verdicts.article_id
    LEFT JOIN tags ON tags.article_id = verdicts.article_id AND tags.topic = verdicts.topic
    WHERE articles.tagged_at >= :since
    """
)
_PAYLOADS = text("SELECT payload FROM alerts WHERE article_id = :article")


@dataclass(frozen=True, slots=True)
class TopicQuality:
    """What is known of one topic, or of all together, where an article counts once for each of its topics.

    `alerts` are articles that were said to be mainly about it and raised an alert; of those that people
    judged, `precision` are about it (None: nobody judged any, and all are taken to be). `missed` are
    those about it of which nobody was told; `recall` the share of which somebody was. Both are None while
    `more` answers are needed, and recall where there was nothing.
    """

    topic: str
    title: str
    alerts: int
    judged: int
    precision: Estimate | None
    answered: int
    missed: Estimate | None
    recall: Estimate | None
    more: int

    def as_json(self) -> dict[str, Any]:
        numbers = {"precision": self.precision, "missed": self.missed, "recall": self.recall}
        found = {"topic": self.topic, "alerts": self.alerts, "judged": self.judged, "answered": self.answered}
        return found | {name: _as_json(number) for name, number in numbers.items()} | {"more": self.more}


@dataclass(frozen=True, slots=True)
class Missed:
    """An article without an alert, and the topics that a desk says it is about."""

    question: Question
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """How things stand over so many days. `articles` raised no alert and were drawn from."""

    days: float
    articles: int
    asked: int
    answered: int
    disputed: int
    open: int
    overall: TopicQuality
    topics: tuple[TopicQuality, ...]
    missed: tuple[Missed, ...]
    nearest: tuple[Question, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "days": self.days,
            "articles": self.articles,
            "asked": self.asked,
            "answered": self.answered,
            "disputed": self.disputed,
            "open": self.open,
            "overall": self.overall.as_json(),
            "topics": [topic.as_json() for topic in self.topics],
            "missed": [_question_json(each.question) | {"topics": list(each.topics)} for each in self.missed],
            "nearest": [_question_json(each) for each in self.nearest],
        }


@dataclass(frozen=True, slots=True)
class _Draws:
    """What was drawn from, in the days that count."""

    articles: int
    above: int
    up_to: int
    first: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """An article that was drawn. `said`: of which topics it is known whether it is about them."""

    article: int
    probability: float
    said: Mapping[str, bool]
    answered: bool
    disputed: bool


@dataclass(slots=True)
class _Tally:
    """Alerts of a topic: those judged and right, all and of the draws; and how often it was added."""

    alerts: int = 0
    covered: int = 0
    judged: int = 0
    right: int = 0
    judged_covered: int = 0
    right_covered: int = 0
    added: int = 0

    def plus(self, other: _Tally) -> _Tally:
        return _Tally(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def topics_asked_of(home: Path, models: Path) -> dict[str, str]:
    """The topics that an article may be about, titles by id, in the order of the titles.

    Those that are labelled or served and are not retired; where a model of examples serves, its own.
    Raises LabelError.
    """
    labelled = {} if serves_examples(models) else {topic.id: topic for topic in topics_of(home)}
    titles = {topic: topic for topic in served_topics(models)}
    titles |= {topic.id: topic.title for topic in labelled.values()}
    kept = [topic for topic in titles if topic not in labelled or not labelled[topic].retired]
    return {topic: titles[topic] for topic in sorted(kept, key=lambda each: titles[each].casefold())}


def gather(connection: Connection, sample: Sample, topics: Mapping[str, str], now: datetime) -> Quality:
    """What is known of the topics, titles by id, over the last `sample.days`.

    What is told of recall is of the articles that draws have reached: those since the last one count from
    the next. A topic that people dispute of an article counts as not answered until somebody settles it.
    """
    since = to_text(now - timedelta(days=sample.days))
    draws = _draws(connection, since)
    verdicts = connection.execute(_SAID, {"since": since}).all()
    settled = _settled(verdicts)
    asked = _asked(connection, draws, since, settled)
    tallies = _tallies(connection, draws, since, verdicts, settled)
    found = [
        _of_topic(topic, title, tallies.get(topic, _Tally()), draws, asked) for topic, title in topics.items()
    ]
    everything = _Tally()
    for topic in topics:
        everything = everything.plus(tallies.get(topic, _Tally()))
    return Quality(
        days=sample.days,
        articles=draws.articles,
        asked=len(asked),
        answered=sum(each.answered for each in asked),
        disputed=sum(each.disputed for each in asked),
        open=questions.count_open(connection),
        overall=_of_all(topics, everything, draws, asked),
        topics=tuple(found),
        missed=tuple(_missed(connection, asked, topics)),
        nearest=tuple(questions.nearest_open(connection, _MOST_LISTED)),
    )


def lines(found: Quality, topics: Mapping[str, str]) -> list[str]:
    """The same for people; what articles say cannot harm their terminal."""
    text_ = [
        f"quality    {found.days:g} days: {found.answered} of {found.asked} questions answered, drawn from"
        f" {found.articles} articles without an alert; {found.open} open"
        + (f", {found.disputed} disputed" if found.disputed else "")
    ]
    text_ += [_line(each) for each in (found.overall, *found.topics)]
    if found.overall.alerts and found.overall.judged == 0:
        text_.append("           nobody judged an alert: all are taken to be right")
    for missed in found.missed:
        named = ", ".join(topics.get(topic, topic) for topic in missed.topics)
        text_.append(f"missed     {_named(missed.question)}  {named}")
    for question in found.nearest:
        near = f"{question.nearest} {question.nearness:.2f}" if question.nearness is not None else "?"
        text_.append(f"open       {_named(question)}  {near}")
    return [printable_line(line) for line in text_]


def digest_lines(
    connection: Connection, sample: Sample, topics: Mapping[str, str], now: datetime
) -> tuple[str, ...]:
    """What a digest says of recall: all topics first, then each that there were articles about.

    One line while there are too few answers; none where nothing was drawn.
    """
    found = gather(connection, sample, topics, now)
    if not found.asked:
        return ()
    if found.overall.recall is None:
        more = _answers(found.overall.more) if found.overall.more else "nothing was found or missed"
        return (f"Recall: no estimate yet, {more}.",)
    return tuple(
        f"{each.title}: recall {_share(each.recall)} over {found.days:g} days, {_probably(each.missed)}"
        for each in (found.overall, *found.topics)
        if each.recall is not None and each.missed is not None
    )


def _draws(connection: Connection, since: str) -> _Draws:
    """Draws whose articles came before the days began count with the rest of theirs alone."""
    rows = connection.execute(_DRAWS, {"since": since}).all()
    if not rows:
        return _Draws(0, 0, 0, 0)
    first, *others = rows
    part = unalerted.count(connection, above=first.above, up_to=first.up_to, since=since)
    return _Draws(part + sum(row.articles for row in others), first.above, rows[-1].up_to, first.id)


def _asked(
    connection: Connection, draws: _Draws, since: str, settled: Mapping[tuple[int, str], bool | None]
) -> list[_Asked]:
    """The questions of these draws, with what people agree on or somebody settled."""
    chances: dict[int, float] = {}
    topics: dict[int, set[str]] = {}
    if draws.articles:
        for article, probability, asked in connection.execute(_ASKED, {"first": draws.first, "since": since}):
            chances[article] = probability
            topics.setdefault(article, set()).update(json.loads(asked) if asked else ())
    found = []
    for article, probability in chances.items():
        said = {topic: settled.get((article, topic)) for topic in topics[article]}
        known = {topic: about for topic, about in said.items() if about is not None}
        found.append(_Asked(article, probability, known, bool(said), len(known) < len(said)))
    return found


def _settled(rows: Iterable[Row[Any]]) -> dict[tuple[int, str], bool | None]:
    """Whether an article is about a topic, by article and topic; None where people dispute it.

    Whoever settled it last outweighs what was said before.
    """
    said: dict[tuple[int, str], list[Row[Any]]] = {}
    for row in rows:
        said.setdefault((row.article_id, row.topic), []).append(row)
    return {key: _agreed(found) for key, found in said.items()}


def _agreed(rows: Sequence[Row[Any]]) -> bool | None:
    settling = max((row.said_at for row in rows if row.settles), default="")
    verdicts = {
        row.verdict for row in rows if row.said_at > settling or (row.settles and row.said_at == settling)
    }
    return verdicts == {Verdict.RIGHT} if len(verdicts) == 1 else None


def _tallies(
    connection: Connection,
    draws: _Draws,
    since: str,
    verdicts: Sequence[Row[Any]],
    settled: Mapping[tuple[int, str], bool | None],
) -> dict[str, _Tally]:
    values = {"since": since, "above": draws.above, "up_to": draws.up_to}
    found = {row.topic: _Tally(row.articles, row.covered) for row in connection.execute(_TOLD, values)}
    counted: set[tuple[int, str]] = set()
    for row in verdicts:
        key = (row.article_id, row.topic)
        about = settled[key]
        if about is None or not row.alerted or key in counted:
            continue
        counted.add(key)
        covered = draws.above < row.article_id <= draws.up_to
        tally = found.setdefault(row.topic, _Tally())
        if row.grade == "main":
            tally.judged += 1
            tally.right += about
            tally.judged_covered += covered
            tally.right_covered += covered and about
        elif about and covered and not _was_told(connection, *key):
            tally.added += 1
    return found


def _was_told(connection: Connection, article: int, topic: str) -> bool:
    """Whether an alert of the article named the topic, as one that it mentions."""
    payloads = connection.execute(_PAYLOADS, {"article": article}).scalars()
    return any(topic in {each.id for each in alert_from_json(payload).topics} for payload in payloads)


def _of_topic(topic: str, title: str, tally: _Tally, draws: _Draws, asked: Sequence[_Asked]) -> TopicQuality:
    known = [(each.probability, float(each.said[topic])) for each in asked if topic in each.said]
    return _quality(topic, title, tally, draws, known, most=draws.articles)


def _of_all(topics: Collection[str], tally: _Tally, draws: _Draws, asked: Sequence[_Asked]) -> TopicQuality:
    """An article counts once for each of its topics; one with a topic in dispute is left out."""
    known = [
        (each.probability, float(sum(about for topic, about in each.said.items() if topic in topics)))
        for each in asked
        if each.said and not each.disputed
    ]
    return _quality("", _EVERYTHING, tally, draws, known, most=draws.articles * len(topics))


def _quality(
    topic: str, title: str, tally: _Tally, draws: _Draws, known: Sequence[tuple[float, float]], *, most: int
) -> TopicQuality:
    precision = estimating.share(tally.right, tally.judged, tally.alerts) if tally.judged else None
    # Where everything that was missed is known, nobody need be asked.
    more = max(0, min(LEAST_ANSWERS, draws.articles) - len(known)) if draws.articles else 0
    missed = recall = None
    if not more and draws.up_to:
        drawn, counts = zip(*known, strict=True) if known else ((), ())
        silent = estimating.total(draws.articles, drawn, counts, most=most) if drawn else _NOTHING
        missed = silent.plus(tally.added)
        share = estimating.share(tally.right_covered, tally.judged_covered, tally.covered)
        recall = estimating.recall(share.times(tally.covered), missed)
    elif not draws.up_to:
        more = LEAST_ANSWERS
    return TopicQuality(topic, title, tally.alerts, tally.judged, precision, len(known), missed, recall, more)


def _missed(connection: Connection, asked: Sequence[_Asked], topics: Collection[str]) -> Iterator[Missed]:
    """The newest of the articles of which a desk said that they are about a topic."""
    found = [
        (
            each.article,
            tuple(sorted(topic for topic, about in each.said.items() if about and topic in topics)),
        )
        for each in asked
    ]
    for article, about in [each for each in found if each[1]][: -_MOST_LISTED - 1 : -1]:
        question = questions.of_article(connection, article)
        if question is not None:
            yield Missed(question, about)


def _line(found: TopicQuality) -> str:
    name = found.topic or _EVERYTHING
    precision = f"precision {_share(found.precision)} of {found.judged}" if found.precision else "none judged"
    said = f"{name:<24} {found.alerts:>5} alerts, {precision}; "
    if found.missed is None:
        return f"{said}no estimate yet: {_answers(found.more)}"
    recall = f"recall {_share(found.recall)}" if found.recall else "nothing found or missed"
    return f"{said}{recall}, {_probably(found.missed)} ({found.missed.low:.0f}–{found.missed.high:.0f})"


def _answers(more: int) -> str:
    return f"{more} more answer{'' if more == 1 else 's'}"


def _named(question: Question) -> str:
    return f"{question.drawn_at[:10]}  {question.fingerprint[:SHORT_ID]}  {question.headline}"


def _share(found: Estimate | None) -> str:
    return f"{found.value:.2f} ({found.low:.2f}–{found.high:.2f})" if found else "unknown"


def _probably(missed: Estimate | None) -> str:
    return f"{round(missed.value)} probably missed" if missed else ""


def _as_json(found: Estimate | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {"value": round(found.value, 4), "low": round(found.low, 4), "high": round(found.high, 4)}


def _question_json(found: Question) -> dict[str, Any]:
    return {
        "article": found.fingerprint[:SHORT_ID],
        "headline": found.headline,
        "language": found.language,
        "drawn_at": found.drawn_at,
        "nearest": found.nearest,
        "nearness": found.nearness,
    }
