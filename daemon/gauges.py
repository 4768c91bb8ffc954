"""Gauges: figures as Prometheus reads them. Each help says of what it is.

Several daemons of one ledger all tell what is "of the ledger": such a figure is never summed over them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from daemon.quality import Quality
from daemon.sounding import Counts, Home, Now

_OTHER = "other"
_SAID = ("right", "wrong", "withdrawn")


def of_counts(found: Counts, topics: Collection[str]) -> Iterator[Metric]:
    """Verdicts on a topic that is none of `topics` count as those on another."""
    yield gauge("articles", "Articles in the ledger.", {(): found.articles})
    by_state = {(state,): number for state, number in found.files.items()}
    yield gauge("files", "Files in the ledger, by state.", by_state, "state")
    help_text = "Alerts in the ledger, by receiver and state; dead: never taken."
    yield gauge("deliveries", help_text, found.deliveries, "receiver", "state")
    help_text = "Clicks in the ledger by outcome, and verdicts by what they say."
    yield gauge("feedback", help_text, found.clicks, "kind", "said")
    said: dict[tuple[str, str], int] = {}
    for (topic, what), number in found.said.items():
        key = (topic if topic in topics else _OTHER, what if what in _SAID else _OTHER)
        said[key] = said.get(key, 0) + number
    yield _counter("feedback", "All that people said of tags, in the ledger.", said, "topic", "verdict")


def of_now(found: Now) -> Iterator[Metric]:
    at = {(): found.last_article}
    yield gauge("last_article_timestamp_seconds", "When the ledger got its last article; 0: never.", at)
    owed = _by_one(found.owed_for)
    help_text = "Of the ledger: age of the oldest alert that is pending, sending or unknown."
    yield gauge("delivery_oldest_seconds", help_text, owed, "receiver")
    held = {(name,): 1 for name in sorted(found.held)}
    yield gauge("receiver_held", "Of the ledger: receivers that a person holds back.", held, "receiver")
    yield gauge("wishes", "Of the ledger: topics that desks mute or follow now.", {(): found.wishes})
    yield from _jobs(found)
    states = _by_one(found.trainings)
    yield gauge("trainings", "Trainings in the ledger, by what came of them.", states, "state")
    if found.training is not None:
        help_text = "Of the ledger: whether the last training failed."
        yield gauge("training_last_failed", help_text, {(): int(found.training)})
    yield from of_daemons(found.daemons)


def _jobs(found: Now) -> Iterator[Metric]:
    yield gauge(
        "job_due_timestamp_seconds", "Of the ledger: when a job is due next.", _by_one(found.due), "job"
    )
    ended = _by_one(found.finished)
    yield gauge("job_finished_timestamp_seconds", "Of the ledger: when a job last ended.", ended, "job")
    done = _by_one(found.succeeded)
    help_text = "Of the ledger: when a job last did what it is for."
    yield gauge("job_last_success_timestamp_seconds", help_text, done, "job")
    failed = {(name,): int(value) for name, value in found.failed.items()}
    yield gauge("job_failed", "Of the ledger: whether the last run of a job failed.", failed, "job")


def of_daemons(found: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Where several share the ledger; those that were stopped are not there, and nothing is wrong with it."""
    there = {(each["name"],): int(each["state"] == "present") for each in found}
    yield gauge("daemon_present", "Whether a daemon of the ledger is heard of.", there, "daemon")
    unseen = {(each["name"],): each["unseen_seconds"] for each in found if each["state"] != "left"}
    help_text = "For how long a daemon of the ledger has not been heard of."
    yield gauge("daemon_unseen_seconds", help_text, unseen, "daemon")
    leads = {(each["name"],): len(each["leads"]) for each in found}
    help_text = "What a daemon of the ledger alone does now: timetable and receivers."
    yield gauge("daemon_leases", help_text, leads, "daemon")


def of_home(found: Home) -> Iterator[Metric]:
    yield gauge("inbox_missing", "Of this daemon: whether there is no inbox.", {(): int(found.is_missing)})
    yield gauge("inbox_files", "Of this daemon: files that wait in the inbox.", {(): found.files})
    help_text = "Of this daemon: for how long the oldest file in the inbox has waited; 0: none does."
    yield gauge("inbox_oldest_seconds", help_text, {(): found.oldest})
    help_text = "Of this daemon: what stands in the inbox and is no file."
    yield gauge("inbox_left_alone", help_text, {(): found.left_alone})
    yield gauge("failed_files", "Of this daemon: files that stand in failed/.", {(): found.failed})
    free = {(place,): disk.free for place, disk in found.disks.items()}
    yield gauge("disk_free_bytes", "Of this daemon: free where its folders lie.", free, "place")
    size = {(place,): disk.size for place, disk in found.disks.items()}
    yield gauge("disk_size_bytes", "Of this daemon: the size of these disks.", size, "place")
    hushed = {(name,): int(value) for name, value in found.quiet.items()}
    help_text = "Of this daemon: whether a receiver has its quiet hours."
    yield gauge("receiver_quiet", help_text, hushed, "receiver")
    if found.ledger_bytes is not None:
        yield gauge("ledger_size_bytes", "Of this daemon: the ledger's file.", {(): found.ledger_bytes})
    yield gauge(
        "backups",
        "Of this daemon: backups that are kept, of the ledger or of the whole home.",
        {(): found.backups},
    )
    if found.backup is not None:
        made_at, size_of_it = found.backup
        help_text = "Of this daemon: when the newest backup was made; not told where none is ever made."
        yield gauge("backup_last_timestamp_seconds", help_text, {(): made_at})
        yield gauge("backup_last_size_bytes", "Of this daemon: the size of that backup.", {(): size_of_it})


def of_quality(known: Quality) -> Iterator[Metric]:
    """A topic of which there is no estimate yet has none; "all" stands for all of them."""
    found = {(each.topic or "all",): each.recall for each in (known.overall, *known.topics) if each.recall}
    values = {topic: recall.value for topic, recall in found.items()}
    help_text = "Of the ledger: of what there was, the share that raised an alert; estimated."
    yield gauge("recall", help_text, values, "topic")
    low = {topic: recall.low for topic, recall in found.items()}
    yield gauge("recall_low", "Of the ledger: from where its 95 % interval reaches.", low, "topic")
    high = {topic: recall.high for topic, recall in found.items()}
    yield gauge("recall_high", "Of the ledger: up to where it reaches.", high, "topic")
    help_text = "Of the ledger: articles without an alert that a desk was asked of."
    yield gauge("questions_open", help_text, {(): known.open})


def of_labels(name: str, means: str, labels: Mapping[str, str]) -> Metric:
    """A gauge that is always 1: what it tells stands in its labels."""
    return gauge(name, means, {tuple(labels.values()): 1}, *labels)


def gauge(name: str, means: str, values: Mapping[Any, float], *labels: str) -> GaugeMetricFamily:
    """`values` by the tuple of their labels' values."""
    family = GaugeMetricFamily(f"topicwire_{name}", means, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, means: str, values: Mapping[Any, float], *labels: str) -> CounterMetricFamily:
    family = CounterMetricFamily(f"topicwire_{name}", means, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _by_one(values: Mapping[str, float]) -> dict[tuple[str], float]:
    return {(key,): value for key, value in values.items()}
