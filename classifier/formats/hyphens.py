"""Lines of a paragraph ▶ one, with the words whole that were hyphenated at the ends of lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HYPHENS = ("-", "\u2010", "\u00ad")
_SOFT = "\u00ad"
_COMPOUND = re.compile(r"\w{1,30}[-\u2010]\w{1,30}")
_RARE = 0.05  # of lines: hyphens at so few ends are those of compounds
_ALWAYS_COMPOUND = frozenset("из-за из-под кто-то что-то как-то где-то куда-то какой-то кое-что".split())
_LAST_PARTS = frozenset(("нибудь", "либо", "таки"))


@dataclass(frozen=True, slots=True)
class Hyphens:
    """What the hyphens at the ends of a text's lines are: of compounds, or of words that were broken."""

    compounds: frozenset[str]
    are_rare: bool

    @classmethod
    def of(cls, lines: Sequence[str]) -> Hyphens:
        at_ends = sum(line.rstrip().endswith(HYPHENS) for line in lines)
        if not at_ends:
            return cls(frozenset(), are_rare=True)
        found = (each.casefold() for line in lines for each in _COMPOUND.findall(line))
        return cls(frozenset(found), are_rare=at_ends <= _RARE * len(lines))

    def joined(self, lines: Iterable[str]) -> str:
        parts: list[str] = []
        for line in lines:
            if parts:
                last = parts[-1]
                parts[-1] = last.rstrip(_SOFT)
                if not self._is_broken(last, line):
                    parts.append("" if _is_hyphenated(last) and line[:1].isalnum() else " ")
                elif last.endswith(HYPHENS[:2]):
                    parts[-1] = last[:-1]
            parts.append(line)
        return "".join(parts)

    def _is_broken(self, line: str, following: str) -> bool:
        """Whether the last word of a line goes on in the next."""
        if line.endswith(_SOFT):
            return True
        if not (_is_hyphenated(line) and following[:1].islower()):
            return False
        left, right = line[-31:-1].rsplit(maxsplit=1)[-1].casefold(), _word(following).casefold()
        compound = f"{left}-{right}"
        if compound in self.compounds or compound in _ALWAYS_COMPOUND or right in _LAST_PARTS:
            return False
        return not self.are_rare


def _is_hyphenated(line: str) -> bool:
    return line.endswith(HYPHENS) and line[-2:-1].isalnum()


def _word(line: str) -> str:
    found = re.match(r"\w{1,30}", line)
    return found[0] if found else ""
