"""The log: one line for each finished piece of work, as text or as JSON, on stderr.

Modules log with the standard library, a constant message and its keys in `extra`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from daemon.complaints import without_secrets

Event = MutableMapping[str, Any]


def configure(format: Literal["text", "json"], *, verbose: bool = False) -> None:
    """Send all logs to stderr in one of two forms. Secrets are taken out in both."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("daemon").setLevel(logging.DEBUG if verbose else logging.INFO)
    # At DEBUG slack_sdk logs the text of messages; the others only say that they tick.
    for chatty in ("slack_sdk", "apscheduler", "alembic", "watchdog", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def hide_secrets(logger: object, method: str, event: Event) -> Event:
    """Take tokens and webhook addresses out of every text of a record."""
    for key, value in event.items():
        event[key] = _cleaned(value)
    return event


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return without_secrets(value)
        case BaseException():
            return without_secrets(str(value))
        case dict():
            return {_cleaned(k): _cleaned(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cleaned(part) for part in value]
    return value
