"""Observed: what this process has done since it started, counted and measured as Prometheus reads it.

Labels are bounded: by the topics of a model, the receivers of a configuration and words of ours. Nothing that
an article says or a person types becomes one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from classifier import Tagged
from daemon.observing import Failure, FileResult, Observer, Outcome
from daemon.records import DeliveryState
from daemon.soundness import LANGUAGES

_UNKNOWN, _OTHER = "unknown", "other"
_ARTICLE_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_DELIVERY_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_PUT_OFF = (DeliveryState.PENDING, DeliveryState.UNKNOWN, DeliveryState.PARKED, DeliveryState.DEAD)
# Told as 0 before there is one: a first that comes from nowhere is no rise for Prometheus.
_OUTCOMES = tuple(each.value for each in (*Outcome, *_PUT_OFF))


class Observed(Observer):
    """Counts in a registry of its own from `__init__` on, over all reloads. Safe to share between threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._files = self._counter(
            "files", "Files recorded by this process, by what came of them.", "result"
        )
        self._articles = self._counter(
            "articles", "Articles recorded by this process whose text was not known.", "language"
        )
        self._assigned = self._counter(
            "topic_assigned", "Tags recorded by this process with an article.", "topic", "grade"
        )
        self._alerts = self._counter("alerts", "Alerts that this process wrote into the outbox.")
        self._waited = self._histogram(
            "article_latency_seconds",
            "Of files with articles, from their last change in the inbox to their commit by this process.",
            _ARTICLE_SECONDS,
        )
        self._likely = self._histogram(
            "probability",
            "Of each article that this process recorded and each topic, said or not.",
            _SHARES,
            "topic",
        )
        self._tried = self._counter(
            "deliveries",
            "Tries of this process to deliver, by what came of them: sent, found (had arrived before),"
            " pending (again later), unknown (may have arrived), parked (refused until mended), dead.",
            "receiver",
            "result",
        )
        self._failures = self._counter(
            "deliveries_failed",
            "Tries of this process to deliver that did not plainly succeed, by why.",
            "receiver",
            "reason",
        )
        self._took = self._histogram(
            "delivery_latency_seconds",
            "From an alert's commit to its receiver's answer to this process, quiet hours included.",
            _DELIVERY_SECONDS,
            "receiver",
        )
        self._reloaded = self._gauge(
            "config_last_reload_successful",
            "Of this process: whether the configuration that was read last is in force, or was refused.",
        )
        self._reloaded_at = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "Of this process: when the configuration in force was read.",
        )
        for result in FileResult:
            self._files.labels(result.value)
        self.reload(succeeded=True)
        self._likely_of = cache(self._likely.labels)
        self._assigned_of = cache(self._assigned.labels)
        self._articles_of = cache(self._articles.labels)

    def file(self, result: FileResult, seconds: float | None = None) -> None:
        self._files.labels(result.value).inc()
        if seconds is not None:
            self._waited.observe(seconds)

    def articles(self, tagged: Sequence[Tagged], alerts: int) -> None:
        self._alerts.inc(alerts)
        for each in tagged:
            self._articles_of(_known(each.article.language)).inc()
            for tag in each.tags:
                self._assigned_of(tag.topic, tag.grade.value).inc()
            for topic, probability in each.probabilities.items():
                self._likely_of(topic).observe(probability)

    def receiver(self, name: str) -> None:
        for outcome in _OUTCOMES:
            self._tried.labels(name, outcome)
        for failure in Failure:
            self._failures.labels(name, failure.value)
        self._took.labels(name)

    def delivery(self, receiver: str, outcome: str, seconds: float | None = None) -> None:
        self._tried.labels(receiver, str(outcome)).inc()
        if seconds is not None:
            self._took.labels(receiver).observe(max(0.0, seconds))

    def failure(self, receiver: str, failure: Failure) -> None:
        self._failures.labels(receiver, failure.value).inc()

    def reload(self, *, succeeded: bool) -> None:
        self._reloaded.set(int(succeeded))
        if succeeded:
            self._reloaded_at.set(time.time())

    def _counter(self, name: str, means: str, *labels: str) -> Counter:
        return Counter(f"topicwire_{name}", means, labels, registry=self.registry)

    def _gauge(self, name: str, means: str) -> Gauge:
        return Gauge(f"topicwire_{name}", means, registry=self.registry)

    def _histogram(self, name: str, means: str, upto: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"topicwire_{name}", means, labels, registry=self.registry, buckets=upto)


def _known(language: str | None) -> str:
    """A file may name any language: those that we tell apart are told, the others are one."""
    if language is None:
        return _UNKNOWN
    return language if language in LANGUAGES else _OTHER
