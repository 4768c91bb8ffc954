"""Verdict labels: what desks said of articles, topic by topic, who and when; and what of it counts.

A file of them is JSON Lines, an article a line: `{"id"?, "title"?, "text", "lang"?, "verdicts":
[{"topic", "verdict": "right" | "wrong", "by", "at", "weight"?, "settles"?}], "evidence"?: {topic:
[passage text, …]}}`. `right`: the article is about the topic; `wrong`: it is not. What nobody said
of a topic is not known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from classifier.articles import Article, compose, shorten
from classifier.decoding import clean
from classifier.errors import LabelError
from classifier.labels import said_again
from classifier.languages import detect

HEAVIEST = 10.0  # a verdict may weigh so many shipped labels
_LIGHTEST = 0.1
_MOST_OF_ONE_MIND = 3  # people who agree weigh together as much as so many
_SHOWN = 60  # characters of a wrong value
_WORDS = ("right", "wrong")


@dataclass(frozen=True, slots=True)
class Said:
    """A person's verdict on a topic; `at` is UTC. `settles`: it outweighs what was said of it before."""

    topic: str
    right: bool
    by: str
    at: datetime
    weight: float = 1.0
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """An article, all that people said of it, and where that stands."""

    article: Article
    said: tuple[Said, ...]
    evidence: Mapping[str, tuple[str, ...]]  # topic ▶ the passages that carried its tag
    where: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts of all that people said of an article."""

    right: frozenset[str]
    wrong: frozenset[str]
    disputed: frozenset[str]  # people say the contrary of it, and nobody settled it
    weights: Mapping[str, float]  # of the topics that are right or wrong


def standing(said: Iterable[Said]) -> Standing:
    """Of each person the last word on a topic counts, and nothing that somebody settled later.

    People of one mind weigh together what each weighs, three of them at most.
    """
    right, wrong, contested = set[str](), set[str](), set[str]()
    weights: dict[str, float] = {}
    for topic, counted in _counted(said).items():
        if _is_disputed(counted):
            contested.add(topic)
            continue
        (right if counted[0].right else wrong).add(topic)
        heaviest = sorted((each.weight for each in counted), reverse=True)[:_MOST_OF_ONE_MIND]
        weights[topic] = math.fsum(heaviest)
    return Standing(frozenset(right), frozenset(wrong), frozenset(contested), weights)


def disputed(said: Iterable[Said]) -> dict[str, list[Said]]:
    """The topics of which people say the contrary, with the words on each that count."""
    return {topic: counted for topic, counted in _counted(said).items() if _is_disputed(counted)}


def _is_disputed(counted: list[Said]) -> bool:
    return len({each.right for each in counted}) > 1


def _counted(said: Iterable[Said]) -> dict[str, list[Said]]:
    """By topic, of each person the last word, as far as nobody settled it later; in order of time."""
    last_words: dict[str, dict[str, Said]] = {}
    for each in sorted(said, key=_order):
        last_words.setdefault(each.topic, {})[each.by] = each
    return {topic: _unsettled(sorted(words.values(), key=_order)) for topic, words in last_words.items()}


def _unsettled(in_time: list[Said]) -> list[Said]:
    """The last word that settles the others, and what came after it; all where there is none."""
    settling = max((number for number, each in enumerate(in_time) if each.settles), default=0)
    return in_time[settling:]


def _order(said: Said) -> tuple[datetime, bool]:
    return said.at, said.settles


def joined(opinions: Iterable[Opinion]) -> list[Opinion]:
    """One opinion an article: what several files say of the same text is said of one article."""
    found: dict[str, Opinion] = {}
    for opinion in opinions:
        first = found.setdefault(opinion.article.fingerprint, opinion)
        if first is not opinion:
            said = tuple(dict.fromkeys(first.said + opinion.said))
            evidence = {**opinion.evidence, **first.evidence}
            found[opinion.article.fingerprint] = replace(first, said=said, evidence=evidence)
    return list(found.values())


def read_verdicts(path: Path, known: Collection[str]) -> tuple[Opinion, ...]:
    """A file of verdict labels. Raises LabelError with every problem in it."""
    problems: list[str] = []
    found: list[Opinion] = []
    places: dict[str, list[str]] = {}
    for number, line in _lines(path):
        where = f"{path}:{number}"
        try:
            opinion = _opinion(json.loads(line), where, known)
        except RecursionError:
            problems.append(f"{where}: not JSON that we read: too deep")
        except json.JSONDecodeError as error:
            problems.append(f"{where}: not JSON: {error}")
        except ValueError as error:
            problems.append(f"{where}: {error}")
        else:
            places.setdefault(opinion.article.fingerprint, []).append(where)
            found.append(opinion)
    for first, *again in places.values():
        problems += said_again(first, again)
    if problems:
        raise LabelError.of(path, problems)
    return tuple(found)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError([f"{path}: {error}"]) from error
    # Not splitlines(): U+2028 and its like may stand inside a text.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _opinion(given: object, where: str, known: Collection[str]) -> Opinion:
    if not isinstance(given, dict):
        raise ValueError("should be an object")
    given_verdicts = given.get("verdicts")
    if not isinstance(given_verdicts, list) or not given_verdicts:
        raise ValueError('"verdicts" should be a list of one or more')
    said = tuple(_said(each, known) for each in given_verdicts)
    return Opinion(_article(given), said, _evidence(given.get("evidence"), known), where)


def _article(given: dict[str, Any]) -> Article:
    """As tagging sees it: the text begins with the title, where there is one."""
    text, title, language = given.get("text"), given.get("title"), given.get("lang")
    if not isinstance(text, str) or not (text := clean(text).strip()):
        raise ValueError('"text" should be a text')
    if title is not None and not isinstance(title, str):
        raise ValueError('"title" should be a text')
    if language is not None and (not isinstance(language, str) or not language.isalpha()):
        raise ValueError('"lang" should be the code of a language, such as "kk"')
    title, language = " ".join(clean(title or "").split()) or None, language or detect(text)
    first = text.split("\n", 1)[0].strip()
    if title is None or " ".join(first.split()) == title:
        return Article(text, title and first, language=language)
    return compose(title, text, language=language)


def _said(given: object, known: Collection[str]) -> Said:
    if not isinstance(given, dict):
        raise ValueError('each of "verdicts" should be an object')
    topic, verdict, by, at = (given.get(key) for key in ("topic", "verdict", "by", "at"))
    weight, settles = given.get("weight", 1.0), given.get("settles", False)
    if not isinstance(topic, str) or topic not in known:
        raise ValueError(f"no topic {_shown(topic)} in topics.toml")
    if verdict not in _WORDS:
        raise ValueError(f'"verdict" should be "right" or "wrong", not {_shown(verdict)}')
    if not isinstance(by, str) or not by.strip():
        raise ValueError('"by" should be who says so')
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise ValueError('"weight" should be a number')
    if not _LIGHTEST <= weight <= HEAVIEST:
        raise ValueError(f'"weight" should be from {_LIGHTEST:g} to {HEAVIEST:g}, not {weight:g}')
    if not isinstance(settles, bool):
        raise ValueError('"settles" should be true or false')
    return Said(topic, verdict == "right", by.strip(), _moment(at), float(weight), settles)


def _moment(given: object) -> datetime:
    """A moment without a zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(given if isinstance(given, str) else "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f'"at" should be a moment, such as "2026-03-05T12:00:00Z", not {_shown(given)}'
        ) from None


def _shown(given: object) -> str:
    return shorten(repr(given), _SHOWN)


def _evidence(given: object, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError('"evidence" should be an object of topics')
    found = {}
    for topic, passages in sorted(given.items()):
        if topic not in known:
            raise ValueError(f'no topic {_shown(topic)} in topics.toml, named in "evidence"')
        if not isinstance(passages, list) or not all(isinstance(each, str) for each in passages):
            raise ValueError('"evidence" of a topic should be a list of passages')
        found[topic] = tuple(clean(each).strip() for each in passages)
    return found
