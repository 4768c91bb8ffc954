"""Faults of the ledger and of the system, in one plain line that a person can act on."""

from __future__ import annotations

import errno
import os

REFUSES = "the ledger refuses"
LOCKED = "the ledger is locked by another program"

_OF_THE_SYSTEM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EMFILE: "this program has too many files open",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOMEM: "out of memory",
    errno.EIO: "the disk fails (input/output error)",
    errno.ESTALE: "the network share has changed under us",
    errno.EACCES: "no right to do that",
    errno.EPERM: "no right to do that",
    errno.EFBIG: "the file would become larger than is allowed",
}


def one_line(text: str) -> str:
    """A text that any log and terminal can take: no line breaks, no control signs, valid UTF-8."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else " " for sign in plain)[:500]


def said_of_the_system(error: OSError) -> str:
    """What the system refused, and about which file."""
    said = _OF_THE_SYSTEM.get(error.errno or 0) or (error.strerror or type(error).__name__)
    where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return one_line(f"{said[:1].lower()}{said[1:]}{where}")
