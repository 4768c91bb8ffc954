"""The configuration: one TOML file, every key optional, unknown keys refused.

Secrets never stand in it: it names files that hold them, or they come from the environment or
from systemd credentials. What is wrong is said in one line each, with file, table, key and the
mend.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from daemon.complaints import refusal
from daemon.configfile import parse
from daemon.credentials import secret
from daemon.soundness import (
    LANGUAGES,
    desk_problems,
    folder_problems,
    home_problem,
    promise_problems,
    reading_problems,
    real_path,
    receiver_problems,
    retention_problems,
    route_problems,
    teaching_problems,
    zone_problems,
)
from daemon.tables import (
    POSTGRES,
    SQLITE,
    Backup,
    Burst,
    Desk,
    Digest,
    File,
    Inbox,
    Log,
    Promise,
    QuietHours,
    Reading,
    Receiver,
    Retention,
    Retrain,
    Route,
    Sample,
    Settings,
    Slack,
    Storage,
    Story,
    schedule,
)

__all__ = [
    "LANGUAGES",
    "Backup",
    "Burst",
    "Desk",
    "Digest",
    "Inbox",
    "Log",
    "Promise",
    "QuietHours",
    "Reading",
    "Receiver",
    "Retention",
    "Retrain",
    "Route",
    "Sample",
    "Settings",
    "Slack",
    "Storage",
    "Story",
    "load_settings",
    "schedule",
    "secret",
]


def load_settings(file: Path | None, home: Path, topics: Collection[str]) -> Settings:
    """The settings of a file, or the defaults where there is none. Reads, and changes nothing.

    `topics` are the ids that a route may name. A relative path is meant from the home folder.
    Raises ConfigError with every problem of the file's shape or, where that is right, with every
    problem of what it says.
    """
    given = parse(file) if file else File()
    problems = [*receiver_problems(given), *route_problems(given, topics)]
    problems += [*teaching_problems(given), *promise_problems(given, topics)]
    problems += [*desk_problems(given), *retention_problems(given)]
    problems += [*reading_problems(given), *zone_problems()]
    wrong_home = home_problem(home)
    if wrong_home:
        raise refusal(file, [wrong_home, *problems])
    settings = _settings(file, Path(os.path.realpath(home)), given)
    problems += folder_problems(settings)
    if problems:
        raise refusal(file, problems)
    return settings


def _settings(file: Path | None, home: Path, given: File) -> Settings:
    mount_point = given.inbox.mount_point
    token_files = {
        name: file and _within(home, file)
        for name, file in (
            ("token_file", given.slack.token_file),
            ("app_token_file", given.slack.app_token_file),
        )
    }
    receivers = tuple(
        receiver.model_copy(update={"url_file": receiver.url_file and _within(home, receiver.url_file)})
        for receiver in given.receiver
    )
    return Settings(
        file=file,
        home=home,
        inbox=_within(home, given.inbox.path),
        settle=given.inbox.settle_seconds,
        network_settle=given.inbox.network_settle_seconds,
        events=given.inbox.events,
        mount_point=mount_point and real_path(mount_point),
        on_duplicate=given.inbox.on_duplicate,
        poison_tries=given.inbox.poison_tries,
        reading=given.reading,
        database=_database(home, given.storage.database),
        daemon=_daemon(given.storage),
        lease=given.storage.lease_seconds,
        backup=given.backup.model_copy(
            update={"path": given.backup.path and _within(home, given.backup.path)}
        ),
        retention=given.retention,
        slack=given.slack.model_copy(update=token_files),
        receivers=receivers,
        routes=given.route or _routes(given),
        burst=given.burst,
        story=given.story,
        digest=given.digest,
        quiet_hours=given.quiet_hours,
        retrain=given.retrain,
        sample=given.sample,
        promises=given.topic,
        log=given.log,
        metrics=given.metrics,
        desk=given.desk,
    )


def _routes(given: File) -> tuple[Route, ...]:
    """Without a route every receiver hears of everything, but the one that is reported to, if it is not
    the only one: operators asked for reports.
    """
    desks = [each.name for each in given.receiver if each.name != given.retrain.report_to]
    names = desks or [each.name for each in given.receiver]
    return tuple(Route(receiver=name) for name in names)


def _within(home: Path, path: Path) -> Path:
    return Path(os.path.normpath(home / path))


def _database(home: Path, given: str) -> str:
    return given if "://" in given else f"{SQLITE}{_within(home, Path(given))}"


def _daemon(given: Storage) -> str:
    """A ledger that is a file has one daemon, which needs no name."""
    return given.known_as if given.database.startswith(POSTGRES) else ""
