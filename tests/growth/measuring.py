"""Measures what the simulation is told, part by part, into measured.json."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import numpy as np
import psycopg

from daemon.database import open_database
from daemon.dispatch import Dispatch
from daemon.errors import DaemonError
from daemon.inbox import Inbox
from daemon.messages import Message
from daemon.records import Sent
from tests import postgres
from tests.bench import texts
from tests.builders import make_alert, owe
from tests.growth import figures
from tests.growth.figures import Figure
from tests.growth.sizes import of_postgresql, of_sqlite
from tests.growth.taking import SIZES, Counted, Newsdesk, Spent, Taken, newsdesk, spent_with, turns_timed
from tests.measuring import say

_LABELLED = 0.45  # of the files are about something; as many raise an alert as of real news
_ROUNDS = 9
_CLIENTS = (1, 4, 16, 64)
_WAKES = 200
_NUMBERS = (10_000, 100_000)  # articles
_SECONDS = 5  # of pgbench a round
_SCRIPTS = {
    # As a daemon asks who sends to a receiver, every two seconds for each.
    "looks": "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
    " SELECT word FROM told WHERE id = 1; COMMIT;",
    # As much as a heartbeat or a claim writes.
    "plain": "INSERT INTO told (word) VALUES (:client_id);",
    # One who records at a time, until it has committed.
    "locked": "BEGIN; SELECT pg_advisory_xact_lock(1); INSERT INTO told (word) VALUES (:client_id); COMMIT;",
    "notifying": "BEGIN; INSERT INTO told (word) VALUES (:client_id); NOTIFY growth; COMMIT;",
}
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)

Found = dict[str, Figure]


def taking(home: Path, scratch: Path) -> Found:
    """What a batch costs on SQLite and on PostgreSQL that syncs, by turns."""
    return taking_of(home, scratch, ("sqlite", "postgresql"), rounds=_ROUNDS)


def taking_of(home: Path, scratch: Path, kinds: Sequence[str], *, rounds: int) -> Found:
    """The same of some kinds of ledger."""
    with postgres.server(durable=True) as server:
        addresses = {"sqlite": f"sqlite:///{scratch / 'taking.db'}", "postgresql": server.fresh()}
        desks: dict[str, Newsdesk] = {}
        for kind in kinds:
            address = addresses[kind]
            serving = partial(_processes, server) if kind == "postgresql" else tuple
            database = open_database(address)
            desks[kind] = newsdesk(scratch / kind, home / "models", address, database, serving)
        backlog = texts.backlog(2 * (rounds + 1) * sum(SIZES) * len(desks), _LABELLED)
        batches: dict[str, list[list[Taken]]] = {kind: [] for kind in desks}
        wholes: dict[str, list[list[Spent]]] = {kind: [] for kind in desks}
        for number in range(rounds + 1):
            say(f"taking: round {number + 1} of {rounds + 1}")
            for kind, desk in desks.items():
                taken = [desk.take(list(islice(backlog, size))) for size in SIZES]
                whole = [desk.whole(list(islice(backlog, size))) for size in SIZES]
                if number:  # the first meets cold caches
                    batches[kind].append(taken)
                    wholes[kind].append(whole)
        for desk in reversed(desks.values()):  # the last that timed turns stops first
            desk.close()
            desk.database.close()
    found: Found = {}
    for kind, each in batches.items():
        found |= _costs(kind, each, wholes[kind])
    return found


def _costs(kind: str, rounds: Sequence[Sequence[Taken]], wholes: Sequence[Sequence[Spent]]) -> Found:
    """A line through the batches of each round: what a batch costs however small, and each article more."""
    sizes = ", ".join(map(str, SIZES))
    how = f"a line through batches of {sizes} files of 3,000 bytes; {kind}"
    found: Found = {}

    def lines(what: str, unit: str, how: str, points: Sequence[Sequence[float]]) -> None:
        through = [line(list(zip(SIZES, each, strict=True))) for each in points]
        found[f"{kind} {what} a batch"] = Figure.of([fixed for fixed, _ in through], unit, how)
        found[f"{kind} {what} an article"] = Figure.of([more for _, more in through], unit, how)

    def spent(what: str, of: Sequence[Sequence[Spent]]) -> None:
        lines(what, "s", f"by the clock: {how}", [[each.clock for each in batches] for batches in of])
        work = f"processor time, ours and the server's: {how}"
        lines(f"{what} work", "s", work, [[each.work for each in batches] for batches in of])

    spent("record", [[each.record for each in batches] for batches in rounds])
    spent("move", [[each.move for each in batches] for batches in rounds])
    spent("mark", [[each.mark for each in batches] for batches in rounds])
    spent("intake", wholes)
    statements = [[float(each.statements) for each in batches] for batches in rounds]
    lines("statements", "statements", how, statements)
    largest = [batches[-1] for batches in rounds]
    files = largest[0].files
    by_processor = f"processor time of a batch of {files} files of 3,000 bytes, divided"
    found["read an article"] = Figure.of([each.read / files for each in largest], "s", by_processor)
    found["tag an article"] = Figure.of([each.tag / files for each in largest], "s", by_processor)
    alerts = [each.alerts / files for each in largest]
    found["alerts an article"] = Figure.of(alerts, "alerts", "of twelve desks, one a topic")
    return found


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """What the smallest costs, and each one more; least squares of relative errors, as sizes differ much."""
    x, y = np.array(points).T
    weights = 1.0 / y
    rows = np.stack([np.ones_like(x), x], axis=1) * weights[:, None]
    (fixed, more), *_ = np.linalg.lstsq(rows, y * weights, rcond=None)
    return max(0.0, float(fixed)), max(0.0, float(more))


def _processes(server: postgres.Server) -> list[int]:
    """Those of a PostgreSQL that work for who is connected, and write its log."""
    found = server.run("SELECT pid FROM pg_stat_activity")
    return [int(process) for (process,) in found]


def commits(home: Path, scratch: Path) -> Found:
    """Commits a second of PostgreSQL with fsync, by pgbench; so many clients at once."""
    found = {}
    with postgres.server(durable=True) as server:
        address = server.fresh()
        server.run("CREATE TABLE told (id bigserial PRIMARY KEY, word text)", address)
        for name, script in _SCRIPTS.items():
            (scratch / f"{name}.sql").write_text(script.replace("; ", ";\n") + "\n", encoding="ascii")
        for clients in _CLIENTS:
            rates: dict[str, list[float]] = {name: [] for name in _SCRIPTS}
            for number in range(3):
                say(f"commits: {clients} clients, round {number + 1} of 3")
                for name in _SCRIPTS:
                    rates[name].append(_pgbench(server, address, scratch / f"{name}.sql", clients))
            for name, seen in rates.items():
                how = f"pgbench, {clients} clients on the server's own machine, {_SECONDS} s; fsync on"
                found[f"commits {name} {clients}"] = Figure.of(seen, "a second", how)
    return found


def _pgbench(server: postgres.Server, address: str, script: Path, clients: int) -> float:
    done = subprocess.run(
        [
            "pgbench", "--no-vacuum", f"--file={script}", f"--client={clients}", f"--jobs={min(2, clients)}",
            f"--time={_SECONDS}", "--host=127.0.0.1", f"--port={server.port}", "--username=topicwire",
            address.rpartition("/")[2],
        ],
        env={"PGPASSWORD": server.password, "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = _RATE.findall(done.stdout)
    assert found, f"pgbench told no rate: {done.stdout}{done.stderr}"
    return float(found[-1])


def looking(home: Path, scratch: Path) -> Found:
    """What a look at an inbox costs, by the files that stand there."""
    rounds: list[list[tuple[float, float]]] = []
    inbox = Inbox(scratch / "inbox", 3600.0)
    inbox.folder.mkdir()
    points: dict[int, list[float]] = {}
    written = 0
    for number in (10, 100, 1_000, 10_000):
        for each in range(written, number):
            (inbox.folder / f"{each:06}.txt").write_bytes(b"A text.\n")
        written = number
        points[number] = [_timed(lambda: inbox.look(time.monotonic())) for _ in range(_ROUNDS)]
    rounds = [[(number, seen[each]) for number, seen in points.items()] for each in range(_ROUNDS)]
    lines = [line(each) for each in rounds]
    how = "a line through looks at 10 to 10,000 files on a local disk"
    return {
        "look": Figure.of([fixed for fixed, _ in lines], "s", how),
        "look a file": Figure.of([more for _, more in lines], "s", how),
    }


def sending(home: Path, scratch: Path) -> Found:
    """What the ledger costs a message before its request and after the answer."""
    found: Found = {}
    with postgres.server(durable=True) as server:
        for address in (f"sqlite:///{scratch / 'ledger.db'}", server.fresh()):
            kind = address.partition(":")[0].partition("+")[0]
            try:
                database = open_database(address)
            except DaemonError as error:
                say(f"sending: none on {kind}: {error}")
                continue
            with database.transaction() as connection:
                for number in range(100):
                    owe(connection, make_alert(number=number))
            dispatch = Dispatch("desk", _Nobody(), database)
            serving = _processes(server) if kind == "postgresql" else []
            statements, told = Counted(), list[int]()

            def spent(
                serving: Sequence[int] = serving, told: list[int] = told, statements: Counted = statements
            ) -> Spent:
                told.append(statements.number)
                return spent_with(serving)

            turns, end = turns_timed(spent)
            for _ in range(100):
                dispatch.work()
            end()
            statements.end()
            # A message has two turns, each asked of at its beginning and its end.
            before, after = turns[0::2], turns[1::2]
            there = told[-3] - told[-4], told[-1] - told[-2]
            for name, number in zip(("before", "after"), there, strict=True):
                how = "of a message, the last of 100"
                found[f"{kind} statements {name} a message"] = Figure.of([number], "statements", how)
            database.close()
            how = f"median of 100 messages to nobody, one after the other; {kind}"
            for name, each in (("before", before[10:]), ("after", after[10:])):
                clock, work = [one.clock for one in each], [one.work for one in each]
                found[f"{kind} {name} a message"] = Figure.of(clock, "s", f"by the clock: {how}")
                found[f"{kind} {name} work a message"] = Figure.of(work, "s", f"processor time: {how}")
    return found


class _Nobody:
    """Takes every message."""

    can_look = can_thread = False
    groups = True

    def send(self, message: Message) -> Sent:
        return Sent("nowhere", "1")

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        return None

    def update(self, message: Message, sent: Sent) -> None:
        raise AssertionError("nothing is shown")

    def take_back(self, sent: Sent) -> None:
        raise AssertionError("nothing is taken back")

    def upload(self, png: bytes, title: str) -> str:
        raise AssertionError("nothing is drawn")

    def pause(self) -> float:
        return 0.0

    def update_pause(self) -> float:
        return 0.0


def waking(home: Path, scratch: Path) -> Found:
    """From a commit to whoever listens, by NOTIFY."""
    times = []
    with postgres.server(durable=True) as server:
        address = server.fresh().replace("+psycopg", "")
        ready, told = Event(), SimpleQueue[float]()

        def listen() -> None:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("LISTEN growth")
                ready.set()
                for _ in connection.notifies(stop_after=_WAKES):
                    told.put(time.perf_counter())

        ear = Thread(target=listen)
        ear.start()
        ready.wait(10.0)
        with psycopg.connect(address) as connection:
            for _ in range(_WAKES):
                began = time.perf_counter()
                connection.execute("NOTIFY growth")
                connection.commit()
                times.append(told.get(timeout=10.0) - began)
        ear.join(10.0)
    how = f"from NOTIFY and its commit to the listener, {_WAKES} times; a look every 2 s takes 1 s on average"
    return {"notify": Figure.of(times, "s", how)}


def sizes(home: Path, scratch: Path) -> Found:
    """Bytes an article in the ledger of either kind, and in the index of the desk page."""
    found: Found = {}
    for of in (of_sqlite, of_postgresql):
        place = scratch / of.__name__
        place.mkdir()
        try:
            found |= of(home, place, _NUMBERS)
        except DaemonError as error:
            say(f"{of.__name__}: {error}")
    return found


def _timed(work: Callable[[], object]) -> float:
    at = time.perf_counter()
    work()
    return time.perf_counter() - at


PARTS: dict[str, Callable[[Path, Path], Found]] = {
    "taking": taking,
    "commits": commits,
    "looking": looking,
    "sending": sending,
    "waking": waking,
    "sizes": sizes,
}


def measure(parts: Sequence[str], home: Path, scratch: Path) -> None:
    """Measure these parts with the model of a home; each is written when it is there."""
    for name in parts:
        place = scratch / name
        place.mkdir()
        began = time.monotonic()
        figures.write(PARTS[name](home, place))
        say(f"{name}: written, it took {time.monotonic() - began:.0f} s")
        shutil.rmtree(place)
