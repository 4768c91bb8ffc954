"""Labelled articles that people bring: their own archive, with topics of their own.

JSON Lines in our shape (`{"id", "title"?, "text", "main": [...], "mention": [...], "lang"?}`),
exports of doccano (`{"text", "label": [...]}`) and Label Studio (a JSON list of tasks with
annotations of choices), and a folder as Annif has it (`X.txt` beside `X.tsv`, subjects in the
last column or after a tab).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from classifier.corpus import Corpus, Judged
from classifier.decoding import clean
from classifier.errors import LabelError
from classifier.reading import article_of_record
from classifier.topics import RESERVED, Topic

_MOST_PROBLEMS = 50  # named one by one; a file of another kind has as many as it has lines


def read(path: Path) -> tuple[Judged, ...]:
    """The labelled articles of a file or folder. Raises LabelError with every bad line at once."""
    problems: list[str] = []
    found: list[Judged] = []
    for where, given in _given(path, problems):
        try:
            found.append(_judged(given, where))
        except ValueError as error:
            problems.append(f"{where}: {error}")
    if not found and not problems:
        problems.append(f"{path}: no labelled article in it")
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        said = [*problems[:_MOST_PROBLEMS], f"{path}: and {more} more"] if more > 0 else problems
        raise LabelError(said)
    return tuple(found)


def held_out(home: Path, labels: Path | None) -> dict[str, tuple[Judged, ...]]:
    """The articles that no model is trained from, by file: of the labels, and of the home.

    Raises LabelError.
    """
    folders = [folder / "held-out" for folder in (labels, home) if folder]
    return {path.name: read(path) for folder in folders for path in sorted(folder.glob("*.jsonl"))}


def corpus(articles: Iterable[Judged]) -> Corpus:
    """A corpus whose topics are those that the articles name, in alphabetical order."""
    kept = tuple(articles)
    if not any(judged.main for judged in kept):
        raise LabelError(["labels: no article names a main topic"])
    names = sorted(set().union(*(judged.main | judged.mention for judged in kept)))
    topics = tuple(Topic(name, name, "as the labelled articles have it", {}) for name in names)
    return Corpus(topics, kept)


def _given(path: Path, problems: list[str]) -> Iterator[tuple[str, object]]:
    """Where each record stands, and the record."""
    try:
        if path.is_dir():
            yield from _annif(path, problems)
            return
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError([f"{path}: {error}"]) from error
    if text.lstrip().startswith("["):
        yield from _json_list(path, text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                problems.append(f"{path}:{number}: not JSON: {error}")


def _json_list(path: Path, text: str) -> Iterator[tuple[str, object]]:
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LabelError([f"{path}: not JSON: {error}"]) from error
    for number, task in enumerate(tasks, 1):
        yield f"{path}: task {number}", task


def _annif(folder: Path, problems: list[str]) -> Iterator[tuple[str, object]]:
    for path in sorted(folder.glob("*.txt")):
        subjects = [path.with_suffix(ending) for ending in (".tsv", ".key")]
        labels = next((file for file in subjects if file.exists()), None)
        try:
            text = path.read_text(encoding="utf-8")
            topics = labels.read_text(encoding="utf-8").splitlines() if labels else []
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: {error}")
            continue
        # A line is "<uri>\tlabel", or the label alone.
        names = [line.rpartition("\t")[2].strip() for line in topics if line.strip()]
        yield str(path), {"id": path.stem, "text": text, "main": names}


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
