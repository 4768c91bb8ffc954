"""The browser of the tests: Debian's, never one that is downloaded.

`python -m tests.browser.chromium` installs it where it can, and says so, or says why it cannot be had.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests import debian

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> Path | None:
    """The program, if there is one on this machine."""
    name = next(filter(None, map(shutil.which, _NAMES)), None)
    return Path(name) if name else None


def main() -> int:
    debian.provide("browser", found, "chromium", "fonts-noto-core", skipped="tests/browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
