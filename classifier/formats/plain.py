"""Plain text ▶ articles: one, or as many as a press-service digest or the owner's separators part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from classifier import dates
from classifier.articles import Article, Contents
from classifier.decoding import Decoded, decode
from classifier.errors import UnreadableArticleError, empty, too_long
from classifier.formats.heading import article_of
from classifier.formats.ways import Way

# How a press-service digest opens each of its articles: date, time, views.
_DIGEST_LINE = re.compile(r"^(\d{2}\.\d{2}\.\d{4}), (\d{2}:\d{2})[ \t]+\d+[ \t]*$", re.MULTILINE)
_MOST_ARTICLES = 2000  # of a file

# Lines that a mail client or a terminal broke are about as wide as their widest one. That must be so of
# nearly all, and most must break off within a sentence: a paragraph a line never looks like that.
_NARROWEST, _WIDEST = 55, 100  # characters of the widest line
_LEAST_BROKEN = 4  # lines
_MOST_SHORT = 0.05  # of broken lines could have held the next word as well
_MOST_SENTENCES = 0.5  # of broken lines end like one
_SENTENCE_ENDS = tuple('.!?…:;؟؛»”")')


@dataclass(frozen=True, slots=True)
class _Part:
    """The text of one article of a file, and what the line that opens it says."""

    text: str
    title: str | None = None
    date: str | None = None

    def article(self, caveats: tuple[str, ...]) -> Article:
        if not self.text.strip() and self.title:
            return article_of(self.title, date=self.date, caveats=caveats)
        return article_of(_unbroken(self.text), title=self.title, date=self.date, caveats=caveats)


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of a text, in order; at least one. Raises UnreadableArticleError."""
    decoded = decoded_within(data, way)
    parts = [part for part in _parts(decoded.text, way.rules.separators) if part.title or part.text.strip()]
    if not parts:
        raise empty()
    return Contents(tuple(part.article(decoded.caveats) for part in parts))


def warm() -> None:
    """Load what is loaded late."""
    from classifier import separators
    from classifier.formats import lines

    separators.openings("", ("=+",), 1)
    lines.joined([["One-", "two"]])


def decoded_within(data: bytes, way: Way) -> Decoded:
    """The text of bytes, which is no longer than the rules allow. Raises UnreadableArticleError."""
    most = way.rules.limits.characters
    if len(data) > 4 * most + 4:  # more characters than that, whatever they are in
        raise too_long(most)
    decoded = decode(data)
    if len(decoded.text) > most:
        raise too_long(most)
    return decoded


def _parts(text: str, patterns: tuple[str, ...]) -> Iterator[_Part]:
    """A file is parted at the owner's separators, else at the lines of a digest, else it is whole."""
    if patterns:
        # Loaded here: few owners have any.
        from classifier.separators import openings

        if found := openings(text, patterns, _MOST_ARTICLES + 1):
            _check_number(len(found))
            if any(map(str.isalpha, text[: found[0].start])):
                yield _Part(text[: found[0].start])
            ends = [each.start for each in found[1:]] + [len(text)]
            for each, end in zip(found, ends, strict=True):
                yield _Part(text[each.end : end], each.title, _date(each.date))
            return
    yield from _of_digest(text)


def _of_digest(text: str) -> Iterator[_Part]:
    heads = list(_DIGEST_LINE.finditer(text))
    if not heads:
        yield _Part(text)
        return
    _check_number(len(heads))
    yield _Part(text[: heads[0].start()])
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=True):
        yield _Part(text[head.end() : end], date=_moment(f"{head[1]} {head[2]}"))


def _check_number(articles: int) -> None:
    if articles > _MOST_ARTICLES:
        raise UnreadableArticleError(
            f"more than {_MOST_ARTICLES:,} articles in it", "part it into smaller files"
        )


def _date(said: str | None) -> str | None:
    return (dates.of_line(said) or dates.of_machine(said)) if said else None


def _moment(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%d.%m.%Y %H:%M").isoformat(timespec="minutes")
    except ValueError:
        return None


def _unbroken(text: str) -> str:
    """`text` with a paragraph a line, where its lines were broken to a width."""
    if len(text) > (_WIDEST + 1) * (text.count("\n") + 1):
        return text  # some line is longer: by far the most texts
    lines = text.split("\n")
    if not _NARROWEST <= max(map(len, lines)) <= _WIDEST:
        return text
    widest = max(len(line.strip()) for line in lines)
    if not _is_broken(lines, widest):
        return text
    from classifier.formats.lines import joined

    return "\n".join(joined(list(_paragraphs(lines, widest))))


def _is_broken(lines: list[str], widest: int) -> bool:
    pairs = [(line, after) for line, after in pairwise(map(str.strip, lines)) if line and after]
    short = sum(not _is_full(line, after, widest) for line, after in pairs)
    sentences = sum(line.endswith(_SENTENCE_ENDS) for line, _ in pairs)
    columns = sum("   " in line or "\t" in line for line, _ in pairs)
    return (
        len(pairs) >= _LEAST_BROKEN
        and short <= _MOST_SHORT * len(pairs)
        and sentences <= _MOST_SENTENCES * len(pairs)
        and columns <= _MOST_SHORT * len(pairs)
    )


def _is_full(line: str, after: str, widest: int) -> bool:
    """Whether the next line's first word had no room on a line."""
    return len(line) + 1 + len(after.split(None, 1)[0]) > widest - 1


def _paragraphs(lines: list[str], widest: int) -> Iterator[list[str]]:
    """Of broken lines: a paragraph ends at a blank line, at one that is not full and at one set in."""
    paragraph: list[str] = []
    for line in lines:
        text = line.strip()
        is_set_in = line[:2].isspace() and not (paragraph and paragraph[-1][:2].isspace())
        if paragraph and (not text or is_set_in or not _is_full(paragraph[-1].strip(), text, widest)):
            yield paragraph
            paragraph = []
        if text:
            paragraph.append(line)
    if paragraph:
        yield paragraph
