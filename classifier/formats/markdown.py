"""Markdown ▶ an article, by CommonMark, with the title and date of its front matter."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from classifier import dates
from classifier.articles import Contents, compose
from classifier.errors import empty
from classifier.formats.heading import date_of
from classifier.formats.plain import decoded_within
from classifier.formats.ways import Way

_LEAST_KEPT = 0.5  # of a text's letters must be left when its marks are gone
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    decoded = decoded_within(data, way)
    matter, text = _front_matter(decoded.text)
    heading, blocks = (None, [text]) if way.simply else _plain(text)
    body = "\n".join(blocks).strip()
    if sum(map(str.isalnum, body)) < _LEAST_KEPT * sum(map(str.isalnum, text)):
        # Nested deeper than the parser goes, say. The text with its marks is better than none.
        heading, body = None, text.strip()
    title = matter.get("title") or heading
    if heading and title == heading and body.startswith(heading):
        body = body[len(heading) :].lstrip("\n")
    if not (title or body):
        raise empty()
    date = dates.of_machine(matter.get("date")) or date_of(body.split("\n"))
    author = matter.get("author")
    return Contents((compose(title, body, date=date, author=author, caveats=decoded.caveats),))


def warm() -> None:
    """Load the parser."""
    _plain("# One\n\n*two* [three](four)\n")


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """`key: value` lines between two `---` at the start, and the text behind them."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    pairs = (line.partition(":") for line in match[1].split("\n"))
    matter = {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs if value}
    return {key: value for key, value in matter.items() if value}, text[match.end() :]


def _plain(text: str) -> tuple[str | None, list[str]]:
    """The first heading, and the text of every block without its markup."""
    tokens = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).parse(text)
    heading: str | None = None
    blocks: list[str] = []
    for index, token in enumerate(tokens):
        if token.type == "inline":
            line = "".join(_words(child) for child in token.children or []).strip()
            if heading is None and tokens[index - 1].type == "heading_open":
                heading = line or None
            blocks.append(line)
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content.strip())
    return heading, [block for block in blocks if block]


def _words(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content  # of an image its description; of a link nothing, its text comes by itself
