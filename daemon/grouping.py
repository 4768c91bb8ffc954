"""Grouping: when many alerts go as one message. The decision is pure; what follows is written here too.

A delivery that was never tried may carry others like it. They are merged into it before the first
byte goes out, so that whatever happens then, the same message is looked for and sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import Connection, text

from daemon import deliveries, showing
from daemon.clock import to_text
from daemon.records import Delivery, DeliveryState, Form

MOST = 8  # alerts a message; more would not be read, nor fit
_LONGEST_BURST = timedelta(hours=1)  # then the channel sees that there is more

_GROUPS = frozenset({Form.BURST, Form.QUIET, Form.DIGEST})

_WAITING = text(
    """
    SELECT deliveries.id
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE deliveries.receiver = :receiver
      AND deliveries.id >= :id
      AND state = 'pending'
      AND attempts = 0
      AND form = 'alert'
      AND (root_id = :root OR (root_id IS NULL AND CAST(:root AS BIGINT) IS NULL))
      AND (CAST(:since AS TEXT) IS NULL OR alerts.created_at >= :since)
      AND (CAST(:until AS TEXT) IS NULL OR alerts.created_at < :until)
    ORDER BY deliveries.id
    LIMIT :most
    """
)
# Both halves go backward along the index; together they would be sorted. What quiet hours held
# back is no burst, nor is a reply in the thread of a story.
_TOLD = text(
    """
    SELECT COUNT(*)
    FROM (
        SELECT *
        FROM (
            SELECT sent_at, root_id, into_id, form, alert_id
            FROM deliveries
            WHERE receiver = :receiver AND state = 'sent'
            ORDER BY id DESC
            LIMIT :most
        ) AS alone
        UNION ALL
        SELECT *
        FROM (
            SELECT sent_at, root_id, into_id, form, alert_id
            FROM deliveries
            WHERE receiver = :receiver AND state = 'merged'
            ORDER BY id DESC
            LIMIT :most
        ) AS carried
    ) AS told
    LEFT JOIN deliveries AS roots ON roots.id = told.root_id
    LEFT JOIN deliveries AS carriers ON carriers.id = told.into_id
    WHERE told.sent_at > :since
      AND told.alert_id IS NOT NULL
      AND COALESCE(carriers.form, told.form) <> 'quiet'
      AND (told.root_id IS NULL OR roots.form = 'burst')
    """
)
_OPEN = text(
    """
    SELECT id
    FROM deliveries
    WHERE receiver = :receiver
      AND form = :form
      AND form IN ('burst', 'quiet')
      AND state = 'sent'
      AND sent_at > :since
    ORDER BY id DESC
    LIMIT 1
    """
)
_INTO_THREAD = text(
    """
    UPDATE deliveries
    SET root_id = :root
    WHERE receiver = :receiver
      AND id > :after
      AND state = 'pending'
      AND attempts = 0
      AND form = 'alert'
      AND root_id IS NULL
      AND (
        CAST(:since AS TEXT) IS NULL
        OR EXISTS (
            SELECT 1
            FROM alerts
            WHERE alerts.id = deliveries.alert_id
              AND created_at >= :since
              AND created_at < :until
        )
      )
    """
)
_CARRY = text("UPDATE deliveries SET form = :form WHERE id = :id")
_MERGE = text(
    """
    UPDATE deliveries
    SET state = 'merged', into_id = :carrier, root_id = :root
    WHERE id = :id
    """
)
_SAME_MESSAGE = text(
    """
    SELECT MIN(id)
    FROM deliveries
    WHERE receiver = :receiver
      AND message = :message
      AND state = 'sent'
      AND alert_id IS NOT NULL
      AND id <> :id
    """
)
_TOGETHER = text(
    """
    UPDATE deliveries
    SET form = CASE WHEN root_id IS NULL THEN 'burst' ELSE 'list' END
    WHERE id = :carrier
      AND form = 'alert'
    """
)
_MEMBERS = text("SELECT id FROM deliveries WHERE into_id = :id ORDER BY id")
_MORE = text("SELECT COUNT(*) FROM deliveries WHERE root_id = :id AND alert_id IS NOT NULL")
_CREATED = text(
    """
    SELECT alerts.created_at
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE deliveries.id = :id
    """
)
# The carrier goes alone as well from now on: it was tried, so it carries nobody again.
_SCATTER = text(
    """
    UPDATE deliveries
    SET state = 'pending', into_id = NULL, attempts = 1, form = 'alert', due_at = :now
    WHERE into_id = :id
    """
)
_ALONE = text("UPDATE deliveries SET form = 'alert' WHERE id = :id")


class Way(Enum):
    """How a delivery that waits is to go: alone, with others, or as the first of many."""

    ALONE = auto()
    LIST = auto()
    QUIET = auto()
    JOIN_QUIET = auto()
    BURST = auto()
    JOIN_BURST = auto()


@dataclass(frozen=True, slots=True)
class Burst:
    """More than so many alerts in so long are a burst; in no time at all, never."""

    alerts: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when the oldest delivery is about to go.

    `root` is the form of the message that begins its thread; `waiting` how many of its kind wait,
    itself included; `kept` how many of them were kept back by quiet hours that are over; `told`
    how many alerts the receiver had lately; `open_burst`, `open_quiet` whether there is a message
    of that form that goes on.
    """

    waiting: int
    told: int = 0
    root: Form | None = None
    kept: int = 0
    open_burst: bool = False
    open_quiet: bool = False


def way(situation: Situation, burst: Burst | None) -> Way:
    """How the oldest delivery goes."""
    now = situation
    if now.root is not None:
        many = now.root in _GROUPS or (burst is not None and now.waiting > burst.alerts)
        return Way.LIST if many and now.waiting > 1 else Way.ALONE
    if now.kept and now.open_quiet:
        return Way.JOIN_QUIET
    if now.kept > 1:
        return Way.QUIET
    if burst is None or now.told + now.waiting <= burst.alerts:
        return Way.ALONE
    return Way.JOIN_BURST if now.open_burst else Way.BURST


def settle(
    connection: Connection,
    delivery: Delivery,
    burst: Burst | None,
    quiet: tuple[datetime, datetime] | None,
    now: datetime,
) -> Delivery:
    """Decide how the oldest delivery goes, and merge into it what goes with it.

    `quiet` is the span of the quiet hours in which its alert was written, if they are over.
    Returns the delivery as it is then.
    """
    if delivery.form is not Form.ALERT or delivery.attempts or delivery.alert is None:
        return delivery
    if delivery.state is not DeliveryState.PENDING:
        return delivery
    groups = _Groups(connection, delivery, burst, quiet, now)
    match way(groups.situation(), burst):
        case Way.LIST:
            groups.carry(Form.LIST)
        case Way.QUIET:
            groups.begin(Form.QUIET)
        case Way.BURST:
            groups.begin(Form.BURST)
        case Way.JOIN_QUIET | Way.JOIN_BURST as joining:
            groups.join(Form.QUIET if joining is Way.JOIN_QUIET else Form.BURST)
            return settle(connection, _again(connection, delivery), burst, quiet, now)
        case Way.ALONE:
            return delivery
    return _again(connection, delivery)


def created(connection: Connection, delivery: Delivery) -> str | None:
    """When the alert of a delivery was written."""
    found: str | None = connection.execute(_CREATED, {"id": delivery.id}).scalar_one_or_none()
    return found


def members(connection: Connection, delivery: Delivery) -> list[int]:
    """The deliveries that were merged into this one."""
    return list(connection.execute(_MEMBERS, {"id": delivery.id}).scalars())


def in_thread(connection: Connection, delivery: Delivery) -> int:
    """How many further alerts stand, or will, in the thread of this message."""
    return int(connection.execute(_MORE, {"id": delivery.id}).scalar_one())


def found_in(connection: Connection, delivery: Delivery, message: str | None) -> None:
    """After a restore: the message carries this one, and perhaps others that were found in it before.

    Else each would show it anew as its own.
    """
    row = {"receiver": delivery.receiver, "message": message, "id": delivery.id}
    carrier = connection.execute(_SAME_MESSAGE, row).scalar_one_or_none() if message else None
    if carrier is not None and delivery.alert is not None:
        connection.execute(_MERGE, {"id": delivery.id, "carrier": carrier, "root": delivery.root})
        connection.execute(_TOGETHER, {"carrier": carrier})


def scatter(connection: Connection, delivery: Delivery, now: datetime) -> int:
    """A message of several is refused as a whole: each goes alone. How many others there were."""
    connection.execute(_ALONE, {"id": delivery.id})
    return connection.execute(_SCATTER, {"id": delivery.id, "now": to_text(now)}).rowcount


class _Groups:
    """The oldest delivery of a receiver, and what may go with it."""

    def __init__(
        self,
        connection: Connection,
        delivery: Delivery,
        burst: Burst | None,
        quiet: tuple[datetime, datetime] | None,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._delivery = delivery
        self._burst = burst
        self._quiet = quiet
        self._now = now

    def situation(self) -> Situation:
        root = self._root_form()
        enough = max(MOST, self._burst.alerts if self._burst else 0) + 1
        waiting = len(self._waiting(enough))
        if root is not None:
            return Situation(waiting, root=root)
        return Situation(
            waiting,
            told=self._told(enough),
            kept=len(self._waiting(2, self._quiet)) if self._quiet else 0,
            open_burst=self._open(Form.BURST) is not None,
            open_quiet=self._open(Form.QUIET) is not None,
        )

    def carry(self, form: Form) -> None:
        """Merge the next ones into the delivery."""
        span = self._quiet if form is Form.QUIET else None
        first, *others = self._waiting(MOST, span)
        self._connection.execute(_CARRY, {"id": first, "form": form})
        for other in others:
            row = {"id": other, "carrier": first, "root": self._delivery.root}
            self._connection.execute(_MERGE, row)
        self._show_more(self._delivery.root)

    def begin(self, form: Form) -> None:
        """The delivery carries the next ones, and all that wait as it did come into its thread."""
        self.carry(form)
        self._into_thread(self._delivery.id, form, after=self._delivery.id)

    def join(self, form: Form) -> None:
        """This one and all that wait as it does come into the thread of a message that is there."""
        root = self._open(form)
        self._into_thread(root, form, after=self._delivery.id - 1)
        self._show_more(root)

    def _into_thread(self, root: int | None, form: Form, *, after: int) -> None:
        since, until = self._span(self._quiet if form is Form.QUIET else None)
        row = {"root": root, "receiver": self._delivery.receiver, "after": after}
        self._connection.execute(_INTO_THREAD, row | {"since": since, "until": until})

    def _show_more(self, root: int | None) -> None:
        found = deliveries.one(self._connection, root) if root is not None else None
        if found is not None and found.form in (Form.BURST, Form.QUIET):
            showing.touch(self._connection, found.id)

    def _root_form(self) -> Form | None:
        if self._delivery.root is None:
            return None
        root = deliveries.one(self._connection, self._delivery.root)
        return root.form if root is not None else None

    def _waiting(self, most: int, span: tuple[datetime, datetime] | None = None) -> list[int]:
        since, until = self._span(span)
        row = {"receiver": self._delivery.receiver, "id": self._delivery.id, "root": self._delivery.root}
        rows = self._connection.execute(_WAITING, row | {"since": since, "until": until, "most": most})
        return list(rows.scalars())

    def _told(self, most: int) -> int:
        if self._burst is None:
            return 0
        since = to_text(self._now - self._burst.within)
        row = {"receiver": self._delivery.receiver, "since": since, "most": 4 * most}
        return int(self._connection.execute(_TOLD, row).scalar_one())

    def _open(self, form: Form) -> int | None:
        if form is Form.QUIET:
            if self._quiet is None:
                return None
            since = self._quiet[1]
        else:
            within = self._burst.within if self._burst else timedelta(0)
            since = self._now - max(within, _LONGEST_BURST)
        row = {"receiver": self._delivery.receiver, "form": form, "since": to_text(since)}
        found: int | None = self._connection.execute(_OPEN, row).scalar_one_or_none()
        return found

    @staticmethod
    def _span(span: tuple[datetime, datetime] | None) -> tuple[str | None, str | None]:
        return (to_text(span[0]), to_text(span[1])) if span else (None, None)


def _again(connection: Connection, delivery: Delivery) -> Delivery:
    found = deliveries.one(connection, delivery.id)
    assert found is not None
    return found
