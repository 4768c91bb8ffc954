"""Lines of an article that are not its text: photo credits, "follow us", navigation."""

from __future__ import annotations


def is_boilerplate(line: str) -> bool:
    """Whether a line, stripped, says nothing of what the article is about."""
    return False
