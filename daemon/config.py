"""The configuration: one TOML file, every key optional, unknown keys refused.

Secrets never stand in it: it names files that hold them, or they come from the environment or
from systemd credentials. What is wrong is said in one line each, with file, table, key and the
mend; no line shows a secret, and a hostile name in it is escaped.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import stat
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Strict, ValidationError
from pydantic_core import ErrorDetails

from daemon.errors import ConfigError

# What the classifier can say of an article's language: a route to any other would stay silent.
LANGUAGES = ("en", "ru", "kk", "ar", "ky", "uk", "be", "tg", "uz", "tt", "ba", "sr", "mk", "mn")

_SQLITE = "sqlite:///"
_LARGEST_FILE = 2**20
_LARGEST_SECRET = 4096
_LONGEST_PATH = 4096  # PATH_MAX of Linux, path_resolution(7)
_LONGEST_NAME = 80
_LONGEST_CRON = 200
_LONGEST_LINE = 1000
_LONGEST_LIST = 5000
_MOST_PROBLEMS = 50

_FOLDERS = ("done", "failed", "models", "labels", "backups")  # of a home, beside its inbox

_OWN_FOLDER = "name a folder of its own"

_TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-\w[\w-]*|xapp-\w[\w-]*|hooks\.slack(?:-gov)?\.com/\S*", re.IGNORECASE
)
_PASSWORD = re.compile(r"(?<=://)[^/?#\s@:]*+:[^/?#\s@]*+@")
_HIDDEN = "(hidden)"
_SECRET_KEYS = frozenset(
    {
        "token", "bot_token", "app_token", "slack_token", "slack_bot_token", "slack_app_token",
        "url", "webhook", "webhook_url", "slack_webhook_url", "password", "secret", "api_key",
    }
)  # fmt: skip
# tomllib takes time with the square of a dotted key's parts and more: 17 s for 256 KiB of keys of
# 2,048 parts (measured, Python 3.11). None of ours has more than two.
_DEEP_KEY = re.compile(r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){16}")
_STRING_OR_COMMENT = re.compile(
    r""" \"{3} (?: [^"\\] | \\. | "(?!"") )*+ (?: "{3,5} | \Z )
       | \'{3} (?: [^'] | '(?!'') )*+ (?: '{3,5} | \Z )
       | " (?: [^"\\\n] | \\[^\n] )*+ "?
       | ' [^'\n]*+ '?
       | \# [^\n]*+
    """,
    re.VERBOSE | re.DOTALL,
)


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
    if value.startswith(_SQLITE):
        return str(_is_a_path(Path(value.removeprefix(_SQLITE))))
    if value.startswith("sqlite"):
        raise ValueError("should be the path of a file, alone")
    return value


def _is_short(value: object) -> object:
    """Each member that is wrong is an error of its own: half a million of them take seconds."""
    if isinstance(value, list | tuple) and len(value) > _LONGEST_LIST:
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
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ValueError("http:// would send the Slack token in the clear; write https://")
    return value if value.endswith("/") else value + "/"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_a_schedule(value: str) -> str:
    if value == "never":
        return value
    fields = value.split()
    if len(value) > _LONGEST_CRON or len(fields) != 5:
        raise ValueError(
            "should be five fields, minute hour day month weekday, such as '30 3 * * *', or 'never'"
        )
    if re.search(r"(?<![/\d])\d", fields[4]):
        # APScheduler counts from Monday, cron from Sunday: 0 would come a day late.
        raise ValueError("should name its weekdays (mon, tue, … or mon-fri); their numbers are ambiguous")
    try:
        due_at = schedule(value, UTC).get_next_fire_time(None, datetime.now(UTC))
    except ValueError as error:
        raise ValueError(f"is not a cron line: {str(error)[:1].lower()}{str(error)[1:]}") from None
    if due_at is None:
        raise ValueError("is never due; write 'never' to turn it off")
    return value


Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
FilePath = Annotated[Path, AfterValidator(_is_a_path)]
Probability = Annotated[Number, _number(0.0, 1.0)]
Words = Annotated[tuple[str, ...], BeforeValidator(_is_short)]
Cron = Annotated[str, AfterValidator(_is_a_schedule)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Inbox(_Table):
    path: FilePath = Path("inbox")
    settle_seconds: Annotated[Number, _number(0, 3600)] = 2.0
    network_settle_seconds: Annotated[Number, _number(0, 3600)] = 10.0
    events: Flag = True
    mount_point: Annotated[FilePath, AfterValidator(_is_absolute)] | None = None
    on_duplicate: Literal["record", "count"] = "record"
    poison_tries: Annotated[Whole, _number(1, 20)] = 3


class Storage(_Table):
    database: Annotated[str, AfterValidator(_is_a_database)] = "ledger.db"


class Backup(_Table):
    cron: Cron = "15 2 * * *"
    keep: Annotated[Whole, _number(1, 10_000)] = 7


class Slack(_Table):
    token_file: FilePath | None = None
    api_url: Annotated[str, AfterValidator(_is_an_address)] = "https://slack.com/api/"
    pace_seconds: Annotated[Number, _number(0, 60)] = 1.0


class Receiver(_Table):
    """Whom to tell."""

    name: Annotated[str, AfterValidator(_is_a_name)]
    type: Literal["console", "slack", "webhook"]
    channel: str | None = None
    url_file: FilePath | None = None


class Route(_Table):
    """Which topics go to a receiver. An absent list means all."""

    receiver: str
    topics: Words | None = None
    grade: Literal["main", "mention"] = "main"
    languages: Words | None = None
    min_probability: Probability = 0.0


class Retrain(_Table):
    cron: Cron = "30 3 * * *"


class Log(_Table):
    format: Literal["text", "json"] = "text"


class _File(_Table):
    inbox: Inbox = Inbox()
    storage: Storage = Storage()
    backup: Backup = Backup()
    slack: Slack = Slack()
    receiver: Annotated[tuple[Receiver, ...], BeforeValidator(_is_short)] = (
        Receiver(name="console", type="console"),
    )
    route: Annotated[tuple[Route, ...], BeforeValidator(_is_short)] = ()
    retrain: Retrain = Retrain()
    log: Log = Log()


_TABLES: Mapping[str, type[_Table]] = {
    "inbox": Inbox,
    "storage": Storage,
    "backup": Backup,
    "slack": Slack,
    "receiver": Receiver,
    "route": Route,
    "retrain": Retrain,
    "log": Log,
}


class Settings(_Table):
    """A sound configuration and the home it is about; all paths are absolute.

    `mount_point` has its symbolic links resolved, so that it can be compared with what is mounted.
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
    database: str
    backup: Backup = Backup()
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
    """The settings of a file, or the defaults where there is none. Reads, and changes nothing.

    `topics` are the ids that a route may name. A relative path is meant from the home folder.
    Raises ConfigError with every problem of the file's shape or, where that is right, with every
    problem of what it says.
    """
    given = _parse(file) if file else _File()
    problems = [*_receiver_problems(given), *_route_problems(given, topics), *_zone_problems()]
    home_problem = _home_problem(home)
    if home_problem:
        raise _refusal(file, [home_problem, *problems])
    settings = _settings(file, Path(os.path.realpath(home)), given)
    problems += _folder_problems(settings)
    if problems:
        raise _refusal(file, problems)
    return settings


def secret(name: str, variable: str, file: Path | None) -> str | None:
    """A secret from the file that the configuration names, else from the systemd credential
    `name`, else from the environment. None where there is none; ConfigError where it is unsafe.
    """
    if file is not None:
        return _read_secret(file, others=0o077)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / name if folder else None
    if credential is not None and not _is_absent(credential):
        # systemd lets the unit's user in by an ACL, which shows as a right of the group.
        return _read_secret(credential, others=0o007)
    value = os.environ.get(variable)
    return _plain(value.strip(), variable) if value else None


def schedule(cron: str, zone: tzinfo | None = None) -> CronTrigger:
    """A five-field cron line as a trigger, in the machine's zone unless told otherwise."""
    return CronTrigger.from_crontab(cron, timezone=zone)


# The file


def _parse(file: Path) -> _File:
    data, mode = _read_configuration(file)
    problems = []
    if mode & stat.S_IWOTH:
        problems.append("anyone may write this file, and so send alerts elsewhere; `chmod o-w` it")
    text = _decoded(file, data)
    try:
        tables = _tables(text)
    except ValueError as error:
        raise _refusal(file, [*problems, *_secret_lines(text), str(error)]) from None
    secrets = _secrets(tables)
    # A token in a comment is read by whoever reads the file, as any other is.
    problems += secrets.values() if secrets else _secret_lines(text)
    try:
        found = _File.model_validate(tables)
    except ValidationError as error:
        problems += _shape_problems(error, but=secrets)
        raise _refusal(file, problems) from None
    if problems:
        raise _refusal(file, problems)
    return found


def _read_configuration(file: Path) -> tuple[bytes, int]:
    try:
        return _read(file, _LARGEST_FILE)
    except (OSError, ValueError) as error:
        mend = "name a file with --config, or leave it out to have the defaults"
        raise _refusal(file, [f"cannot be read: {_why(error)}; {mend}"]) from error


def _read(file: Path, largest: int) -> tuple[bytes, int]:
    """The bytes of an ordinary file, and its mode. OSError or ValueError where it is none.

    It is opened without waiting: a FIFO that nobody writes to would hold us for ever.
    """
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("a folder" if stat.S_ISDIR(mode) else "not an ordinary file")
        data = b""
        while chunk := os.read(handle, largest + 1 - len(data)):
            data += chunk
    finally:
        os.close(handle)
    if len(data) > largest:
        raise ValueError(f"larger than {largest // 1024} KiB")
    return data, mode


def _why(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _decoded(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(file, [f"line {line} is not utf-8; save the file in that encoding"]) from None


def _tables(text: str) -> dict[str, Any]:
    """What the file says. ValueError with line and column where it is not TOML."""
    bare = _STRING_OR_COMMENT.sub(lambda found: "s" + "\n" * found[0].count("\n"), text)
    deep = _DEEP_KEY.search(bare)
    if deep:
        raise ValueError(
            f"line {_line_at(bare, deep.start())}: a key of more than sixteen parts; ours have two"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}{_toml_mend(str(error))}") from None
    except RecursionError:
        raise ValueError("not TOML that we read: nested too deeply") from None
    except ValueError:
        # Python refuses to read integers of more than 4,300 digits.
        raise ValueError("not TOML that we read: a number in it is too long") from None


def _toml_mend(said: str) -> str:
    mends = {
        "Invalid value": "text stands in quotes, true and false in small letters",
        "Cannot overwrite": "the key stands twice, take one of them away",
        "twice": "make one table of the two",
        "Invalid statement": "a line is a [table], key = value, or # a comment",
        "Illegal character": "a backslash in a path stands in 'single quotes', or is doubled",
        "Unescaped": "a backslash in a path stands in 'single quotes', or is doubled",
        "Expected": "look at that place for a missing sign",
    }
    return next((f"; {mend}" for sign, mend in mends.items() if sign in said), "")


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


# What is said of it


def _refusal(file: Path | None, problems: list[str]) -> ConfigError:
    """The problems as lines that a terminal and a log can show, whatever stands in the file."""
    shown = problems[:_MOST_PROBLEMS]
    if len(problems) > len(shown):
        shown.append("and more; mend these first")
    start = _printable(str(file)) if file else "configuration"
    return ConfigError([f"{start}: {_without_secrets(_printable(each))}" for each in shown])


def _printable(text: str) -> str:
    """A text in one line, with what would move a terminal's cursor or hide itself escaped."""
    if len(text) > _LONGEST_LINE:
        text = text[: _LONGEST_LINE - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _without_secrets(text: str) -> str:
    return _PASSWORD.sub(f"{_HIDDEN}@", _TOKEN.sub(_HIDDEN, text))


Place = tuple[int | str, ...]


def _shape_problems(error: ValidationError, *, but: Collection[Place]) -> Iterator[str]:
    """In the order of our tables; one more than are shown, so that it is known that there are more."""
    found = (each for each in error.errors(include_url=False) if each["loc"] not in but)
    return (_problem(each) for each in islice(found, _MOST_PROBLEMS + 1))


_KINDS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a string",
    "path_type": "a path in quotes",
    "tuple_type": "a list",
    "model_type": "a table",
}


_VALUES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
    (date, "a date"),
    (time, "a time of day"),
)


def _problem(found: ErrorDetails) -> str:
    if found["type"] == "extra_forbidden":
        return _unknown(found["loc"])
    return f"{_said(found['loc'])}: {_mend(found)}"


def _mend(found: ErrorDetails) -> str:
    place, kind, value, context = found["loc"], found["type"], found["input"], found.get("ctx", {})
    if kind == "missing":
        return f"is missing; each [[{place[0]}]] needs one"
    if kind == "tuple_type" and place in (("receiver",), ("route",)) and isinstance(value, dict):
        return f"should be a list of tables; write [[{place[0]}]], with two brackets"
    if kind == "model_type" and len(place) == 1 and isinstance(value, list):
        return f"should be one table; write [{place[0]}], with one bracket, and once"
    if kind in _KINDS:
        return f"should be {_KINDS[kind]}, is {_kind_of(value)}"
    if kind == "literal_error":
        return f"should be {context['expected']}"
    return str(context.get("error", "is not what we can read"))


def _kind_of(value: object) -> str:
    return next((words for kind, words in _VALUES if isinstance(value, kind)), "something else")


def _said(place: Place) -> str:
    where = ""
    for part in place:
        where += f" number {part + 1}" if isinstance(part, int) else f".{part}" if where else f"{part}"
    return where


def _unknown(place: Place) -> str:
    name = str(place[-1])
    known = list(_File.model_fields if len(place) == 1 else _TABLES[str(place[0])].model_fields)
    start = f"unknown key {_shortened(_said(place))!r}"
    # The time of a comparison grows with the square of the lengths.
    near = difflib.get_close_matches(name.lower(), known, n=1) if len(name) <= _LONGEST_NAME else []
    if near:
        return f"{start}; did you mean {near[0]!r}?"
    homes = [table for table, model in _TABLES.items() if name in model.model_fields]
    if len(place) == 1 and homes:
        return f"{start}; it belongs below [{homes[0]}]"
    return f"{start}; known here are {', '.join(known)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


# Secrets


def _secrets(tables: dict[str, Any]) -> dict[Place, str]:
    """Where a value looks like a secret, or a key asks for one, and what to do about it."""
    found: dict[Place, str] = {}
    waiting: list[tuple[Place, object]] = [((), tables)]
    while waiting:
        place, value = waiting.pop()
        inner: list[tuple[Place, object]] = []
        if isinstance(value, dict):
            inner = [((*place, key), below) for key, below in value.items()]
        elif isinstance(value, list):
            inner = [((*place, number), below) for number, below in enumerate(value)]
        elif _is_secret(place, value):
            found[place] = (
                f"{_said(place)}: a secret does not stand in the configuration; {_secret_mend(place, value)}"
            )
        waiting += reversed(inner)
    return found


def _is_secret(place: Place, value: object) -> bool:
    names = [part for part in place if isinstance(part, str)]
    if names[-1].lower().replace("-", "_") in _SECRET_KEYS or any(_TOKEN.search(name) for name in names):
        return True
    return isinstance(value, str) and bool(_TOKEN.search(value) or _PASSWORD.search(value))


def _secret_mend(place: Place, value: object) -> str:
    if isinstance(value, str) and _PASSWORD.search(value):
        return "take name and password out of the address"
    said = f"{place[-1]} {value if isinstance(value, str) else ''}".lower()
    if "hooks.slack" in said or "url" in said.split()[0] or "webhook" in said:
        return "put it into a file of mode 600 and name that in url_file, or set SLACK_WEBHOOK_URL"
    return "put it into a file of mode 600 and name that in slack.token_file, or set SLACK_BOT_TOKEN"


def _secret_lines(text: str) -> list[str]:
    said = "a secret does not stand in the configuration, nor in a comment; put it into a file of mode 600"
    lines = enumerate(text.split("\n"), 1)
    return [f"line {number}: {said}" for number, line in lines if _TOKEN.search(line)]


def _is_absent(file: Path) -> bool:
    """Not so where we may not look: that is for a person to mend, and not a reason to go on."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _plain(value: str, where: str) -> str:
    """A secret is one word; anything else would come back to us in an error that shows it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError([f"{where}: should hold the secret and nothing else, in one line"])
    return value


def _read_secret(file: Path, *, others: int) -> str:
    where = _printable(str(file))
    try:
        data, mode = _read(file, _LARGEST_SECRET)
        if mode & others:
            raise ConfigError([f"{where}: others may read this secret; `chmod 600` it"])
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([f"{where}: the secret cannot be read: not utf-8"]) from None
    except (OSError, ValueError) as error:
        raise ConfigError([f"{where}: the secret cannot be read: {_why(error)}"]) from error
    return _plain(text.strip(), where)


# Receivers and routes


def _receiver_problems(given: _File) -> list[str]:
    if not given.receiver:
        return ["no receiver; take the key away to have the console"]
    problems = _name_problems([receiver.name for receiver in given.receiver])
    for receiver in given.receiver:
        start = f"receiver {receiver.name!r}"
        if receiver.type == "slack" and not receiver.channel:
            problems.append(f"{start}: a Slack receiver needs 'channel', its id")
        elif receiver.type == "slack" and not re.fullmatch(r"[CGD][A-Z0-9]+", receiver.channel or ""):
            problems.append(
                f"{start}: 'channel' should be the channel's id, such as C0123456789, not its name; Slack"
                " shows it at the end of the channel's details (press the channel's name)"
            )
        if receiver.type != "slack" and receiver.channel:
            problems.append(f"{start}: only a Slack receiver has a 'channel'")
        if receiver.type != "webhook" and receiver.url_file:
            problems.append(f"{start}: only a webhook has a 'url_file'")
    return problems + _shared_targets(given)


def _name_problems(names: list[str]) -> list[str]:
    counts = Counter(names)
    problems = [f"receiver {name!r} stands twice" for name in sorted(counts) if counts[name] > 1]
    folded: dict[str, str] = {}
    for name in counts:
        first = folded.setdefault(name.casefold(), name)
        if first != name:
            problems.append(
                f"receivers {first!r} and {name!r} differ in letter case only; name one otherwise"
            )
    return problems


def _shared_targets(given: _File) -> list[str]:
    """Receivers that are one place: an article for both would stand there twice."""
    first: dict[tuple[str, str], str] = {}
    problems = []
    for receiver in given.receiver:
        target = (
            receiver.channel if receiver.type == "slack" else str(receiver.url_file or "the same address")
        )
        if receiver.type == "console" or not target:
            continue
        other = first.setdefault((receiver.type, target), receiver.name)
        if other != receiver.name:
            problems.append(
                f"receiver {receiver.name!r}: {target} is told by {other!r} already, and would hear twice;"
                " lead both routes to one receiver"
            )
    return problems


def _route_problems(given: _File, topics: Collection[str]) -> list[str]:
    problems = []
    names = {receiver.name: None for receiver in given.receiver}
    known_topics, known_names = frozenset(topics), ", ".join(names)
    listed = ", ".join(sorted(topics))
    first: dict[Route, int] = {}
    for number, route in enumerate(given.route, 1):
        start = f"route number {number}"
        if first.setdefault(route, number) != number:
            problems.append(f"{start}: is the same as number {first[route]}; take one of them away")
        if route.receiver not in names:
            problems.append(f"{start}: no receiver {_shortened(route.receiver)!r}; there are {known_names}")
        for topic in route.topics or ():
            if topic not in known_topics:
                problems.append(f"{start}: no topic {_shortened(topic)!r}; there are {listed}")
        problems += [f"{start}.{problem}" for problem in _silences(route)]
    deaf = sorted(names.keys() - {route.receiver for route in given.route}) if given.route else []
    return problems + [f"receiver {name!r}: no route leads to it; add one" for name in deaf]


def _silences(route: Route) -> Iterator[str]:
    """Conditions of a route that no article can meet: it would be silent, and nobody would know why."""
    if route.topics == ():
        yield "topics: is empty; take the key away to have all topics"
    if route.languages == ():
        yield "languages: is empty; take the key away to have all languages"
    for language in route.languages or ():
        if language not in LANGUAGES:
            yield f"languages: no language {_shortened(language)!r}; articles come as {', '.join(LANGUAGES)}"
    if route.min_probability >= 1.0:
        yield "min_probability: 1 is never reached; 0.95 is nearly certain already"


# Folders and files


def _settings(file: Path | None, home: Path, given: _File) -> Settings:
    token_file, mount_point = given.slack.token_file, given.inbox.mount_point
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
        mount_point=mount_point and _real(mount_point),
        on_duplicate=given.inbox.on_duplicate,
        poison_tries=given.inbox.poison_tries,
        database=_database(home, given.storage.database),
        backup=given.backup,
        slack=given.slack.model_copy(update={"token_file": token_file and _within(home, token_file)}),
        receivers=receivers,
        routes=given.route or tuple(Route(receiver=receiver.name) for receiver in receivers),
        retrain=given.retrain,
        log=given.log,
    )


def _zone_problems() -> list[str]:
    try:
        schedule("0 0 * * *")
    except (LookupError, ValueError, OSError):
        return ["the machine's time zone cannot be told; set TZ to one such as Asia/Almaty"]
    return []


def _home_problem(home: Path) -> str | None:
    if not str(home).isprintable():
        return f"home: {home} has control characters in it; name another with --home"
    if os.path.realpath(home) == "/":
        return "home: / cannot be a home; name a folder of its own with --home"
    if _is_no_folder(home):
        return f"home: {home} is not a folder; name one with --home"
    return None


def _folder_problems(settings: Settings) -> list[str]:
    if _holds(settings.inbox, settings.home):
        # Every file of ours would lie in it: one fault, and one line.
        return [f"inbox.path: {settings.inbox} holds the home folder; {_OWN_FOLDER}"]
    return [*_inbox_problems(settings), *_mount_problems(settings), *_file_problems(settings)]


def _inbox_problems(settings: Settings) -> list[str]:
    """By real path: a link must not lead the inbox into a folder of ours, nor one of them into it."""
    inbox, start = settings.inbox, f"inbox.path: {settings.inbox}"
    if _is_no_folder(inbox):
        return [f"{start} is not a folder; {_OWN_FOLDER}"]
    problems = []
    for folder in (settings.home / name for name in _FOLDERS):
        if _holds(folder, inbox):
            problems.append(f"{start} lies in {folder}; {_OWN_FOLDER}")
        elif _holds(inbox, folder):
            problems.append(f"{start} holds {folder}; {_OWN_FOLDER}")
    return problems


def _mount_problems(settings: Settings) -> list[str]:
    mount_point = settings.mount_point
    if mount_point is None:
        return []
    if mount_point == Path("/"):
        return ["inbox.mount_point: / is always mounted; name where the share is, or take the key away"]
    if not _holds(mount_point, settings.inbox):
        return [f"inbox.mount_point: {settings.inbox}, the inbox, does not lie below {mount_point}"]
    return []


def _file_problems(settings: Settings) -> list[str]:
    """Files of ours where the intake would take them for articles, or the ledger in their place."""
    problems = _database_problems(settings)
    named = [("the configuration file", settings.file), ("slack.token_file", settings.slack.token_file)]
    named += [(f"url_file of receiver {each.name!r}", each.url_file) for each in settings.receivers]
    for name, file in named:
        if file is not None and _holds(settings.inbox, file):
            problems.append(f"{name}: {file} lies in the inbox, where it would be an article; move it")
    return problems


def _database_problems(settings: Settings) -> list[str]:
    if not settings.database.startswith(_SQLITE):
        return []
    path = Path(settings.database.removeprefix(_SQLITE))
    start, mend = f"storage.database: {path}", "name a file in the home folder"
    if _holds(path, settings.home) or (path.exists() and not path.is_file()):
        return [f"{start} is not a file; {mend}"]
    if settings.file is not None and _real(path) == _real(settings.file):
        return [f"{start} is the configuration file; {mend}"]
    folders = (settings.inbox, *(settings.home / name for name in _FOLDERS))
    return [
        f"{start} lies in {folder}, where files come and go; {mend}"
        for folder in folders
        if _holds(folder, path)
    ]


def _holds(folder: Path, path: Path) -> bool:
    """Is `path` the folder itself, or below it, when all links are followed."""
    real, inner = _real(folder), _real(path)
    return real == inner or real in inner.parents


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_no_folder(path: Path) -> bool:
    """Does something else stand there, or on the way to it."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except NotADirectoryError:
        return True
    except OSError:
        return False


def _within(home: Path, path: Path) -> Path:
    return Path(os.path.normpath(home / path))


def _database(home: Path, given: str) -> str:
    return given if "://" in given else f"{_SQLITE}{_within(home, Path(given))}"
