"""Secrets of the desk that stand in the home, each in a file that only its owner may read."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from daemon.configfile import read_plainly, why
from daemon.errors import DaemonError

TOKEN = "desk.token"  # noqa: S105
KEY = "desk.key"

_BYTES = 32
_LARGEST = 4096


def token(home: Path) -> str:
    """What a program, or a person at this machine, shows to come in; made where there is none.

    Raises DaemonError where the file cannot be read or written, or others may read it.
    """
    return _kept(home / TOKEN)


def signing_key(home: Path) -> str:
    """What sessions are signed with; made where there is none. Raises DaemonError as `token` does.

    Taking the file away and starting anew ends all sessions.
    """
    return _kept(home / KEY)


def _kept(path: Path) -> str:
    try:
        if not os.path.lexists(path):
            _make(path)
        data, mode = read_plainly(path, _LARGEST)
    except (OSError, ValueError) as error:
        raise DaemonError(f"{path}: the secret cannot be read: {why(error)}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DaemonError(f"{path}: others may read this secret; take it away, and a new one is made")
    text = data.decode("ascii", "replace").strip()
    if not re.fullmatch(r"[A-Za-z0-9_-]{32,200}", text):
        raise DaemonError(f"{path}: should hold the secret and nothing else; take it away for a new one")
    return text


def _make(path: Path) -> None:
    """Whole or not at all, and never over one that somebody else has just made."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)
        except FileExistsError:
            return  # theirs holds
    finally:
        new.unlink(missing_ok=True)
