"""The way one file is read: what a format's module is told besides the bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.rules import Rules


@dataclass(frozen=True, slots=True)
class Way:
    """The owner's rules, and how deep in containers we are.

    `simply`: a first reading took too long or too much memory, so only what is surely cheap is left.
    `open` opens what is in a container, whatever its format.
    """

    rules: Rules
    open: Callable[[bytes, str, Way], Contents]
    simply: bool = False
    depth: int = 0

    def inside(self, data: bytes, name: str) -> Contents:
        """The contents of a file in this one. Raises UnreadableArticleError, also where that is too deep."""
        if self.depth >= self.rules.limits.depth:
            raise UnreadableArticleError("packed too deep", "unpack it and drop what is inside")
        return self.open(data, name, replace(self, depth=self.depth + 1))
