"""Passages that people label at the desk: a sheet of the home's own, HOME/labels/desk.tsv.

The next training reads it as it reads any sheet, and people may edit it by hand: what they write stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from classifier import (
    LabelledPassage,
    fingerprint_of_passage,
    labelled_passages,
    place_of_label,
    relabelled,
    shipped,
    topics_of,
)
from daemon import whole
from daemon.clock import to_text
from daemon.errors import DaemonError

FILE = "desk.tsv"
LOCK = ".lock"  # in labels/, of all who write label files


class LabelledElsewhereError(DaemonError):
    """Another sheet labels the same passage; `place` is its file and line."""

    def __init__(self, place: str) -> None:
        super().__init__(f"this passage is labelled already in {place}")
        self.place = place


def topics(home: Path) -> dict[str, str]:
    """The topics that a passage may be labelled with, titles by id, in the order of the titles."""
    found = {topic.id: topic.title for topic in topics_of(home) if not topic.retired}
    return dict(sorted(found.items(), key=lambda each: each[1].casefold()))


def label(
    home: Path, passage: str, about: Collection[str], *, person: str, article: str, now: datetime
) -> None:
    """Say that a passage is about these topics and no other; it replaces what was said of it before.

    `article` is the id of the article in which it stands. Raises LabelledElsewhereError, and DaemonError
    for a topic that there is not, or where the sheet cannot be read or written.
    """
    unknown = sorted(set(about) - topics(home).keys())
    if unknown:
        raise DaemonError(f"no topic {unknown[0]!r}")
    sheet = _sheet(home)
    with alone(home):
        place = place_of_label(passage, shipped("labels"), sheet.parent, besides=sheet)
        if place is not None:
            raise LabelledElsewhereError(place)
        remark = f"{' '.join(person.split())}, {to_text(now)}, article {article}"
        _write(sheet, relabelled(_read(sheet), passage, about, remark))


def take_back(home: Path, passage: str) -> bool:
    """Take away what the desk's sheet says of a passage; whether it said anything."""
    sheet = _sheet(home)
    with alone(home):
        before = _read(sheet)
        after = relabelled(before, passage, None)
        if after != before:
            _write(sheet, after)
        return after != before


def labelled(home: Path) -> Mapping[str, LabelledPassage]:
    """What the desk's sheet says, by the fingerprint of each passage."""
    return labelled_passages(_read(_sheet(home)))


def said_of(found: Mapping[str, LabelledPassage], passage: str) -> LabelledPassage | None:
    """What `labelled` has of a passage."""
    return found.get(fingerprint_of_passage(passage)) if found else None


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """For all who read a label file and write it anew: one after the other."""
    folder = home / "labels"
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(whole.alone(folder / LOCK))
        except OSError as error:
            raise DaemonError(f"{folder}: cannot be written: {error.strerror}") from error
        yield


def _sheet(home: Path) -> Path:
    return home / "labels" / FILE


def _read(sheet: Path) -> str:
    try:
        return sheet.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DaemonError(f"{sheet}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DaemonError(f"{sheet}: is not UTF-8; mend it by hand") from error


def _write(sheet: Path, content: str) -> None:
    try:
        whole.write(sheet, content.encode("utf-8", "replace"))
    except OSError as error:
        raise DaemonError(f"{sheet}: cannot be written: {error.strerror}") from error
