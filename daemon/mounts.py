"""Which file system a path lies on, and whether another machine holds it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TABLE = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")

_NETWORK = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "coda", "ceph", "glusterfs", "lustre",
        "gfs", "gfs2", "ocfs2", "gpfs", "beegfs", "orangefs", "pvfs2", "virtiofs", "vboxsf", "vmhgfs",
        "prl_fs", "davfs", "davfs2", "sshfs", "shfs", "drvfs",
    }
)  # fmt: skip
# A program stands behind every other fuse file system, and most such programs ask another machine.
_LOCAL_FUSE = frozenset(
    {
        "apfs", "bindfs", "cryfs", "dwarfs", "encfs", "exfat", "ext2", "ext4", "fuse-ext2", "fuse-overlayfs",
        "gocryptfs", "lazyfs", "lxcfs", "mergerfs", "ntfs", "ntfs-3g", "overlayfs", "securefs", "squashfuse",
        "unionfs", "unionfs-fuse", "zfs",
    }
)  # fmt: skip


def file_system(path: Path, table: bytes | None = None) -> str:
    """The type of the file system that a path lies on, or would; "" where it cannot be told.

    `table` is what /proc/self/mountinfo holds (proc(5)).
    """
    if table is None:
        try:
            table = _TABLE.read_bytes()
        except OSError:
            return ""
    place = os.fsencode(os.path.realpath(path))
    longest, kind = b"", ""
    for point, found in map(_mount, table.splitlines()):
        # Of two mounts at one point the later one is seen.
        if point and len(point) >= len(longest) and _lies_in(place, point):
            longest, kind = point, found
    return kind


def is_network(kind: str) -> bool:
    """Whether a file system of this type shows files that other machines may change."""
    family, _, program = kind.partition(".")
    if family == "fuse":
        return program not in _LOCAL_FUSE
    return kind in _NETWORK


def _mount(line: bytes) -> tuple[bytes, str]:
    """Mount point and type of one line: `36 35 98:0 /root /point options [fields…] - type source …`."""
    left, dash, right = line.partition(b" - ")
    fields = left.split(b" ")
    if not dash or len(fields) < 6 or not right:
        return b"", ""
    point = _OCTAL.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), fields[4])
    return point, right.split(b" ", 1)[0].decode("ascii", "replace")


def _lies_in(place: bytes, point: bytes) -> bool:
    return place == point or place.startswith(point.rstrip(b"/") + b"/")
