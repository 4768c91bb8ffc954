"""Quiet hours, and what else a receiver has of its own: when it hears, and when it does not.

Pure arithmetic: no clock, no database. Local time is read as in `periods`: a time of day that DST
leaves out is the moment of the change, and one that it brings twice is the first of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tzlocal import get_localzone

from daemon import periods
from daemon.config import Receiver, Settings
from daemon.tables import NEVER

_DAY = timedelta(days=1)
_LONGEST = timedelta(hours=25)  # a day on which the clock is set back by an hour


@dataclass(frozen=True, slots=True)
class Hearing:
    """When a receiver hears. `in_digests`: nothing but its digests. Zones by name; None: the machine's."""

    quiet_hours: str = NEVER
    quiet_zone: str | None = None
    digest: str = NEVER
    digest_zone: str | None = None
    in_digests: bool = False

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet ends that holds now; None where none does."""
        return quiet_until(self.quiet_hours, self.quiet_zone, now)


def hearing(receiver: Receiver, settings: Settings) -> Hearing:
    """What a receiver says of itself comes before the tables of all; a console hears everything at once."""
    if receiver.type == "console":
        return Hearing()
    own, digest, quiet = receiver.zone, settings.digest, settings.quiet_hours
    return Hearing(
        quiet_hours=receiver.quiet_hours or quiet.hours,
        quiet_zone=own or quiet.zone,
        digest=receiver.digest or digest.cron,
        digest_zone=own or digest.zone,
        in_digests=receiver.alerts == "in digests",
    )


def zone_of(name: str | None) -> tzinfo:
    """A zone by its name; None is the machine's."""
    return ZoneInfo(name) if name else get_localzone()


def quiet_until(hours: str, zone: str | None, now: datetime) -> datetime | None:
    """When the quiet ends that holds now, in UTC; None where none does."""
    window = window_of(hours, zone, now)
    return None if window is None else window[1]


def window_of(hours: str, zone: str | None, moment: datetime) -> tuple[datetime, datetime] | None:
    """The quiet that contains a moment: its first moment and the first after it, in UTC.

    At most 25 hours long, also where a clock is set back by more than an hour.
    """
    if hours == NEVER:
        return None
    place = zone_of(zone)
    start, end = _nominal_window(hours, periods.local_time(moment, place))
    begins, ends = _moment(start, place), _moment(end, place)
    ends = min(ends, begins + _LONGEST)
    return (begins, ends) if begins <= moment < ends else None


def _nominal_window(hours: str, local: datetime) -> tuple[datetime, datetime]:
    """The last window to begin at or before a local time, as the clock on the wall has it."""
    first, last = (time.fromisoformat(each) for each in hours.split("-"))
    start = datetime.combine(local.date(), first)
    if start > local:
        start -= _DAY
    end = datetime.combine(start.date(), last)
    return start, end if end > start else end + _DAY


def _moment(nominal: datetime, zone: tzinfo) -> datetime:
    return periods.moment_of(nominal.isoformat(timespec="minutes"), zone).astimezone(UTC)
