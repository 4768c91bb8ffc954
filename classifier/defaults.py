"""Where the shipped files are, and which home is meant when nobody says."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "TOPICWIRE_HOME"
CONFIG_VARIABLE = "TOPICWIRE_CONFIG"

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The folder `seeds` or `labels`: inside the installed package, else beside it in a checkout."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def home() -> Path:
    """`$TOPICWIRE_HOME`, else `var` in the working folder."""
    return Path(os.environ.get(HOME_VARIABLE) or "var")
