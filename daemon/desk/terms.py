"""A newsroom's own topics file, edited: HOME/labels/topics.toml, with everything else in it kept.

It holds what is different from the topics that come with topicwire. Terms that come with it stay: the file
can add to them, and cannot take any away.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, Table

from classifier import LabelError, Topic, load_topics, shipped
from daemon import whole
from daemon.desk.languages import marked
from daemon.errors import DaemonError
from daemon.neutral import cleaned
from daemon.passages import LOCK

MOST_TERMS = 1000  # of a topic and language, of one's own
_LONGEST = {"title": 100, "covers": 1000, "term": 100}
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NOT_READABLE = "\ufffd"  # what stands for bytes that are not UTF-8
_BOM = "\ufeff"
_MOST_COMPLAINTS = 20


class StaleError(DaemonError):
    """The file is another one than the form was made from."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, in our words with places for `values`; `name` is the field, "" for the whole."""

    name: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form says of a topic; `terms` are one's own, by language."""

    title: str
    covers: str
    terms: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The file as it stands. `version` tells two contents apart; `complaints` say why it cannot be edited."""

    text: str
    version: str
    tables: Mapping[str, Any]
    complaints: tuple[str, ...] = ()

    def own(self, topic: str) -> Mapping[str, Any]:
        """What it says of a topic."""
        found = self.tables.get(topic, {})
        return found if isinstance(found, dict) else {}

    def terms(self, topic: str) -> dict[str, tuple[str, ...]]:
        """The terms that it adds to a topic, by language."""
        found = self.own(topic).get("terms", {})
        if not isinstance(found, dict):
            return {}
        return {
            language: tuple(map(str, terms)) for language, terms in found.items() if isinstance(terms, list)
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What a draft changes. Terms are language and term, in the order of the draft."""

    title: tuple[str, str] | None
    covers: tuple[str, str] | None
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.title or self.covers or self.added or self.removed)


def own_file(home: Path) -> Path:
    return home / "labels" / "topics.toml"


@cache
def shipped_topics() -> Mapping[str, Topic]:
    """The topics that come with topicwire, by id."""
    return {topic.id: topic for topic in load_topics(shipped("labels") / "topics.toml")}


def read(home: Path) -> Sheet:
    """The file, or an empty one where there is none."""
    path = own_file(home)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    except OSError as error:
        return Sheet("", "", {}, (f"labels/topics.toml: {error.strerror}",))
    version = hashlib.sha256(content).hexdigest()[:32]
    try:
        text = content.decode("utf-8")
        return Sheet(text, version, tomllib.loads(text.removeprefix(_BOM)))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Sheet("", version, {}, (f"labels/topics.toml: {error}",))


def draft_of(fields: Mapping[str, str], known: Sequence[str]) -> tuple[Draft, tuple[Complaint, ...]]:
    """What a form's fields say, and what is wrong with them by themselves.

    `title`, `covers` and, for each of the `known` languages, `terms_LANGUAGE` with a term a line.
    """
    complaints: list[Complaint] = []
    title, covers = (_line(fields.get(name, ""), name, complaints) for name in ("title", "covers"))
    terms = {}
    for language in known:
        name = f"terms_{language}"
        found = _terms(fields.get(name, ""), name, complaints)
        if found:
            terms[language] = found
    return Draft(title, covers, terms), tuple(complaints[:_MOST_COMPLAINTS])


def difference(sheet: Sheet, topic: Topic | None, id: str, draft: Draft) -> Difference:
    """What a draft changes of a topic as it is now; None for one that is new."""
    before = [(language, term) for language, terms in sheet.terms(id).items() for term in terms]
    after = [(language, term) for language, terms in draft.terms.items() for term in terms]
    title, covers = (topic.title, topic.covers) if topic else ("", "")
    return Difference(
        (title, draft.title) if title != draft.title else None,
        (covers, draft.covers) if covers != draft.covers else None,
        tuple(each for each in after if each not in before),
        tuple(each for each in before if each not in after),
    )


def with_draft(sheet: Sheet, id: str, draft: Draft) -> str:
    """The file's text with what a draft says of a topic, as far as it differs from what is shipped."""
    base = shipped_topics().get(id)
    wanted: dict[str, str | None] = {
        "title": None if base and base.title == draft.title else draft.title,
        "covers": None if base and base.covers == draft.covers else draft.covers,
    }

    def change(table: Table) -> None:
        for name, value in wanted.items():
            _set(table, name, value)
        _set_terms(table, draft.terms)

    expected = {**sheet.own(id), **{name: value for name, value in wanted.items() if value is not None}}
    for name, value in wanted.items():
        if value is None:
            expected.pop(name, None)
    expected.pop("terms", None)
    if draft.terms:
        expected["terms"] = {language: list(terms) for language, terms in draft.terms.items()}
    return _changed(sheet, id, change, expected)


def with_retired(sheet: Sheet, id: str, retired: bool) -> str:
    """The file's text with a topic retired or brought back."""
    base = shipped_topics().get(id)
    value = None if retired == bool(base and base.retired) else retired
    expected = {name: given for name, given in sheet.own(id).items() if name != "retired"}
    if value is not None:
        expected["retired"] = value
    return _changed(sheet, id, lambda table: _set(table, "retired", value), expected)


def save(home: Path, version: str, text: str) -> None:
    """Put a new text in the place of the version that it was made from, as a whole.

    Raises StaleError where another version stands there, LabelError with every problem where the
    classifier would not load it, DaemonError where it cannot be written; then nothing has changed.
    """
    path = Path(os.path.realpath(own_file(home)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole.alone(own_file(home).parent / LOCK):
            if read(home).version != version:
                raise StaleError("labels/topics.toml has changed meanwhile")
            whole.write(path, text.encode(), check=_must_load)
    except OSError as error:
        raise DaemonError(f"labels/topics.toml cannot be written: {error.strerror}") from error


def complaints_of(error: LabelError, draft: Draft) -> tuple[Complaint, ...]:
    """The loader's problems, each at the field that it is about."""
    return tuple(
        Complaint(_field_of(problem, draft), "%(problem)s", {"problem": problem})
        for problem in error.problems[:_MOST_COMPLAINTS]
    )


def _field_of(problem: str, draft: Draft) -> str:
    if "an id is" in problem:
        return "id"
    for language, terms in draft.terms.items():
        said = f"terms.{language} " in problem or f"({language})" in problem
        if said or ("stands twice" in problem and any(f"term {term!r} " in problem for term in terms)):
            return f"terms_{language}"
    return next((name for name in ("title", "covers") if f"'{name}'" in problem), "")


def _line(given: str, name: str, complaints: list[Complaint]) -> str:
    found = " ".join(given.split())
    if not found:
        complaints.append(Complaint(name, marked("This must not be empty.")))
    else:
        complaints += _unsound(found, name, _LONGEST[name])
    return found


def _terms(given: str, name: str, complaints: list[Complaint]) -> tuple[str, ...]:
    lines = [each.strip(" \t") for each in _LINE_ENDS.split(given)]
    found = [each for each in lines if each]
    if len(found) > MOST_TERMS:
        said = marked("These are %(number)s terms; at most %(most)s of a language are taken.")
        complaints.append(Complaint(name, said, {"number": len(found), "most": MOST_TERMS}))
        return tuple(found[:MOST_TERMS])
    seen: set[str] = set()
    for term in found:
        unsound = list(_unsound(term, name, _LONGEST["term"]))
        if unsound:
            complaints += unsound
            break
        if term.casefold() in seen:
            said = marked("The term “%(term)s” stands twice.")
            complaints.append(Complaint(name, said, {"term": term}))
        seen.add(term.casefold())
    return tuple(found)


def _unsound(text: str, name: str, longest: int) -> Iterator[Complaint]:
    shown = cleaned(text)[:60]
    if _NOT_READABLE in text:
        yield Complaint(name, marked("“%(text)s” is not UTF-8."), {"text": shown})
    elif cleaned(text) != " ".join(text.split(" ")) or not text.strip():
        yield Complaint(name, marked("“%(text)s” has characters that cannot be seen."), {"text": shown})
    elif len(text) > longest:
        said = marked("“%(text)s…” is longer than %(most)s characters.")
        yield Complaint(name, said, {"text": shown, "most": longest})


def _changed(sheet: Sheet, id: str, change: Callable[[Table], None], expected: Mapping[str, Any]) -> str:
    """The text with a topic's table changed. Raises DaemonError where it did not come out as expected:
    TOML can be written in ways that are not edited here.
    """
    if sheet.complaints:
        raise DaemonError(sheet.complaints[0])
    bom = _BOM if sheet.text.startswith(_BOM) else ""
    try:
        document = tomlkit.parse(sheet.text.removeprefix(_BOM))
        if id not in document:
            if document.as_string().strip():
                document.add(tomlkit.nl())
            document.add(id, tomlkit.table())
        table: Any = document[id]
        change(table)
        if not table.as_string().strip():
            document.remove(id)
        text = document.as_string()
        found = tomllib.loads(text)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise DaemonError(_BY_HAND) from error
    wanted = {**sheet.tables, id: dict(expected)}
    if not expected and id not in found:
        del wanted[id]
    if found != wanted:
        raise DaemonError(_BY_HAND)
    return bom + text


_BY_HAND = marked("labels/topics.toml is written in a way that cannot be edited here; edit the file by hand.")


def _set(table: Table, name: str, value: str | bool | None) -> None:
    if value is None:
        table.pop(name, None)
    elif table.get(name) != value:
        table[name] = value


def _set_terms(table: Table, wanted: Mapping[str, Sequence[str]]) -> None:
    for language in list(table.get("terms", ())):
        if language not in wanted:
            _terms_in(table).pop(language)
    if not table.get("terms"):
        table.pop("terms", None)
    for language, terms in wanted.items():
        found = _terms_in(table) if "terms" in table else None
        if found is not None and language in found:
            _set_array(found[language], terms)
        elif found is None or isinstance(found, OutOfOrderTableProxy):
            # As `terms.kk = [...]`, each in a line of its own.
            table.append(tomlkit.key(["terms", language]), _array(terms))
        else:
            found[language] = _array(terms)


def _terms_in(table: Table) -> Any:
    return table["terms"]


def _set_array(array: Array, wanted: Sequence[str]) -> None:
    """In place, so that comments between its lines stay."""
    for place in range(len(array) - 1, -1, -1):
        if array[place] not in wanted:
            del array[place]
    if list(array) != [each for each in wanted if each in array]:
        array.clear()
    for place, term in enumerate(wanted):
        if place >= len(array) or array[place] != term:
            array.insert(place, term)


def _array(terms: Sequence[str]) -> Array:
    found = tomlkit.array()
    found.extend(terms)
    return found.multiline(len(terms) > 4)


def must_load(text: str) -> None:
    """Raises LabelError with every problem where the classifier would not load a text."""
    with tempfile.TemporaryDirectory(prefix="topicwire-") as folder:
        file = Path(folder) / "topics.toml"
        file.write_bytes(text.encode())
        _must_load(file)


def _must_load(path: Path) -> None:
    try:
        load_topics(shipped("labels") / "topics.toml", path)
    except LabelError as error:
        names = ((str(path), "labels/topics.toml"), (str(shipped("labels")), "shipped"))
        problems = []
        for problem in error.problems:
            for name, said in names:
                problem = problem.replace(name, said)  # noqa: PLW2901
            problems.append(problem)
        raise LabelError(problems) from error
