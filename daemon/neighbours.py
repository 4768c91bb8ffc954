"""Neighbours: how things stand with the daemons of a ledger that several share, and what is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from daemon import leases, presence
from daemon.clock import to_text
from daemon.presence import DaemonSeen

# Claims of daemons that are not heard of any more, which nobody has taken up.
_LEFT_BEHIND = text(
    f"SELECT COUNT(*) FROM arriving WHERE claimant <> '' AND NOT {presence.keeps_lease('arriving')}"  # noqa: S608
)
_MOVING = text("SELECT daemon, COUNT(*) AS number FROM files WHERE state = 'taken' GROUP BY daemon")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`left_behind`: files of the inbox that daemons had in hand which have gone; `moving`: files on their
    way to done/, by the daemon in whose home that is.
    """

    daemons: tuple[DaemonSeen, ...] = ()
    left_behind: int = 0
    moving: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> list[dict[str, object]]:
        return [_as_json(each) for each in self.daemons]


def gather(connection: Connection) -> Neighbours:
    """Every daemon of the ledger, by name; none where the ledger has one daemon only."""
    if connection.dialect.name != "postgresql":
        return Neighbours()
    moving = {row.daemon: row.number for row in connection.execute(_MOVING)}
    left_behind = int(connection.execute(_LEFT_BEHIND).scalar_one())
    return Neighbours(tuple(presence.listed(connection)), left_behind, moving)


def line(daemon: Mapping[str, object]) -> str:
    """A daemon in one line, for people; given as `Neighbours.as_json` has it."""
    name, where = daemon["name"], f"{daemon['machine']}, {daemon['home']}, inbox {daemon['inbox']}"
    if daemon["state"] == "left":
        return f"{name}: stopped {daemon['heard_of']} ({where})"
    if daemon["state"] == "gone":
        return f"{name}: not heard of since {daemon['heard_of']} ({where})"
    leads = daemon["leads"]
    assert isinstance(leads, list)
    does = f", leads {', '.join(leads)}" if leads else ""
    return f"{name}: since {daemon['since']}, model {daemon['model']}{does} ({where})"


def warnings(found: Neighbours, owed: Collection[str]) -> Iterator[str]:
    """What is wrong among daemons; `owed`: the receivers that something is to be sent to now."""
    present = [each for each in found.daemons if each.is_there]
    for each in found.daemons:
        if not each.is_there and not each.has_left:
            unseen = f"not heard of {_for(each.unseen_seconds)}"
            yield f"daemon {each.name} on {each.machine}: {unseen}{_waits(each, present)}"
    if not found.daemons:
        return
    if not present:
        yield "no daemon runs: nothing is taken in and nothing is sent"
        return
    yield from _differences(present)
    leads = {name for each in present for name in each.leads}
    if leases.TIMETABLE not in leads:
        yield "no daemon leads the timetable: no job is begun"
    for receiver in sorted(owed):
        if leases.receiver(receiver) not in leads:
            yield f"{receiver}: alerts are owed, and no daemon sends to it; is it in their configuration?"
    if found.left_behind:
        yield f"{found.left_behind} files of an inbox are claimed by daemons that have gone"
    there = {each.name for each in present}
    for name, number in sorted(found.moving.items()):
        if name not in there:
            yield f"{number} files are to be moved in the home of {name or 'no daemon'}, which does not run"


def _differences(present: Sequence[DaemonSeen]) -> Iterator[str]:
    for what, key in (
        ("serve different models", "model"),
        ("run different releases of topicwire", "program"),
    ):
        by: dict[str, list[str]] = defaultdict(list)
        for each in present:
            by[getattr(each, key)].append(each.name)
        if len(by) > 1:
            parts = (f"{', '.join(names)}: {had}" for had, names in sorted(by.items()))
            yield f"daemons {what}: {'; '.join(parts)}"


def _waits(gone: DaemonSeen, present: Sequence[DaemonSeen]) -> str:
    if any(each.inbox == gone.inbox for each in present):
        return ""
    return f"; what lies in its inbox {gone.inbox} waits for it"


def _for(seconds: float) -> str:
    return f"for {seconds:.0f} s" if seconds < 600 else f"for {seconds / 60:.0f} min"


def _as_json(each: DaemonSeen) -> dict[str, object]:
    return {
        "name": each.name,
        "state": "present" if each.is_there else "left" if each.has_left else "gone",
        "machine": each.machine,
        "home": each.home,
        "inbox": each.inbox,
        "program": each.program,
        "model": each.model,
        "since": to_text(each.since),
        "heard_of": to_text(each.seen_at),
        "unseen_seconds": round(each.unseen_seconds, 1),
        "leads": list(each.leads),
    }
