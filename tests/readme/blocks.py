"""What stands between the fences of a page: commands, configurations, and what is shown of them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """`kind` is what stands behind the fence ("sh", "toml", or nothing); `line` where it begins, from 1."""

    kind: str
    text: str
    line: int

    @property
    def commands(self) -> list[str]:
        """Its commands, one that goes on behind a backslash as one; without those that are only a remark."""
        whole = self.text.replace("\\\n", "").splitlines()
        return [line for line in whole if line.strip() and not line.lstrip().startswith("#")]


def blocks_of(page: str) -> list[Block]:
    """All fenced blocks, in their order."""
    return [
        Block(found["kind"], textwrap.dedent(found["text"]), page.count("\n", 0, found.start()) + 2)
        for found in _FENCE.finditer(page)
    ]


def inline(page: str) -> list[str]:
    """What stands between single backticks in running text, line ends as blanks."""
    text = _FENCE.sub("", page)
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", text)]
