"""The names of what is fuzzed, for those who run it: the parsers themselves are loaded by nobody here."""

from __future__ import annotations

from pathlib import Path

PARSERS = (
    *("html", "pdf", "docx", "odt", "rtf", "mail", "mbox", "mhtml", "json", "jsonl", "feed", "zip"),
    *("markdown", "text"),
)
NAMES = (*PARSERS, "decoding", "sniff", "strip", "answers", "dates", "languages")
JAIL = "jail"

HERE = Path(__file__).parent


def corpus(name: str) -> Path:
    return HERE / "corpus" / name


def dictionary(name: str) -> Path | None:
    path = HERE / "words" / f"{name}.dict"
    return path if path.exists() else None
