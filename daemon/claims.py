"""Who is at a piece of work, and does that process still live. Asked of the kernel, by no clock."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

# The ledger is on a local disk, so whoever writes to it is a process of this machine. The start
# tells a process from a later one with its number, the token ourselves from the one before a reboot.
_TOKEN = secrets.token_hex(8)
_NO_START = "none"


def claimant() -> str:
    """This process, in a way that no other one is ever called."""
    return f"{os.getpid()} {_start_of(os.getpid())} {_TOKEN}"


def lives(claimant: str) -> bool:
    """Whether the process that `claimant` named is still there."""
    number, start, token = claimant.split(" ")
    if int(number) == os.getpid():
        return token == _TOKEN
    return start != _NO_START and start == _start_of(int(number))


def is_ours(claimant: str) -> bool:
    """Whether it named this process."""
    return claimant.endswith(f" {_TOKEN}")


def process_of(claimant: str) -> int:
    """The number of the process."""
    return int(claimant.partition(" ")[0])


def _start_of(process: int) -> str:
    """When a process started, in ticks since the boot (proc(5), stat), unless it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _NO_START
    state, *others = fields.rpartition(")")[2].split()
    return _NO_START if state in "ZX" else others[18]
