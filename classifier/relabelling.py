"""A label sheet that people write to by hand and a program as well: a row a passage, none of them twice.

Whatever else stands in the sheet stays as it is. Nothing here writes a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from classifier.articles import Article
from classifier.labels import NOT_YET, NOTHING

_REMARK = "# by "  # how the line above a row begins that says who labelled the passage, and when


@dataclass(frozen=True, slots=True)
class Labelled:
    """The topics that a passage was labelled with, and the remark that stands above it, if one does."""

    topics: tuple[str, ...]
    remark: str | None


def relabelled(sheet: str, passage: str, topics: Collection[str] | None, remark: str = "") -> str:
    """The content of a sheet once a passage is labelled with topics, with none, or no more (None).

    A row of the same passage is replaced where it stands, and the remark above it; blanks and letter case
    do not count. `remark` says who labels it, and when.
    """
    rows = _rows(sheet)
    own = fingerprint(passage)
    kept = [lines for found, lines in rows if found != own]
    if topics is None:
        return "".join(kept)
    fresh = f"{_REMARK}{_one_line(remark)}\n" if remark else ""
    fresh += f"{', '.join(sorted(set(topics))) or NOTHING}\t{_one_line(passage)}\n"
    places = [number for number, (found, _) in enumerate(rows) if found == own]
    before = "".join(lines for found, lines in rows[: places[0] if places else len(rows)] if found != own)
    after = "".join(kept)[len(before) :]
    return before + ("\n" if before and not before.endswith("\n") else "") + fresh + after


def labelled(sheet: str) -> dict[str, Labelled]:
    """What passages are labelled with, by the fingerprint of each; a row that waits labels nothing."""
    return {found: _labelled(lines) for found, lines in _rows(sheet) if found is not None}


def place_of(passage: str, labels: Path, own: Path, *, besides: Path) -> str | None:
    """File and line of the sheet that labels the same passage; None where none does, or only `besides`.

    In two sheets it would be an error of the labels. A row that waits for its topics is no label.
    """
    wanted = fingerprint(passage)
    for path in [*sorted((labels / "examples").glob("*/*.tsv")), *sorted(own.glob("*.tsv"))]:
        line = _line_of(_content(path), wanted) if path != besides else None
        if line is not None:
            return f"{path}:{line}"
    return None


def fingerprint(passage: str) -> str:
    """By which two passages are known to be the same."""
    return Article(passage).fingerprint


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""  # whoever trains is told


def _line_of(sheet: str, wanted: str) -> int | None:
    """The first line of a sheet that labels the passage of this fingerprint."""
    lines = enumerate(sheet.split("\n"), 1)
    return next((number for number, line in lines if _passage(line) == wanted), None)


def _labelled(lines: str) -> Labelled:
    *above, row = lines.rstrip("\n").split("\n")
    left = row.lstrip("\ufeff").partition("\t")[0].strip()
    topics = tuple(topic.strip() for topic in left.split(",")) if left != NOTHING else ()
    return Labelled(topics, above[-1].removeprefix(_REMARK).rstrip("\r") if above else None)


def _rows(sheet: str) -> list[tuple[str | None, str]]:
    """The lines of a sheet: each row with its remark, by the fingerprint of its passage; others by None."""
    return list(_grouped(sheet.split("\n")))


def _grouped(lines: list[str]) -> Iterator[tuple[str | None, str]]:
    remark = ""
    for number, line in enumerate(lines):
        whole = line if number == len(lines) - 1 else f"{line}\n"
        found = _passage(line)
        if remark and found is None:
            yield None, remark
            remark = ""
        if found is None and line.startswith(_REMARK):
            remark = whole
        elif whole:
            yield found, remark + whole
            remark = ""
    if remark:
        yield None, remark


def _passage(line: str) -> str | None:
    """The fingerprint of the passage in a row that labels one."""
    plain = line.lstrip("\ufeff")
    left, tab, right = plain.rstrip("\r").partition("\t")
    if plain.startswith("# ") or not tab or not left.strip() or left.strip() == NOT_YET or not right.strip():
        return None
    return fingerprint(right)


def _one_line(text: str) -> str:
    return " ".join(text.split())
