"""Feedback: clicks ▶ verdicts and wishes, exactly once a click.

Slack may tell us of a click again, and of two clicks in any order. So whatever a click does here
does not depend on what came before it, but on the moments at which people pressed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from daemon import actions, clicks, showing, verdicts, wishes
from daemon.actions import Verb
from daemon.clicks import Click, Outcome
from daemon.messages import Remark
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
    """
)
_ARTICLE = text("SELECT article_id FROM alerts WHERE key = :key")


@dataclass(frozen=True, slots=True)
class _Place:
    """What a click is about. `channel`: where its message stands, as far as we were told."""

    article: int
    alert: Alert
    channel: str | None


def take(connection: Connection, click: Click, now: datetime, *, receivers: Collection[str] = ()) -> Outcome:
    """Write a click down and do what it says, in the caller's transaction; once, however often it comes.

    Of a person's verdicts on a tag the one pressed last counts, in whatever order clicks arrive.
    Every message that names the article is to be shown anew. `receivers` are those whose channel it is:
    what is muted there is muted for all of them.
    """
    place = _place(connection, click.action.alert)
    outcome = _outcome(place, click)
    article = place.article if place is not None else None
    if not clicks.record(connection, click, outcome, now, article=article):
        return Outcome.REPEATED
    if place is not None and outcome is Outcome.TAKEN and _apply(connection, place, click, now, receivers):
        for carrier in connection.execute(_CARRIERS, {"article_id": place.article}).scalars():
            showing.touch(connection, carrier)
    return outcome


def remarks(connection: Connection, alert_key: str) -> tuple[Remark, ...]:
    """What people say of the article of an alert: of the alert's topics, and of others."""
    article = connection.execute(_ARTICLE, {"key": alert_key}).scalar_one_or_none()
    return verdicts.remarks(connection, article) if article is not None else ()


def counts(connection: Connection) -> dict[str, int]:
    """How many clicks had which outcome, and what verdicts say: "clicks taken", "verdicts disputed"."""
    found = {f"clicks {outcome}": number for outcome, number in clicks.counts(connection).items()}
    return found | {f"verdicts {said}": number for said, number in verdicts.counts(connection).items()}


def _place(connection: Connection, alert_key: str) -> _Place | None:
    row = connection.execute(_PLACE, {"key": alert_key}).one_or_none()
    return None if row is None else _Place(row.article_id, alert_from_json(row.payload), row.channel)


def _outcome(place: _Place | None, click: Click) -> Outcome:
    if place is None:
        return Outcome.UNKNOWN
    # Not told yet where it stands: whoever presses it there is right, and the key is in no other message.
    if place.channel is not None and place.channel != click.channel:
        return Outcome.ELSEWHERE
    return Outcome.TAKEN


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
