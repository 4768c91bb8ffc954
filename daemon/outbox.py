"""The outbox: deliveries still owed, and what became of them.

    pending ─▶ sending ─▶ sent
                  ├─▶ pending   certainly not delivered: later again
                  ├─▶ unknown   perhaps delivered: look first
                  ├─▶ parked    the receiver takes nothing until a person mends it
                  └─▶ dead      will never be taken, unless a person asks for another try
    held ─▶ pending             waits for a digest
    pending ─▶ merged           another delivery carries its alert

A receiver gets its alerts in the order they were written: only the oldest owed one can be
claimed, or the one in whose thread it belongs. Every function works on the connection it is
given and commits nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from daemon.clock import to_text
from daemon.records import Alert, Delivery, DeliveryState, Form, alert_to_json
from daemon.statements import Statement

STRANGER = "the configuration has no receiver of this name"
UNSURE = "outcome unknown"  # how the reason of a dead one begins that may have arrived

_ADD_ALERT = Statement(
    """
    INSERT INTO alerts (key, article_id, receiver, payload, created_at, story_id)
    VALUES (:key, :article_id, :receiver, :payload, :now, :story)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
    """
)
_ADD_DELIVERY = Statement(
    """
    INSERT INTO deliveries (alert_id, receiver, key, root_id, broadcast, state, attempts, looks, due_at)
    VALUES (:alert_id, :receiver, :key, :root, :broadcast, :state, 0, 0, :now)
    """
)
_ADD_BODY = text(
    """
    INSERT INTO deliveries (receiver, key, form, root_id, body, state, attempts, looks, due_at)
    VALUES (:receiver, :key, :form, :root, :body, 'pending', 0, 0, :now)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
    """
)
_UPROOT = text(
    """
    UPDATE deliveries
    SET root_id = NULL, broadcast = :no
    WHERE receiver = :receiver
      AND root_id = :root
      AND state IN ('pending', 'sending', 'unknown', 'parked')
    """
)
# What was held when a backup was made may have been sent before that was put back: then it is looked for.
_LET_GO = text(
    """
    UPDATE deliveries
    SET state = CASE WHEN first_sent_at IS NULL THEN 'pending' ELSE 'unknown' END
    WHERE receiver = :receiver
      AND state = 'held'
    """
)
_SENDING = text(
    """
    UPDATE deliveries
    SET state = 'sending',
        attempts = attempts + 1,
        generation = generation + 1,
        lease_until = :lease_until,
        first_sent_at = COALESCE(first_sent_at, :now)
    WHERE id = :id
      AND state = :state
      AND generation = :generation
    RETURNING attempts, first_sent_at, generation, revision
    """
)
_SENT = text(
    """
    UPDATE deliveries
    SET state = 'sent',
        sent_at = :now,
        channel = :channel,
        message = :message,
        lease_until = NULL,
        error = NULL,
        shown = :revision
    WHERE id = :id
      AND generation = :generation
    """
)
_MEMBERS_SENT = text("UPDATE deliveries SET sent_at = :now WHERE into_id = :id")
_PUT_OFF = text(
    """
    UPDATE deliveries
    SET state = :state, due_at = :due_at, looks = :looks, lease_until = NULL, error = :error
    WHERE id = :id
      AND generation = :generation
    """
)
_TAKE_OVER = text(
    """
    UPDATE deliveries
    SET state = 'unknown',
        looks = 0,
        due_at = :due_at,
        lease_until = NULL,
        generation = generation + 1,
        error = 'its end could not be recorded'
    WHERE id = :id
      AND generation = :generation
      AND state = 'sending'
    """
)
_RECOVER = text(
    """
    UPDATE deliveries
    SET state = 'unknown',
        looks = 0,
        due_at = :due_at,
        lease_until = NULL,
        generation = generation + 1,
        error = 'stopped while sending'
    WHERE state = 'sending'
      AND receiver = COALESCE(:receiver, receiver)
    """
)
_OWED_RECEIVERS = text(
    """
    SELECT receiver, COUNT(*)
    FROM deliveries
    WHERE state IN ('pending', 'sending', 'unknown', 'parked')
    GROUP BY receiver
    ORDER BY receiver
    """
)
_ORPHAN = text(
    """
    UPDATE deliveries
    SET state = 'parked', error = :error
    WHERE receiver = :receiver
      AND state = 'pending'
    """
)
_ADOPT = text(
    """
    UPDATE deliveries
    SET state = 'pending', due_at = :now, error = NULL
    WHERE receiver = :receiver
      AND state = 'parked'
      AND error = :error
    """
)
# The state stays: what may have arrived is looked for, in its time.
_DUE_NOW = text(
    "UPDATE deliveries SET due_at = :now WHERE receiver = :receiver AND state = 'pending' AND due_at > :now"
)
_PROBE = text("UPDATE deliveries SET due_at = :now WHERE receiver = :receiver AND state = 'parked'")
# A dead one was refused for sure; or it may have arrived, and then it is looked for first.
_RETRY = text(
    """
    UPDATE deliveries
    SET state = CASE
            WHEN state <> 'dead' THEN state
            WHEN error IS NULL OR substr(error, 1, length(:unsure)) = :unsure THEN 'unknown'
            ELSE 'pending'
        END,
        generation = CASE WHEN state = 'dead' THEN generation + 1 ELSE generation END,
        looks = 0,
        due_at = CASE
            WHEN state = 'unknown' OR error IS NULL OR substr(error, 1, length(:unsure)) = :unsure
            THEN :look_at
            ELSE :now
        END
    WHERE id IN (
        SELECT id
        FROM deliveries
        WHERE receiver = :receiver
          AND state = :state
          AND id > :after
          AND id <= :up_to
        ORDER BY id
        LIMIT :most
    )
    RETURNING id
    """
)
_COUNTS = text(
    """
    SELECT receiver, state, COUNT(*)
    FROM deliveries
    GROUP BY receiver, state
    ORDER BY receiver, state
    """
)
_TROUBLE = text(
    """
    SELECT receiver, state, error, COUNT(*)
    FROM deliveries
    WHERE state IN ('held', 'pending', 'unknown', 'parked', 'dead')
      AND error IS NOT NULL
    GROUP BY receiver, state, error
    ORDER BY receiver, state
    """
)


def add(
    connection: Connection,
    alert: Alert,
    *,
    article: int,
    now: datetime,
    story: int | None = None,
    root: int | None = None,
    broadcast: bool = False,
    held: bool = False,
) -> bool:
    """Owe an alert to its receiver, in the thread of `root` if there is one; `held` until a digest.

    False where it was owed before.
    """
    row: dict[str, object] = {"key": alert.key, "receiver": alert.receiver, "now": to_text(now)}
    article_row = {"article_id": article, "payload": alert_to_json(alert), "story": story}
    identity = _ADD_ALERT.execute(connection, row | article_row).scalar_one_or_none()
    if identity is None:
        return False
    state = DeliveryState.HELD if held else DeliveryState.PENDING
    row |= {"alert_id": identity, "root": root, "broadcast": broadcast, "state": state}
    _ADD_DELIVERY.execute(connection, row)
    return True


def add_body(
    connection: Connection,
    receiver: str,
    form: Form,
    body: str,
    *,
    key: str,
    now: datetime,
    root: int | None = None,
) -> int | None:
    """Owe a receiver a message that is of no alert; its delivery's id, or None where it was owed before.

    `body` is what it says, as JSON. No alert goes with it, nor it with others.
    """
    row = {"receiver": receiver, "key": key, "form": form, "root": root, "body": body, "now": to_text(now)}
    found: int | None = connection.execute(_ADD_BODY, row).scalar_one_or_none()
    return found


def uproot(connection: Connection, delivery: Delivery) -> None:
    """The thread takes no replies: what belongs in it goes without one."""
    row = {"receiver": delivery.receiver, "root": delivery.root, "no": False}
    connection.execute(_UPROOT, row)


def let_go(connection: Connection, receiver: str) -> int:
    """What was held for a digest goes at once; how many."""
    return connection.execute(_LET_GO, {"receiver": receiver}).rowcount


def start_sending(
    connection: Connection, delivery: Delivery, *, now: datetime, lease: timedelta
) -> Delivery | None:
    """Mark a delivery as on its way, before the first byte goes out.

    None where it is no longer as it was read: somebody else has it. Who does not come back
    before the lease runs out has lost it.
    """
    row = connection.execute(
        _SENDING,
        {
            "id": delivery.id,
            "state": delivery.state,
            "generation": delivery.generation,
            "now": to_text(now),
            "lease_until": to_text(now + lease),
        },
    ).one_or_none()
    if row is None:
        return None
    attempts, first_sent_at, generation, revision = row
    return replace(
        delivery,
        state=DeliveryState.SENDING,
        attempts=attempts,
        first_sent_at=first_sent_at,
        generation=generation,
        revision=revision,
        lease_until=to_text(now + lease),
    )


def mark_sent(
    connection: Connection,
    delivery: Delivery,
    *,
    now: datetime,
    channel: str | None = None,
    message: str | None = None,
) -> bool:
    """The receiver has it; `channel` and `message` say where, if it told us.

    False, and nothing written, where somebody else has taken the delivery over meanwhile.
    """
    row: dict[str, object] = {"id": delivery.id, "generation": delivery.generation, "now": to_text(now)}
    where = {"channel": channel, "message": message, "revision": delivery.revision}
    if connection.execute(_SENT, row | where).rowcount != 1:
        return False
    connection.execute(_MEMBERS_SENT, {"id": delivery.id, "now": to_text(now)})
    return True


def put_off(
    connection: Connection,
    delivery: Delivery,
    state: DeliveryState,
    *,
    due_at: datetime,
    error: str,
    looks: int = 0,
) -> bool:
    """Not delivered yet, or not for sure: what it is now, when it is due, and why.

    False, and nothing written, where somebody else has taken the delivery over meanwhile.
    """
    row = {"id": delivery.id, "generation": delivery.generation, "state": state, "looks": looks}
    row |= {"error": error[:500], "due_at": to_text(due_at)}
    return connection.execute(_PUT_OFF, row).rowcount == 1


def take_over(connection: Connection, delivery: Delivery, *, due_at: datetime) -> None:
    """A sending that has not ended in its time has an unknown outcome; whoever began it has lost it."""
    row = {"id": delivery.id, "generation": delivery.generation, "due_at": to_text(due_at)}
    connection.execute(_TAKE_OVER, row)


def park_strangers(
    connection: Connection, receivers: Collection[str], *, now: datetime, shared: bool = False
) -> dict[str, int]:
    """Hold what is owed to receivers that the configuration no longer has; and let go what was
    held of those it has again. Whoever refused is asked again now: somebody may have mended it.
    Returns how many deliveries strangers are owed, by receiver.

    One of unknown outcome stays so: if its receiver comes back, it is looked up first. Of a `shared`
    ledger nothing is held: another daemon may have that receiver.
    """
    held: dict[str, int] = {}
    for receiver, number in connection.execute(_OWED_RECEIVERS).all():
        row = {"receiver": receiver, "error": STRANGER, "now": to_text(now)}
        if receiver in receivers:
            connection.execute(_ADOPT, row)
            connection.execute(_PROBE, row)
        elif not shared:
            connection.execute(_ORPHAN, row)
            held[receiver] = number
    return held


def due_now(connection: Connection, receiver: str, *, now: datetime) -> None:
    """What is put off to a receiver goes at once: somebody else may fare better with it."""
    connection.execute(_DUE_NOW, {"receiver": receiver, "now": to_text(now)})


def retry(
    connection: Connection,
    receiver: str,
    state: DeliveryState,
    *,
    now: datetime,
    look_at: datetime,
    after: int = 0,
    up_to: int,
    most: int = 1,
) -> list[int]:
    """Try a receiver's deliveries again that are parked, unknown or dead, as a person asks for: those with
    ids above `after`, up to `up_to`, the oldest first. Returns their ids.

    What may have arrived is looked for from `look_at` on, twice like any other, before it is sent:
    nothing is sent again because somebody asked for it. A dead one that was refused for sure is pending
    again. Raises ValueError for a state that needs no such help.
    """
    if state not in (DeliveryState.PARKED, DeliveryState.UNKNOWN, DeliveryState.DEAD):
        raise ValueError(f"{state}: goes on by itself")
    row = {"receiver": receiver, "state": state, "after": after, "up_to": up_to, "most": most}
    moments = {"now": to_text(now), "look_at": to_text(look_at), "unsure": UNSURE}
    return sorted(connection.execute(_RETRY, row | moments).scalars())


def recover(connection: Connection, *, due_at: datetime, receiver: str | None = None) -> int:
    """Whatever was on its way, to a receiver or to all, has an unknown outcome. Returns how many.

    After a start, and where another daemon sent before us.
    """
    return connection.execute(_RECOVER, {"due_at": to_text(due_at), "receiver": receiver}).rowcount


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """How many deliveries of each receiver are in each state."""
    found: dict[str, dict[str, int]] = {}
    for receiver, state, number in connection.execute(_COUNTS):
        found.setdefault(receiver, {})[state] = number
    return found


def trouble(connection: Connection) -> list[tuple[str, str, str, int]]:
    """Receiver, state, reason and number of the deliveries that something holds up."""
    return [(r, s, e, n) for r, s, e, n in connection.execute(_TROUBLE)]
