"""Markdown ▶ its text, by CommonMark. In a module of its own: only a Markdown file needs the parser."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token


def plain(text: str) -> tuple[str | None, list[str]]:
    """The first heading, and the text of every block without its markup."""
    tokens = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).parse(text)
    heading: str | None = None
    blocks: list[str] = []
    for index, token in enumerate(tokens):
        if token.type == "inline":
            line = "".join(_plain(child) for child in token.children or []).strip()
            if heading is None and tokens[index - 1].type == "heading_open":
                heading = line or None
            blocks.append(line)
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content.strip())
    return heading, [block for block in blocks if block]


def _plain(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content  # of an image its description; of a link nothing, its text comes by itself
