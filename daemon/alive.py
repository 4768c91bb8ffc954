"""Does the daemon run, and as what? Asked of the kernel, which knows who holds the lock of the home.

To take the lock and see would for a moment keep out a daemon that is just starting. In the lock's file the
daemon says as what it runs; that counts only while it holds the lock.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

LOCK = ".lock"
_LOCKS = Path("/proc/locks")
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Nameplate:
    """As what a daemon runs: its process, release, and configuration, by its file and fingerprint."""

    process: int
    release: str
    configuration: str
    fingerprint: str
    since: str


def process_of_daemon(home: Path, locks: Path = _LOCKS) -> int | None:
    """The number of the process that holds a home, 0 where it cannot be known; None where nobody does.

    proc(5), /proc/locks: number, kind, manner, access, process, device and inode, from and to. The device is
    another than stat(2) says on some file systems, so the inode alone tells where no device is the same; two
    homes on disks of their own may have the same inode.
    """
    try:
        found = (home / LOCK).stat()
    except OSError:
        return None
    try:
        held = list(_held(locks))
    except OSError:
        return 0
    alike = [
        (device, process)
        for kind, access, process, device, locked in held
        if (kind, access, locked) == ("FLOCK", "WRITE", str(found.st_ino))
    ]
    here = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    ours = [each for each in alike if each[0] == here] or alike
    if not ours:
        return None
    process = ours[0][1]
    return max(0, int(process)) if process.lstrip("-").isdigit() else 0


def is_locked(file: Path, locks: Path = _LOCKS) -> bool:
    """Whether a process has any lock on a file; False as well where it cannot be known."""
    try:
        inode = str(file.stat().st_ino)
        return any(locked == inode for *_, locked in _held(locks))
    except OSError:
        return False


def _held(locks: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Kind, access, process, device and inode of each lock. Raises OSError where the kernel does not say."""
    for line in locks.read_text(encoding="ascii", errors="replace").splitlines():
        fields = line.split()
        if len(fields) >= 6 and fields[1] != "->":  # who waits for a lock has an arrow there
            device, _, inode = fields[5].rpartition(":")
            yield fields[1], fields[3], fields[4], device, inode


def fingerprint(settings: str) -> str:
    """What tells one configuration from another."""
    return hashlib.sha256(settings.encode()).hexdigest()[:16]


def put_up(home: Path, plate: Nameplate) -> None:
    """Say as what we run, who hold the home. A disk that does not take it keeps nobody from working."""
    with suppress(OSError):
        handle = os.open(home / LOCK, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            written = json.dumps(asdict(plate), ensure_ascii=False).encode()
            os.pwrite(handle, written + b"\n", 0)
            os.ftruncate(handle, len(written) + 1)
        finally:
            os.close(handle)


def nameplate(home: Path) -> Nameplate | None:
    """What the daemon that holds a home said of itself; None where it said nothing that we understand."""
    try:
        with (home / LOCK).open("rb") as file:
            given = json.loads(file.read(_LONGEST))
        return Nameplate(
            int(given["process"]),
            *(str(given[key]) for key in ("release", "configuration", "fingerprint", "since")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
