"""The configuration: one TOML file, every key optional, unknown keys refused.

Secrets never stand in it: it names files that hold them, or they come from the environment or
from systemd credentials.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Literal

from apscheduler.triggers.cron import CronTrigger
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from daemon.errors import ConfigError

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Inbox(_Table):
    path: Path = Path("inbox")
    settle_seconds: Annotated[float, Field(ge=0.0, le=3600.0)] = 2.0


class Storage(_Table):
    database: str = "ledger.db"


class Slack(_Table):
    token_file: Path | None = None
    api_url: str = "https://slack.com/api/"

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("should begin with https:// or http://")
        return value if value.endswith("/") else value + "/"


class Receiver(_Table):
    """Whom to tell."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    type: Literal["console", "slack", "webhook"]
    channel: str | None = None
    url_file: Path | None = None


class Route(_Table):
    """Which topics go to a receiver. An absent list means all."""

    receiver: str
    topics: tuple[str, ...] | None = None
    grade: Literal["main", "mention"] = "main"
    languages: tuple[str, ...] | None = None
    min_probability: Probability = 0.0


class Retrain(_Table):
    cron: str = "30 3 * * *"

    @field_validator("cron")
    @classmethod
    def _is_a_schedule(cls, value: str) -> str:
        if value != "never":
            now = datetime.now(UTC)
            if CronTrigger.from_crontab(value).get_next_fire_time(None, now) is None:
                raise ValueError("is never due")
        return value


class Log(_Table):
    format: Literal["text", "json"] = "text"


class _File(_Table):
    inbox: Inbox = Inbox()
    storage: Storage = Storage()
    slack: Slack = Slack()
    receiver: tuple[Receiver, ...] = (Receiver(name="console", type="console"),)
    route: tuple[Route, ...] = ()
    retrain: Retrain = Retrain()
    log: Log = Log()


class Settings(_Table):
    """A sound configuration and the home it is about; all paths are absolute."""

    file: Path | None
    home: Path
    inbox: Path
    settle: float
    database: str
    slack: Slack
    receivers: tuple[Receiver, ...]
    routes: tuple[Route, ...]
    retrain: Retrain
    log: Log

    @property
    def done(self) -> Path:
        return self.home / "done"

    @property
    def failed(self) -> Path:
        return self.home / "failed"

    @property
    def models(self) -> Path:
        return self.home / "models"


def load_settings(file: Path | None, home: Path, topics: Collection[str]) -> Settings:
    """The settings of a file, or the defaults where there is none.

    `topics` are the ids that a route may name. Raises ConfigError with every problem of the
    file's shape or, where that is right, with every problem of what it says.
    """
    home = home.resolve()
    given = _parse(file) if file else _File()
    inbox = _within(home, given.inbox.path)
    problems = _receiver_problems(given) + _route_problems(given, topics)
    problems += _folder_problems(home, inbox)
    if problems:
        raise ConfigError([f"{file or 'configuration'}: {problem}" for problem in problems])
    everything = tuple(Route(receiver=receiver.name) for receiver in given.receiver)
    return Settings(
        file=file,
        home=home,
        inbox=inbox,
        settle=given.inbox.settle_seconds,
        database=_database(home, given.storage.database),
        slack=given.slack,
        receivers=given.receiver,
        routes=given.route or everything,
        retrain=given.retrain,
        log=given.log,
    )


def secret(name: str, variable: str, file: Path | None) -> str | None:
    """A secret from the file that the configuration names, else from the systemd credential
    `name`, else from the environment. None where there is none; ConfigError where it is unsafe.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / name if folder else None
    if file is not None:
        return _plain(_read_secret(file, others=0o077), str(file))
    if credential is not None and credential.exists():
        # systemd lets the unit's user in by an ACL, which shows as a right of the group.
        return _plain(_read_secret(credential, others=0o007), str(credential))
    value = os.environ.get(variable)
    return _plain(value.strip(), variable) if value else None


def schedule(cron: str, zone: tzinfo | None = None) -> CronTrigger:
    """A five-field cron line as a trigger, in the machine's zone unless told otherwise."""
    return CronTrigger.from_crontab(cron, timezone=zone)


def _parse(file: Path) -> _File:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{file}: {error}"]) from error
    try:
        return _File.model_validate(tables)
    except ValidationError as error:
        problems = [_problem(found["loc"], found["msg"], found["type"]) for found in error.errors()]
        raise ConfigError([f"{file}: {problem}" for problem in problems]) from error


def _problem(place: tuple[int | str, ...], message: str, kind: str) -> str:
    where = ""
    for part in place:
        where += f" number {part + 1}" if isinstance(part, int) else f".{part}" if where else f"{part}"
    if kind == "extra_forbidden":
        return f"unknown key {where!r}"
    return f"{where}: {message[:1].lower()}{message[1:]}"


def _receiver_problems(given: _File) -> list[str]:
    problems = []
    names = [receiver.name for receiver in given.receiver]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"receiver {name!r} stands twice")
    if not given.receiver:
        problems.append("no receiver; take the key away to have the console")
    for receiver in given.receiver:
        if receiver.type == "slack" and not receiver.channel:
            problems.append(f"receiver {receiver.name!r}: a Slack receiver needs 'channel', its id")
        if receiver.type != "slack" and receiver.channel:
            problems.append(f"receiver {receiver.name!r}: only a Slack receiver has a 'channel'")
        if receiver.type != "webhook" and receiver.url_file:
            problems.append(f"receiver {receiver.name!r}: only a webhook has a 'url_file'")
    return problems


def _route_problems(given: _File, topics: Collection[str]) -> list[str]:
    problems = []
    names = {receiver.name for receiver in given.receiver}
    for number, route in enumerate(given.route, 1):
        if route.receiver not in names:
            problems.append(f"route number {number}: no receiver {route.receiver!r}")
        for topic in route.topics or ():
            if topic not in topics:
                known = ", ".join(sorted(topics))
                problems.append(f"route number {number}: no topic {topic!r}; there are {known}")
    deaf = sorted(names - {route.receiver for route in given.route}) if given.route else []
    return problems + [f"receiver {name!r}: no route leads to it" for name in deaf]


def _folder_problems(home: Path, inbox: Path) -> list[str]:
    problems = []
    if inbox in (Path("/"), home) or inbox in home.parents:
        problems.append(f"inbox.path: {inbox} holds the home folder; name a folder of its own")
    for name in ("done", "failed", "models", "labels"):
        other = home / name
        if inbox == other or other in inbox.parents:
            problems.append(f"inbox.path: {inbox} lies in {other}; name a folder of its own")
    return problems


def _within(home: Path, path: Path) -> Path:
    return Path(os.path.normpath(home / path))


def _database(home: Path, given: str) -> str:
    if "://" in given:
        return given
    return f"sqlite:///{_within(home, Path(given))}"


def _plain(value: str, where: str) -> str:
    """A secret is one word; anything else would come back to us in an error that shows it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError([f"{where}: should hold the secret and nothing else, in one line"])
    return value


def _read_secret(file: Path, *, others: int) -> str:
    try:
        if file.stat().st_mode & others:
            raise ConfigError([f"{file}: others may read this secret; `chmod 600` it"])
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file}: the secret cannot be read: {error}"]) from error
