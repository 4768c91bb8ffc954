"""Limits of the system: watches of the inbox, open files."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemon import mounts
from daemon.alive import process_of_daemon
from daemon.config import Settings
from daemon.findings import Finding, fine, warning

_PROC = Path("/proc")
_INOTIFY = Path("/proc/sys/fs/inotify")
_FILES = 1024  # that a daemon and its desk may need with some hundred browsers
_FEWEST_FILES = 256  # below which intake itself runs out of them
_LONGEST_WALK = 200_000  # folders of an inbox that are counted


@dataclass(frozen=True, slots=True)
class Watches:
    """What the kernel lets a user watch, and what this user's processes watch already; None: not known."""

    most: int
    most_instances: int
    used: int | None = None
    instances: int | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    yield from _inotify(settings)
    yield open_files(*_file_limits(process_of_daemon(settings.home) or 0))


def _inotify(settings: Settings) -> Iterator[Finding]:
    if not settings.events or mounts.is_network(mounts.file_system(settings.inbox)):
        yield fine("watches", "the inbox is looked at without events, so none are needed")
        return
    try:
        found = watches()
    except (OSError, ValueError):
        yield warning(
            "watches", "the kernel does not say how many there may be; the inbox is looked at anyway"
        )
        return
    runs = process_of_daemon(settings.home) is not None
    yield enough_watches(found, _folders(settings.inbox), runs=runs)


def watches(proc: Path = _PROC, inotify: Path = _INOTIFY) -> Watches:
    """Raises OSError or ValueError where the kernel does not say."""
    most = int((inotify / "max_user_watches").read_text())
    instances = int((inotify / "max_user_instances").read_text())
    return Watches(most, instances, *_used(proc))


def enough_watches(found: Watches, needed: int, *, runs: bool) -> Finding:
    """Whether `needed` folders can be watched beside what is; a daemon that `runs` has its own already."""
    used, instances = found.used or 0, found.instances or 0
    free = found.most - used
    said = f"{used} of {found.most} watches and {instances} of {found.most_instances} instances are in use"
    if runs:
        return fine("watches", f"{said}; the inbox needs {needed}")
    for left, wants, key, most in (
        (free, needed, "max_user_watches", max(2 * found.most, 2 * needed)),
        (found.most_instances - instances, 1, "max_user_instances", max(2 * found.most_instances, 128)),
    ):
        if left < wants:
            return warning(
                "watches",
                f"{said}, and the inbox needs {needed}: files are found at the next look instead, 2 s later",
                f"sysctl fs.inotify.{key}={most}",
            )
    return fine("watches", f"{said}; the inbox needs {needed}")


def open_files(soft: int, opened: int | None = None) -> Finding:
    """`soft` is the limit of the daemon, or of us; -1 for none; `opened` how many it has."""
    now = "" if opened is None else f", of which the daemon has {opened}"
    if soft == resource.RLIM_INFINITY:
        return fine("open files", f"without a limit{now}")
    said = f"at most {soft}{now}"
    if soft < _FEWEST_FILES or (opened is not None and opened > 0.8 * soft):
        mend = "`ulimit -n 4096` before the start, or LimitNOFILE=4096 in the unit"
        return warning(
            "open files", f"{said}, which is few: reading and sending would fail now and then", mend
        )
    if soft < _FILES:
        return warning("open files", f"{said}; many browsers at the desk page need more", "ulimit -n 4096")
    return fine("open files", said)


def _file_limits(process: int) -> tuple[int, int | None]:
    """Of the daemon's process where there is one that we may look at; else of ours."""
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if not process:
        return own, None
    try:
        opened = len(os.listdir(f"/proc/{process}/fd"))
        lines = Path(f"/proc/{process}/limits").read_text(encoding="ascii").splitlines()
        [line] = [each for each in lines if each.startswith("Max open files")]
        soft = line.split()[3]
        return (resource.RLIM_INFINITY if soft == "unlimited" else int(soft)), opened
    except (OSError, ValueError, IndexError):
        return own, None


def _used(proc: Path) -> tuple[int | None, int | None]:
    """Watches and instances of all processes of our user that we may look at."""
    watched = instances = 0
    user = os.geteuid()
    for process in proc.iterdir():
        try:
            if not process.name.isdigit() or process.stat().st_uid != user:
                continue
            for link in (process / "fd").iterdir():
                if str(link.readlink()) != "anon_inode:inotify":
                    continue
                instances += 1
                told = (process / "fdinfo" / link.name).read_text(encoding="ascii", errors="replace")
                watched += sum(line.startswith("inotify ") for line in told.splitlines())
        except OSError:
            continue  # it ended, or is none of ours
    return watched, instances


def _folders(inbox: Path) -> int:
    found = 0
    for found, _ in enumerate(os.walk(inbox), 1):
        if found >= _LONGEST_WALK:
            break
    return max(1, found)
