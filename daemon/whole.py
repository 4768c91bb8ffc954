"""Files that are whole at every moment: a new one has the old one's name only once it is on the disk."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write(
    path: Path, content: bytes, *, mode: int | None = None, check: Callable[[Path], None] = lambda new: None
) -> None:
    """Write a file in the place of what stands there. Raises OSError; then the old one stands.

    `mode`: its rights; else those of the old one, or 0644. What `check` raises of the new file, which has
    a hidden name beside the other then, keeps it from taking its place. For one writer at a time.
    """
    fresh = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    rights = _rights(path) if mode is None else mode
    try:
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as new:
            os.fchmod(new.fileno(), rights)
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        check(fresh)
        os.replace(fresh, path)
    except Exception:
        fresh.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def alone(path: Path, *, mode: int = 0o644) -> Iterator[None]:
    """One at a time, of all processes that name this file; it is made if it is not there. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rights(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o644
