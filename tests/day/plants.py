"""Faults put into the daemon on purpose, each of which the day must find."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

VARIABLE = "DAY_PLANT"

put: Callable[[object, str, Any], None] = setattr
_kept: list[Any] = []


def plant(names: str) -> None:
    """Put these in, parted by commas; nothing where there is none. KeyError where no plant is called so."""
    for name in filter(None, names.split(",")):
        PLANTS[name]()


def _list() -> None:
    """Whoever records articles keeps them, with a page of 16 KiB for each."""
    from daemon import ledger

    sound = ledger.record_articles

    def record_articles(connection: Any, found: Any, **more: Any) -> Any:
        _kept.extend((each, bytes(b"p" * 16384)) for each in found)
        return sound(connection, found, **more)

    put(ledger, "record_articles", record_articles)


def _descriptor() -> None:
    """Each message leaves a file open."""
    from daemon.slack import SlackSender

    sound = SlackSender.send

    def send(self: SlackSender, message: Any) -> Any:
        _kept.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        return sound(self, message)

    put(SlackSender, "send", send)


def _thread() -> None:
    """Each reload leaves a thread that waits for nothing."""
    from daemon import app

    sound = app._Daemon._reload

    def reload(self: Any) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True, name="left").start()
        sound(self)

    put(app._Daemon, "_reload", reload)


def _lie() -> None:
    """Status tells one message fewer than were sent, from the hundredth on."""
    from daemon import status

    sound = status.gather

    def gather(*given: Any) -> dict[str, Any]:
        found = sound(*given)
        for states in found["deliveries"].values():
            if states.get("sent", 0) > 100:
                states["sent"] -= 1
        return found

    put(status, "gather", gather)


def _rows() -> None:
    """A backup is the ledger's file alone: what stands in the log beside it is not in it."""
    from daemon import backups

    def copy(source: Path, target: Path, *_: Any, mark: int = 0, **__: Any) -> None:
        shutil.copyfile(source, target)
        with closing(sqlite3.connect(target, isolation_level=None)) as new:
            new.execute("PRAGMA journal_mode=DELETE")
            new.execute(f"PRAGMA application_id={mark}")

    put(backups, "copy", copy)


PLANTS: Mapping[str, Callable[[], None]] = {
    "list": _list,
    "descriptor": _descriptor,
    "thread": _thread,
    "lie": _lie,
    "rows": _rows,
}
