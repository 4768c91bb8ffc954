"""An article's way in one thread of one process, so that its system calls have the same numbers in each run.

Composes the daemon's own objects as `topicwired run --once` does and takes no decision of theirs.
It never sleeps: the daemon's clock is moved on by the wait that each piece of work asks for.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from classifier import Model, load_model, storage
from daemon import app, clock, outbox, sqlite
from daemon.config import Receiver, Settings, Slack
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch
from daemon.intake import Intake
from daemon.messages import Message
from daemon.receivers import manners_of
from daemon.records import DeliveryState, Sent
from daemon.serving import Serving
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests.builders import make_route, make_settings, small_model

TOKEN = "xoxb-1-test"  # the stand-in's
DESK = "desk"
CHANNEL = "C0DESK"
PLANTS = ("synchronous normal", "moved before the commit", "sent before the answer")

# Behind the real time, which is the stand-in's: Slack must never seem to live in our past.
A_DAY = timedelta(days=1)

logger = logging.getLogger(__name__)

_AFTER_A_FAILURE = 0.5  # seconds
_FINAL = frozenset({DeliveryState.SENT, DeliveryState.MERGED, DeliveryState.DEAD})
_TICK = timedelta(microseconds=100)  # that pass between two looks at the clock
_UNMOVED = text("SELECT name, target FROM files WHERE state = 'taken' AND target LIKE 'done/%'")
_SENT = text("UPDATE deliveries SET state = 'sent' WHERE key = :key")


def prepare(home: Path, articles: Mapping[int, bytes], *, ledger: bool = True) -> None:
    """A home with a model, an empty ledger and articles in its inbox; a model that is there stays.

    The model is the small one of two topics, for which `articles.article_text` is written.
    """
    settings = settings_of(home)
    app.make_home(settings)
    if not (settings.models / "current").exists():
        saved = storage.save(small_model(), settings.models, probes=["The oil refinery."], made_by={})
        storage.use(settings.models, saved.version)
    if ledger:
        open_database(settings.database).close()
    for number, data in articles.items():
        (settings.inbox / file_name(number)).write_bytes(data)


def file_name(number: int) -> str:
    return f"article-{number:06}.txt"


def settings_of(home: Path, slack_url: str = "http://127.0.0.1:9/api/") -> Settings:
    desk = Receiver(name=DESK, type="slack", channel=CHANNEL)
    routes = (make_route(receiver=DESK),)
    return make_settings(home, receivers=(desk,), routes=routes, slack=Slack(api_url=slack_url))


def walk(
    home: Path,
    slack_url: str,
    *,
    rounds: int = 60,
    plant: str = "",
    behind: timedelta = A_DAY,
    closing: bool = True,
) -> bool:
    """All that is in the inbox, taken in and delivered, in this thread; whether nothing is left to do.

    `plant` names a fault to be found; `behind` is how far our clock is behind the real one: a walk
    after another one should be given less, so that its clock is not the earlier of the two. Without
    `closing` the inbox is watched on, for a process that ends now: to end a watch takes half a second.
    """
    if plant and plant not in PLANTS:
        raise ValueError(f"no plant is called {plant!r}")
    settings = settings_of(home, slack_url)
    model = served_model(settings.models)
    random.seed(1)
    with ExitStack() as stack:
        passing = stack.enter_context(own_clock(behind))
        if plant == "synchronous normal":
            stack.enter_context(mock.patch.object(sqlite, "_prepare", _prepare_normal))
        stack.enter_context(app.home_lock(settings))
        ledger = open_database(settings.database)
        stack.callback(ledger.close)
        sender = SlackSender(SlackApp(TOKEN, slack_url), CHANNEL)
        if plant == "sent before the answer":
            sender = _Boastful(sender, ledger)
        if plant == "moved before the commit":
            ledger = _Hasty(ledger, settings)
        app.start_up(settings, ledger)
        taking = Intake(settings, ledger, Serving(settings.models, model), nobody, nobody)
        if closing:
            stack.callback(taking.close)
        dispatch = Dispatch(DESK, sender, ledger, manner=manners_of(settings)[DESK])
        return _work(taking, dispatch, ledger, passing, rounds)


@cache
def served_model(models: Path) -> Model:
    """The model of a home, loaded once in a process."""
    return load_model(models)


def _work(
    taking: Intake, dispatch: Dispatch, ledger: Database, passing: Callable[[float], None], rounds: int
) -> bool:
    for _ in range(rounds):
        passing(min(survive(taking.work), survive(dispatch.work)))
        if taking.idle and not is_owed(ledger):
            return True
    return False


def survive(work: Callable[[], float]) -> float:
    """As daemon.worker.Worker does, in whose thread an exception in the work is not the end."""
    try:
        return work()
    except Exception:
        logger.exception("work failed, trying again")
        return _AFTER_A_FAILURE


def is_owed(ledger: Database) -> bool:
    """Whether anything is; more than Dispatch.is_idle asks, which gives up for this run after some tries."""
    try:
        with ledger.reading() as connection:
            counts = outbox.counts(connection)
    except SQLAlchemyError:
        return True
    return any(state not in _FINAL for states in counts.values() for state in states)


@contextmanager
def own_clock(behind: timedelta) -> Iterator[Callable[[float], None]]:
    """The daemon's two clocks, replaced by one that moves when it is told to; yields what moves it."""
    start = datetime.now(UTC) - behind
    passed = timedelta()

    def move_on(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    def elapsed() -> timedelta:
        nonlocal passed
        passed += _TICK
        return passed

    with (
        mock.patch.object(clock, "now", lambda: start + elapsed()),
        mock.patch.object(clock, "monotonic", lambda: 1000.0 + elapsed().total_seconds()),
    ):
        yield move_on


def nobody() -> None:
    """Nobody sleeps here, so nobody is woken."""


_prepare_full = sqlite._prepare


def _prepare_normal(connection: Any, entry: ConnectionPoolEntry) -> None:
    """The plant "synchronous normal"."""
    _prepare_full(connection, entry)
    connection.execute("PRAGMA synchronous=NORMAL")


class _Hasty(Database):
    """The plant "moved before the commit": files leave the inbox while their rows may yet be lost."""

    def __init__(self, sound: Database, settings: Settings) -> None:
        self.__dict__.update(sound.__dict__)
        self._settings = settings

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
            for name, target in connection.execute(_UNMOVED):
                self._move(self._settings.inbox / name, self._settings.home / target)

    def _move(self, source: Path, place: Path) -> None:
        if source.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            source.rename(place)


class _Boastful(SlackSender):
    """The plant "sent before the answer": what the ledger calls sent is posted only then."""

    def __init__(self, sound: SlackSender, ledger: Database) -> None:
        self.__dict__.update(sound.__dict__)
        self._ledger = ledger

    def send(self, message: Message) -> Sent:
        with self._ledger.transaction() as connection:
            connection.execute(_SENT, {"key": message.key})
        return super().send(message)
