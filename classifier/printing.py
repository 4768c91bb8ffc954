"""Tags and remarks as people read them: coloured on a terminal, plain in a pipe or a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from classifier.articles import Grade
from classifier.tagging import Evidence, Tagged

# Stretches of a line, each with its style in rich's words, and the words in it to set off.
_Line = tuple[list[tuple[str, str]], Sequence[str]]

_COLOURS = {Grade.MAIN: "bold green", Grade.MENTION: "yellow"}


def tagged(found: Tagged, titles: Mapping[str, str], file: str) -> None:
    """An article with its topics and the passage that carries each."""
    show = _coloured() if sys.stdout.isatty() or os.environ.get("FORCE_COLOR") else _plain
    for line in _lines(found, titles, file):
        show(line)


def visible(text: str) -> str:
    """A text in one line that does nothing to a terminal: a file's name may hold any character."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def lines(texts: Iterable[str]) -> None:
    for text in texts:
        print(text)


def _lines(found: Tagged, titles: Mapping[str, str], file: str) -> Iterator[_Line]:
    article = found.article
    facts = [fact for fact in (visible(file), article.date, article.language) if fact]
    yield [(article.headline, "bold")], ()
    yield [("  " + " · ".join(facts), "dim")], ()
    if not found.tags:
        yield [("  about none of the topics we follow", "dim")], ()
    for tag in found.tags:
        grade = f"  {tag.grade}  {tag.probability:.0%}"
        yield [("  ", ""), (titles[tag.topic], _COLOURS[tag.grade]), (grade, "")], ()
        if tag.grade is Grade.MAIN:
            yield _quoted(tag.evidence[0])
    yield [], ()


def _quoted(evidence: Evidence) -> _Line:
    """The passage of a piece of evidence with the words that counted set off."""
    return [(f"    “{evidence.passage}”", "italic")], [word for word, _ in evidence.words]


def _plain(line: _Line) -> None:
    print("".join(text for text, _ in line[0]))


@cache
def _coloured() -> Callable[[_Line], None]:
    # Imported here: it takes a good part of the time in which an article is tagged.
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)

    def show(line: _Line) -> None:
        stretches, words = line
        text = Text.assemble(*stretches)
        if words:
            text.highlight_words(words, style="bold cyan")
        console.print(text)

    return show
