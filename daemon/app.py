"""The composition root: builds the parts of the daemon, starts them and stops them."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from classifier import (
    ClassifierError,
    Model,
    ModelError,
    NoModelError,
    fallbacks,
    load_model,
)
from daemon import (
    alive,
    backups,
    bundles,
    clock,
    desks,
    digests,
    ledger,
    logs,
    metrics,
    outbox,
    pages,
    poison,
    readiness,
    retention,
    retraining,
    sampling,
    sharing,
    shelving,
    upgrading,
)
from daemon.config import Settings
from daemon.database import Database, plain_errors, plainly
from daemon.dispatch import Dispatch
from daemon.errors import ConfigError, DaemonError, LedgerError, RestartNeededError
from daemon.inbox import files_below, printable
from daemon.intake import Intake
from daemon.observed import Observed
from daemon.observing import NOBODY, Observer
from daemon.receivers import manners_of, senders_of
from daemon.records import DeliveryState, FileState
from daemon.senders import Sender
from daemon.serving import Serving
from daemon.sharing import ALONE, Shared
from daemon.signals import RELOAD, STOP, Signals
from daemon.timetable import Job, Timetable
from daemon.vitals import Vitals
from daemon.worker import Worker

logger = logging.getLogger(__name__)

_STOP_SECONDS = 8.0  # shorter than a sending may hang: its outcome is looked up after the next start
_RELOAD_SECONDS = 60.0
_PING_SECONDS = 20.0
_HANGING_SECONDS = 180.0  # longer than any single piece of a worker's work
_AFTER_A_CRASH = timedelta(seconds=2)  # a dead process's last bytes may still be on their way


def run(settings: Settings, *, once: bool = False, reload: Callable[[], Settings] | None = None) -> int:
    """Watch, tag and alert until stopped; with `once`, until the inbox is empty and all is delivered.

    `reload` reads the configuration again; SIGHUP asks for it.
    """
    # A lease of ours that somebody breaks sends it, and it would end us (see daemon.inbox).
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    with home_lock(settings):
        _put_up_nameplate(settings)
        senders = senders_of(settings)
        must_have_ledger(settings)
        with readiness.taking_long("getting a model"):
            model = ready_model(settings)
        with readiness.taking_long("opening the ledger"):
            database = upgrading.opened(settings)
        woken = _Woken()
        try:
            must_know_home(settings, database)
            own_topics = settings.home / "labels" / "topics.toml"
            serving = Serving(settings.models, model, own_topics, settings.promises)
            shared = sharing.enter(settings, database, model=lambda: serving.model.version, wake=woken)
            try:
                with readiness.taking_long("making up for what was in hand"):
                    start_up(settings, database)
                if once:
                    parts = Parts(settings, database, serving, senders, shared=shared, listens=False)
                    woken.wake = parts.wake_workers
                    return _Once(parts).run()
                _tell(welcome(settings))
                daemon = _Daemon(settings, database, serving, senders, reload, shared=shared)
                woken.wake = daemon.wake_workers
                return daemon.run()
            finally:
                shared.stop()
        finally:
            database.close()


def must_have_ledger(settings: Settings) -> None:
    """Raises LedgerError where the home had a ledger and has none: a new one would know nothing."""
    missing = backups.missing_ledger(settings)
    if missing is not None:
        raise LedgerError(missing)


def must_know_home(settings: Settings, database: Database) -> None:
    """Raises LedgerError where several daemons have a ledger that knows no file, and our home has some: what
    it had before is elsewhere.
    """
    if not database.shared or not backups.has_files(settings.done):
        return
    with plain_errors(), database.reading() as connection:
        if ledger.counts(connection).get(FileState.DONE.value):
            return
    raise LedgerError(
        f"{settings.database}: the ledger is empty, and {settings.done} holds files that were taken in; bring"
        " theirs over with `topicwired storage copy FROM TO`, or start on a new home"
    )


def start_up(settings: Settings, database: Database) -> None:
    """Make up for whatever an earlier process was in the middle of when it ended.

    Raises LedgerError where the ledger does not let us, and the next start will try again.
    """
    now = clock.now()
    with plain_errors():
        shelving.reconcile(settings, database)
        with database.transaction() as connection:
            held = poison.record_death(connection, settings.home, now=now)
            # Of a shared ledger other daemons may be sending; whoever sends to a receiver next sees to it.
            after = now + _AFTER_A_CRASH
            unknown = 0 if database.shared else outbox.recover(connection, due_at=after)
            retraining.make_up(connection, settings)
        poison.clear(settings.home)  # at once: what fails after this must not count it again
        _park_strangers(settings, database)
    with suppress(OSError, DaemonError):  # else the next backup does it
        backups.clean(settings)
    retention.sweep_quietly(settings, database)  # a run that was killed may have left some
    if len(held) == 1:
        logger.warning("the process died with a file in hand", extra={"file": printable(held[0])})
    elif held:
        logger.warning("the process died with files in hand", extra={"number": len(held)})
    if unknown:
        logger.warning("deliveries of unknown outcome", extra={"number": unknown})


def make_home(settings: Settings) -> None:
    """The folders of a home. Raises DaemonError where the disk does not let us."""
    try:
        for folder in (settings.home, settings.done, settings.failed, settings.models):
            folder.mkdir(parents=True, exist_ok=True)
        # One elsewhere may be on a share that is not mounted yet; a folder of ours would hide that.
        if settings.mount_point is None and settings.home in settings.inbox.parents:
            settings.inbox.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DaemonError(f"{error.filename}: the home cannot be made: {error.strerror}") from error


@contextmanager
def home_lock(settings: Settings) -> Iterator[None]:
    """One daemon a home: two would send what the other is sending."""
    make_home(settings)
    path = settings.home / ".lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DaemonError(f"{path}: the home cannot be written: {error.strerror}") from error
    try:
        _lock(handle, settings.home)
        yield
    finally:
        os.close(handle)


def _put_up_nameplate(settings: Settings) -> None:
    """As what we run, for `topicwired check`: which release, and which configuration."""
    fingerprint = alive.fingerprint(settings.model_dump_json())
    file, since = str(settings.file or ""), clock.to_text(clock.now())
    plate = alive.Nameplate(os.getpid(), version("topicwire"), file, fingerprint, since)
    alive.put_up(settings.home, plate)


def _lock(handle: int, home: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DaemonError(f"{home}: another topicwired runs on this home") from error


def ready_model(settings: Settings) -> Model:
    """The model to serve: the current one, else the newest that can be trusted, else a new one."""
    try:
        return load_model(settings.models)
    except NoModelError:
        _tell("No model yet: training one from the shipped labels.")
    except ModelError as error:
        logger.error("model refused", extra={"error": str(error)})
        for version in fallbacks(settings.models):
            try:
                model = load_model(settings.models, version)
            except ModelError:
                continue
            logger.warning("an earlier model serves", extra={"model": version})
            return model
    logger.info("trained", extra={"model": retraining.first_model(settings, tell=_Steps())})
    return load_model(settings.models)


def welcome(settings: Settings) -> str:
    """Where to drop files, and how to go on from here."""
    lines = [
        f"Drop articles (text, web pages, PDF, Word, mail, feeds, zip) into {settings.inbox}",
        f"They go to {settings.done} when they have been taken in, or to {settings.failed} with a reason.",
    ]
    if all(receiver.type == "console" for receiver in settings.receivers):
        lines += [
            "Alerts come here. To have them in Slack, put a bot token in the environment and a",
            "receiver in a file, and start with --config FILE:",
            '    [[receiver]]\n    name = "desk"\n    type = "slack"\n    channel = "C0123456789"',
        ]
    return "\n".join(lines) + "\n"


class _Woken:
    """Whom other daemons wake; nobody before there are workers."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        self.wake()


class _Steps:
    """Tells each step of a training once."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._told:
            self._told = what
            _tell(f"topicwired: training: {what}")
            readiness.tell(f"STATUS=training the first model: {what}")


def _tell(text: str) -> None:
    with suppress(OSError):  # a full disk or a reader who has gone is no reason not to work
        print(text, file=sys.stderr, flush=True)


def _park_strangers(settings: Settings, database: Database) -> None:
    names = {receiver.name for receiver in settings.receivers}
    with database.transaction() as connection:
        held = outbox.park_strangers(connection, names, now=clock.now(), shared=database.shared)
        for receiver in settings.receivers:
            if receiver.alerts == "at once":
                outbox.let_go(connection, receiver.name)
    for stranger, number in held.items():
        told = {"receiver": stranger, "alerts": number}
        logger.warning("alerts are held, the configuration no longer has their receiver", extra=told)


class Parts:
    """The workers that one configuration makes; another configuration has others."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        serving: Serving,
        senders: Mapping[str, Sender],
        *,
        shared: Shared = ALONE,
        listens: bool = True,
        observer: Observer = NOBODY,
    ) -> None:
        self.settings = settings
        self.database = database
        self._tell = shared.tell
        claiming = shared.claiming
        self.intake = Intake(
            settings, database, serving, self.wake_dispatches, self.wake_inbox, claiming, observer
        )
        manners = manners_of(settings)
        self.dispatches = [
            Dispatch(
                name,
                sender,
                database,
                manner=manners[name],
                choices=serving.choices,
                leases=shared.leases,
                observer=observer,
            )
            for name, sender in senders.items()
        ]
        self.inbox = Worker("inbox", self.intake.work)
        self.workers = [Worker(f"dispatch {each.receiver}", each.work) for each in self.dispatches]
        listener = None
        if listens:
            listener = desks.listener(settings, database, serving, self.wake_dispatches, shared.leases)
        self.listener = listener
        self.ears = [Worker("listening", listener.work)] if listener is not None else []

    def start(self) -> None:
        for worker in self._everyone:
            worker.start()

    def stop(self, seconds: float) -> list[str]:
        """Let each end its piece of work; the names of those that have not ended in time."""
        until = time.monotonic() + seconds
        for worker in self._everyone:
            worker.ask_to_stop()
        late = [each.name for each in self._everyone if not each.stop(max(0.0, until - time.monotonic()))]
        if self.listener is not None:
            self.listener.close()
        self.intake.close()
        return late

    @property
    def _everyone(self) -> tuple[Worker, ...]:
        return (self.inbox, *self.workers, *self.ears)

    def wake_inbox(self) -> None:
        self.inbox.wake()

    def wake_dispatches(self) -> None:
        """There may be something to deliver, by this daemon or by another."""
        self.wake_workers()
        self._tell()

    def wake_workers(self) -> None:
        for worker in self.workers:
            worker.wake()

    def busy(self) -> dict[str, float]:
        """For how many seconds each worker has been at its piece of work; 0.0 while it is at none."""
        return {each.name: each.busy_seconds() for each in self._everyone}

    def hears_desks(self) -> bool | None:
        """Whether Slack tells us what desks press; None where it is not asked to."""
        return None if self.listener is None else self.listener.standing.connected

    def hanging(self) -> list[str]:
        """The workers whose piece of work does not end."""
        return [name for name, seconds in self.busy().items() if seconds > _HANGING_SECONDS]


class _Once:
    """Works until the inbox is empty and nothing can be delivered any more."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stop = threading.Event()

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._parts.start()
        while not self._stop.is_set() and not self._is_idle():
            time.sleep(0.05)
        self._parts.stop(_STOP_SECONDS)
        left = [*self._still_owed(), *self._still_waiting()]
        for line in left:
            _tell(f"topicwired: {line}, see `topicwired status`")
        return 1 if left else 0

    def _is_idle(self) -> bool:
        intake = self._parts.intake
        return (intake.idle or intake.is_stuck) and all(each.is_idle() for each in self._parts.dispatches)

    def _still_owed(self) -> list[str]:
        with self._parts.database.reading() as connection:
            counts = outbox.counts(connection)
        final = (DeliveryState.SENT, DeliveryState.MERGED, DeliveryState.DEAD, DeliveryState.HELD)
        owed = sum(n for states in counts.values() for s, n in states.items() if s not in final)
        return [f"{owed} alerts still owed"] if owed else []

    def _still_waiting(self) -> list[str]:
        inbox = self._parts.settings.inbox
        try:
            waiting = sum(1 for _ in files_below(inbox))
        except OSError as error:
            return [f"{inbox}: {error.strerror}"]
        return [f"{waiting} files still wait in {inbox}"] if waiting else []


class _Daemon:
    """Works until a signal says stop; SIGHUP makes it read its configuration again."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        serving: Serving,
        senders: Mapping[str, Sender],
        reload: Callable[[], Settings] | None,
        *,
        shared: Shared = ALONE,
    ) -> None:
        self._database = database
        self._serving = serving
        self._shared = shared
        self._reload_settings = reload
        self._observed = Observed()
        self._is_watching = False
        self._parts = self._parts_of(settings, senders)
        self._desk = pages.DeskProcess(settings, told=True)
        self._begin_timetable(self._timetable_of(settings))

    def run(self) -> int:
        signals = Signals(before_exit=lambda: poison.clear(self._parts.settings.home))
        with plain_errors():
            self._start()
        readiness.tell(f"READY=1\n{self._standing()}")
        logger.info("watching")
        while (asked := signals.wait(readiness.ping_seconds(_PING_SECONDS))) not in STOP:
            if asked == RELOAD:
                self._reload()
            self._tell_alive()
        readiness.tell("STOPPING=1\nSTATUS=letting what is in hand end")
        retraining.cancel()
        if late := self._stop(_STOP_SECONDS):
            logger.warning("stopped without waiting longer", extra={"workers": ", ".join(late)})
        logger.info("stopped")
        signals.close()
        return 0

    def _start(self) -> None:
        self._parts.start()
        self._clockwork.start()
        self._end_metrics = metrics.serve(
            self._parts.settings, self._database, self._observed, self._vitals()
        )
        self._desk.start()
        wakes = {"rescan": self._parts.wake_inbox, "deliveries": self._parts.wake_dispatches}
        if self._database.shared:  # the one that forgets cannot reach the done/ of others
            wakes["sweep"] = self._sweep
        self._timetable.start(wakes)
        self._is_watching = True

    def _stop(self, seconds: float) -> list[str]:
        self._is_watching = False
        self._end_metrics()
        self._desk.stop()
        self._timetable.stop()
        self._clockwork.ask_to_stop()
        return self._parts.stop(seconds)

    def _sweep(self) -> None:
        retention.sweep_quietly(self._parts.settings, self._database)

    def _wake_dispatches(self) -> None:
        self._parts.wake_dispatches()  # of the configuration as it then is

    def wake_workers(self) -> None:
        """Another daemon says that there may be something to deliver."""
        self._parts.wake_workers()

    def _vitals(self) -> Vitals:
        return Vitals(
            busy=self._parts.busy,
            hanging=self._parts.hanging,
            model=lambda: self._serving.model.version,
            is_watching=lambda: self._is_watching,
            hears_desks=self._parts.hears_desks,
        )

    def _parts_of(self, settings: Settings, senders: Mapping[str, Sender]) -> Parts:
        # Where nobody reads the metrics nothing is counted.
        observer = self._observed if settings.metrics.address is not None else NOBODY
        return Parts(settings, self._database, self._serving, senders, shared=self._shared, observer=observer)

    def _timetable_of(self, settings: Settings) -> Timetable:
        jobs = _jobs(settings, self._database, self._wake_dispatches, self._serving.choices)
        return Timetable(self._database, jobs, leases=self._shared.leases)

    def _begin_timetable(self, timetable: Timetable) -> None:
        self._timetable = timetable
        self._clockwork = Worker("timetable", self._timetable.work)

    def _reload(self) -> None:
        """Another configuration if it is sound; else the old one stays, and we say why."""
        readiness.tell(
            f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nSTATUS=reading the configuration"
        )
        try:
            settings = self._sound_settings()
            self._change_over(settings, senders_of(settings))
        except RestartNeededError:
            raise
        except (DaemonError, ClassifierError, SQLAlchemyError) as error:
            self._observed.reload(succeeded=False)
            text = plainly(error) if isinstance(error, SQLAlchemyError) else str(error)
            for line in text.splitlines():
                logger.error("configuration refused, the old one stays", extra={"error": line})
        readiness.tell(f"READY=1\n{self._standing()}")

    def _sound_settings(self) -> Settings:
        settings = self._reload_settings() if self._reload_settings else self._parts.settings
        for key, named in (("database", "database"), ("daemon", "daemon"), ("lease", "lease_seconds")):
            if getattr(settings, key) != getattr(self._parts.settings, key):
                raise ConfigError([f"{settings.file}: storage.{named} takes a restart to change"])
        return settings

    def _change_over(self, settings: Settings, senders: Mapping[str, Sender]) -> None:
        _park_strangers(settings, self._database)
        timetable = self._timetable_of(settings)
        timetable.plan(clock.now())  # what the ledger refuses it refuses before the old parts end
        if late := self._stop(_RELOAD_SECONDS):
            # A second intake beside one that hangs could take a file twice; a new process cannot.
            raise RestartNeededError(
                f"{', '.join(late)}: hanging, so the configuration cannot be changed over"
            )
        logs.configure(settings.log.format, verbose=logger.isEnabledFor(logging.DEBUG))
        with suppress(SQLAlchemyError, DaemonError):  # else at the next start
            _park_strangers(settings, self._database)
        self._serving.promise(settings.promises)  # while nobody tags
        self._parts = self._parts_of(settings, senders)
        self._desk = pages.DeskProcess(settings)
        self._begin_timetable(timetable)
        try:
            self._start()
        except SQLAlchemyError as error:
            raise RestartNeededError(plainly(error)) from error
        self._observed.reload(succeeded=True)
        _put_up_nameplate(settings)
        logger.info("configuration reloaded", extra={"file": str(settings.file)})

    def _tell_alive(self) -> None:
        """systemd starts us again if this stops (sd_notify(3), WATCHDOG=1)."""
        hanging = self._parts.hanging()
        if hanging:
            logger.error("a worker hangs", extra={"workers": ", ".join(hanging)})
            readiness.tell(f"STATUS=hangs, and will be started anew: {', '.join(hanging)}")
            self._leave_files(hanging)
        else:
            readiness.tell(f"WATCHDOG=1\n{self._standing()}")

    def _standing(self) -> str:
        """What we are at, for `systemctl status`."""
        busy = [name for name, seconds in self._parts.busy().items() if seconds >= 1.0]
        at = f"; at work: {', '.join(busy)}" if busy else ""
        return f"STATUS=watching {printable(str(self._parts.settings.inbox))}{at}"

    def _leave_files(self, hanging: Sequence[str]) -> None:
        """Other daemons may take what an inbox that hangs keeps us from: late, we record none of it."""
        if self._parts.inbox.name in hanging:
            with suppress(SQLAlchemyError, DaemonError):
                self._shared.claiming.let_all_go()


def _jobs(
    settings: Settings,
    database: Database,
    wake: Callable[[], None] = lambda: None,
    choices: Callable[[], Sequence[tuple[str, str]]] = tuple,
) -> tuple[Job, ...]:
    """What is due by cron lines. `choices` are the topics that an article may be about, id and title."""

    def sample() -> str:
        drawn = sampling.draw(database, settings.sample, topics=choices(), now=clock.now())
        wake()
        return sampling.said(drawn)

    backup = Job("backup", settings.backup.cron, lambda: bundles.nightly(settings))
    forget = Job("retention", settings.retention.cron, lambda: retention.nightly(settings, database))
    return (
        Job("retrain", settings.retrain.cron, lambda: retraining.nightly(settings, database, wake)),
        Job("sample", settings.sample.cron, sample),
        # A server has backups of its own; all but the ledger may be wanted all the same.
        *(() if database.shared and settings.backup.path is None else (backup,)),
        *((forget,) if settings.retention.keep_days is not None else ()),
        *digests.jobs(settings, database, wake, choices),
    )
