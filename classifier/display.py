"""What the commands print for people in tables and bars: explanations, quality, progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from classifier.explaining import Explanation
from classifier.progress import Steps

# Into a pipe or a file there is no width to keep to.
_WIDTH = None if sys.stdout.isatty() else 120

out = Console(highlight=False, soft_wrap=True, width=_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator[Any]:
    """A function that takes what is being done, steps done and steps in all; shown on stderr.

    Of so many steps that they are articles it says how many a second, and where nobody looks at a
    terminal it says so in a line now and then.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    pace = Steps(title)
    with Progress(
        *columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal
    ) as bar:
        task = bar.add_task(title, total=None)

        def tell(what: str, done: int, steps: int) -> None:
            said = pace.said(what, done, steps, time.monotonic())
            bar.update(task, description=said, completed=done, total=steps)
            if not err.is_terminal and (line := pace.due(time.monotonic())):
                print(f"classifier: {line}", file=sys.stderr, flush=True)

        yield tell


def explained(explanation: Explanation, title: str) -> None:
    """What spoke for and against one topic, passage by passage and word by word."""
    verdict = explanation.grade or "not said"
    out.print(
        f"[bold]{escape(title)}[/]  {verdict}  {explanation.probability:.1%}"
        f"  (main from {explanation.cuts.main:.1%}, mention from {explanation.cuts.mention:.1%})"
    )
    parts = [f"{name} {value:+.2f}" for name, value in explanation.parts.items()]
    out.print(f"  log-odds: {', '.join(parts)}, offset {explanation.offset:+.2f}", style="dim")
    for passage in explanation.passages:
        mark = "*" if passage.counted else " "
        text = Text(f"  {mark} {passage.score:+.2f}  ")
        text.append_text(_coloured(passage.passage, passage.words))
        out.print(text)
    table = Table(box=None, padding=(0, 2))
    table.add_column("for", justify="right")
    table.add_column("")
    table.add_column("against", justify="right")
    table.add_column("")
    helped, hindered = explanation.strongest()
    for row in range(max(len(helped), len(hindered))):
        cells: list[str] = []
        for side in (helped, hindered):
            word, value = side[row] if row < len(side) else ("", 0.0)
            cells += [escape(word), f"{value:+.3f}" if word else ""]
        table.add_row(*cells)
    out.print(table)
    out.print()


def quality_table(figures: Mapping[str, Any], title: str) -> None:
    """Precision, recall, F1 and the rest: all, then a row a language, then a row a topic."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    table.add_column("", no_wrap=True)
    for name in ("articles", "main", "P", "R", "F1", "95 %", "AP", "ECE", "alarms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("all", *_figures(figures["all"]), style="bold")
    for group in ("languages", "topics"):
        table.add_section()
        for name, row in figures[group].items():
            table.add_row(name, *_figures(row))
    out.print(table)
    if figures.get("accuracy") is not None:
        out.print(f"accuracy {figures['accuracy']:.3f}: each article has one topic, the likeliest is it")


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Names on the left, numbers on the right."""
    shown = Table(title=escape(title), title_justify="left", box=None, padding=(0, 1))
    for number, head in enumerate(heads):
        shown.add_column(escape(head), justify="right" if number else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*map(escape, row))
    out.print(shown)


def _figures(row: Mapping[str, Any]) -> list[str]:
    low, high = row["f1_interval"]
    return [
        str(row["articles"]),
        str(row["positives"]),
        f"{row['precision']:.3f}",
        f"{row['recall']:.3f}",
        f"{row['f1']:.3f}",
        f"{low:.2f}–{high:.2f}",
        f"{row['average_precision']:.3f}",
        f"{row['calibration_error']:.3f}",
        f"{row['alarms']}/{row['quiet']}",
    ]


def _coloured(passage: str, contributions: Mapping[str, float]) -> Text:
    text = Text(passage)
    for word, value in contributions.items():
        if abs(value) >= 0.02:
            text.highlight_words([word], style="green" if value > 0 else "red")
    return text
