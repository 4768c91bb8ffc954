"""Clocks that are wrong: one daemon's by ten minutes back, another's by ten ahead (libfaketime).

The ledger's server and the stand-in for Slack have the right time. Each daemon leads for a part: jobs run
at the minute of the server's time, once; who has quiet hours now hears nothing, who would have them by a
wrong clock hears at once; leases stay with their holder; what the ledger says arrived did so when it says.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.accounting import Outcome
from tests.faults.afar import FAR, NEAR, OWN_CLOCK, Pair, Patience, TooLateError, wait_until
from tests.postgres import Server
from tests.slack_stand_in import SlackStandIn

APART = 600.0  # seconds

_LIBRARIES = Path("/usr/lib")
_LIBRARY = "*/faketime/libfaketime.so.1"
_LATE = 60.0  # seconds, a tenth of what the clocks are wrong by; on a machine at rest it is a fraction of one
_ALL, _QUIET_NOW, _QUIET_BEHIND, _QUIET_AHEAD, _DIGEST = range(5)  # desks

# What the server's clock says as a file is recorded, and as a job begins.
_WITNESS = """
    CREATE TABLE witness (what text, said text, at timestamptz);
    CREATE FUNCTION saw_file() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO witness VALUES ('file', NEW.arrived_at, clock_timestamp()); RETURN NEW; END $$;
    CREATE FUNCTION saw_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO witness VALUES (NEW.name || ' ' || NEW.period, NEW.started_at, clock_timestamp());
        RETURN NEW; END $$;
    CREATE TRIGGER saw_file AFTER INSERT ON files FOR EACH ROW EXECUTE FUNCTION saw_file();
    CREATE TRIGGER saw_run AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION saw_run();
"""
_WRONG = """
    SELECT what, EXTRACT(EPOCH FROM CAST(said AS timestamptz) - at) FROM witness
"""
_RUNS = "SELECT what, at FROM witness WHERE what <> 'file' ORDER BY at"
_HELD = "SELECT name, generation FROM leases ORDER BY name"
_WAITS = "SELECT COUNT(*) FROM deliveries WHERE receiver = 'desk-{}' AND state NOT IN ('sent', 'merged')"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many minutes each daemon leads, and how many articles come in each of them."""

    minutes: int = 1
    articles: int = 10


FULL = Plan()
FEW = Plan(minutes=0, articles=3)


def why_not() -> str:
    """Why no clock can be wrong here, in one line; "" where one can."""
    return "" if _library() is not None else "wrong clocks take Debian's faketime: apt-get install faketime"


def find(folder: Path, server: Server) -> Outcome:
    """Daemons that go by their own clocks: ours, if nobody notices."""
    part = f"planted: {OWN_CLOCK}"
    if why := why_not():
        return Outcome(part, 0, (), f"skipped: {why}")
    found = apart(folder, server, FEW, plant=OWN_CLOCK).faults
    note = f"{len(found)} faults, such as: {found[0]}" if found else ""
    return Outcome(part, 1, () if found else (f"{OWN_CLOCK}: nobody noticed",), note)


def apart(folder: Path, server: Server, plan: Plan = FULL, *, plant: str = "") -> Outcome:
    """`far` is behind and leads first; then it stops, and `near`, who is ahead, does all."""
    part = f"clocks {2 * APART / 60:.0f} minutes apart"
    if why := why_not():
        return Outcome(part, 0, (), f"skipped: {why}")
    folder.mkdir(parents=True)
    faults: list[str] = []
    note = ""
    with SlackStandIn() as slack:
        pair = Pair(
            folder,
            server,
            slack,
            lease=6.0,
            patience=Patience(plant=plant),
            far_away=False,
            desks=4 if plan.minutes == 0 else 5,
            manners=_manners(datetime.now(UTC), plan),
            environments={FAR: _wrong_by(-APART), NEAR: _wrong_by(APART)},
        )
        with pair:
            try:
                note = _live(pair, plan, faults)
            except TooLateError as error:
                faults.append(str(error))
    return Outcome(part, 2 * plan.articles, tuple(faults), note)


def _live(pair: Pair, plan: Plan, faults: list[str]) -> str:
    pair.server.run(_WITNESS, pair.address)
    pair.far.start()
    pair.near.start()
    faults += _clocks_are_not_wrong(pair)
    pair.drop(plan.articles)
    _wait_for_desks(pair)
    if FAR not in pair.leader():
        raise TooLateError(f"{FAR} does not lead")
    before = pair.ask(_HELD)
    time.sleep(60.0 * plan.minutes + 1.0)
    if pair.ask(_HELD) != before:
        faults.append(f"leases changed hands: {before}, {pair.ask(_HELD)}")
    faults += pair.far.stop()
    pair.drop(plan.articles)
    _wait_for_desks(pair)
    time.sleep(60.0 * plan.minutes)
    if pair.leader() != [NEAR]:
        faults.append(f"{pair.leader()} lead after {FAR} has stopped")
    if not pair.count(_WAITS.format(_QUIET_NOW)):
        faults.append("who has quiet hours now was told")
    faults += pair.near.stop()
    faults += _unread(pair)
    wrong = [(str(what), float(seconds)) for what, seconds in pair.ask(_WRONG)]
    faults += [
        f"{what} is dated {seconds:.0f} s off the server's time"
        for what, seconds in wrong
        if abs(seconds) > _LATE
    ]
    most = max(abs(seconds) for _, seconds in wrong)
    late, jobs = _ran(pair.ask(_RUNS), faults)
    note = f"{len(wrong)} moments in the ledger, each within {most:.2f} s of the server's time"
    return f"{note}; {jobs} runs, begun {late:.0f} s after their minute at most" if jobs else note


def _clocks_are_not_wrong(pair: Pair) -> list[str]:
    """Whether the trial is one at all: a process sees the time that it was given."""
    faults = []
    for name, off in ((FAR, -APART), (NEAR, APART)):
        given = {"PATH": "/usr/bin:/bin"} | dict(pair.environments[name])
        said = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env=given,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if abs(float(said) - time.time() - off) > _LATE:
            faults.append(f"{name}'s clock is not wrong by {off:.0f} s")
    return faults


def _wait_for_desks(pair: Pair) -> None:
    """All hear at once but who has quiet hours."""
    hear = [number for number in (_ALL, _QUIET_BEHIND, _QUIET_AHEAD) if number < pair.desks]

    def all_heard() -> bool:
        known = pair.count("SELECT COUNT(*) FROM articles") >= len(pair.made)
        return known and not any(pair.count(_WAITS.format(number)) for number in hear)

    wait_until(all_heard, "who has no quiet hours now is not told")


def _unread(pair: Pair) -> list[str]:
    """Who heard how much: one message for each article, or those of it in one."""
    faults = []
    with pair.slack.lock:
        heard = [str(message["channel"]) for message in pair.slack.messages]
    for number in (_ALL, _QUIET_BEHIND, _QUIET_AHEAD):
        if f"C0DESK{number}" not in heard:
            faults.append(f"desk-{number} heard nothing")
    if f"C0DESK{_QUIET_NOW}" in heard:
        faults.append("who has quiet hours now heard something")
    return faults


def _ran(runs: Sequence[Any], faults: list[str]) -> tuple[float, int]:
    """Every minute's job once and in its minute; by how much the latest was late, and how many."""
    latest = 0.0
    seen: set[str] = set()
    for what, at in runs:
        period = str(what).rpartition(" ")[2]
        due = datetime.fromisoformat(period).replace(tzinfo=UTC)
        late = (at - due).total_seconds()
        latest = max(latest, late)
        if not -1.0 <= late < APART / 2:
            faults.append(f"{what} began {late:.0f} s after its time")
        if what in seen:
            faults.append(f"{what} began twice")
        seen.add(str(what))
    return latest, len(runs)


def _manners(now: datetime, plan: Plan) -> Mapping[int, str]:
    """Quiet hours around now, around now by the clock behind, and by the one ahead."""
    apart = timedelta(seconds=APART)
    minute, hour = timedelta(minutes=1), timedelta(hours=1)

    def quiet(begin: datetime, end: datetime) -> str:
        return f'quiet_hours = "{begin:%H:%M}-{end:%H:%M}"\nzone = "UTC"\n'

    found = {
        _QUIET_NOW: quiet(now - 3 * minute, now + hour),
        _QUIET_BEHIND: quiet(now - apart - 3 * minute, now - 2 * minute),
        _QUIET_AHEAD: quiet(now + apart - minute, now + apart + hour),  # so long a trial may take
    }
    if plan.minutes:
        found[_DIGEST] = 'alerts = "in digests"\ndigest = "* * * * *"\nzone = "UTC"\n'
    return found


def _wrong_by(seconds: float) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(_library()),
        "FAKETIME": f"{seconds:+.0f}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }


def _library() -> Path | None:
    return next(_LIBRARIES.glob(_LIBRARY), None)
