"""What is wrong with a configuration, in one line each, with the mend.

No line shows a secret, and a hostile name in it is escaped.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from datetime import date, time
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daemon.errors import ConfigError
from daemon.tables import TABLES, File

LONGEST_NAME = 80  # characters

_LONGEST_LINE = 1000
_MOST_PROBLEMS = 50

_TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-\w[\w-]*|xapp-\w[\w-]*|hooks\.slack(?:-gov)?\.com/\S*", re.IGNORECASE
)
_PASSWORD = re.compile(r"(?<=://)[^/?#\s@:]*+:[^/?#\s@]*+@")
_HIDDEN = "(hidden)"
_ADDRESS = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_SHORTEST_SECRET = 8  # what is shorter may be any word
_MOST_SECRETS = 1000
_known: tuple[str, ...] = ()  # one assignment, so that all threads see a whole one; the longest first
_SECRET_KEYS = frozenset(
    {
        "token", "bot_token", "app_token", "slack_token", "slack_bot_token", "slack_app_token",
        "url", "webhook", "webhook_url", "slack_webhook_url", "password", "secret", "api_key",
    }
)  # fmt: skip


def refusal(file: Path | None, problems: list[str]) -> ConfigError:
    """The problems as lines that a terminal and a log can show, whatever stands in the file."""
    shown = problems[:_MOST_PROBLEMS]
    if len(problems) > len(shown):
        shown.append("and more; mend these first")
    start = printable_line(str(file)) if file else "configuration"
    return ConfigError([f"{start}: {without_secrets(printable_line(each))}" for each in shown])


def printable_line(text: str) -> str:
    """A text in one line, with what would move a terminal's cursor or hide itself escaped."""
    if len(text) > _LONGEST_LINE:
        text = text[: _LONGEST_LINE - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def without_secrets(text: str) -> str:
    """A text without tokens, webhook addresses and passwords in addresses, and without any secret that this
    process has read.
    """
    for secret in _known:
        if secret in text:
            text = text.replace(secret, _HIDDEN)
    return _PASSWORD.sub(f"{_HIDDEN}@", _TOKEN.sub(_HIDDEN, text))


def never_tell(secret: str) -> None:
    """Take a secret out of every text from now on, whatever it looks like; of an address what follows its
    host as well, which some errors show alone.
    """
    global _known  # noqa: PLW0603  what one process must not tell
    parts = {secret, _ADDRESS.sub("", secret)}
    new = {part for part in parts if len(part) >= _SHORTEST_SECRET} - set(_known)
    if new:
        _known = tuple(sorted((*_known, *new), key=len, reverse=True)[:_MOST_SECRETS])


Place = tuple[int | str, ...]


def shape_problems(error: ValidationError, *, but: Collection[Place]) -> Iterator[str]:
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
    if table := _table_mend(place, kind, value):
        return table
    if kind in _KINDS:
        return f"should be {_KINDS[kind]}, is {_kind_of(value)}"
    if kind == "literal_error":
        return f"should be {context['expected']}"
    return str(context.get("error", "is not what we can read"))


def _table_mend(place: Place, kind: str, value: object) -> str | None:
    """What to write where a table should stand, and another thing does."""
    if kind == "tuple_type" and place in (("receiver",), ("route",)) and isinstance(value, dict):
        return f"should be a list of tables; write [[{place[0]}]], with two brackets"
    if place[0] == "topic" and len(place) < 3 and kind in ("dict_type", "model_type"):
        return f"should be a table of one topic, as [topic.energy], is {_kind_of(value)}"
    if kind == "model_type" and len(place) == 1 and isinstance(value, list):
        return f"should be one table; write [{place[0]}], with one bracket, and once"
    return None


def _kind_of(value: object) -> str:
    return next((words for kind, words in _VALUES if isinstance(value, kind)), "something else")


def _said(place: Place) -> str:
    where = ""
    for part in place:
        where += f" number {part + 1}" if isinstance(part, int) else f".{part}" if where else f"{part}"
    return where


def _unknown(place: Place) -> str:
    name = str(place[-1])
    known = list(File.model_fields if len(place) == 1 else TABLES[str(place[0])].model_fields)
    start = f"unknown key {shortened(_said(place))!r}"
    # The time of a comparison grows with the square of the lengths.
    near = difflib.get_close_matches(name.lower(), known, n=1) if len(name) <= LONGEST_NAME else []
    if near:
        return f"{start}; did you mean {near[0]!r}?"
    homes = [table for table, model in TABLES.items() if name in model.model_fields]
    if len(place) == 1 and homes:
        return f"{start}; it belongs below [{'topic.ID' if homes[0] == 'topic' else homes[0]}]"
    return f"{start}; known here are {', '.join(known)}"


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def secrets_in(tables: dict[str, Any]) -> dict[Place, str]:
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
        if place[-1] == "database":
            return (
                "put the password into a file of mode 600 and write ?password_file=/path behind the address"
            )
        return "take name and password out of the address"
    said = f"{place[-1]} {value if isinstance(value, str) else ''}".lower()
    if "hooks.slack" in said or "url" in said.split()[0] or "webhook" in said:
        return "put it into a file of mode 600 and name that in url_file, or set SLACK_WEBHOOK_URL"
    if "app_token" in said or "xapp-" in said:
        return "put it into a file of mode 600 and name that in slack.app_token_file, or set SLACK_APP_TOKEN"
    return "put it into a file of mode 600 and name that in slack.token_file, or set SLACK_BOT_TOKEN"


def secret_lines(text: str) -> list[str]:
    said = "a secret does not stand in the configuration, nor in a comment; put it into a file of mode 600"
    lines = enumerate(text.split("\n"), 1)
    return [f"line {number}: {said}" for number, line in lines if _TOKEN.search(line)]
