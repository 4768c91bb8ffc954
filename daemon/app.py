"""The composition root: builds the parts of the daemon, starts them and stops them."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType

from classifier import Model, ModelError, NoModelError, load_model, model_versions
from daemon import clock, intake, outbox, readiness, retraining
from daemon.config import Receiver, Settings, secret
from daemon.console import ConsoleSender
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch, Sender
from daemon.errors import ConfigError, DaemonError
from daemon.intake import Intake
from daemon.records import DeliveryState
from daemon.serving import Serving
from daemon.slack import SlackSender, WebhookSender
from daemon.timetable import Job, Timetable
from daemon.worker import Worker

logger = logging.getLogger(__name__)

_STOP_SECONDS = 10.0
_AFTER_A_CRASH = timedelta(seconds=2)  # a dead process's last bytes may still be on their way


def run(settings: Settings, *, once: bool = False) -> int:
    """Watch, tag and alert until stopped; with `once`, until the inbox is empty and all is delivered."""
    with home_lock(settings):
        senders = {receiver.name: sender(receiver, settings) for receiver in settings.receivers}
        model = ready_model(settings)
        database = open_database(settings.database)
        try:
            intake.reconcile(settings, database)
            _recover(database)
            daemon = _Daemon(
                settings,
                database,
                Serving(settings.models, model, settings.home / "labels" / "topics.toml"),
                senders,
            )
            if not once:
                print(welcome(settings), file=sys.stderr, flush=True)
            return daemon.run_once() if once else daemon.run()
        finally:
            database.close()


def make_home(settings: Settings) -> None:
    """The folders of a home. Raises DaemonError where the disk does not let us."""
    try:
        for folder in (settings.home, settings.inbox, settings.done, settings.failed, settings.models):
            folder.mkdir(parents=True, exist_ok=True)
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
        print("No model yet: training one from the shipped labels.", file=sys.stderr, flush=True)
    except ModelError as error:
        logger.error("model refused", extra={"error": str(error)})
        for version in reversed(model_versions(settings.models)):
            try:
                model = load_model(settings.models, version)
            except ModelError:
                continue
            logger.warning("an earlier model serves", extra={"model": version})
            return model
    result = retraining.retrain(settings.home, if_changed=False, shown=True)
    logger.info("trained", extra={"model": result["version"]})
    return load_model(settings.models)


def sender(receiver: Receiver, settings: Settings) -> Sender:
    """What delivers to a receiver. Raises ConfigError where its secret is missing."""
    if receiver.type == "console":
        return ConsoleSender()
    if receiver.type == "webhook":
        url = secret("slack-webhook-url", "SLACK_WEBHOOK_URL", receiver.url_file)
        if not url:
            raise ConfigError(
                [f"receiver {receiver.name!r}: no webhook address; name its file in url_file, or"
                 " set SLACK_WEBHOOK_URL"]
            )  # fmt: skip
        if not url.startswith(("https://", "http://")):
            raise ConfigError([f"receiver {receiver.name!r}: the webhook address is not one"])
        return WebhookSender(url)
    token = secret("slack-bot-token", "SLACK_BOT_TOKEN", settings.slack.token_file)
    if not token:
        raise ConfigError(
            [f"receiver {receiver.name!r}: no Slack token; name its file in slack.token_file, or set"
             " SLACK_BOT_TOKEN"]
        )  # fmt: skip
    return SlackSender(token, receiver.channel or "", settings.slack.api_url)


def welcome(settings: Settings) -> str:
    """Where to drop files, and how to go on from here."""
    lines = [
        f"Drop articles (.txt, .md) into {settings.inbox}",
        f"They go to {settings.done} when they have been taken in, or to {settings.failed} with a reason.",
    ]
    if all(receiver.type == "console" for receiver in settings.receivers):
        lines += [
            "Alerts come here. To have them in Slack, put a bot token in the environment and a",
            "receiver in a file, and start with --config FILE:",
            '    [[receiver]]\n    name = "desk"\n    type = "slack"\n    channel = "C0123456789"',
        ]
    return "\n".join(lines) + "\n"


def _recover(database: Database) -> None:
    with database.transaction() as connection:
        number = outbox.recover(connection, due_at=clock.now() + _AFTER_A_CRASH)
    if number:
        logger.warning("deliveries of unknown outcome", extra={"number": number})


class _Daemon:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        serving: Serving,
        senders: dict[str, Sender],
    ) -> None:
        self._stop = threading.Event()
        self._database = database
        self._dispatches = [Dispatch(name, sender, database) for name, sender in senders.items()]
        self._workers = [Worker(f"dispatch {d.receiver}", d.work) for d in self._dispatches]
        self._intake = Intake(settings, database, serving, self._wake_dispatches, self._wake_inbox)
        self._inbox = Worker("inbox", self._intake.work)
        self._timetable = Timetable(
            database,
            (
                Job(
                    "retrain",
                    settings.retrain.cron,
                    lambda: retraining.nightly(settings.home, database),
                ),
            ),
        )

    def run(self) -> int:
        """Work until a signal says stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._start()
        self._timetable.start({"rescan": self._inbox.wake, "deliveries": self._wake_dispatches})
        readiness.tell("READY=1\nSTATUS=watching")
        logger.info("watching")
        self._stop.wait()
        readiness.tell("STOPPING=1")
        self._timetable.stop()
        return self._end()

    def run_once(self) -> int:
        """Work until the inbox is empty and nothing can be delivered any more."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._start()
        while not self._stop.is_set() and not self._is_idle():
            time.sleep(0.05)
        self._end()
        owed = self._owed()
        if owed:
            print(f"topicwired: {owed} alerts still owed, see `topicwired status`", file=sys.stderr)
        return 1 if owed else 0

    def _owed(self) -> int:
        with self._database.reading() as connection:
            counts = outbox.counts(connection)
        final = (DeliveryState.SENT, DeliveryState.DEAD)
        return sum(n for states in counts.values() for s, n in states.items() if s not in final)

    def _start(self) -> None:
        for worker in (self._inbox, *self._workers):
            worker.start()

    def _end(self) -> int:
        workers: Sequence[Worker] = (self._inbox, *self._workers)
        late = [worker.name for worker in workers if not worker.stop(_STOP_SECONDS)]
        self._intake.close()
        if late:
            logger.warning("stopped without waiting longer", extra={"workers": ", ".join(late)})
        logger.info("stopped")
        return 0

    def _is_idle(self) -> bool:
        return self._intake.idle and all(dispatch.is_idle() for dispatch in self._dispatches)

    def _wake_inbox(self) -> None:
        self._inbox.wake()

    def _wake_dispatches(self) -> None:
        for worker in self._workers:
            worker.wake()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stop.is_set():
            os._exit(128 + number)  # asked twice: what is under way is safe to leave
        self._stop.set()
