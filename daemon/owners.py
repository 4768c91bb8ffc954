"""Whose a service is, what its files are, and how words are said to systemd."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from daemon.errors import DaemonError

NAME = USER = "topicwire"
TEMPORARY = tuple(map(Path, ("/tmp", "/var/tmp")))  # noqa: S108

_PLAIN = re.compile(r"[\w./@+=-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose service it is: a user of this machine, or `dynamic` one that systemd makes and takes back."""

    user: str = USER
    group: str = USER
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file for systemd; `place` is where it belongs."""

    name: str
    place: str
    text: str


def group_of(user: str) -> str:
    """The group of a user; the one of the same name where this machine does not know them yet."""
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return user


def is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(each) for each in folders)


def value(said: Path | str) -> str:
    """A word as systemd reads it, quoted where need be (systemd.syntax(7); specifiers in systemd.unit(5))."""
    word = str(said)
    if not word.isprintable():
        raise DaemonError(f"{word!a}: a path with control characters cannot be named to systemd")
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
