"""What a file system may not be able to do, and we can do without."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sync(folder: Path) -> None:
    """Put the names in a folder on the disk, where its file system can."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError):
        os.fsync(handle)
    os.close(handle)
