"""The page that the benchmark writes: sections of rows, those of earlier runs kept."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
import sklearn
from rich.table import Table

from tests.measuring import Compared

Cells = tuple[str, ...]

_OF_ANOTHER_RUN = "*Of another run than the rest.*"
_HEAD = """# Speed

Written by `make bench`. A row compares two ways of doing the same, by turns in one run: the ratio is
the result, the times stand there so that it can be read. Each figure is the median of its rounds,
and "rounds" the smallest and the largest ratio. The machine may do other work meanwhile: what one
process does alone is therefore timed by its processor time, and wide rounds tell that it was disturbed.
`make bench ARGS="{parts}"` runs any of its parts.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A table of one part, with what a reader has to know of it before and what was noted after."""

    title: str
    about: str
    columns: Cells
    rows: Sequence[Cells]
    notes: Sequence[str] = ()

    def as_table(self) -> Table:
        table = Table(*self.columns, title=self.title, caption="\n".join(self.notes), caption_justify="left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def as_markdown(self) -> str:
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        parts = [self.about.strip(), "\n".join(f"| {' | '.join(line)} |" for line in lines)]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts)


def compared(
    title: str,
    about: str,
    columns: Cells,
    rows: Sequence[Compared],
    notes: Sequence[str] = (),
) -> Section:
    """A section of comparisons; `columns` name the row, the slow way, the fast way and their ratio."""
    return Section(title, about, (*columns, "rounds"), [row.cells for row in rows], notes)


def written(
    sections: Sequence[Section], titles: Sequence[str], parts: Sequence[str], machine: str, before: str
) -> str:
    """The page with these sections, and those of `before` that were not measured now, marked as such."""
    texts = {
        title: text if _OF_ANOTHER_RUN in text else f"{_OF_ANOTHER_RUN}\n\n{text}"
        for title, text in _sections(before).items()
    }
    texts |= {section.title: section.as_markdown() for section in sections}
    found = [f"## {title}\n\n{texts[title]}\n" for title in titles if title in texts]
    return "\n".join([_HEAD.format(parts=" ".join(parts)), f"{machine}\n", *found])


def _sections(page: str) -> dict[str, str]:
    _, *found = re.split(r"^## ", page, flags=re.MULTILINE)
    return {title: text.strip() for title, _, text in (each.partition("\n") for each in found)}


def machine() -> str:
    """What the figures depend on, and how busy the machine was before we began."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return (
        f"Here: {cores} cores with a load of {load:.1f} before it began, Python {platform.python_version()},"
        f" scikit-learn {sklearn.__version__}, numpy {numpy.__version__}."
    )
