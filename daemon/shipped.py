"""Where the daemon's shipped files are, in a checkout and after installation."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def systemd() -> Path:
    """The folder with the unit and the example configuration."""
    installed = _PACKAGE / "_shipped" / "systemd"
    return installed if installed.is_dir() else _PACKAGE.parent / "systemd"
