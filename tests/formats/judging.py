"""A file read and held against what is expected of it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.reading import Reader
from classifier.rules import Rules, rules_of
from tests.formats import expecting
from tests.formats.measuring import Found, measure

_LEAST = 0.98  # of the words of an article
_MOST_FOREIGN = 0.02  # of the words found
_HOLDERS = frozenset({"eml", "mbox", "zip"})
_NOTHING = Found(0.0, 0.0, 0.0, 0.0, dict.fromkeys(["title", "date", "language"], "not read"))


class Readers:
    """A reader for each format, so that none profits from what another one has loaded.

    Those that hold files of other formats load all of them, and share one.
    """

    def __init__(self, expected: Sequence[dict[str, Any]]) -> None:
        self._owners = Reader(_owners_rules(expected))
        self._by_format: dict[str, Reader] = {}

    def reader(self, expected: dict[str, Any]) -> Reader:
        if "rules" in expected:
            return self._owners
        format = expected["format"]
        return self._by_format.setdefault("holder" if format in _HOLDERS else format, Reader())

    def __enter__(self) -> Readers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (*self._by_format.values(), self._owners):
            each.close()


def judge(reader: Reader, expected: dict[str, Any]) -> tuple[list[Found], list[str]]:
    """What was found of each article that a file must have, and all that falls short of what is promised."""
    wanted = expected["articles"]
    try:
        contents = reader.read((expecting.MADE / expected["file"]).read_bytes(), expected["file"])
    except UnreadableArticleError as error:
        return [_NOTHING] * len(wanted), [f"not read: {error.reason}"]
    complaints = []
    if len(contents.articles) != len(wanted):
        complaints.append(f"{len(contents.articles)} articles, not {len(wanted)}")
    if expected.get("guessed"):
        complaints += ["a guess is not told of" for each in contents.articles if not _tells_a_guess(each)]
    left_out = " ".join(contents.left_out)
    complaints += [f"{name} is not told of" for name in expected.get("left_out", ()) if name not in left_out]
    pairs = zip(contents.articles, wanted, strict=False)
    found = [measure(*pair, expected.get("paragraphs", 0)) for pair in pairs]
    found += [_NOTHING] * (len(wanted) - len(found))
    for article, one in zip(wanted, found, strict=True):
        said = faults(one, lines=expected["lines"])
        complaints += [f"{article['article']}: {each}" for each in said]
    return found, complaints


def faults(found: Found, *, lines: bool = True) -> list[str]:
    """Where what was found of an article falls short; `lines`: each of its paragraphs must be a line."""
    said = [f"{name}: {words}" for name, words in found.wrong.items()]
    said += [f"words recovered {found.recovered:.1%}"] if found.recovered < _LEAST else []
    said += [f"words in order {found.in_order:.1%}"] if found.in_order < _LEAST else []
    said += [f"foreign words {found.foreign:.1%}"] if found.foreign > _MOST_FOREIGN else []
    if lines and not said and found.whole < 1:
        said.append(f"paragraphs that are one line {found.whole:.0%}")
    return said


def _tells_a_guess(article: Article) -> bool:
    return any(caveat.startswith("encoding guessed") for caveat in article.caveats)


def _owners_rules(expected: Sequence[dict[str, Any]]) -> Rules:
    return rules_of(next(each["rules"] for each in expected if "rules" in each))
