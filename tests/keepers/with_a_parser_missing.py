"""The jail's keeper of an installation that lacks a library."""

from __future__ import annotations

from classifier import jailer
from classifier.formats import opening
from classifier.formats.kinds import Format


def _warm(format: Format) -> None:
    raise ImportError("no module named 'markdown_it'")


def main() -> None:
    opening.warm = _warm
    jailer.main()
