"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Rows = list[tuple[str, ...]]


def shown(columns: Sequence[str], rows: Rows) -> str:
    lines = [tuple(columns), ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
