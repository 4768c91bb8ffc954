"""The daemon in this thread, going by a clock of our own, in a world that fails when it is told to.

The folder, the ledger and the HTTP are real. Effects (`EFFECTS`, each commit, each request to
Slack) are counted off to kill the process before the n-th: from there on no clean-up has any effect
either, as in a process that is dead. The disk can be full, Slack down or lying, the wall clock wrong.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch
from urllib.request import urlopen

from slack_sdk.web import base_client
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from watchdog.events import FileSystemEvent

from classifier import storage
from daemon import app, claims, clock, intake, retraining, shelves, timetable
from daemon.config import Receiver, Retrain, Route, Settings, Slack, Story
from daemon.database import Database, open_database
from daemon.inbox import Stamp, Watch
from daemon.receivers import senders_of
from daemon.serving import Serving
from daemon.worker import Worker
from tests.builders import NOON, make_settings, small_model
from tests.faults.clockwork import Clockwork, Turn, quiet
from tests.slack_stand_in import SlackStandIn

EFFECTS = ("link", "unlink", "rename", "replace", "fsync", "mkdir")
RECEIVERS = ("desk", "second")

_NEED_SPACE = frozenset({"link", "mkdir", "rename", "replace"})
_START_AGAIN = 60.0  # seconds after a death or a start that failed, as systemd would
_ALL_THE_ROOM = 2**31 - 2  # pages, SQLite's own limit


class Killed(BaseException):
    """The process died here. No `except Exception` of the daemon sees it."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a reload may change: the settle time, and of which topics the second desk hears."""

    settle: float = 2.0
    second_topics: tuple[str, ...] = ("trade",)


@dataclass(frozen=True, slots=True)
class Template:
    """What every world begins with: two models on the disk and an empty ledger."""

    folder: Path
    versions: tuple[str, str]


def make_template(folder: Path) -> Template:
    """Prepare, once, what every world copies. Both models decide the same."""
    first = small_model()
    first = replace(first, cuts={**first.cuts, "trade": first.cuts["energy"]})
    versions = []
    for day, quality in ((1, 0.5), (2, 0.6)):
        model = replace(first, quality={"all": {"f1": quality}})
        made = datetime(2026, 1, day, tzinfo=UTC)
        saved = storage.save(model, folder / "models", probes=["The oil refinery."], made_by={}, now=made)
        versions.append(saved.version)
    storage.use(folder / "models", versions[0])
    open_database(f"sqlite:///{folder}/ledger.db").close()
    return Template(folder, (versions[0], versions[1]))


class World:
    """Use it with `with`. The daemon runs from `start` on, and is started again whenever it dies."""

    def __init__(self, home: Path, template: Template) -> None:
        shutil.copytree(template.folder, home)
        self.home = home
        self.inbox = home / "inbox"
        self.template = template
        self.clockwork = Clockwork(NOON)
        self.stand_in = SlackStandIn(self.clockwork.true_time)
        self.configuration = Configuration()
        self.deaths = 0
        self._lives = 0
        self._changes: dict[tuple[int, ...], int] = {}
        self.failed_starts: list[str] = []
        self.nights: list[datetime] = []  # when the nightly job ran
        self._fuse: int | None = None
        self._is_at_work = False  # the daemon, and not a person, is doing this
        self._is_dead = False
        self.disk_is_full = False
        self._ledger_at_death: dict[str, bytes] = {}
        self._connections: list[sqlite3.Connection] = []
        self._watch: _HandFed | None = None
        self._running: _Running | None = None
        self._stack = ExitStack()
        self._token_file = home.parent / f"{home.name}.token"
        self._token_file.write_text(self.stand_in.token)
        self._token_file.chmod(0o600)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(quiet())
            stack.enter_context(self.clockwork.in_charge())
            stack.enter_context(self.stand_in)
            self._lay_hands_on(stack)
            app.make_home(self._settings())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._bury()
        self._stack.close()

    # What happens to the daemon

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass; a daemon that died or could not start is started again."""
        end = self.clockwork.elapsed + seconds
        with self._at_work():
            self._live_until(end)

    def _live_until(self, end: float) -> None:
        while True:
            if self._running is None and not self._start():
                if self.clockwork.elapsed >= end:
                    return
                self.clockwork.elapsed = min(end, self.clockwork.elapsed + _START_AGAIN)
                continue
            assert self._running is not None
            try:
                self.clockwork.pass_to(end, self._running.turns)
            except Killed:
                self._bury()
                continue
            return

    def freeze(self, seconds: float) -> None:
        """The process is stopped so long (SIGSTOP), and goes on."""
        self.clockwork.elapsed += seconds

    def kill_before(self, effect: int) -> None:
        """The process dies before its n-th effect from now."""
        self._fuse = effect

    def spare(self) -> None:
        """No death is due any more."""
        self._fuse = None

    def stop(self) -> None:
        """A clean stop; the next `pass_time` starts the daemon again."""
        if self._running is None:
            return
        try:
            with self._at_work():
                self._running.stop()
        except Killed:
            self._bury()
        self._running = None

    def reload(self, configuration: Configuration) -> None:
        """Stop, and start under another configuration."""
        self.stop()
        self.configuration = configuration

    def swap_model(self, version: str) -> None:
        """Make another version the current one, as `classifier models use` does."""
        fresh = self.home / "models" / ".current.swap"
        fresh.write_text(f"{version}\n", encoding="utf-8")
        os.replace(fresh, self.home / "models" / "current")

    def wake(self) -> None:
        """An event of the inbox is heard, whatever it was."""
        if self._running is not None:
            self._running.turns[0].worker.wake()

    def tell(self, happened: FileSystemEvent) -> None:
        """An event of the inbox is heard."""
        if self._watch is not None:
            self._watch.hear(happened)

    # What happens to the disk

    def fill_disk(self) -> None:
        self.disk_is_full = True
        self._limit_ledgers()

    def free_disk(self) -> None:
        self.disk_is_full = False
        self._limit_ledgers()

    # What there is to see

    @property
    def is_running(self) -> bool:
        return self._running is not None

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Look into the ledger from outside."""
        with closing(sqlite3.connect(self.home / "ledger.db", timeout=30.0)) as connection:
            return connection.execute(statement).fetchall()

    def errors(self) -> list[str]:
        """What the workers that fail at present say."""
        if self._running is None:
            return self.failed_starts[-1:]
        return [f"{turn.worker.name}: {turn.last_error}" for turn in self._running.turns if turn.failures]

    # The daemon's life

    def _start(self) -> bool:
        """As daemon.app.run does it; False where it ends with an error."""
        self._lives += 1
        try:
            claims._TOKEN = f"life-{self._lives}"  # by it a process knows its own runs
            self._running = _Running.start(self._settings())
        except Killed:
            self._bury()
            return False
        except Exception as error:
            self.failed_starts.append(f"{type(error).__name__}: {error}")
            self._close_files()
            return False
        for turn in self._running.turns:
            turn.worker.wake()
        return True

    def _settings(self) -> Settings:
        return make_settings(
            self.home,
            settle=self.configuration.settle,
            receivers=tuple(Receiver(name=name, type="slack", channel=name) for name in RECEIVERS),
            routes=(
                Route(receiver="desk"),
                Route(receiver="second", topics=self.configuration.second_topics),
            ),
            slack=Slack(api_url=self.stand_in.url, token_file=self._token_file),
            story=Story(window_hours=0),  # the rig's articles grow and repeat: near-copies are not told
            retrain=Retrain(),
        )

    @contextmanager
    def _at_work(self, is_at_work: bool = True) -> Iterator[None]:
        before, self._is_at_work = self._is_at_work, is_at_work
        try:
            yield
        finally:
            self._is_at_work = before

    def _effect(self, name: str) -> None:
        if not self._is_at_work:
            return
        if self._is_dead:
            raise Killed(name)
        if self._fuse is None:
            return
        self._fuse -= 1
        if self._fuse <= 0:
            self._fuse = None
            self._is_dead = True
            self.deaths += 1
            self._ledger_at_death = self._read_ledger()
            raise Killed(name)

    def _bury(self) -> None:
        """Drop all that the process had, as the kernel does; the ledger stays as it was at death."""
        self._running = None
        self._watch = None
        self._close_files()
        if self._is_dead:
            self._is_dead = False
            with self._at_work(False):
                for ending in ("", "-wal", "-shm"):
                    Path(f"{self.home}/ledger.db{ending}").unlink(missing_ok=True)
                for name, data in self._ledger_at_death.items():
                    (self.home / name).write_bytes(data)

    def _read_ledger(self) -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in self.home.glob("ledger.db*") if path.suffix != ".db-shm"
        }

    def _close_files(self) -> None:
        for connection in self._connections:
            with suppress(sqlite3.Error):
                connection.close()
        self._connections.clear()
        for handle in list(Path("/proc/self/fd").iterdir()):
            with suppress(OSError):
                if str(handle.readlink()).startswith(f"{self.home}/."):
                    os.close(int(handle.name))

    # The faults

    @property
    def _has_no_room(self) -> bool:
        return self.disk_is_full and self._is_at_work

    def _lay_hands_on(self, stack: ExitStack) -> None:
        for name in EFFECTS:
            real = _nothing if name == "fsync" else getattr(os, name)
            stack.enter_context(patch.object(os, name, self._failing(name, real)))
        rename = getattr(shelves, "_renameat2", None)  # where the C library has it
        if rename is not None:
            stack.enter_context(patch.object(shelves, "_renameat2", self._failing_rename(rename)))
        stack.enter_context(patch.object(io, "open", self._failing_open(io.open)))
        stack.enter_context(patch.object(base_client, "urlopen", self._failing("send", urlopen)))
        stack.enter_context(patch.object(intake, "Watch", self._make_watch))
        stack.enter_context(patch.object(Stamp, "of", self._stamp))
        stack.enter_context(patch.object(claims, "_TOKEN", claims._TOKEN))
        stack.enter_context(patch.object(retraining, "nightly", self._nightly))
        listeners: dict[str, Callable[..., None]] = {
            "connect": self._on_connect,
            "engine_connect": _never_wait_for_the_disk,
            "commit": self._on_commit,
        }
        for name, heard in listeners.items():
            event.listen(Engine, name, heard)
            stack.callback(event.remove, Engine, name, heard)
        stack.callback(signal.signal, signal.SIGIO, signal.signal(signal.SIGIO, signal.SIG_IGN))

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*given: Any, **more: Any) -> Any:
            self._effect(name)
            if self._has_no_room and name in _NEED_SPACE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(given[0]))
            return real(*given, **more)

        return effect

    def _failing_rename(self, real: Callable[..., int]) -> Callable[..., int]:
        def effect(*given: Any) -> int:
            self._effect("renameat2")
            if self._has_no_room:
                ctypes.set_errno(errno.ENOSPC)
                return -1
            return real(*given)

        return effect

    def _failing_open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(path: Any, mode: str = "r", *given: Any, **more: Any) -> Any:
            if set(mode) & set("wax+"):
                self._effect("open")
                if self._has_no_room and str(path).startswith(str(self.home)):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return real(path, mode, *given, **more)

        return effect

    def _make_watch(self, *given: Any, **more: Any) -> _HandFed:
        self._watch = _HandFed(*given, **more)
        return self._watch

    def _stamp(self, status: os.stat_result) -> Stamp:
        """As the daemon makes it, but the time of change is counted: the kernel's differs in each run."""
        key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        changed = self._changes.setdefault(key, len(self._changes))
        return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, changed)

    def _nightly(self, *given: object, **more: object) -> str:
        """Training has tests of its own: the job only says that it ran."""
        self.nights.append(clock.now())
        return "kept"

    def _on_connect(self, connection: sqlite3.Connection, entry: object) -> None:
        self._connections.append(connection)
        self._limit(connection)

    def _on_commit(self, connection: Connection) -> None:
        self._effect("commit")
        if self._has_no_room:
            full = sqlite3.OperationalError("database or disk is full")
            raise OperationalError("COMMIT", None, full)

    def _limit_ledgers(self) -> None:
        for connection in self._connections:
            self._limit(connection)

    def _limit(self, connection: sqlite3.Connection) -> None:
        most = 1 if self.disk_is_full else _ALL_THE_ROOM  # never less than there are
        with suppress(sqlite3.ProgrammingError):  # closed since
            connection.execute(f"PRAGMA max_page_count={most}")


def _never_wait_for_the_disk(connection: Connection) -> None:
    """Only processes die here, so it makes no difference; power cuts are another part of the rig."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("PRAGMA synchronous=OFF")


def _nothing(*given: object) -> None:
    """In the place of fsync, for the same reason."""


class _HandFed(Watch):
    """Watches nothing by itself: hears what it is told, so that each run is the same."""

    def ensure(self) -> None:
        self._folder.stat()

    def hear(self, happened: FileSystemEvent) -> None:
        self._handler.on_any_event(happened)


@dataclass(frozen=True, slots=True)
class _Running:
    """A started daemon. The first turn is the inbox's."""

    database: Database
    parts: app.Parts
    turns: list[Turn]

    @classmethod
    def start(cls, settings: Settings) -> _Running:
        senders = senders_of(settings)
        model = app.ready_model(settings)
        database = open_database(settings.database)
        try:
            app.start_up(settings, database)
            serving = Serving(settings.models, model, settings.home / "labels" / "topics.toml")
            parts = app.Parts(settings, database, serving, senders)
            times = timetable.Timetable(database, app._jobs(settings, database))
            times.plan(clock.now())
        except Exception:
            database.close()
            raise
        timer = Worker("timetable", lambda: _look(parts, times))
        return cls(database, parts, [Turn(worker) for worker in (parts.inbox, *parts.workers, timer)])

    def stop(self) -> None:
        self.parts.intake.close()
        self.database.close()


def _look(parts: app.Parts, times: timetable.Timetable) -> float:
    """What APScheduler calls now and then: every 20 seconds and every minute, here both each minute."""
    times.look()
    parts.wake_inbox()
    parts.wake_dispatches()
    return float(timetable._RESCAN_EVERY)
