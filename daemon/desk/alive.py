"""Does the daemon run? Asked of the kernel, which knows who holds the lock of the home.

To take the lock and see would for a moment keep out a daemon that is just starting.
"""

from __future__ import annotations

from pathlib import Path

_LOCK = ".lock"
_LOCKS = Path("/proc/locks")


def process_of_daemon(home: Path, locks: Path = _LOCKS) -> int | None:
    """The number of the process that holds a home, 0 where it cannot be known; None where nobody does.

    proc(5), /proc/locks: number, kind, manner, access, process, device and inode, from and to. The device is
    another than stat(2) says on some file systems, so the inode alone is compared.
    """
    try:
        inode = str((home / _LOCK).stat().st_ino)
    except OSError:
        return None
    try:
        lines = locks.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    for line in lines:
        fields = line.split()
        if len(fields) < 6 or fields[1] != "FLOCK":
            continue  # who waits for a lock has an arrow there
        if fields[3] == "WRITE" and fields[5].rpartition(":")[2] == inode:
            return max(0, int(fields[4])) if fields[4].lstrip("-").isdigit() else 0
    return None
