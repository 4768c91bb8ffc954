"""A mailbox (mbox) ▶ the articles of all its mails. One that cannot be read costs the others nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.mail import reading
from classifier.formats.mime import parting
from classifier.formats.ways import Way

_MOST_MAILS = 5_000
_MEND = "part it into smaller mailboxes"

# A line of text may begin with "From " too: behind the one that opens a mail there are headers.
_OPENS = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]{0,1000}\n(?=>?[!-9;-~]{1,100}:|>?From )")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of the mails, in order; at least one. Raises UnreadableArticleError."""
    limits = way.rules.limits
    articles: list[Article] = []
    left_out: list[str] = []
    room = limits.characters
    number = 0
    for number, each in enumerate(_mails(data), 1):
        if number > _MOST_MAILS:
            raise UnreadableArticleError(f"too many mails: more than {_MOST_MAILS:,}", _MEND)
        try:
            found = reading.contents(parting.read(each, limits.parts), way)
        except UnreadableArticleError as failure:
            left_out.append(f"mail {number}: {failure.reason}")
            continue
        room -= sum(len(article.text) for article in found.articles)
        if room < 0:
            raise UnreadableArticleError(f"longer than {limits.characters:,} characters", _MEND)
        articles += found.articles
        left_out += [f"mail {number}: {line}" for line in found.left_out]
    if not articles:
        why = left_out[0] if left_out else "no mail in it"
        raise UnreadableArticleError(f"no text; {why}", "drop it again when there is text in it")
    return Contents(tuple(articles), tuple(left_out))


def warm() -> None:
    """Load what reads a mail."""
    reading.warm()


def _mails(data: bytes) -> Iterator[bytes]:
    """The bytes of each mail. What mbox says of their lengths is wrong too often to be used."""
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    start: int | None = None
    for match in _OPENS.finditer(data):
        if start is not None:
            yield _ESCAPED.sub(rb"\1", data[start : match.start()])
        start = match.end()
    if start is not None:
        yield _ESCAPED.sub(rb"\1", data[start:])
