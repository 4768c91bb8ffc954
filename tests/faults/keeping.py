"""Backup, restore and forgetting, killed at every system call that changes something, or failing at it.

    python -m tests.faults.keeping backup rename 3 SIGKILL      # one case again

After each fault comes what an operator would do next: the same command, undisturbed. Then is looked: every
bundle that shows is sound, a home is as it was or as it is to be (or says that it is neither, and does not
start), and what stood there before is somewhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

from sqlalchemy import text

from daemon import app, backups, bundles, clock, drills, remembering, retention
from daemon.cli import main as topicwired
from daemon.config import Settings
from daemon.database import open_database
from daemon.errors import DaemonError
from tests.builders import make_settings
from tests.faults import strace
from tests.faults.accounting import Outcome
from tests.faults.strace import KILL, Injection
from tests.faults.sweeps import SWEPT
from tests.test_backups import articles_in, write
from tests.test_bundles import a_home, is_as_before, is_restored, serve_another

YEAR = timedelta(days=365)
_WRITES = frozenset(SWEPT) - {"connect", "sendto", "sendmsg", "recvfrom", "recvmsg", "socket", "flock"}
_PATIENCE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Work:
    """A command on a home, and what must be so after a fault in it and the next try."""

    name: str
    arguments: Callable[[Path], list[str]]
    faults: Callable[[Path], Iterator[str]]


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """SIGKILL at every call, and an error at every call, of each command."""
    reason = strace.missing()
    if reason is not None:
        return [Outcome("keeping", 0, (), f"skipped: {reason}")]
    stage(folder)
    outcomes = []
    for work in WORKS:
        trace = steps(folder, work)
        cases = [Injection(call, number, KILL) for call, number in trace]
        cases += [
            Injection(call, number, ("EIO", "ENOSPC")[turn % 2]) for turn, (call, number) in enumerate(trace)
        ]
        outcomes.append(sweep(folder, work, cases, say))
    return outcomes


def sweep(folder: Path, work: Work, cases: Sequence[Injection], say: Callable[[str], None]) -> Outcome:
    """All these faults, each in a copy of the template."""
    found: list[str] = []
    for number, injection in enumerate(cases, 1):
        found += [f"{work.name}: {injection}: {fault}" for fault in one(folder, work, injection)]
        if number % 50 == 0:
            say(f"{work.name}: {number} of {len(cases)} cases, {len(found)} faults")
    return Outcome(f"keeping: {work.name}", len(cases), tuple(found))


def one(folder: Path, work: Work, injection: Injection) -> list[str]:
    """What is wrong after one fault and the next try."""
    place, log = folder / "case", folder / "log"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "template", place, symlinks=True)
    end = _walk(work, place, log, injection)
    said = log.read_text(errors="replace")
    found = []
    if end not in (0, 1, -signal.SIGKILL) or "Traceback" in said:
        found.append(f"ended with {end}: {said[-300:]!r}")
    try:
        with redirect_stdout(StringIO()):
            return found + list(work.faults(place))
    except (DaemonError, OSError, AssertionError) as error:
        return [*found, f"{type(error).__name__}: {error}"]


def steps(folder: Path, work: Work) -> list[tuple[str, int]]:
    """The calls that a clean run makes, each with its number among those of its name."""
    place, log, trace = folder / "case", folder / "log", folder / "trace"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "template", place, symlinks=True)
    end = _walk(work, place, log, None, to=trace)
    if end != 0:
        raise RuntimeError(f"{work.name} ends with {end}: {log.read_text()[-300:]}")
    numbers: dict[str, int] = {}
    found = []
    for call in strace.calls_in(trace):
        if call in _WRITES:
            numbers[call] = numbers.get(call, 0) + 1
            found.append((call, numbers[call]))
    return found


def stage(folder: Path) -> None:
    """A home with three articles of 400 days ago that is backed up, and has changed since.

    Made where each case stands: a bundle knows whose home it is of by its path.
    """
    template = folder / "case"
    template.mkdir(parents=True)
    settings = _at(-400, lambda: a_home(template / "home"))
    with closing(open_database(settings.database)) as database:
        _at(-400, lambda: write(database, 1, 2, 3))
        _place_files(settings, database)
        _at(-2, lambda: bundles.make(settings, template / "backup"))
        write(database, 4)
    (settings.home / "labels" / "later.tsv").write_text("trade\tExports rose.\n")
    serve_another(settings, 2)
    template.rename(folder / "template")


def _place_files(settings: Settings, database: object) -> None:
    from daemon.database import Database

    assert isinstance(database, Database)
    folder = settings.done / "2025" / "10" / "18"
    folder.mkdir(parents=True)
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET state = 'sent'"))
        moment = clock.to_text(datetime.now(UTC) - timedelta(days=400))
        for number in (1, 2, 3):
            content = f"Headline {number}".encode()
            (folder / f"{number}.txt").write_bytes(content)
            row = {"size": len(content), "id": number, "at": moment, "print": f"{number:064x}"}
            row |= {"target": f"done/2025/10/18/{number}.txt"}
            connection.execute(
                text(
                    "UPDATE files SET target = :target, size = :size, arrived_at = :at, fingerprint = :print,"
                    " modified = NULL WHERE id = :id"
                ),
                row,
            )


def _at(days: int, work: Callable[[], Settings | object]) -> Settings:
    now = clock.now
    clock.now = lambda: datetime.now(UTC) + timedelta(days=days)
    try:
        found = work()
    finally:
        clock.now = now
    return found  # type: ignore[return-value]


def _walk(work: Work, place: Path, log: Path, injection: Injection | None, *, to: Path | None = None) -> int:
    """The command in a process of its own, forked from this one, where all is loaded; how it ended."""
    reading, gate = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(gate)
        _child(work, place, log, reading)
    os.close(reading)
    try:
        with strace.traced(child, injection, to=to):
            os.close(gate)
            return _end_of(child)
    except RuntimeError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise


def _end_of(child: int) -> int:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def _child(work: Work, place: Path, log: Path, gate: int) -> None:
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.read(gate, 1)
        code = topicwired(work.arguments(place))
    except BaseException as error:
        os.write(2, f"Traceback {type(error).__name__}: {error}".encode())
        code = 9
    finally:
        os._exit(code)


def _backup(place: Path) -> list[str]:
    home = place / "home"
    (home / "topicwire.toml").write_text(f'[backup]\npath = "{place / "backup"}"\nkeep = 1\n')
    return ["backup", "--home", str(home), "--config", str(home / "topicwire.toml"), str(place / "backup")]


def _after_backup(place: Path) -> Iterator[str]:
    found = backups.bundles_in(place / "backup")
    if not found:
        yield "no bundle is left"
    for folder in found:
        drills.verify(folder, bundles.opened(folder))
    time.sleep(max(0.0, 1.0 - time.time() % 1.0))  # a name has seconds
    if topicwired(_backup(place)) != 0:
        yield "the next backup fails"
    left = sorted(path.name for path in (place / "backup").iterdir())
    if len(left) != 2 or left[0] != ".lock":
        yield f"left over: {left}"


def _restore(place: Path) -> list[str]:
    return ["restore", "--home", str(place / "home"), str(place / "backup")]


def _after_restore(place: Path) -> Iterator[str]:
    home = place / "home"
    [bundle] = backups.bundles_in(place / "backup")
    refused = backups.missing_ledger(make_settings(home)) is not None
    if not (home / "labels").is_dir():
        yield "labels are gone"
    if not refused and not is_as_before(home) and not _restored(home, bundle):
        yield "neither as before nor restored, and it would start"
    if topicwired(_restore(place)) != 0:
        yield "the next restore fails"
    if not _restored(home, bundle):
        yield "not restored by the next try"
    if not list(home.glob("labels*/later.tsv")):
        yield "the labels of before are nowhere"
    asides = [file for file in home.glob("ledger.db.set-aside-*") if file.name[-4:] not in ("-wal", "-shm")]
    if [1, 2, 3, 4] not in [articles_in(file) for file in asides]:
        yield "the ledger of before is nowhere"


def _restored(home: Path, bundle: Path) -> bool:
    return is_restored(home, bundle)


def _forget(place: Path) -> list[str]:
    return ["forget", "--home", str(place / "home"), "--older-than", "365d"]


def _after_forget(place: Path) -> Iterator[str]:
    settings = make_settings(place / "home")
    with closing(open_database(settings.database)) as database:
        app.start_up(settings, database)
        for name, state, target in _old_files(settings):
            stands = bool(list(settings.done.rglob(f"{name}.txt")))
            if not stands == (state == "done") == (target is not None):
                yield f"file {name} is {state}, and {'stands' if stands else 'does not stand'} in done/"
        retention.forget(settings, database, older_than=YEAR)
    if {state for _, state, _ in _old_files(settings)} != {"forgotten"}:
        yield "not all is forgotten by the next try"
    if len({each.fingerprint for each in remembering.read(settings.done)}) != 3:
        yield "not all repeats would be known after the ledger is lost"


def _old_files(settings: Settings) -> list[tuple[int, str, str | None]]:
    with closing(open_database(settings.database)) as database, database.reading() as connection:
        rows = connection.execute(text("SELECT id, state, target FROM files WHERE id < 4"))
        return [(row.id, row.state, row.target) for row in rows]


WORKS = (
    Work("backup", _backup, _after_backup),
    Work("restore", _restore, _after_restore),
    Work("forget", _forget, _after_forget),
)


def main(arguments: Sequence[str]) -> int:
    """One case by its name; or every n-th case of all: `--every N`."""
    every = int(arguments[1]) if arguments[:1] == ["--every"] else 1
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        stage(folder)
        if len(arguments) == 4:
            name, call, number, effect = arguments
            [work] = [each for each in WORKS if each.name == name]
            found = one(folder, work, Injection(call, int(number), effect))
        else:
            found = []
            for work in WORKS:
                trace = steps(folder, work)
                cases = [
                    Injection(call, number, effect)
                    for turn, (call, number) in enumerate(trace)
                    for effect in (KILL, ("EIO", "ENOSPC")[turn % 2])
                ][::every]
                outcome = sweep(folder, work, cases, lambda line: print(line, file=sys.stderr))
                print(f"{work.name}: {len(trace)} calls, {outcome.cases} cases, {len(outcome.faults)} faults")
                found += outcome.faults
    print("\n".join(found) or "no fault")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
