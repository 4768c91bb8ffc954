"""The log: one line for each finished piece of work, as text or as JSON, on stderr.

Modules log with the standard library: a constant message, and its keys in `extra`. A line that ends a piece
of work names it in the key `work` (file, article, delivery, click) and is always written. Of all others, our
own and those of libraries, the same kind is written so often a minute and then counted (see `storms`).
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog

from daemon.complaints import without_secrets
from daemon.storms import Kind, Rest, Storms, outline

logger = logging.getLogger(__name__)

Event = MutableMapping[str, Any]

_OURS = ("daemon", "classifier")
_MORE = "and more like it"
_THE_FORMATTERS_OWN = ("_record", "_from_structlog")
_LONGEST = 2000  # characters of a value
_LONGEST_TRACE = 20_000
_INDENT = "    "
# pydantic shows what it could not use, which may be the text of an article.
_SHOWN_INPUT = re.compile(r"input_value=.*?, input_type=", re.DOTALL)


def configure(format: Literal["text", "json"], *, verbose: bool = False) -> None:
    """Send all logs to stderr in one of two forms. Secrets are taken out in both.

    Each record of JSON is one object on one line, with `timestamp`, `level`, `logger` and `event`. As text it
    is one line, and what follows of an exception is indented: no name or message can look like another line.
    """
    handler = BoundedHandler(sys.stderr)
    handler.setFormatter(_formatter(format))
    root = logging.getLogger()
    earlier, root.handlers[:] = root.handlers[:], [handler]
    for each in earlier:
        if isinstance(each, BoundedHandler):
            each.close()
    root.setLevel(logging.INFO)
    logging.getLogger("daemon").setLevel(logging.DEBUG if verbose else logging.INFO)
    # At DEBUG slack_sdk logs the text of messages; the others only say that they tick.
    for chatty in ("slack_sdk", "apscheduler", "alembic", "watchdog", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def hear_of_the_unexpected() -> None:
    """What nobody catches goes into the log as well, in its form and without secrets, also from threads."""

    def in_a_thread(found: threading.ExceptHookArgs) -> None:
        name = found.thread.name if found.thread is not None else ""
        if found.exc_value is not None:
            caught = (found.exc_type, found.exc_value, found.exc_traceback)
            logger.error("a thread has died", extra={"worker": name}, exc_info=caught)

    def at_the_top(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("ended by a fault of its own", exc_info=(kind, error, trace))

    threading.excepthook = in_a_thread
    sys.excepthook = at_the_top


class BoundedHandler(logging.StreamHandler[TextIO]):
    """Writes records, but of the same kind no more than so many a minute; then, in one line, how many more.

    A log that cannot be written, on a full disk or into a pipe that nobody reads, holds nothing up.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        storms: Storms | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream)
        self._storms = storms or Storms()
        self._monotonic = monotonic
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        now = self._monotonic()
        self._say(self._storms.ended(now))
        if hasattr(record, "work") or self._storms.passes(_kind_of(record), now):
            super().emit(record)
        else:
            self._look_later(now)

    def close(self) -> None:
        """Say what is still to be said; also at the end of the process (logging.shutdown)."""
        self.acquire()
        try:
            self._say(self._storms.everything(self._monotonic()))
            if self._timer is not None:
                self._timer.cancel()
        finally:
            self.release()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  as logging has it
        """The library would print the record's arguments with the trace: they may be secret, or text."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            with suppress(OSError, ValueError):
                self.stream.write(f"a line of the log could not be written: {type(error).__name__}\n")

    def _say(self, rests: list[Rest]) -> None:
        for rest in rests:
            kind = rest.kind
            record = logging.LogRecord(
                kind.logger or __name__, kind.level or logging.WARNING, "", 0, _MORE, (), None
            )
            record.__dict__.update(number=rest.number, seconds=rest.seconds)
            if kind.message:
                record.__dict__["of"] = kind.message
            if kind.fault:
                record.__dict__["error"] = kind.fault
            super().emit(record)

    def _look_later(self, now: float) -> None:
        """A storm may be the last that is heard for long: its end is said in its time."""
        end = self._storms.next_end()
        if end is None or (self._timer is not None and self._timer.is_alive()):
            return
        self._timer = threading.Timer(max(0.1, end - now), self._look)
        self._timer.daemon = True
        with suppress(RuntimeError):  # no more threads can be had, or the interpreter ends
            self._timer.start()

    def _look(self) -> None:
        self.acquire()
        try:
            now = self._monotonic()
            self._say(self._storms.ended(now))
            self._timer = None
            self._look_later(now)
        finally:
            self.release()


def hide_secrets(logger: object, method: str, event: Event) -> Event:
    """Take tokens and webhook addresses out of every text of a record, its names included."""
    for key in [key for key in event if key not in _THE_FORMATTERS_OWN]:
        value = _cleaned(event.pop(key))
        event[without_secrets(key)] = value
    return event


def bound(logger: object, method: str, event: Event) -> Event:
    """Cut what is long: no record takes more than a few lines of a screen, or a trace of it."""
    for key, value in event.items():
        if isinstance(value, str):
            most = _LONGEST_TRACE if key in ("exception", "stack") else _LONGEST
            event[key] = value if len(value) <= most else f"{value[: most - 1]}…"
    return event


def in_one_line(logger: object, method: str, event: Event) -> Event:
    """Escape in text what would move a cursor, hide, or begin another line; a trace is indented."""
    for key in list(event):
        value = event.pop(key)
        if key in ("exception", "stack") and isinstance(value, str):
            lines = [f"{_INDENT}{_visible(line)}" for line in value.split("\n")]
            event[key] = "\n".join(lines)
        else:
            event[_visible(key)] = _visible(value) if isinstance(value, str) else value
    return event


def _formatter(format: Literal["text", "json"]) -> logging.Formatter:
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
        bound,
    ]
    last: list[Any] = [
        in_one_line,
        structlog.dev.ConsoleRenderer(colors=_may_colour(), pad_event_to=0),
    ]
    if format == "json":
        shared.insert(1, structlog.stdlib.add_logger_name)
        last = [structlog.processors.JSONRenderer(ensure_ascii=False), _escaped]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _may_colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")  # no-color.org


def _kind_of(record: logging.LogRecord) -> Kind:
    """Our messages are constant; those of others have names and numbers in them."""
    message = str(record.msg)
    if record.name.partition(".")[0] not in _OURS:
        message = outline(message)
    error = record.exc_info[0] if record.exc_info else None
    said = getattr(record, "error", None) or getattr(record, "reason", None)
    fault = error.__name__ if error is not None else outline(str(said)) if said else ""
    return Kind(record.name, record.levelno, message, fault)


def _cleaned(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _without_input(without_secrets(value))
        case dict():
            return {_cleaned(k): _cleaned(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cleaned(part) for part in value]
        case bytes() | bytearray():
            return without_secrets(bytes(value).decode("utf-8", "backslashreplace"))
    return _without_input(without_secrets(str(value)))


def _without_input(text: str) -> str:
    return _SHOWN_INPUT.sub("input_value=(not told), input_type=", text) if "input_value=" in text else text


def _visible(text: str) -> str:
    """The text with every sign escaped that has no shape of its own."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _escaped(logger: object, method: str, line: str | bytes) -> str:
    """In JSON such signs stand in strings alone, where each may be written by its number."""
    text = line if isinstance(line, str) else line.decode()
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _numbered(sign) for sign in text)


def _numbered(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
