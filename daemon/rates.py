"""Rates: how many articles were taken in, and how many alerts delivered, in the last minute, hour and day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from daemon import owed
from daemon.clock import to_text

SPANS: Mapping[str, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_AT_ONCE = 1000

_ARTICLES = text("SELECT COUNT(*) FROM articles WHERE tagged_at >= :since")
# A receiver gets its alerts nearly in the order of their ids, along an index: the newest come first.
_DELIVERED = text(
    """
    SELECT
        COUNT(*) AS looked_at,
        MIN(id) AS lowest,
        SUM(CASE WHEN sent_at >= :day THEN 1 ELSE 0 END) AS late,
        SUM(CASE WHEN sent_at >= :day AND alert_id IS NOT NULL THEN 1 ELSE 0 END) AS day,
        SUM(CASE WHEN sent_at >= :hour AND alert_id IS NOT NULL THEN 1 ELSE 0 END) AS hour,
        SUM(CASE WHEN sent_at >= :minute AND alert_id IS NOT NULL THEN 1 ELSE 0 END) AS minute
    FROM (
        SELECT id, sent_at, alert_id
        FROM deliveries
        WHERE receiver = :receiver
          AND state = :state
          AND id < :below
        ORDER BY id DESC
        LIMIT :most
    ) AS newest
    """
)


def gather(connection: Connection, now: datetime) -> dict[str, dict[str, int]]:
    """Both, by span. What was delivered so late that a thousand alerts written after it were delivered more
    than a day ago is not found.
    """
    since = {span: to_text(now - length) for span, length in SPANS.items()}
    articles = {
        span: int(connection.execute(_ARTICLES, {"since": moment}).scalar_one())
        for span, moment in since.items()
    }
    alerts = Counter(dict.fromkeys(SPANS, 0))
    for receiver in owed.receivers(connection):
        for state in ("sent", "merged"):
            _count(connection, {"receiver": receiver, "state": state, **since}, alerts)
    return {"articles": articles, "alerts": dict(alerts)}


def _count(connection: Connection, asked: Mapping[str, str], alerts: Counter[str]) -> None:
    below = owed.LAST
    while True:
        found = connection.execute(_DELIVERED, {**asked, "below": below, "most": _AT_ONCE}).one()
        if not found.late:
            return
        alerts.update({span: int(getattr(found, span)) for span in SPANS})
        if found.looked_at < _AT_ONCE:
            return
        below = found.lowest
