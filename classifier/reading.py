"""File ▶ articles: plain text and Markdown, one article or a press-service digest of many."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from classifier.articles import Article, compose
from classifier.decoding import clean, decode
from classifier.errors import UnreadableArticleError
from classifier.languages import detect

LARGEST_FILE = 64 * 1024 * 1024  # bytes
LONGEST_TEXT = 4 * 1024 * 1024  # characters

TEXT_ENDINGS = frozenset({".txt", ".text", ".md", ".markdown", ""})
MARKDOWN_ENDINGS = frozenset({".md", ".markdown"})

_LONGEST_TITLE = 200  # characters
_LEAST_KEPT = 0.5  # of a Markdown text's letters must be left when its marks are gone
# How a press-service digest opens each of its articles: date, time, views.
_DIGEST_LINE = re.compile(r"^(\d{2}\.\d{2}\.\d{4}), (\d{2}:\d{2})[ \t]+\d+[ \t]*$", re.MULTILINE)
_DATE_LINES = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "%Y-%m-%d"),
    (re.compile(r"\d{2}\.\d{2}\.\d{4}"), "%d.%m.%Y"),
    (re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}"), "%d %B %Y"),
    (re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4}"), "%B %d, %Y"),
)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_SENTENCE_ENDS = ".!?…:;؟؛"


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file. Never follows a link, waits for a pipe or opens a device.

    Raises UnreadableArticleError for what is not a regular file or is too large, and OSError
    for what may pass (rights, I/O errors, a file that has gone).
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnreadableArticleError("a symbolic link", "drop the file itself") from error
        raise
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableArticleError("not a regular file", "drop the article's file itself")
        if status.st_size > LARGEST_FILE:
            raise UnreadableArticleError(
                f"larger than {LARGEST_FILE // 2**20} MiB", "part it into smaller files"
            )
        with open(handle, "rb", closefd=False) as file:
            return file.read(LARGEST_FILE + 1)
    finally:
        os.close(handle)


def read_articles(data: bytes, name: str) -> tuple[Article, ...]:
    """The articles of a file's bytes, in order; at least one.

    `name` serves only to tell Markdown from plain text. Raises UnreadableArticleError.
    """
    ending = Path(name).suffix.lower()
    text = decode(data)
    if len(text) > LONGEST_TEXT:
        raise UnreadableArticleError(f"longer than {LONGEST_TEXT:,} characters", "part it into smaller files")
    if ending in MARKDOWN_ENDINGS:
        return (_markdown_article(text),)
    parts = _parts(text)
    articles = tuple(_article(body, date) for date, body in parts if body.strip())
    if not articles:
        raise UnreadableArticleError("empty", "drop it again when there is text in it")
    return articles


def read_jsonl(
    path: Path, refuse: Callable[[UnreadableArticleError], None] | None = None
) -> Iterator[Article]:
    """Articles of a JSON Lines file: `text`, and if they are there `id`, `title`, `date`, `lang`.

    A line that is none raises UnreadableArticleError with its place; where `refuse` is given, that
    hears of it and the next line is read.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        yield from articles_of_lines(lines, str(path), refuse=refuse)


def articles_of_lines(
    lines: Iterable[str],
    file: str,
    first: int = 1,
    refuse: Callable[[UnreadableArticleError], None] | None = None,
) -> Iterator[Article]:
    """As `read_jsonl`, from lines of a file of which `first` is the number of the first."""
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            article = _article_of_line(line, f"{file}:{number}")
        except UnreadableArticleError as error:
            if refuse is None:
                raise
            refuse(error)
            continue
        yield article


def _article_of_line(line: str, where: str) -> Article:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableArticleError(f"{where}: not JSON: {error}", "mend the line") from error
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise UnreadableArticleError(f'{where}: no "text" in it', "give each line a text")
    title, body = " ".join(clean(str(given.get("title") or "")).split()), clean(given["text"])
    if not body.strip():
        raise UnreadableArticleError(f'{where}: its "text" is empty', "give each line a text")
    return article_of_record(given, title, body)


def article_of_record(given: dict[str, Any], title: str, body: str) -> Article:
    """An article of a JSON record with its `id`, `date` and `lang`, where they are there and sound."""
    language = given.get("lang")
    return compose(
        title or None,
        body,
        date=_iso(given.get("date")),
        language=language if isinstance(language, str) else detect(f"{title}\n{body}"),
        given_id=str(given["id"]) if given.get("id") is not None else None,
    )


def _iso(given: object) -> str | None:
    """A date that is ISO 8601, as it is; None for any other."""
    if not isinstance(given, str):
        return None
    try:
        datetime.fromisoformat(given.strip())
    except ValueError:
        return None
    return given.strip()


def _parts(text: str) -> list[tuple[str | None, str]]:
    """Each article's date and text: a digest is parted at its date lines, other files are whole."""
    heads = list(_DIGEST_LINE.finditer(text))
    if not heads:
        return [(None, text)]
    ends = [head.start() for head in heads[1:]] + [len(text)]
    parts: list[tuple[str | None, str]] = [(None, text[: heads[0].start()])]
    for head, end in zip(heads, ends, strict=True):
        parts.append((_moment(f"{head[1]} {head[2]}"), text[head.end() : end]))
    return parts


def _moment(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%d.%m.%Y %H:%M").isoformat(timespec="minutes")
    except ValueError:
        return None


def _article(text: str, date: str | None) -> Article:
    lines = text.strip().split("\n")
    date = date or _date(lines)
    while len(lines) > 1 and (not lines[0].strip() or _date(lines[:1])):
        del lines[0]  # a date above the title
    body = "\n".join(lines)
    return Article(body, _title(lines), date, detect(body))


def _title(lines: list[str]) -> str | None:
    """The first line, where it is short, does not end like a sentence, and text follows it."""
    first = lines[0].strip()
    follows = any(line.strip() for line in lines[1:])
    if follows and len(first) <= _LONGEST_TITLE and first[-1] not in _SENTENCE_ENDS:
        return first
    return None


def _date(lines: list[str]) -> str | None:
    """A date that stands alone on one of the first lines or the last one."""
    for line in [*lines[:5], lines[-1]]:
        for pattern, form in _DATE_LINES:
            if pattern.fullmatch(line.strip()):
                try:
                    return datetime.strptime(line.strip(), form).date().isoformat()
                except ValueError:
                    continue
    return None


def _markdown_article(text: str) -> Article:
    from classifier import markdown

    matter, text = _front_matter(text)
    heading, blocks = markdown.plain(text)
    body = "\n".join(blocks).strip()
    if sum(map(str.isalnum, body)) < _LEAST_KEPT * sum(map(str.isalnum, text)):
        # Nested deeper than the parser goes, say. The text with its marks is better than none.
        heading, body = None, text.strip()
    title = matter.get("title") or heading
    if heading and title == heading and body.startswith(heading):
        body = body[len(heading) :].lstrip("\n")
    if not (title or body):
        raise UnreadableArticleError("empty", "drop it again when there is text in it")
    date = _iso(matter.get("date")) or _date(body.split("\n"))
    return compose(title, body, date=date, language=detect(f"{title or ''}\n{body}"))


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """`key: value` lines between two `---` at the start, and the text behind them."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    pairs = (line.partition(":") for line in match[1].split("\n"))
    matter = {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs if value}
    return {key: value for key, value in matter.items() if value}, text[match.end() :]
