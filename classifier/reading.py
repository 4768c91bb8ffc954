"""File ▶ articles: plain text here, all that needs a parser in the jail."""

from __future__ import annotations

import atexit
import errno
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import dates
from classifier.articles import Article, Contents, compose
from classifier.decoding import clean
from classifier.errors import UnreadableArticleError
from classifier.formats import keys, plain
from classifier.formats.kinds import Format
from classifier.formats.sniffing import sniff
from classifier.formats.ways import Way
from classifier.languages import detect
from classifier.rules import Rules

if TYPE_CHECKING:
    from classifier.jail import Jail

LARGEST_FILE = 64 * 1024 * 1024  # bytes

# Of the files in a folder, those that are tagged with it; each is then what its bytes say.
ENDINGS = frozenset(
    {".txt", ".text", ".md", ".markdown", "", ".html", ".htm", ".xhtml", ".mhtml", ".mht", ".pdf", ".docx"}
    | {".docm", ".odt", ".fodt", ".rtf", ".eml", ".mbox", ".json", ".ndjson", ".rss", ".atom", ".xml", ".zip"}
)


def read_bytes(path: Path, most: int = LARGEST_FILE) -> bytes:
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
        if status.st_size > most:
            raise UnreadableArticleError(f"larger than {most // 2**20} MiB", "part it into smaller files")
        with open(handle, "rb", closefd=False) as file:
            return file.read(most + 1)
    finally:
        os.close(handle)


class Reader:
    """Reads files by one set of rules. Its jail, for what needs a parser, starts when first used."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._jail: Jail | None = None

    @property
    def jail(self) -> Jail:
        if self._jail is None:
            from classifier.jail import Jail

            self._jail = Jail(self.rules)
        return self._jail

    def bytes_of(self, path: Path) -> bytes:
        """As `read_bytes`, of files as large as the rules allow."""
        return read_bytes(path, self.rules.limits.file_mib * 2**20)

    def read(self, data: bytes, name: str) -> Contents:
        """The contents of a file's bytes; at least one article.

        `name` counts only where the bytes leave open what they are. Raises UnreadableArticleError, and
        OSError where no process can be started just now.
        """
        format = sniff(data, name)
        if format is Format.TEXT:
            found = plain.read(data, name, Way(self.rules, _refuse))
        else:
            found = self.jail.read(format, data, name)
        return replace(found, articles=tuple(map(_in_its_language, found.articles)))

    def close(self) -> None:
        if self._jail is not None:
            self._jail.close()


def needs_jail(data: bytes, name: str) -> bool:
    """Whether a file is read in the jail, which takes many times longer than a plain text does."""
    try:
        return sniff(data, name) is not Format.TEXT
    except UnreadableArticleError:
        return False


def read_articles(data: bytes, name: str) -> tuple[Article, ...]:
    """The articles of a file's bytes, in order, by the usual rules; as `Reader.read`."""
    return _usual().read(data, name).articles


@cache
def _usual() -> Reader:
    reader = Reader()
    atexit.register(reader.close)
    return reader


def _refuse(data: bytes, name: str, way: Way) -> Contents:
    raise UnreadableArticleError("a file in a text", "drop the file itself")


def _in_its_language(article: Article) -> Article:
    return article if article.language else replace(article, language=detect(article.text))


def read_jsonl(
    path: Path, refuse: Callable[[UnreadableArticleError], None] | None = None
) -> Iterator[Article]:
    """Articles of a JSON Lines file: a text, and if they are there `id`, a title, `date`, `lang`.

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
    rules: Rules | None = None,
) -> Iterator[Article]:
    """As `read_jsonl`, from lines of a file of which `first` is the number of the first."""
    rules = rules or Rules()
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            article = _article_of_line(line, f"{file}:{number}", rules)
        except UnreadableArticleError as error:
            if refuse is None:
                raise
            refuse(error)
            continue
        yield article


def _article_of_line(line: str, where: str, rules: Rules) -> Article:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableArticleError(f"{where}: not JSON: {error}", "mend the line") from error
    text = keys.first(given, rules.text_fields, _string) if isinstance(given, dict) else None
    if text is None:
        return _article_of_a_service(given, where, rules)
    title, body = " ".join(clean(keys.first(given, rules.title_fields, _title) or "").split()), clean(text)
    if not body.strip():
        raise UnreadableArticleError(f"{where}: its text is empty", "give each line a text")
    return article_of_record(given, title, body)


def _article_of_a_service(given: object, where: str, rules: Rules) -> Article:
    """Of a record that calls its text as news services do; most archives have none, and never load this."""
    from classifier.formats.records.fields import article_of

    found = article_of(given, Way(rules, _refuse)) if isinstance(given, dict) else None
    if found is None:
        wanted = rules.text_fields[0]
        raise UnreadableArticleError(f'{where}: no "{wanted}" in it', "give each line a text")
    return _in_its_language(found)


def _string(given: object) -> str | None:
    return given if isinstance(given, str) else None


def _title(given: object) -> str | None:
    return str(given) if given else None


def article_of_record(given: dict[str, Any], title: str, body: str) -> Article:
    """An article of a JSON record with its `id`, `date` and `lang`, where they are there and sound."""
    language = given.get("lang")
    return compose(
        title or None,
        body,
        date=dates.of_machine(given.get("date")),
        language=language if isinstance(language, str) else detect(f"{title}\n{body}"),
        given_id=str(given["id"]) if given.get("id") is not None else None,
    )
