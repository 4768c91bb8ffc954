"""The topics we follow, as `labels/topics.toml` holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.defaults import shipped
from classifier.errors import LabelError

# Words that open a row of a label sheet, so they cannot be the name of a topic.
RESERVED = frozenset({"article", "main", "mention"})

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_KEYS = {"title", "covers", "terms", "retired"}


@dataclass(frozen=True, slots=True)
class Topic:
    """What an article can be about. The id never changes; the title may."""

    id: str
    title: str
    covers: str
    terms: Mapping[str, tuple[str, ...]]
    retired: bool = False


def load_topics(path: Path, own: Path | None = None) -> tuple[Topic, ...]:
    """The topics of a file, in its order. Raises LabelError with every problem found.

    `own`, if it is there, adds topics of the user's, and to a topic that has the same id another
    title, another `covers`, `retired`, and terms beside the shipped ones.
    """
    text, tables = _read(path)
    sources = dict.fromkeys(tables, (path, text))
    if own is not None and own.exists():
        own_text, own_tables = _read(own)
        for key, table in own_tables.items():
            sources[key] = (own, own_text)
            tables[key] = _merged(tables.get(key), table)
    problems: list[str] = []
    topics = [_topic(*sources[key], key, table, problems) for key, table in tables.items()]
    problems += _terms_of_two_topics(sources, topics)
    if not topics:
        problems.append(f"{path}: no topic in it; add a table such as [energy]")
    if problems:
        raise LabelError(problems)
    return tuple(topics)


def topics_of(home: Path) -> tuple[Topic, ...]:
    """The shipped topics with what a home's own labels/topics.toml adds and changes."""
    return load_topics(shipped("labels") / "topics.toml", _own(home))


def retired_of(home: Path) -> tuple[Topic, ...]:
    """Those of `topics_of` that are retired."""
    # To read all topics for that takes longer than to tag an article, and mostly there are none.
    if not _own(home).exists() and b"retired" not in (shipped("labels") / "topics.toml").read_bytes():
        return ()
    return tuple(topic for topic in topics_of(home) if topic.retired)


def _own(home: Path) -> Path:
    return home / "labels" / "topics.toml"


def _read(path: Path) -> tuple[str, dict[str, object]]:
    import tomllib

    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabelError([f"{path}: {error}"]) from error


def _merged(shipped: object, own: object) -> object:
    if not isinstance(shipped, dict) or not isinstance(own, dict):
        return own
    shipped_terms, own_terms = shipped.get("terms", {}), own.get("terms", {})
    merged = {**shipped, **own}
    if isinstance(shipped_terms, dict) and isinstance(own_terms, dict):
        merged["terms"] = {**shipped_terms}
        for language, terms in own_terms.items():
            before = merged["terms"].get(language, [])
            added = terms if isinstance(terms, list) and isinstance(before, list) else None
            merged["terms"][language] = terms if added is None else [*before, *added]
    return merged


def _topic(path: Path, text: str, key: str, table: object, problems: list[str]) -> Topic:
    where = f"{path}:{_line(text, key)}: topic {key!r}"
    if not _ID.fullmatch(key) or key in RESERVED:
        problems.append(f"{where}: an id is lower-case words parted by '-', and not {sorted(RESERVED)}")
    if not isinstance(table, dict):
        problems.append(f"{where}: should be a table")
        return Topic(key, key, "", {})
    for unknown in sorted(set(table) - _KEYS):
        problems.append(f"{where}: unknown key {unknown!r}; known are {sorted(_KEYS)}")
    for needed in ("title", "covers"):
        if not isinstance(table.get(needed), str) or not table[needed].strip():
            problems.append(f"{where}: {needed!r} is missing")
    retired = table.get("retired", False)
    if not isinstance(retired, bool):
        problems.append(f"{where}: 'retired' is true or false")
    terms = {
        language: _terms(path, text, key, language, given, problems)
        for language, given in _mapping(table.get("terms", {}), where, problems).items()
    }
    return Topic(key, str(table.get("title")), str(table.get("covers")), terms, bool(retired))


def _mapping(value: object, where: str, problems: list[str]) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    problems.append(f"{where}: 'terms' holds one list a language, as in terms.en = [...]")
    return {}


def _terms(
    path: Path, text: str, key: str, language: str, given: object, problems: list[str]
) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(term, str) for term in given):
        line = _line(text, key, f"terms.{language}")
        problems.append(f"{path}:{line}: topic {key!r}: terms.{language} should be a list of strings")
        return ()
    seen: set[str] = set()
    for term in given:
        if not term.strip() or term.casefold() in seen:
            line = _line(text, key, f'"{term}"')
            problems.append(f"{path}:{line}: topic {key!r}: term {term!r} is empty or stands twice")
        seen.add(term.casefold())
    return tuple(given)


def _terms_of_two_topics(sources: Mapping[str, tuple[Path, str]], topics: list[Topic]) -> list[str]:
    owner: dict[tuple[str, str], str] = {}
    problems = []
    for topic in topics:
        path, text = sources[topic.id]
        for language, terms in topic.terms.items():
            for term in terms:
                first = owner.setdefault((language, term.casefold()), topic.id)
                if first != topic.id:
                    line = _line(text, topic.id, f'"{term}"')
                    problems.append(
                        f"{path}:{line}: term {term!r} ({language}) speaks for"
                        f" {first!r} and for {topic.id!r}; a term has one topic"
                    )
    return problems


def _line(text: str, key: str, needle: str = "") -> int:
    """The line of a topic's table, or of what stands in it; 1 where it is not found."""
    head = re.search(rf"^\[[\"']?{re.escape(key)}[\"']?\]", text, re.MULTILINE)
    start = head.start() if head else 0
    found = text.find(needle, start)
    return text.count("\n", 0, found if found >= 0 else start) + 1
