"""The file that holds the tags of one part, until they are joined to the output.

One line says how long the tags and the record behind them are. A shard appears as a whole, by one rename, and
nothing in it depends on who wrote it or when: two workers at the same part write the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier import disks
from classifier.errors import ClassifierError

ENDING = ".tags"
FORMAT = 1

_HEAD = "topicwire shard %d %020d %020d\n"
_HEAD_LENGTH = len(_HEAD % (FORMAT, 0, 0))
_HEAD_FORM = re.compile(rb"topicwire shard (\d+) (\d{20}) (\d{20})\n")
_ABOUT = "shards.json"


class ShardError(ClassifierError):
    """A shard is not there, or is not what it should be; its part is to be tagged again."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a shard says of itself.

    Of lines, `begin` and `end` are the bytes where the first begins and the last ends; they were
    `counted_from` one number to another. `files` are done with behind it.
    """

    name: str
    model: str
    articles: int
    begin: int
    end: int
    counted_from: int
    counted_to: int
    files: int
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """Whose shards a folder holds. By its `token` a worker knows that it sees the same folder."""

    run: str
    model: str
    token: str


class Writer:
    """A shard in the making, under a name of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}{ENDING}"
        self._fresh = folder / f".{name}.{secrets.token_hex(8)}"
        self._file = self._fresh.open("xb")
        self._fingerprint = hashlib.sha256()
        self._length = 0
        self._file.write(b" " * _HEAD_LENGTH)

    def add(self, lines: bytes) -> None:
        self._file.write(lines)
        self._fingerprint.update(lines)
        self._length += len(lines)

    def keep(self, record: Record) -> None:
        """Put it there, on the disk, as a whole."""
        told = json.dumps({**asdict(record), "sha256": self._fingerprint.hexdigest()}).encode()
        self._file.write(told)
        self._file.seek(0)
        self._file.write((_HEAD % (FORMAT, self._length, len(told))).encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._fresh, self._path)
        disks.sync(self._path.parent)

    def drop(self) -> None:
        self._file.close()
        self._fresh.unlink(missing_ok=True)


@contextmanager
def writing(folder: Path, name: str) -> Iterator[Writer]:
    """A writer of a shard that leaves nothing behind where it was not kept."""
    writer = Writer(folder, name)
    try:
        yield writer
    finally:
        writer.drop()


@contextmanager
def reading(folder: Path, name: str, model: str) -> Iterator[tuple[Record, memoryview]]:
    """What a shard says of itself, and its lines. Raises ShardError where it is not whole or another's."""
    path = folder / f"{name}{ENDING}"
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            content = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            stack.callback(_close, content)
            whole = stack.enter_context(memoryview(content))
            record, length = _record(path, whole)
            lines = stack.enter_context(whole[_HEAD_LENGTH : _HEAD_LENGTH + length])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ShardError(f"{path}: not a shard: {error}") from error
        if (record.name, record.model) != (name, model):
            raise ShardError(f"{path}: the shard of another part or model")
        yield record, lines


def is_there(folder: Path, name: str) -> bool:
    return (folder / f"{name}{ENDING}").is_file()


def remove(folder: Path, name: str) -> None:
    (folder / f"{name}{ENDING}").unlink(missing_ok=True)


def about(folder: Path) -> About | None:
    """Whose shards they are; None where there is no such folder, or one that says nothing."""
    try:
        given = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        return About(given["run"], given["model"], given["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make(folder: Path, run: str, model: str) -> About:
    """The folder, for shards of this run. Those of the same run stay, all else is taken away."""
    found = about(folder)
    if found and (found.run, found.model) == (run, model):
        for leftover in folder.glob(".*"):
            leftover.unlink(missing_ok=True)
        return found
    clear(folder)
    made = About(run, model, secrets.token_hex(8))
    folder.mkdir()
    fresh = folder / f".{_ABOUT}"
    fresh.write_text(json.dumps(asdict(made)), encoding="utf-8")
    os.replace(fresh, folder / _ABOUT)
    return made


def clear(folder: Path) -> None:
    """Take it away, with what a worker that was given up may still put there."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def _record(path: Path, whole: memoryview) -> tuple[Record, int]:
    head = _HEAD_FORM.fullmatch(bytes(whole[:_HEAD_LENGTH]))
    if not head or int(head[1]) != FORMAT:
        raise ShardError(f"{path}: not a shard of this version")
    length, told = int(head[2]), int(head[3])
    if len(whole) != _HEAD_LENGTH + length + told:
        raise ShardError(f"{path}: cut off")
    given: Mapping[str, Any] = json.loads(bytes(whole[_HEAD_LENGTH + length :]))
    with whole[_HEAD_LENGTH : _HEAD_LENGTH + length] as lines:
        if hashlib.sha256(lines).hexdigest() != given["sha256"]:
            raise ShardError(f"{path}: damaged")
    rest = {key: given[key] for key in given if key != "sha256"}
    rest["problems"], rest["left_out"] = tuple(rest["problems"]), tuple(rest["left_out"])
    return Record(**rest), length


def _close(content: mmap.mmap) -> None:
    # One who was interrupted while writing the lines still has a hand on them.
    with suppress(BufferError):
        content.close()
