"""Labelled articles that people bring: their own archive, with topics of their own.

JSON Lines in our shape (`{"id", "title"?, "text", "main": [...], "mention": [...], "lang"?}`), packed
or not (`.jsonl.gz`), exports of doccano (`{"text", "label": [...]}`) and Label Studio (a JSON list of
tasks with annotations of choices), and a folder as Annif has it (`X.txt` beside `X.tsv`, subjects in
the last column or after a tab). They are read one after the other: but for a list, which is one piece
of JSON, memory does not grow with their number.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from classifier import streams
from classifier.corpus import Corpus, Judged
from classifier.decoding import clean
from classifier.errors import LabelError
from classifier.reading import article_of_record
from classifier.topics import RESERVED, Topic

_MOST_PROBLEMS = 50  # named one by one; a file of another kind has as many as it has lines
_LONGEST_LINE = 64 * 2**20  # bytes
_LOOKED_AT = 64 * 1024  # bytes that tell whether it is a list
_PACKED = ".gz"
_MARK = "\ufeff".encode()


def read(path: Path) -> tuple[Judged, ...]:
    """The labelled articles of a file or folder. Raises LabelError with every bad line at once."""
    return tuple(stream(path))


def stream(path: Path) -> Iterator[Judged]:
    """The same, one after the other. After a bad line come no more articles, only what is wrong
    with other lines, as LabelError at the end: the first of them by name, and how many there are.
    """
    problems = _Problems(path)
    found = 0
    for where, given in _given(path, problems):
        try:
            judged = _judged(given, where)
        except ValueError as error:
            problems.add(f"{where}: {error}")
            continue
        if not problems.number:
            found += 1
            yield judged
    if not found and not problems.number:
        problems.add(f"{path}: no labelled article in it")
    problems.refuse()


def number(path: Path, most: int | None = None) -> int:
    """How many records there are, at most `most`, without reading what is in them; of a list 1.

    0 where it cannot be read twice, as of a pipe, or not at all.
    """
    if path.is_dir():
        return sum(1 for _ in islice(_texts(path), most))
    if not path.is_file():
        return 0
    try:
        with _opened(path) as file:
            if _is_list(file):
                return 1
            return sum(1 for _ in islice(filter(_is_said, file), most))
    except (OSError, EOFError):
        return 0


class _Problems:
    """What is wrong, the first lines by name and the others by their number."""

    def __init__(self, path: Path) -> None:
        self.number = 0
        self._path = path
        self._named: list[str] = []

    def add(self, problem: str) -> None:
        self.number += 1
        if self.number <= _MOST_PROBLEMS:
            self._named.append(problem)

    def refuse(self) -> None:
        more = self.number - len(self._named)
        if self._named:
            raise LabelError([*self._named, f"{self._path}: and {more:,} more"] if more else self._named)


def held_out(home: Path, labels: Path | None) -> dict[str, tuple[Judged, ...]]:
    """The articles that no model is trained from, by file: of the labels, and of the home.

    Raises LabelError.
    """
    folders = [folder / "held-out" for folder in (labels, home) if folder]
    return {path.name: read(path) for folder in folders for path in sorted(folder.glob("*.jsonl"))}


def corpus(articles: Iterable[Judged]) -> Corpus:
    """A corpus whose topics are those that the articles name, in alphabetical order."""
    kept = tuple(articles)
    refuse_without_topic(any(judged.main for judged in kept))
    names = sorted(set().union(*(judged.main | judged.mention for judged in kept)))
    topics = tuple(Topic(name, name, "as the labelled articles have it", {}) for name in names)
    return Corpus(topics, kept)


def refuse_without_topic(is_named: bool) -> None:
    """Raises LabelError where no article names a main topic."""
    if not is_named:
        raise LabelError(["labels: no article names a main topic"])


def _given(path: Path, problems: _Problems) -> Iterator[tuple[str, object]]:
    """Where each record stands, and the record."""
    try:
        if path.is_dir():
            yield from _annif(path, problems)
            return
        with _opened(path) as file:
            if _is_list(file):
                yield from _json_list(path, file.read())
            else:
                yield from _json_lines(path, file, problems)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise LabelError([f"{path}: {error}"]) from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A file, or what a .gz of it holds, without its byte order mark."""
    with path.open("rb") as raw:
        file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if path.suffix == _PACKED else raw)
        try:
            yield file
        except zlib.error as error:
            raise OSError(f"damaged: {error}") from error


def _is_list(file: IO[bytes]) -> bool:
    peek = getattr(file, "peek", None)
    head: bytes = peek(_LOOKED_AT) if peek else b""
    return head.removeprefix(_MARK).lstrip().startswith(b"[")


def _is_said(line: bytes) -> bool:
    return not line.isspace()


def _json_lines(path: Path, file: IO[bytes], problems: _Problems) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(_lines(file), 1):
        where = f"{path}:{number}"
        if line is None:
            problems.add(f"{where}: longer than {_LONGEST_LINE // 2**20} MiB; part it into articles")
        elif _is_said(line):
            try:
                yield where, json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                problems.add(f"{where}: {error}")
            except (ValueError, RecursionError) as error:
                problems.add(f"{where}: not JSON: {error}")


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Line by line; None for one that is too long to hold."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) < _LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)
        yield None


def _json_list(path: Path, content: bytes) -> Iterator[tuple[str, object]]:
    try:
        tasks = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise LabelError([f"{path}: not JSON: {error}"]) from error
    for number, task in enumerate(tasks, 1):
        yield f"{path}: task {number}", task


def _annif(folder: Path, problems: _Problems) -> Iterator[tuple[str, object]]:
    for path in _texts(folder):
        subjects = [path.with_suffix(ending) for ending in (".tsv", ".key")]
        labels = next((file for file in subjects if file.exists()), None)
        try:
            text = path.read_text(encoding="utf-8")
            topics = labels.read_text(encoding="utf-8").splitlines() if labels else []
        except (OSError, UnicodeDecodeError) as error:
            problems.add(f"{path}: {error}")
            continue
        # A line is "<uri>\tlabel", or the label alone.
        names = [line.rpartition("\t")[2].strip() for line in topics if line.strip()]
        yield str(path), {"id": path.stem, "text": text, "main": names}


def _texts(folder: Path) -> Iterator[Path]:
    """The texts of a folder in the order of their names."""
    return (folder / name for name, _ in streams.entries(str(folder)) if name.endswith(".txt"))


def _judged(given: object, where: str) -> Judged:
    if not isinstance(given, dict):
        raise ValueError("should be an object")
    given = _label_studio(given) if "annotations" in given else given
    body = given.get("text")
    if not isinstance(body, str) or not body.strip():
        raise ValueError('"text" should be a text')
    main = _topics(given, "main" if "main" in given else "label")
    mention = _topics(given, "mention")
    if main & mention:
        raise ValueError(f"{', '.join(sorted(main & mention))}: both main and mention")
    title, body = " ".join(clean(str(given.get("title") or "")).split()), clean(body).strip()
    if not body:
        raise ValueError('"text" should be a text')
    if title and body.split("\n", 1)[0].strip() == title:
        body = body[len(title) :].lstrip() or body
        title = title if body.split("\n", 1)[0].strip() != title else ""
    return Judged(article_of_record(given, title, body), main, mention, (), where)


def _label_studio(task: dict[str, Any]) -> dict[str, Any]:
    """A Label Studio task as one of our records; the last annotation that was not cancelled counts."""
    data = task.get("data")
    if not isinstance(data, dict):
        raise ValueError('"data" should be an object')
    choices: list[str] = []
    try:
        for annotation in task["annotations"]:
            if not annotation.get("was_cancelled"):
                values = [result["value"] for result in annotation.get("result") or []]
                choices = [choice for value in values for choice in value.get("choices") or []]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f'"annotations" are not those of Label Studio: {error!r}') from error
    return {"id": task.get("id"), **data, "main": choices, "mention": []}


def _topics(given: dict[str, Any], key: str) -> frozenset[str]:
    topics = given.get(key, [])
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        raise ValueError(f'"{key}" should be a list of topics')
    for topic in topics:
        if not topic.strip() or "," in topic or topic in RESERVED:
            raise ValueError(f"{topic!r} cannot be the name of a topic")
    return frozenset(topics)
