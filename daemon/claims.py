"""Who is at a piece of work, and does that process still live.

A process of this machine is asked of the kernel, by no clock. One of another machine is believed to
live while its daemon keeps its lease (see presence).
"""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
from collections.abc import Collection
from functools import cache
from pathlib import Path

# The start tells a process from a later one with its number, the token ourselves from the one
# before a reboot.
_TOKEN = secrets.token_hex(8)
_NO_START = "none"
_PROCESSES = Path("/proc")
_DAEMON = "daemon"

# What this process has heard of others: claimants of daemons that keep their lease.
_present: frozenset[str] = frozenset()
_keeps_lease = False


def claimant() -> str:
    """This process, in a way that no other one is ever called."""
    named = f"{os.getpid()} {_start_of(os.getpid())} {_TOKEN} {_machine()}"
    return f"{named} {_DAEMON}" if _keeps_lease else named


def keep_lease() -> None:
    """This process is a daemon that others know by its lease."""
    global _keeps_lease  # noqa: PLW0603  what a process is
    _keeps_lease = True


def lives(claimant: str) -> bool:
    """Whether the process that `claimant` named is still there, as far as we know."""
    number, start, token, *machine = claimant.split(" ")
    if machine and machine[0] != _machine():
        return claimant in _present or (_DAEMON not in machine and _has_daemon(machine[0]))
    if int(number) == os.getpid():
        return token == _TOKEN
    found = _start_of(int(number))
    if found == _NO_START and start != _NO_START and _is_hidden(int(number)):
        return True  # most likely the same one: numbers come round again after many thousands
    return start != _NO_START and start == found


def are_present(claimants: Collection[str]) -> None:
    """These daemons keep their lease; no other one does."""
    global _present  # noqa: PLW0603  what a process has heard
    _present = frozenset(claimants)


def is_present(claimant: str) -> bool:
    """Whether a daemon keeps its lease, when we last heard."""
    return claimant in _present


def others_are_present() -> bool:
    """Whether any daemon but ourselves keeps its lease, when we last heard."""
    return any(not is_ours(each) for each in _present)


def is_of_this_machine(claimant: str) -> bool:
    """Whether the kernel can be asked of it."""
    machine = claimant.split(" ")[3:]
    return not machine or machine[0] == _machine()


def is_ours(claimant: str) -> bool:
    """Whether it named this process."""
    return claimant.split(" ")[2] == _TOKEN


def process_of(claimant: str) -> int:
    """The number of the process."""
    return int(claimant.partition(" ")[0])


def _has_daemon(machine: str) -> bool:
    """A command beside a daemon keeps no lease of its own: the daemon of its machine speaks for it."""
    return any(each.split(" ")[3] == machine for each in _present)


@cache
def _machine() -> str:
    """Tells machines apart, also those of one name, and containers that count their processes anew."""
    try:
        processes = str(Path("/proc/self/ns/pid").readlink())
        # Machines made from one image have one name and one machine-id, but each start has its own number.
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        processes = boot = ""
    return hashlib.sha256(f"{platform.node()} {boot} {processes}".encode()).hexdigest()[:12]


def _is_hidden(process: int) -> bool:
    """Whether there is a process that /proc does not show us, as under systemd's ProtectProc= (kill(2))."""
    if (_PROCESSES / str(process)).exists():
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _start_of(process: int) -> str:
    """When a process started, in ticks since the boot (proc(5), stat), unless it has ended."""
    try:
        fields = (_PROCESSES / str(process) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _NO_START
    state, *others = fields.rpartition(")")[2].split()
    return _NO_START if state in "ZX" else others[18]
