"""Fuzzes one entry in this process, with libFuzzer's options: `python -m tests.fuzz.one ENTRY OPTION…`."""

from __future__ import annotations

import logging
import resource
import sys
import warnings

import atheris

_OURS_AND_LIBRARIES = (
    "classifier",
    "docx",
    "email",
    "feedparser",
    "markdown_it",
    "pypdf",
    "striprtf",
    "trafilatura",
)
_MORE_MEMORY = 512  # MiB beyond what the parsers themselves need
_STACK = 3000  # calls, as in the jail


def main() -> None:
    name, *options = sys.argv[1:]
    logging.disable()
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=_OURS_AND_LIBRARIES):
        from tests.fuzz.entries import ENTRIES

        entry = ENTRIES[name]
        entry.warm()
    sys.setrecursionlimit(_STACK)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + _MORE_MEMORY
    atheris.Setup([sys.argv[0], f"-rss_limit_mb={memory}", *options], entry.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
