"""The tables of the configuration, each key with its default and its range; and the settings they make."""

from __future__ import annotations

import ipaddress
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Strict

from classifier import READING_BOUNDS, STREAMING_ABOVE, STREAMING_BOUNDS, Limits, Rules

SQLITE = "sqlite:///"
POSTGRES = "postgresql+psycopg://"

_LONGEST_PATH = 4096  # PATH_MAX of Linux, path_resolution(7)
_LONGEST_NAME = 80
_LONGEST_CRON = 200
_LONGEST_LIST = 5000

NEVER = "never"
_TIME = r"((?:[01][0-9]|2[0-3]):[0-5][0-9])"
_HOURS = re.compile(rf"{_TIME}-{_TIME}")

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY_NUMBERS = re.compile(r"\A([0-7])(?:-([0-7])(?:/([1-7]))?)?\Z")


def _number(low: float, high: float) -> AfterValidator:
    """The range of a number, said whole; neither NaN nor an infinity lies in it."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"should be from {low:g} to {high:g}")
        return value

    return AfterValidator(check)


def _is_a_path(value: Path) -> Path:
    if not str(value).isprintable():
        raise ValueError("should be a path without control characters")
    if len(os.fsencode(value)) > _LONGEST_PATH:
        raise ValueError(f"should be a path of at most {_LONGEST_PATH} bytes")
    if str(value).startswith("~"):
        raise ValueError("should be a path from the home folder, or one in full; '~' has no meaning here")
    return value


def _is_absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("should be a path in full, such as /mnt/news")
    return value


def _is_a_database(value: str) -> str:
    if "://" not in value:
        return str(_is_a_path(Path(value)))
    if not value.isprintable():
        raise ValueError("should be a path or an address without control characters")
    if value.startswith(SQLITE):
        return str(_is_a_path(Path(value.removeprefix(SQLITE))))
    if value.startswith("sqlite"):
        raise ValueError("should be the path of a file, alone")
    if value.startswith(POSTGRES):
        return _without_password(value)
    raise ValueError(f"should be the path of a file, or an address that begins with {POSTGRES}")


def _without_password(value: str) -> str:
    """The address of a server; its password stands in a file or the environment."""
    try:
        parts = urlsplit(value)
        password, _ = parts.password, parts.port
    except ValueError:
        raise ValueError(
            f"should be an address, such as {POSTGRES}topicwire@db.example.org/topicwire"
        ) from None
    if password is not None or "password=" in parts.query.replace("password_file=", ""):
        raise ValueError(
            "should have no password in it; put that into a file of mode 600 and write ?password_file=/path"
        )
    if not parts.path.strip("/"):
        raise ValueError("should end with the name of the database")
    return value


def _is_short(value: object) -> object:
    """Each member that is wrong is an error of its own: half a million of them take seconds."""
    if isinstance(value, list | tuple | dict) and len(value) > _LONGEST_LIST:
        raise ValueError(f"should have at most {_LONGEST_LIST} members")
    return value


def _is_a_name(value: str) -> str:
    if not value or len(value) > _LONGEST_NAME:
        raise ValueError(f"should have from 1 to {_LONGEST_NAME} characters")
    if not value.isprintable() or value != value.strip():
        raise ValueError("should have no control characters, and no blanks around it")
    return value


def _is_an_address(value: str) -> str:
    """An address that a token may be sent to. Plain http is for this machine alone."""
    example = "such as https://slack.com/api/"
    if not value.startswith(("https://", "http://")) or len(value) > _LONGEST_PATH:
        raise ValueError(f"should begin with https:// or http://, {example}")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"should be an address, {example}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("should have no name and password in it; take what stands before the '@' away")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("should have nothing behind a '?' or a '#'; take that away")
    if not value.isascii() or not value.isprintable() or not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+", host):
        raise ValueError(f"should be an address, {example}")
    if parts.scheme == "http" and not is_this_machine(host):
        raise ValueError("http:// would send the Slack token in the clear; write https://")
    return value if value.endswith("/") else value + "/"


def is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_a_listener(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9a-f:]+\]", host):
        raise ValueError("should be a host and a port, such as 127.0.0.1:9464")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError("should end in a port from 1 to 65535, such as 127.0.0.1:9464")
    return value


def _is_a_listener_or_never(value: str) -> str:
    return value if value == NEVER else _is_a_listener(value)


def _host_and_port(listener: str) -> tuple[str, int]:
    host, _, port = listener.rpartition(":")
    return host.strip("[]"), int(port)


def _is_a_header(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,80}", value):
        raise ValueError("should be the name of a header, such as X-Forwarded-User")
    return value


def _is_a_host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", value):
        raise ValueError("should be the name of a host without a port, such as desk.example.org")
    return value.lower()


def _is_a_network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("should be an address or a network, such as 10.0.0.0/8") from None


def _is_a_schedule(value: str) -> str:
    if value == NEVER:
        return value
    fields = value.split()
    if len(value) > _LONGEST_CRON or len(fields) != 5:
        raise ValueError(
            "should be five fields, minute hour day month weekday, such as '30 3 * * *', or 'never'"
        )
    try:
        due_at = schedule(value, UTC).get_next_fire_time(None, datetime.now(UTC))
    except ValueError as error:
        raise ValueError(f"is not a cron line: {str(error)[:1].lower()}{str(error)[1:]}") from None
    if due_at is None:
        raise ValueError("is never due; write 'never' to turn it off")
    return value


_USUAL = Rules()


def _within(key: str) -> AfterValidator:
    return _number(*READING_BOUNDS[key])


Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
FilePath = Annotated[Path, AfterValidator(_is_a_path)]
Probability = Annotated[Number, _number(0.0, 1.0)]
Words = Annotated[tuple[str, ...], BeforeValidator(_is_short)]
Cron = Annotated[str, AfterValidator(_is_a_schedule)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_a_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise ValueError("should be a time zone, such as Asia/Almaty") from None
    return value


def _are_hours(value: str) -> str:
    if value == NEVER:
        return value
    found = _HOURS.fullmatch(value)
    if not found or found[1] == found[2]:
        raise ValueError("should be two different times of day, such as '22:00-07:00', or 'never'")
    return value


Zone = Annotated[str, AfterValidator(_is_a_zone)]
Hours = Annotated[str, AfterValidator(_are_hours)]


class Inbox(_Table):
    path: FilePath = Path("inbox")
    settle_seconds: Annotated[Number, _number(0, 3600)] = 2.0
    network_settle_seconds: Annotated[Number, _number(0, 3600)] = 10.0
    events: Flag = True
    mount_point: Annotated[FilePath, AfterValidator(_is_absolute)] | None = None
    on_duplicate: Literal["record", "count"] = "record"
    poison_tries: Annotated[Whole, _number(1, 20)] = 3


class Reading(_Table):
    """How files are read; what each key means stands at the classifier's `Limits` and `Rules`."""

    seconds: Annotated[Number, _within("seconds")] = _USUAL.limits.seconds
    cpu_seconds: Annotated[Whole, _within("cpu_seconds")] = _USUAL.limits.cpu_seconds
    memory_mib: Annotated[Whole, _within("memory_mib")] = _USUAL.limits.memory_mib
    file_mib: Annotated[Whole, _within("file_mib")] = _USUAL.limits.file_mib
    unpacked_mib: Annotated[Whole, _within("unpacked_mib")] = _USUAL.limits.unpacked_mib
    part_mib: Annotated[Whole, _within("part_mib")] = _USUAL.limits.part_mib
    parts: Annotated[Whole, _within("parts")] = _USUAL.limits.parts
    depth: Annotated[Whole, _within("depth")] = _USUAL.limits.depth
    pages: Annotated[Whole, _within("pages")] = _USUAL.limits.pages
    characters: Annotated[Whole, _within("characters")] = _USUAL.limits.characters
    title_fields: Words = _USUAL.title_fields
    text_fields: Words = _USUAL.text_fields
    separators: Words = _USUAL.separators

    @property
    def rules(self) -> Rules:
        limits = {field.name: getattr(self, field.name) for field in fields(Limits)}
        return Rules(Limits(**limits), self.title_fields, self.text_fields, self.separators)


class Storage(_Table):
    """`daemon` and `lease_seconds` count where several daemons have one ledger."""

    database: Annotated[str, AfterValidator(_is_a_database)] = "ledger.db"
    daemon: Annotated[str, AfterValidator(_is_a_name)] | None = None
    lease_seconds: Annotated[Number, _number(2, 600)] = 30.0

    @property
    def known_as(self) -> str:
        """What the other daemons of a ledger call this one."""
        return self.daemon or platform.node()[:_LONGEST_NAME] or "topicwire"


class Backup(_Table):
    """Each night, of the ledger or, with a `path`, of the whole home."""

    cron: Cron = "15 2 * * *"
    path: FilePath | None = None
    keep: Annotated[Whole, _number(1, 10_000)] = 7
    keep_weekly: Annotated[Whole, _number(0, 1000)] = 0
    keep_monthly: Annotated[Whole, _number(0, 1000)] = 0


class Retention(_Table):
    """For how long the texts of articles and their files in done/ are kept; no `keep_days`: for ever."""

    keep_days: Annotated[Whole, _number(31, 36_600)] | None = None
    cron: Cron = "45 2 * * *"
    minutes: Annotated[Number, _number(0.1, 1440)] = 60.0


class Slack(_Table):
    token_file: FilePath | None = None
    app_token_file: FilePath | None = None
    api_url: Annotated[str, AfterValidator(_is_an_address)] = "https://slack.com/api/"
    pace_seconds: Annotated[Number, _number(0, 60)] = 1.0
    on_unknown: Literal["resend", "hold"] = "resend"


class Burst(_Table):
    """More than so many alerts in so many minutes go as one message; 0 minutes: never."""

    alerts: Annotated[Whole, _number(1, 1000)] = 10
    minutes: Annotated[Number, _number(0, 1440)] = 5.0


class Story(_Table):
    """Articles that tell the same event join a story for so many hours; 0: never."""

    window_hours: Annotated[Number, _number(0, 720)] = 48.0
    broadcast: Literal["never", "news"] = "never"


class Digest(_Table):
    cron: Cron = NEVER
    zone: Zone | None = None
    chart: Flag = True


class QuietHours(_Table):
    hours: Hours = NEVER
    zone: Zone | None = None


class Receiver(_Table):
    """Whom to tell."""

    name: Annotated[str, AfterValidator(_is_a_name)]
    type: Literal["console", "slack", "webhook", "apprise"]
    channel: str | None = None
    url_file: FilePath | None = None
    alerts: Literal["at once", "in digests"] = "at once"
    digest: Cron | None = None
    quiet_hours: Hours | None = None
    zone: Zone | None = None


class Route(_Table):
    """Which topics go to a receiver. An absent list means all."""

    receiver: str
    topics: Words | None = None
    grade: Literal["main", "mention"] = "main"
    languages: Words | None = None
    min_probability: Probability = 0.0


class Retrain(_Table):
    """Learning from labels and verdicts. A verdict weighs `verdict_weight` shipped labels."""

    cron: Cron = "30 3 * * *"
    minutes: Annotated[Number, _number(0.1, 1440)] = 30.0
    memory_mib: Annotated[Whole, _number(256, 1_048_576)] = 2048
    verdict_weight: Annotated[Number, _number(0.1, 10)] = 1.0
    rehearse_days: Annotated[Number, _number(0, 366)] = 14.0
    report_to: str | None = None


class Training(_Table):
    """What `classifier train --examples` reads of this file; the daemon learns from labels and verdicts."""

    streaming_above: Annotated[Whole, _number(*STREAMING_BOUNDS)] = STREAMING_ABOVE


class Sample(_Table):
    """What did we miss: so many articles without an alert are put to a desk at each draw."""

    cron: Cron = "0 8 * * *"
    articles: Annotated[Number, _number(0.1, 100)] = 5.0
    receiver: str | None = None
    days: Annotated[Number, _number(1, 3660)] = 30.0


class Promise(_Table):
    """From which probability a topic is said: by a cut, or by what is promised of it. At most one of them."""

    cut: Annotated[Number, _number(0.001, 0.999)] | None = None
    recall: Annotated[Number, _number(0.5, 0.999)] | None = None
    precision: Annotated[Number, _number(0.5, 0.999)] | None = None


class Log(_Table):
    format: Literal["text", "json"] = "text"


class Metrics(_Table):
    listen: Annotated[str, AfterValidator(_is_a_listener)] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, where the metrics are to be told at all."""
        return None if self.listen is None else _host_and_port(self.listen)


class Desk(_Table):
    """The desk page: where it listens, and who may come in."""

    listen: Annotated[str, AfterValidator(_is_a_listener_or_never)] = "127.0.0.1:8460"
    # By what other names people reach it; that of `listen` and localhost need not be said.
    hosts: tuple[Annotated[str, AfterValidator(_is_a_host)], ...] = ()
    # Absent: "token" where it listens on loopback, else "password".
    login: Literal["token", "password", "proxy"] | None = None
    proxies: tuple[Annotated[str, AfterValidator(_is_a_network)], ...] = ("127.0.0.1", "::1")
    user_header: Annotated[str, AfterValidator(_is_a_header)] = "X-Forwarded-User"
    # Of those whom a proxy names, who may change anything.
    editors: tuple[str, ...] = ()
    language: Literal["en", "ru", "kk"] = "en"

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, unless there is to be no page."""
        return None if self.listen == NEVER else _host_and_port(self.listen)

    @property
    def is_for_this_machine(self) -> bool:
        """Whether nobody from elsewhere reaches it, unless through a proxy."""
        return self.address is None or is_this_machine(self.address[0])

    @property
    def way_in(self) -> Literal["token", "password", "proxy"]:
        """How people sign in: as `login` says, else as is usual where it listens."""
        return self.login or ("token" if self.is_for_this_machine else "password")


class File(_Table):
    inbox: Inbox = Inbox()
    reading: Reading = Reading()
    storage: Storage = Storage()
    backup: Backup = Backup()
    retention: Retention = Retention()
    slack: Slack = Slack()
    receiver: Annotated[tuple[Receiver, ...], BeforeValidator(_is_short)] = (
        Receiver(name="console", type="console"),
    )
    route: Annotated[tuple[Route, ...], BeforeValidator(_is_short)] = ()
    burst: Burst = Burst()
    story: Story = Story()
    digest: Digest = Digest()
    quiet_hours: QuietHours = QuietHours()
    retrain: Retrain = Retrain()
    training: Training = Training()
    sample: Sample = Sample()
    topic: Annotated[Mapping[str, Promise], BeforeValidator(_is_short)] = {}
    log: Log = Log()
    metrics: Metrics = Metrics()
    desk: Desk = Desk()


TABLES: Mapping[str, type[_Table]] = {
    "inbox": Inbox,
    "reading": Reading,
    "storage": Storage,
    "backup": Backup,
    "retention": Retention,
    "slack": Slack,
    "receiver": Receiver,
    "route": Route,
    "burst": Burst,
    "story": Story,
    "digest": Digest,
    "quiet_hours": QuietHours,
    "retrain": Retrain,
    "training": Training,
    "sample": Sample,
    "topic": Promise,
    "log": Log,
    "metrics": Metrics,
    "desk": Desk,
}


class Settings(_Table):
    """A sound configuration and the home it is about; all paths are absolute.

    `mount_point` has its symbolic links resolved, so that it can be compared with what is mounted.
    `daemon` is the name of this one among those of its ledger, "" where it is the only one; `lease` is for
    how many seconds what it has claimed stays its own when it is not heard of.
    """

    file: Path | None
    home: Path
    inbox: Path
    settle: float
    network_settle: float = 10.0
    events: bool = True
    mount_point: Path | None = None
    on_duplicate: Literal["record", "count"] = "record"
    poison_tries: int = 3
    reading: Reading = Reading()
    database: str
    daemon: str = ""
    lease: float = 30.0
    backup: Backup = Backup()
    retention: Retention = Retention()
    slack: Slack
    receivers: tuple[Receiver, ...]
    routes: tuple[Route, ...]
    burst: Burst = Burst()
    story: Story = Story()
    digest: Digest = Digest()
    quiet_hours: QuietHours = QuietHours()
    retrain: Retrain
    sample: Sample = Sample()
    promises: Mapping[str, Promise] = {}
    log: Log
    metrics: Metrics = Metrics()
    desk: Desk = Desk()

    @property
    def done(self) -> Path:
        return self.home / "done"

    @property
    def failed(self) -> Path:
        return self.home / "failed"

    @property
    def models(self) -> Path:
        return self.home / "models"


def schedule(cron: str, zone: tzinfo | None = None) -> CronTrigger:
    """A five-field cron line as a trigger, in the machine's zone unless told otherwise.

    Weekdays by number count from Sunday, 0 or 7, as in crontab(5).
    """
    *others, weekdays = cron.split()
    return CronTrigger.from_crontab(" ".join([*others, _by_name(weekdays)]), timezone=zone)


def _by_name(weekdays: str) -> str:
    """APScheduler counts weekdays from Monday (measured): a number would come a day late."""
    return ",".join(_WEEKDAY_NUMBERS.sub(_names, part) for part in weekdays.split(","))


def _names(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2] or found[1])
    days = range(first, last + 1, int(found[3] or 1))
    if not days:
        raise ValueError(f"weekdays {found[0]!r} end before they begin")
    return ",".join(_WEEKDAYS[day % 7] for day in days)
