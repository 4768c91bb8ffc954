"""Several daemons whose ways are cut: to the ledger, to Slack, to the inbox; and whose clocks are wrong.

One daemon is in a network namespace (see `wires`). While it is cut off another does its work; when its
way is mended it goes on by itself, and everything is accounted for. Each way is cut whole, and in each
direction alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from daemon.database import open_database
from daemon.postgres import TURN
from tests import postgres
from tests.faults import clocks, wires
from tests.faults.accounting import Outcome
from tests.faults.afar import FAR, NEAR, Pair, Patience, TooLateError, wait_until
from tests.faults.wires import WAYS, Place
from tests.postgres import Server, name_in
from tests.slack_stand_in import SlackStandIn

# What a daemon does that is at something in the ledger as its way is cut.
STILL, BUSY, WAITING = "between two statements", "with a statement at a time", "waiting for its turn"
KINDS = (WAITING, BUSY, STILL)  # the last has ten seconds until it is cut

_WHISPER = 200  # bytes: the end of a connection, and where an address is asked for; a request has more
_LETS_GO = 20.0  # seconds, of which the server takes ten; the rest is the machine's
_HOLDS = """
import sys, time
sys.path.insert(0, {root!r})
from daemon.database import open_database
database = open_database({address!r})
print("here", flush=True)
input()
with database.transaction() as connection:
    print("holds", flush=True)
    while True:
        time.sleep({pause})
        connection.exec_driver_sql("SELECT 1")
"""
_ROOT = Path(__file__).resolve().parents[2]
_KNOWN = ("ledger's server", "ledger was not heard of", "transaction was ended", "connections to the ledger")
_WAITS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
_SESSIONS = "SELECT COUNT(*) FROM pg_stat_activity WHERE host(client_addr) = '{}'"


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of a lease, and that a way stays cut; articles before, meanwhile, and afterwards."""

    lease: float = 6.0
    cut: float = 30.0
    articles: tuple[int, int, int] = (10, 40, 20)
    patience: Patience = field(default_factory=Patience)


FULL = Plan()
FEW = Plan(lease=2.0, cut=4.0, articles=(2, 4, 3), patience=Patience(silence=2.0, hanging=4.0))


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part; what it cannot have here is said to be left out."""
    if why := wires.why_not():
        return [Outcome("networks", 0, (), f"skipped: {why}")]
    try:
        with postgres.server() as server:
            return [_tried(name, case, say) for name, case in _cases(folder, server)]
    except postgres.NoPostgresError as error:
        return [Outcome("networks", 0, (), f"skipped: {error}")]


def _cases(folder: Path, server: Server) -> list[tuple[str, Callable[[], Outcome]]]:
    found: list[tuple[str, Callable[[], Outcome]]] = []
    for way in WAYS:
        found += [
            (f"ledger, {way}", partial(cut_from_ledger, folder / f"ledger, {way}", server, way, FULL)),
            (f"half open, {way}", partial(half_open, server, way)),
            (f"Slack, {way}", partial(cut_from_slack, folder / f"slack, {way}", server, way, FULL)),
        ]
    return [
        *sorted(found),
        ("inbox gone", partial(inbox_gone, folder / "gone", server, FULL)),
        ("inbox hangs", partial(inbox_hangs, folder / "hangs", server, FULL)),
        ("clocks", partial(clocks.apart, folder / "clocks", server)),
        ("planted: its own clock", partial(clocks.find, folder / "planted", server)),
    ]


def _tried(name: str, case: Callable[[], Outcome], say: Callable[[str], None]) -> Outcome:
    """What keeps one from running is a fault, and the others run all the same."""
    say(name)
    try:
        return case()
    except Exception as error:
        return Outcome(name, 1, (f"could not run: {type(error).__name__}: {error}",))


def cut_from_ledger(folder: Path, server: Server, way: str, plan: Plan) -> Outcome:
    """`far` leads, and loses its way to the ledger."""
    faults: list[str] = []
    with _pair(folder, server, plan) as pair:
        note = _sentence(faults, lambda: _ledger(pair, way, plan, faults))
    return Outcome(f"cut off from the ledger: {way}", 1, tuple(faults), note)


def _ledger(pair: Pair, way: str, plan: Plan, faults: list[str]) -> str:
    place = _begin(pair, plan)
    said = len(pair.far.log)
    place.ledger.cut(way)
    cut_at = time.monotonic()
    dropping = threading.Thread(target=pair.drop, args=(plan.articles[1],), kwargs={"each": 0.1})
    dropping.start()
    time.sleep(plan.lease)  # from here on it may believe nothing of itself
    done, heard = pair.far.done, place.slack.heard
    taken = plan.lease + wait_until(lambda: pair.leader() == [NEAR], "nobody takes over")
    dropping.join()
    pair.wait_until_at_rest("the other does not do its work")
    left = cut_at + plan.cut - time.monotonic()
    time.sleep(max(0.0, left))
    if pair.far.done != done:
        faults.append(f"{pair.far.done - done} files were taken by the daemon that was cut off")
    if place.slack.heard - heard > _WHISPER:
        faults.append(f"it sent {place.slack.heard - heard} bytes to Slack")
    wait_until(lambda: _says_why(pair.far.log[said:]), "its log does not say why", 60.0)
    faults += _said(pair.far.log[said:])
    let_go = wait_until(
        lambda: not pair.count(_SESSIONS.format(place.ledger.their_address)), "its sessions stay", 60.0
    )
    place.ledger.mend()
    mended_at = time.monotonic()
    there = "SELECT COUNT(*) FROM daemons WHERE name = 'far' AND lease_until > clock_timestamp()"
    wait_until(lambda: pair.count(there), "it does not come back")
    back = time.monotonic() - mended_at
    _end(pair, plan, faults)
    return (
        f"another has its work after {taken:.1f} s (lease {plan.lease:.0f} s), its sessions end"
        f" {'in time' if let_go < 0.1 else f'{let_go:.0f} s late'}, it is back {back:.1f} s after the mend"
    )


def _says_why(log: str) -> bool:
    return any(known in line for line in log.splitlines() if "error=" in line for known in _KNOWN)


def _said(log: str) -> list[str]:
    """It says why in a line for each worker, not again and again, and shows no trace."""
    lines = [line for line in log.splitlines() if "trying again" in line]
    faults = []
    if "Traceback" in log:
        faults.append(f"its log shows a trace: {log[log.index('Traceback') :][-300:]}")
    workers = [found[1] for line in lines if (found := re.search(r"worker[=:]\s*\"?([\w -]+)", line))]
    faults += [
        f"{worker} says it {workers.count(worker)} times"
        for worker in set(workers)
        if workers.count(worker) > 4
    ]
    return faults


def half_open(server: Server, way: str, kinds: tuple[str, ...] = KINDS) -> Outcome:
    """A daemon is cut off in the middle of a transaction; how long others wait for their turn."""
    faults: list[str] = []
    waits: dict[str, float] = {}
    with Place("half") as place:
        server.listen_on(place.ledger.our_address)
        addresses = {kind: server.fresh() for kind in kinds}
        held = [_Held(server, place, addresses[kind], kind) for kind in kinds]
        try:
            for each in held:
                each.start()
            for each in held:
                each.begin()
            place.ledger.cut(way)
            threads = [threading.Thread(target=each.measure) for each in held]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except TooLateError as error:
            faults.append(str(error))
        finally:
            for each in held:
                each.end()
        waits = {each.kind: each.waited for each in held}
    for kind, waited in waits.items():
        if waited > _LETS_GO:
            faults.append(f"{kind}: others waited {waited:.0f} s for their turn")
    note = "others wait " + ", ".join(f"{waited:.1f} s ({kind})" for kind, waited in waits.items())
    return Outcome(f"half open in a transaction: {way}", len(kinds), tuple(faults), note)


class _Held:
    """A process in a namespace that has its turn in a ledger of its own, or waits for it."""

    def __init__(self, server: Server, place: Place, address: str, kind: str) -> None:
        self.kind, self.waited = kind, float("inf")
        self._server, self._place, self._address = server, place, address
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = psycopg.connect(_plain(address), autocommit=True)
        self._ours = open_database(address)

    def start(self) -> None:
        """It may take long; what it is at has its time."""
        host = self._place.ledger.our_address
        address = self._server.address(name_in(self._address), host) + "?sslmode=disable"
        pause = 0.05 if self.kind == BUSY else 600.0
        code = _HOLDS.format(root=str(_ROOT), address=address, pause=pause)
        enter = ["nsenter", f"--net=/run/netns/{self._place.name}", "--"]
        self._process = subprocess.Popen(
            [*enter, sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def begin(self) -> None:
        """Returns when it is at what it is at."""
        assert self._process is not None
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdout.readline()
        if self.kind == WAITING:
            self._turn_is_ours(True)
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        if self.kind == WAITING:
            wait_until(lambda: self._server.run(_WAITS, self._address), "nobody waits for the turn")
        else:
            self._process.stdout.readline()

    def measure(self) -> None:
        """How long until another has its turn."""
        if self.kind == WAITING:
            time.sleep(1.0)
            self._turn_is_ours(False)
        started = time.monotonic()
        with self._ours.transaction():
            self.waited = time.monotonic() - started

    def _turn_is_ours(self, ours: bool) -> None:
        asked = "pg_advisory_lock" if ours else "pg_advisory_unlock"
        self._turn.execute(f"SELECT {asked}({TURN})".encode())

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._turn.close()
        self._ours.close()
        self._server.drop(self._address)


def _plain(address: str) -> str:
    """As libpq has it."""
    return address.replace("+psycopg", "")


def cut_from_slack(folder: Path, server: Server, way: str, plan: Plan) -> Outcome:
    """`far` sends, and loses its way to Slack alone: it takes files still, and another comes to send."""
    faults: list[str] = []
    with _pair(folder, server, plan) as pair:
        note = _sentence(faults, lambda: _slack(pair, way, plan, faults))
    return Outcome(f"cut off from Slack alone: {way}", 1, tuple(faults), note)


def _slack(pair: Pair, way: str, plan: Plan, faults: list[str]) -> str:
    place = _begin(pair, plan)
    place.slack.cut(way)
    cut_at = time.monotonic()
    pair.drop(plan.articles[1], each=0.05)
    wait_until(lambda: pair.leader() == [NEAR], "nobody else sends")
    taken = time.monotonic() - cut_at
    pair.wait_until_at_rest("the other does not send")
    told = time.monotonic() - cut_at
    there = "SELECT COUNT(*) FROM daemons WHERE lease_until > clock_timestamp()"
    if pair.count(there) != 2:
        faults.append("who is cut off from Slack alone is not there for the others any more")
    place.slack.mend()
    _end(pair, plan, faults)
    silence = f"silence {plan.patience.silence:.0f} s"
    return f"another sends after {taken:.0f} s ({silence}), all is told after {told:.0f} s"


def inbox_gone(folder: Path, server: Server, plan: Plan) -> Outcome:
    """The inbox is not to be seen from `far`, as a share that is not mounted any more."""
    faults: list[str] = []
    with _pair(folder, server, plan) as pair:
        note = _sentence(faults, lambda: _gone(pair, plan, faults))
    return Outcome("cut off from the inbox: gone", 1, tuple(faults), note)


def _gone(pair: Pair, plan: Plan, faults: list[str]) -> str:
    _begin(pair, plan)
    pair.door.unlink()
    wait_until(lambda: "inbox missing" in pair.far.log, "it does not say that its inbox is missing")
    pair.drop(plan.articles[1])
    pair.wait_until_at_rest("the other does not take the files")
    pair.door.symlink_to(pair.inbox)
    wait_until(lambda: "inbox is back" in pair.far.log, "it does not see that its inbox is back")
    _end(pair, plan, faults)
    return f"said {pair.far.log.count('inbox missing')} times"


def inbox_hangs(folder: Path, server: Server, plan: Plan) -> Outcome:
    """`far` has claimed files, and reading one does not end, as on a share whose server is away."""
    faults: list[str] = []
    hang = folder / "hang"
    patience = Patience(plan.patience.silence, plan.patience.hanging, str(hang))
    with _pair(folder, server, Plan(plan.lease, plan.cut, plan.articles, patience)) as pair:
        note = _sentence(faults, lambda: _hang(pair, plan, hang, faults))
    return Outcome("cut off from the inbox: hangs", 1, tuple(faults), note)


def _hang(pair: Pair, plan: Plan, hang: Path, faults: list[str]) -> str:
    faults += pair.near.stop()
    _begin(pair, plan, near=False)
    hang.touch()
    pair.drop(plan.articles[1])
    claimed = "SELECT COUNT(*) FROM arriving JOIN daemons USING (claimant) WHERE daemons.name = 'far'"
    wait_until(lambda: pair.count(claimed), "nothing is claimed")
    started = time.monotonic()
    # Its own reading does not hang.
    pair.near.patience = Patience(plan.patience.silence, plan.patience.hanging)
    pair.near.start()
    wait_until(
        lambda: pair.near.done >= plan.articles[1], "nobody takes what the hanging one has claimed", 300.0
    )
    taken = time.monotonic() - started
    hang.unlink()
    _end(pair, plan, faults)
    return f"another has its files after {taken:.0f} s (a worker hangs from {plan.patience.hanging:.0f} s on)"


@contextmanager
def _pair(folder: Path, server: Server, plan: Plan) -> Iterator[Pair]:
    folder.mkdir(parents=True)
    with SlackStandIn() as slack, Pair(folder, server, slack, plan.lease, plan.patience) as pair:
        yield pair


def _begin(pair: Pair, plan: Plan, *, near: bool = True) -> Place:
    """`far` leads; then `near` is there as well."""
    pair.far.start()
    pair.drop(plan.articles[0])
    pair.wait_until_at_rest("the first articles")
    if near:
        pair.near.start()
    assert pair.place is not None
    if pair.leader() != [FAR]:
        raise TooLateError(f"{FAR} does not lead")
    return pair.place


def _end(pair: Pair, plan: Plan, faults: list[str]) -> None:
    """All goes on; then `near` stops, and `far` does all."""
    pair.drop(plan.articles[2])
    pair.wait_until_at_rest("after the mend")
    faults += pair.near.stop()
    done = pair.far.done
    pair.drop(plan.articles[2])
    pair.wait_until_at_rest("alone again")
    if pair.far.done != done + plan.articles[2]:
        faults.append("alone again it does not take all")
    faults += pair.account() + pair.far.stop()


def _sentence(faults: list[str], work: Callable[[], str]) -> str:
    """The note that `work` gives; what did not come in time is a fault."""
    try:
        return work()
    except TooLateError as error:
        faults.append(str(error))
        return ""
