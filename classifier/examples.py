"""Labelled articles from a JSON Lines file, and how a model does on them.

A line is `{"id", "title"?, "text", "main": [...], "mention": [...], "lang"?}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.articles import Article, Grade, compose
from classifier.decoding import clean
from classifier.errors import LabelError
from classifier.evaluation import Judgements, flags
from classifier.languages import detect
from classifier.model import Model


@dataclass(frozen=True, slots=True)
class Example:
    """An article and what a person judged of it as a whole."""

    article: Article
    main: frozenset[str]
    mention: frozenset[str]


def read(path: Path) -> tuple[Example, ...]:
    """The examples of a file. Raises LabelError with every line that is not one."""
    problems: list[str] = []
    found: list[Example] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError([f"{path}: {error}"]) from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(_example(json.loads(line)))
            except (ValueError, RecursionError) as error:
                problems.append(f"{path}:{number}: {error}")
    if not found and not problems:
        problems.append(f"{path}: no example in it")
    if problems:
        raise LabelError(problems)
    return tuple(found)


def judge(model: Model, examples: Sequence[Example], tell: Callable[[str, int, int], None]) -> Judgements:
    """What was true of the examples beside what the model says of them."""
    tagged = []
    for number, example in enumerate(examples):
        tell("tagging", number, len(examples))
        tagged.append(model.tag(example.article))
    said = [frozenset(found.topics(Grade.MAIN)) for found in tagged]
    return Judgements(
        topics=model.topics,
        languages=tuple(example.article.language or "?" for example in examples),
        main=flags(model.topics, [example.main for example in examples]),
        mention=flags(model.topics, [example.mention for example in examples]),
        said=flags(model.topics, said),
        probabilities=np.array([[found.probabilities[t] for t in model.topics] for found in tagged]),
    )


def _example(given: object) -> Example:
    if not isinstance(given, dict):
        raise ValueError("should be an object")
    if not isinstance(given.get("text"), str) or not given["text"].strip():
        raise ValueError('"text" should be a text')
    main, mention = _topics(given, "main"), _topics(given, "mention")
    if main & mention:
        raise ValueError(f"{sorted(main & mention)} are both main and mention")
    title, body = clean(str(given.get("title") or "")).strip(), clean(given["text"])
    language = given.get("lang") or detect(f"{title}\n{body}")
    named = str(given["id"]) if given.get("id") is not None else None
    article = compose(title or None, body, language=language, given_id=named)
    return Example(article, main, mention)


def _topics(given: dict[str, object], key: str) -> frozenset[str]:
    topics = given.get(key, [])
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        raise ValueError(f'"{key}" should be a list of topics')
    return frozenset(topics)
