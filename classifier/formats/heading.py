"""Text ▶ an article: where a text alone must say what its title and its date are."""

from __future__ import annotations

from classifier import dates
from classifier.articles import Article
from classifier.boilerplate import is_boilerplate
from classifier.errors import empty

_LONGEST_TITLE = 200  # characters
_SENTENCE_ENDS = ".!?…:;؟؛"
_FIRST_LINES = 5


def article_of(
    text: str, *, title: str | None = None, date: str | None = None, caveats: tuple[str, ...] = ()
) -> Article:
    """An article of a text whose title, unless it is given, may be its first line that says something.

    A line that is nothing but a date, above the title, below it or at the end, is the article's date,
    unless it is given. Raises UnreadableArticleError where there is no text.
    """
    lines = text.strip().split("\n")
    date = date or date_of(lines)
    lines = lines[_start(lines) :]
    lines[0] = lines[0].replace("\t", " ")  # it may be the title, which is one line wherever it is shown
    title = title and title.replace("\t", " ")
    body = "\n".join(lines)
    if not body.strip():
        raise empty()
    if title and lines[0].strip() != title:
        body = f"{title}\n{body}"
    return Article(body, title or _title(lines), date, caveats=caveats)


def _start(lines: list[str]) -> int:
    """How many lines are dates above the title, blank, or say where in a site it stood."""
    start = passed = 0
    while start < len(lines) - 1:
        line = lines[start].strip()
        if line:
            if passed == _FIRST_LINES or not (dates.of_line(line) or is_boilerplate(line)):
                break
            passed += 1
        start += 1
    return start


def _title(lines: list[str]) -> str | None:
    """The first line, where it is short, does not end like a sentence, and text follows it."""
    first = lines[0].strip()
    follows = any(line.strip() for line in lines[1:])
    if follows and len(first) <= _LONGEST_TITLE and first[-1] not in _SENTENCE_ENDS:
        return first
    return None


def date_of(lines: list[str]) -> str | None:
    """The date of a line that is nothing else, among the first or the last one."""
    for line in [*lines[:_FIRST_LINES], lines[-1]]:
        found = dates.of_line(line)
        if found:
            return found
    return None
