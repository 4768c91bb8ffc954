"""Digests: what a receiver was told of in a time, as one message, owed once for each period of its cron line.

For a receiver that hears in digests alone its articles come after it, in its thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from pydantic import TypeAdapter
from sqlalchemy import Connection, text

from daemon import blocks, clock, outbox, periods, quality, quiet, tallying
from daemon.clock import from_text, to_text
from daemon.config import Receiver, Settings
from daemon.database import Database
from daemon.messages import DigestBody
from daemon.records import DeliveryState, Form, alert_from_json
from daemon.tallying import Told
from daemon.timetable import Job
from daemon.wording import counted

Choices = Callable[[], Sequence[tuple[str, str]]]

_FARTHEST = timedelta(days=35)  # back from now, for what was told already: a month, and a little

_MOST_RECALL = 100  # lines; far more than are shown

_IS_OWED = text("SELECT 1 FROM deliveries WHERE key = :key")
_LAST = text(
    """
    SELECT id, body
    FROM deliveries
    WHERE receiver = :receiver
      AND form = 'digest'
    ORDER BY id DESC
    LIMIT 1
    """
)
# Ids go up in the order of writing, whatever the clock says: no alert is in two digests, or between two.
_GATHER = text(
    """
    SELECT alerts.payload, alerts.story_id, alerts.created_at, deliveries.state
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE deliveries.receiver = :receiver
      AND (deliveries.state = 'held' OR (deliveries.id > :after AND alerts.created_at >= :since))
    ORDER BY deliveries.id
    """
)
# What was held when a backup was made may have been sent before that was put back: `doubt` says so.
_RELEASE = text(
    """
    UPDATE deliveries
    SET state = CASE WHEN first_sent_at IS NULL THEN 'pending' ELSE 'unknown' END,
        root_id = :root,
        due_at = :now
    WHERE receiver = :receiver
      AND state = 'held'
    """
)


@dataclass(frozen=True, slots=True)
class _Kept(DigestBody):
    """A digest as the ledger has it: with the moment up to which it tells."""

    until_at: str = ""


_KEPT = TypeAdapter(_Kept)


def body_to_json(body: DigestBody, until: datetime) -> str:
    """A digest for the ledger; `until` is the moment up to which it tells."""
    fields = {name: getattr(body, name) for name in DigestBody.__dataclass_fields__}
    return _KEPT.dump_json(_Kept(**fields, until_at=to_text(until))).decode()


def jobs(
    settings: Settings, database: Database, wake: Callable[[], None] = lambda: None, choices: Choices = tuple
) -> tuple[Job, ...]:
    """The job of each receiver's digest; where it has none, its job is off."""
    return tuple(job(settings, database, receiver, wake, choices) for receiver in settings.receivers)


def job(
    settings: Settings,
    database: Database,
    receiver: Receiver,
    wake: Callable[[], None] = lambda: None,
    choices: Choices = tuple,
) -> Job:
    """The job of a receiver's digest, in that receiver's zone. `wake` is called when it is owed.

    `choices` are the topics of whose recall it tells, id and title.
    """
    hears = quiet.hearing(receiver, settings)
    chart = settings.digest.chart and receiver.type == "slack"

    def run() -> str:
        now = clock.now()
        # Before the transaction: intake need not wait until it is worked out.
        with database.reading() as connection:
            recall = quality.digest_lines(connection, settings.sample, dict(choices()), now)
        with database.transaction() as connection:
            said = owe(connection, receiver.name, hears, now=now, chart=chart, recall=recall)
        wake()
        return said

    return Job(f"digest {receiver.name}", hears.digest, run, quiet.zone_of(hears.digest_zone))


def key_of(receiver: str, period: str, part: int) -> str:
    """The same digest has the same key, however often it is made."""
    return hashlib.sha256(f"digest\0{receiver}\0{period}\0{part}".encode()).hexdigest()[:32]


def owe(
    connection: Connection,
    receiver: str,
    hears: quiet.Hearing,
    *,
    now: datetime,
    chart: bool = False,
    recall: Sequence[str] = (),
) -> str:
    """Owe a receiver the digest of the current period, unless it was owed before or would be empty.

    It tells of what was written for the receiver after the last one; the first reaches back by one
    period. What was held for it is let go, into its thread. `recall` are lines on what was missed.
    Returns in one line what is in it.
    """
    zone = quiet.zone_of(hears.digest_zone)
    period = periods.current_period(hears.digest, periods.local_time(now, zone))
    if period is None or connection.execute(_IS_OWED, {"key": key_of(receiver, period, 1)}).first():
        return "was made before"
    last = connection.execute(_LAST, {"receiver": receiver}).one_or_none()
    since = (
        from_text(_KEPT.validate_json(last.body).until_at) if last else _before(hears.digest, period, zone)
    )
    # A clock may have been set back since, and a digest been off for a year.
    since = max(min(since, now), now - _FARTHEST)
    told = _gather(connection, receiver, last.id if last else 0, now - _FARTHEST if last else since, zone)
    if not told:
        return "no articles"
    body = tallying.digest(told, since.astimezone(zone), now.astimezone(zone))
    body = replace(body, chart=chart, recall=tuple(recall)[:_MOST_RECALL])
    last_part = _write(connection, receiver, period, body, now)
    if body.held:
        connection.execute(_RELEASE, {"receiver": receiver, "root": last_part, "now": to_text(now)})
    return f"{counted(body.articles, 'article')} of {counted(len(body.volumes), 'topic')}"


def _before(cron: str, period: str, zone: tzinfo) -> datetime:
    """The moment of the period before this one."""
    before = datetime.fromisoformat(period) - timedelta(microseconds=1)
    return periods.moment_of(periods.current_period(cron, before) or period, zone)


def _gather(connection: Connection, receiver: str, last: int, since: datetime, zone: tzinfo) -> list[Told]:
    """What was written for a receiver after its last digest and not before a moment, and all that is held."""
    row = {"receiver": receiver, "after": last, "since": to_text(since)}
    return [
        Told(
            alert_from_json(found.payload),
            found.story_id,
            from_text(found.created_at).astimezone(zone),
            held=found.state == DeliveryState.HELD,
        )
        for found in connection.execute(_GATHER, row)
    ]


def _write(connection: Connection, receiver: str, period: str, body: DigestBody, now: datetime) -> int:
    """Owe a digest, each further part after the one before and in the same thread; the id of the last."""
    above: int | None = None
    for part in blocks.parts(body):
        said = body_to_json(replace(part, chart=body.chart and part.part == 1), now)
        key = key_of(receiver, period, part.part)
        above = outbox.add_body(connection, receiver, Form.DIGEST, said, key=key, now=now, root=above)
        assert above is not None
    assert above is not None
    return above
