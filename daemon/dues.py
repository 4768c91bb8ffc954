"""Dues: what each receiver is still to get, what holds it up, and when it is tried next."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from daemon import owed, quiet
from daemon.clock import from_text, to_text
from daemon.config import Settings
from daemon.records import DeliveryState

STILL = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
_REASONED = (
    DeliveryState.DEAD,
    DeliveryState.PARKED,
    DeliveryState.UNKNOWN,
    DeliveryState.PENDING,
    DeliveryState.HELD,
)

_NEXT = text(
    """
    SELECT deliveries.due_at, alerts.created_at
    FROM deliveries
    LEFT JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE deliveries.receiver = :receiver
      AND deliveries.state IN ('pending', 'sending', 'unknown', 'parked')
    ORDER BY deliveries.id
    LIMIT 1
    """
)
_LAST = text(
    """
    SELECT sent_at
    FROM deliveries
    WHERE receiver = :receiver
      AND state = 'sent'
    ORDER BY id DESC
    LIMIT 1
    """
)


def gather(
    connection: Connection, settings: Settings, *, held: Collection[str], now: datetime
) -> list[dict[str, Any]]:
    """A row for each receiver that the configuration or the ledger names.

    `next_try` is None where nothing is owed, or nothing goes before somebody lets it (`held`, by a person);
    `quiet_until` when its quiet hours end, which a burst waits for.
    """
    configured = {receiver.name: receiver for receiver in settings.receivers}
    found = []
    for name, states in owed.counts(connection, configured).items():
        next_ = connection.execute(_NEXT, {"receiver": name}).one_or_none()
        receiver = configured.get(name)
        until = quiet.hearing(receiver, settings).quiet_until(now) if receiver is not None else None
        row = {
            "receiver": name,
            "type": receiver.type if receiver is not None else None,
            "owed": sum(states.get(state, 0) for state in STILL),
            **{state.value: states.get(state, 0) for state in owed.OPEN},
            "reasons": _reasons(connection, name, states),
            "next_try": next_.due_at if next_ is not None and name not in held else None,
            "oldest_seconds": _age(next_.created_at, now) if next_ is not None else None,
            "quiet_until": to_text(until) if until is not None else None,
            "is_held": name in held,
            "last_sent_at": connection.execute(_LAST, {"receiver": name}).scalar_one_or_none(),
        }
        found.append(row)
    return found


def _reasons(connection: Connection, receiver: str, states: dict[DeliveryState, int]) -> list[dict[str, Any]]:
    return [
        {"state": reason.state.value, "reason": reason.said, "alerts": reason.number}
        for state in _REASONED
        if states.get(state)
        for reason in owed.reasons(connection, receiver, state)
    ]


def _age(moment: str | None, now: datetime) -> float | None:
    """None as well for what somebody wrote who knows no moments."""
    try:
        return round(max(0.0, (now - from_text(moment)).total_seconds()), 1) if moment else None
    except ValueError:
        return None
