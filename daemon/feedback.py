"""Feedback: clicks ▶ verdicts and wishes, exactly once a click.

Slack may tell us of a click again, and of two clicks in any order. So whatever a click does here
does not depend on what came before it, but on the moments at which people pressed. What is pressed
under a question is an answer, made anew each time from all that the person pressed there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from daemon import actions, clicks, questions, showing, verdicts, wishes
from daemon.actions import Action, Verb
from daemon.clicks import Click, Outcome
from daemon.messages import Answered, QuestionBody, Remark, question_from_json
from daemon.questions import Question
from daemon.records import Alert, alert_from_json
from daemon.verdicts import Verdict
from daemon.wishes import Wish

_PLACE = text(
    """
    SELECT alerts.article_id, alerts.payload, carriers.channel
    FROM alerts
    LEFT JOIN deliveries ON deliveries.alert_id = alerts.id
    LEFT JOIN deliveries AS carriers ON carriers.id = COALESCE(deliveries.into_id, deliveries.id)
    WHERE alerts.key = :key
    """
)
_CARRIERS = text(
    """
    SELECT DISTINCT COALESCE(deliveries.into_id, deliveries.id)
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE alerts.article_id = :article_id
    ORDER BY 1
    """
)
_PUT = text("SELECT id, body, channel FROM deliveries WHERE key = :key AND form = 'question'")
_ARTICLE = text("SELECT article_id FROM alerts WHERE key = :key")
_ID = text("SELECT substr(fingerprint, 1, 16) FROM articles WHERE id = :article")
_ID_OF = text(
    """
    SELECT substr(fingerprint, 1, 16)
    FROM articles
    WHERE id = COALESCE(
        (SELECT article_id FROM alerts WHERE key = :key),
        (SELECT article_id FROM questions WHERE key = :key)
    )
    """
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a click is about. `channel`: where its message stands, as far as we were told."""

    article: int
    alert: Alert
    channel: str | None


@dataclass(frozen=True, slots=True)
class _Put:
    """A question as it was put to a desk, by which delivery and in which channel."""

    question: Question
    body: QuestionBody
    delivery: int
    channel: str | None


def take(connection: Connection, click: Click, now: datetime, *, receivers: Collection[str] = ()) -> Outcome:
    """Write a click down and do what it says, in the caller's transaction; once, however often it comes.

    Of a person's verdicts on a tag the one pressed last counts, in whatever order clicks arrive.
    Every message that names the article is to be shown anew. `receivers` are those whose channel it is:
    what is muted there is muted for all of them.
    """
    put = _put(connection, click.action.alert)
    if put is not None:
        return _take_answer(connection, put, click, now)
    place = _place(connection, click.action.alert)
    outcome = _outcome(place.channel, click) if place is not None else Outcome.UNKNOWN
    article = place.article if place is not None else None
    if not clicks.record(connection, click, outcome, now, article=article):
        return Outcome.REPEATED
    if place is not None and outcome is Outcome.TAKEN and _apply(connection, place, click, now, receivers):
        _show_anew(connection, place.article)
    return outcome


def id_of(connection: Connection, article: int) -> str:
    """The id by which the log and `classifier tag` name an article; "" where there is none."""
    return str(connection.execute(_ID, {"article": article}).scalar_one_or_none() or "")


def asked_of(connection: Connection, click: Click) -> str:
    """The id of the article that a click is about; "" where we do not know it."""
    return str(connection.execute(_ID_OF, {"key": click.action.alert}).scalar_one_or_none() or "")


def judge(
    connection: Connection,
    *,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str,
    now: datetime,
    settles: bool = False,
) -> None:
    """Write what a person says of a tag, in the caller's transaction; it replaces what they said before.

    Every Slack message that names the article, or asks about it, is to be shown anew. `settles`: it
    outweighs all that people said of the tag before.
    """
    said_at = verdicts.moment_after(connection, article=article, topic=topic, person=person, now=now)
    write = verdicts.settle if settles else verdicts.add
    write(connection, article=article, topic=topic, verdict=verdict, person=person, now=said_at)
    _show_all_anew(connection, article)


def undo(connection: Connection, *, article: int, topic: str, person: str, now: datetime) -> bool:
    """Bring a tag back to what a person had said of it before their last word, or to nothing.

    Messages are shown anew as with `judge`. False, and nothing changes, where nothing of theirs holds.
    """
    undone = verdicts.undo(connection, article=article, topic=topic, person=person, now=now)
    if undone:
        _show_all_anew(connection, article)
    return undone


def remarks(connection: Connection, alert_key: str) -> tuple[Remark, ...]:
    """What people say of the article of an alert: of the alert's topics, and of others."""
    article = connection.execute(_ARTICLE, {"key": alert_key}).scalar_one_or_none()
    return verdicts.remarks(connection, article) if article is not None else ()


def answers(connection: Connection, key: str) -> tuple[Answered, ...]:
    """What people answered to the question of this key, oldest first."""
    return tuple(Answered(each.person, each.topics) for each in questions.answers(connection, key))


def counts(connection: Connection) -> dict[str, int]:
    """How many clicks had which outcome, and what verdicts say: "clicks taken", "verdicts disputed"."""
    found = {f"clicks {outcome}": number for outcome, number in clicks.counts(connection).items()}
    return found | {f"verdicts {said}": number for said, number in verdicts.counts(connection).items()}


def _place(connection: Connection, alert_key: str) -> _Place | None:
    row = connection.execute(_PLACE, {"key": alert_key}).one_or_none()
    return None if row is None else _Place(row.article_id, alert_from_json(row.payload), row.channel)


def _put(connection: Connection, key: str) -> _Put | None:
    row = connection.execute(_PUT, {"key": key}).one_or_none()
    question = questions.one(connection, key) if row is not None else None
    if row is None or question is None:
        return None
    return _Put(question, question_from_json(row.body), row.id, row.channel)


def _show_anew(connection: Connection, article: int) -> None:
    for carrier in connection.execute(_CARRIERS, {"article_id": article}).scalars():
        showing.touch(connection, carrier)


def _show_all_anew(connection: Connection, article: int) -> None:
    _show_anew(connection, article)
    question = questions.of_article(connection, article)
    if question is not None:
        questions.show_anew(connection, question.key)


def _outcome(channel: str | None, click: Click) -> Outcome:
    # Not told yet where it stands: whoever presses it there is right, and the key is in no other message.
    if channel is not None and channel != click.channel:
        return Outcome.ELSEWHERE
    return Outcome.TAKEN


def _take_answer(connection: Connection, put: _Put, click: Click, now: datetime) -> Outcome:
    outcome, article = _outcome(put.channel, click), put.question.article
    if not clicks.record(connection, click, outcome, now, article=article):
        return Outcome.REPEATED
    if outcome is Outcome.TAKEN and _answer(connection, put, click.person):
        showing.touch(connection, put.delivery)
        _show_anew(connection, article)
    return outcome


def _answer(connection: Connection, put: _Put, person: str) -> bool:
    """Answer as all that a person pressed under a question says; whether that is another answer."""
    key = put.question.key
    before = _said(connection, key, person)
    pressed = clicks.taken(connection, article=put.question.article, person=person, key=key)
    topics, moment = folded(pressed), pressed[-1][1]
    # Also where the moment is that of what was said before: a click that was pressed earlier came later.
    questions.withdraw(connection, key=key, person=person, moment=moment)
    if topics is not None:
        asked = [topic for topic, _ in put.body.topics]
        questions.answer(connection, key=key, person=person, topics=topics, asked=asked, said_at=moment)
    return _said(connection, key, person) != before


def folded(pressed: Sequence[tuple[Action, datetime]]) -> tuple[str, ...] | None:
    """The topics that a person says an article is about who pressed this, one after the other.

    Each topic comes to those before it, until "about none of these"; None: nothing, or all undone.
    """
    topics: tuple[str, ...] | None = None
    for action, _ in pressed:
        match action.verb:
            case Verb.UNDO:
                topics = None
            case Verb.NOTHING:
                topics = ()
            case Verb.OTHER if action.topic is not None:
                topics = tuple(dict.fromkeys((*(topics or ()), action.topic)))
    return topics


def _said(connection: Connection, key: str, person: str) -> tuple[str, ...] | None:
    return next((each.topics for each in answers(connection, key) if each.person == person), None)


def _apply(
    connection: Connection, place: _Place, click: Click, now: datetime, receivers: Collection[str]
) -> bool:
    """Whether people's verdicts on the article are others than before."""
    match click.action.verb:
        case Verb.UNDO:
            return verdicts.withdraw(
                connection, article=place.article, person=click.person, moment=click.clicked_at
            )
        case Verb.MUTE:
            _mute(connection, {place.alert.receiver, *receivers}, click, now)
            return False
        case Verb.WRONG:
            return _say(connection, place, click, Verdict.WRONG)
        case Verb.RIGHT | Verb.OTHER:
            return _say(connection, place, click, Verdict.RIGHT)
        case Verb.NOTHING:  # no alert has a button for it
            return False


def _say(connection: Connection, place: _Place, click: Click, verdict: Verdict) -> bool:
    if clicks.undone_after(connection, article=place.article, person=click.person, moment=click.clicked_at):
        return False
    named = click.action.topic
    topics = [topic.id for topic in place.alert.topics] if named is None else [named]
    said = [
        verdicts.add_in_order(
            connection,
            article=place.article,
            topic=topic,
            verdict=verdict,
            person=click.person,
            said_at=click.clicked_at,
        )
        for topic in topics
    ]
    return any(said)


def _mute(connection: Connection, receivers: Collection[str], click: Click, now: datetime) -> None:
    topic, length = click.action.topic, actions.duration(click.action.duration or "")
    if topic is None or length is None:
        return
    for receiver in sorted(receivers):
        wishes.add(connection, receiver, topic, Wish.MUTE, until=now + length, person=click.person, now=now)
