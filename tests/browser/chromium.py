"""The browser of the tests: Debian's, never one that is downloaded.

`python -m tests.browser.chromium` installs it where it can, and says so, or says why it cannot be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-core")
_SECONDS = 600


def found() -> Path | None:
    """The program, if there is one on this machine."""
    name = next(filter(None, map(shutil.which, _NAMES)), None)
    return Path(name) if name else None


def main() -> int:
    """It is no error that there is none; the tests that need it are skipped."""
    browser = found()
    if browser is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            print("browser: no Chromium here (apt-get install chromium): tests/browser will be skipped")
            return 0
        print("browser: installing Chromium with apt-get, once")
        said = _install()
        browser = found()
        if browser is None:
            print(f"browser: Chromium cannot be had here ({said}): tests/browser will be skipped")
            return 0
    print(f"browser: ready, {browser}")
    return 0


def _install() -> str:
    """Install it; what was said last, in one line."""
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    said = ""
    for command in (("apt-get", "update", "--quiet"), _INSTALL):
        try:
            done = subprocess.run(
                command, env=surroundings, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)[:200]
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2][:200]
    return said


if __name__ == "__main__":
    sys.exit(main())
