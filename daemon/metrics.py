"""Metrics: how things stand and what was done, in the words of Prometheus, for whoever asks over HTTP.

The same address says whether the process is alive (`/-/healthy`) and whether it takes files (`/-/ready`).
"""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from classifier import ClassifierError, ModelError, current_version, model_card
from daemon import clock, gauges, quality, sounding, vitals
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.glances import Glance
from daemon.observed import Observed
from daemon.onlookers import Answer, Onlookers, line
from daemon.quality import Quality
from daemon.vitals import Vitals

logger = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds that a scrape waits for all that is to be found out; Prometheus waits for ten
_RECALL_EVERY = 600.0  # seconds; it reads a month
_TOPICS_EVERY = 60.0  # seconds
_STALE = 300.0  # seconds; a large ledger is counted meanwhile, and told as it was
_MADE_AT = "%Y%m%dT%H%M%SZ"  # how the name of a version begins

# That a counter began is told by process_start_time_seconds; a second series for each would say it again.
disable_created_metrics()  # type: ignore[no-untyped-call]


def serve(
    settings: Settings,
    database: Database,
    observed: Observed | None = None,
    found: Vitals | None = None,
) -> Callable[[], None]:
    """Tell the metrics at the address of `[metrics] listen`, if there is one; returns what ends it.

    An address that cannot be had is said, and nothing else is held up by it.
    """
    address = settings.metrics.address
    if address is None:
        return lambda: None
    told = _Told(settings, database, observed or Observed(), found or Vitals())
    pages = {"/metrics": told.metrics, "/-/healthy": told.healthy, "/-/ready": told.ready}
    try:
        return Onlookers(*address, pages).end
    except OSError as error:
        said = {"listen": settings.metrics.listen, "error": plainly(error)}
        logger.error("metrics cannot be told", extra=said)
        return lambda: None


class _Told:
    """What stands at each address."""

    def __init__(self, settings: Settings, database: Database, observed: Observed, found: Vitals) -> None:
        self._vitals = found
        standing = CollectorRegistry()
        standing.register(_Standing(settings, database))
        standing.register(_Process(settings, found))
        OwnProcess(registry=standing)
        GCCollector(registry=standing)
        self._registries = (observed.registry, standing)
        self._why_not = Glance("ready", lambda: _why_not(settings, database, found))

    def metrics(self) -> Answer:
        body = b"".join(generate_latest(registry) for registry in self._registries)
        return Answer(body, kind=CONTENT_TYPE_LATEST)

    def healthy(self) -> Answer:
        why = vitals.why_not_alive(self._vitals)
        return line("healthy") if why is None else line(why, HTTPStatus.SERVICE_UNAVAILABLE)

    def ready(self) -> Answer:
        why = self._why_not.ask(_PATIENCE)
        if why == "":
            return line("ready")
        return line(why or "no answer from the ledger or the inbox", HTTPStatus.SERVICE_UNAVAILABLE)


def _why_not(settings: Settings, database: Database, found: Vitals) -> str:
    """Why files that are dropped now would wait; "" where they would not."""
    try:
        return vitals.why_not_ready(settings, database, found) or ""
    except Exception as error:
        return f"the ledger cannot be read: {plainly(error)}"


class OwnProcess(ProcessCollector):
    """Memory, processor time and open files of this process, also where /proc shows nothing else."""

    def _boot_time(self) -> float:
        # The library reads it in /proc/stat, which ProcSubset=pid of our unit hides, and then tells nothing.
        return _booted_at()


@cache
def _booted_at() -> float:
    """Once, so that what is told of our start is the same after a reload."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


class _Standing(Collector):
    """How things stand in the ledger and the folders. What cannot be found out in time is not told."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._home = Glance("folders", lambda: sounding.home(settings))
        self._now = Glance("ledger", lambda: sounding.now(settings, database))
        self._counts = Glance("counts of the ledger", lambda: sounding.counts(database), stale=_STALE)
        self._recall = Glance("recall", self._find_recall, least=_RECALL_EVERY, stale=_STALE)
        self._topics = Glance("topics", self._find_topics, least=_TOPICS_EVERY, stale=_STALE)

    def describe(self) -> list[Metric]:
        return []  # or the registry would look as soon as we are registered

    def collect(self) -> Iterator[Metric]:
        until = time.monotonic() + _PATIENCE
        home, now, counts = self._home.begin(), self._now.begin(), self._counts.begin()
        topics, recall = self._topics.begin(), self._recall.begin()
        if (folders := home(_PATIENCE)) is not None:
            yield from gauges.of_home(folders)
        standing = now(until - time.monotonic())
        up = {(): int(standing is not None)}
        yield gauges.gauge("ledger_up", "Of this daemon: whether it could read the ledger.", up)
        if standing is None:
            return
        yield from gauges.of_now(standing)
        if (counted := counts(until - time.monotonic())) is not None:
            yield from gauges.of_counts(counted, topics(until - time.monotonic()) or {})
        if (known := recall(until - time.monotonic())) is not None:
            yield from gauges.of_quality(known)

    def _find_topics(self) -> dict[str, str]:
        with suppress(ClassifierError):  # somebody is editing the labels
            return quality.topics_asked_of(self._settings.home, self._settings.models)
        return {}

    def _find_recall(self) -> Quality:
        topics = self._find_topics()
        with self._database.reading() as connection:
            return quality.gather(connection, self._settings.sample, topics, clock.now())


class _Process(Collector):
    """What can be said of this process without looking at anything else."""

    def __init__(self, settings: Settings, found: Vitals) -> None:
        self._models = settings.models
        self._vitals = found
        self._card: tuple[str, str] = ("", "")

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        build = {"version": importlib.metadata.version("topicwire"), "python": platform.python_version()}
        yield gauges.of_labels("build_info", "Of this process: what it runs.", build)
        busy = {(name,): seconds for name, seconds in self._vitals.busy().items()}
        means = "Of this process: for how long a worker has been at the piece of work in hand; 0: at none."
        yield gauges.gauge("worker_busy_seconds", means, busy, "worker")
        hears = self._vitals.hears_desks()
        if hears is not None:
            means = "Of this process: whether Slack tells it what desks press."
            yield gauges.gauge("slack_connected", means, {(): int(hears)})
        yield from self._model()

    def _model(self) -> Iterator[Metric]:
        version = self._vitals.model() or _current(self._models)
        if not version:
            return
        if self._card[0] != version:
            self._card = version, _learned_by(self._models, version)
        labels = {"version": version, "sklearn": self._card[1]}
        yield gauges.of_labels("model_info", "Of this process: the model that serves.", labels)
        made_at = _made_at(version)
        if made_at is not None:
            means = "Of this process: when the model that serves was trained."
            yield gauges.gauge("model_trained_timestamp_seconds", means, {(): made_at})


def _current(models: Path) -> str:
    try:
        return current_version(models) or ""
    except ModelError:
        return ""


def _learned_by(models: Path, version: str) -> str:
    """The release of scikit-learn that a version was trained with; "" where it does not say."""
    try:
        return str(model_card(models, version)["made_by"]["scikit-learn"])
    except (ClassifierError, OSError, LookupError, TypeError):
        return ""


def _made_at(version: str) -> float | None:
    try:
        return datetime.strptime(version.partition("-")[0], _MADE_AT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
