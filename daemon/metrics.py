"""Metrics: how things stand, in the words of Prometheus, for whoever asks over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from classifier import ClassifierError
from daemon import clock, quality, status
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.errors import DaemonError
from daemon.quality import Quality

logger = logging.getLogger(__name__)

_RECALL_EVERY = 600.0  # seconds


def serve(settings: Settings, database: Database) -> Callable[[], None]:
    """Tell the metrics at the address of `[metrics] listen`, if there is one; returns what ends it.

    An address that cannot be had is said, and nothing else is held up by it.
    """
    address = settings.metrics.address
    if address is None:
        return lambda: None
    host, port = address
    registry = CollectorRegistry()
    registry.register(_Standing(settings, database))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        said = {"listen": settings.metrics.listen, "error": plainly(error)}
        logger.error("metrics cannot be told", extra=said)
        return lambda: None

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join(5.0)

    return end


class _Standing(Collector):
    """Looks when it is asked, and remembers nothing but the recall, for which it reads a month."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._known: tuple[float, Quality] | None = None

    def describe(self) -> list[Metric]:
        return []  # or the registry would look as soon as we are registered

    def collect(self) -> Iterator[Metric]:
        try:
            found = status.gather(self._settings, self._database)
            known = self._quality()
        except (OSError, SQLAlchemyError, DaemonError) as error:
            logger.warning("metrics without the ledger", extra={"error": plainly(error)})
            yield _gauge("ledger_up", "Whether the ledger could be read.", {(): 0})
            return
        yield _gauge("ledger_up", "Whether the ledger could be read.", {(): 1})
        yield from _families(found)
        yield from _recall(known)

    def _quality(self) -> Quality:
        now = clock.monotonic()
        if self._known is None or now > self._known[0] + _RECALL_EVERY:
            topics: dict[str, str] = {}
            with suppress(ClassifierError):  # somebody is editing the labels
                topics = quality.topics_asked_of(self._settings.home, self._settings.models)
            with self._database.reading() as connection:
                found = quality.gather(connection, self._settings.sample, topics, clock.now())
            self._known = now, found
        return self._known[1]


def _families(found: dict[str, Any]) -> Iterator[Metric]:
    inbox, files = found["inbox"], dict(found["files"])
    articles = files.pop("articles")
    yield _gauge("inbox_missing", "Whether there is no inbox.", {(): int(inbox["missing"])})
    yield _gauge("inbox_files", "Files that wait in the inbox.", {(): inbox["files"]})
    oldest = inbox["oldest_seconds"] or 0.0
    yield _gauge("inbox_oldest_seconds", "For how long the oldest of them has waited.", {(): oldest})
    yield _gauge("inbox_left_alone", "What stands there and is no file.", {(): len(inbox["left_alone"])})
    yield _gauge("articles", "Articles in the ledger.", {(): articles})
    by_state = {(state,): number for state, number in files.items()}
    yield _gauge("files", "Files in the ledger by state.", by_state, "state")
    yield _gauge("failed_files", "Files that stand in failed/.", {(): found["in_failed"]})
    deliveries = {
        (receiver, state): number
        for receiver, states in found["deliveries"].items()
        for state, number in states.items()
    }
    labels = ("receiver", "state")
    yield _gauge("deliveries", "Alerts by receiver and state; dead: never taken.", deliveries, *labels)
    clicks = {(said.split(" ", 1)[0], said.split(" ", 1)[1]): n for said, n in found["feedback"].items()}
    yield _gauge("feedback", "Clicks by outcome, and verdicts by what they say.", clicks, "kind", "said")
    yield _gauge("wishes", "Topics that desks mute or follow now.", {(): len(found["wishes"])})
    disk = {(place,): free for place, free in found["disk"].items() if free is not None}
    yield _gauge("disk_free_bytes", "Free where our folders lie.", disk, "place")
    trainings = {(state,): number for state, number in found["training"]["states"].items()}
    yield _gauge("trainings", "Trainings by what came of them.", trainings, "state")
    yield from _daemons(found["daemons"])
    jobs = {
        (job["name"],): datetime.fromisoformat(job["finished_at"]).timestamp()
        for job in found["jobs"]
        if job["finished_at"]
    }
    yield _gauge("job_finished_timestamp_seconds", "When a job last ended.", jobs, "job")


def _daemons(found: list[dict[str, Any]]) -> Iterator[Metric]:
    """Where several share the ledger; those that were stopped are not there, and nothing is wrong with it."""
    there = {(each["name"],): int(each["state"] == "present") for each in found}
    yield _gauge("daemon_present", "Whether a daemon of the ledger is heard of.", there, "daemon")
    unseen = {(each["name"],): each["unseen_seconds"] for each in found if each["state"] != "left"}
    yield _gauge("daemon_unseen_seconds", "For how long it has not been heard of.", unseen, "daemon")
    leads = {(each["name"],): len(each["leads"]) for each in found}
    yield _gauge("daemon_leases", "What a daemon alone does now: timetable and receivers.", leads, "daemon")


def _recall(known: Quality) -> Iterator[Metric]:
    """A topic of which there is no estimate yet has none; "all" stands for all of them."""
    found = {(each.topic or "all",): each.recall for each in (known.overall, *known.topics) if each.recall}
    values = {topic: recall.value for topic, recall in found.items()}
    yield _gauge("recall", "Of what there was, the share that raised an alert; estimated.", values, "topic")
    low = {topic: recall.low for topic, recall in found.items()}
    yield _gauge("recall_low", "From where its 95 % interval reaches.", low, "topic")
    high = {topic: recall.high for topic, recall in found.items()}
    yield _gauge("recall_high", "Up to where it reaches.", high, "topic")
    yield _gauge("questions_open", "Articles without an alert that a desk was asked of.", {(): known.open})


def _gauge(name: str, means: str, values: Mapping[Any, float], *labels: str) -> GaugeMetricFamily:
    """`values` by the tuple of their labels' values."""
    family = GaugeMetricFamily(f"topicwire_{name}", means, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
