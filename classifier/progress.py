"""How far a long run has come, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

SHOWN_AFTER = 1.0  # seconds
FIRST_LINE = 10.0  # seconds, where there is no bar
LINES_EVERY = 60.0  # seconds
ARTICLES = 1000  # steps; so many are counted in articles

Tell = Callable[[int, int], None]


@dataclass
class Pace:
    """Articles and bytes done, of bytes in all once those are counted, and how fast since the start."""

    articles: int = 0
    size: int = 0
    total: int | None = None
    seconds: float = 0.0
    _first: tuple[int, int] = field(default=(0, 0))

    def __post_init__(self) -> None:
        self._first = (self.articles, self.size)

    @property
    def rate(self) -> float:
        """Articles a second."""
        return (self.articles - self._first[0]) / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """Seconds, or None where nobody can know."""
        done = self.size - self._first[1]
        if not self.total or not done:
            return None
        return max(self.total - self.size, 0) * self.seconds / done

    def __str__(self) -> str:
        said = f"{self.articles:,} articles, {self.rate:,.0f} a second"
        if self.total:
            said += f", {min(self.size / self.total, 1.0):.0%}"
        return said if self.left is None else f"{said}, {_time(self.left)} left"


class Steps:
    """How a long work of several parts goes on, in a line. Knows the time only by what it is told."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._what = ""
        self._began: tuple[int, float] = (0, 0.0)  # of this part: steps done, and when
        self._line = ""  # that may be said where there is no bar
        self._next: float | None = None

    def said(self, what: str, done: int, steps: int, now: float) -> str:
        """What is being done, and how many articles a second."""
        if what != self._what:
            self._what, self._began = what, (done, now)
        if self._next is None:
            self._next = now + FIRST_LINE
        said = f"{self._title}: {what}"
        if steps < ARTICLES:
            return said
        rate = (done - self._began[0]) / (now - self._began[1]) if now > self._began[1] else 0.0
        said += f", {rate:,.0f} articles a second" if rate else ""
        self._line = f"{said}, {done:,} of {steps:,}"
        return said

    def due(self, now: float) -> str:
        """The line, where it is time for one."""
        if not self._line or self._next is None or now < self._next:
            return ""
        self._next = now + LINES_EVERY
        return self._line


@contextmanager
def shown(pace: Pace, total: Callable[[], int], *, bar: bool) -> Iterator[Tell]:
    """A function that takes the articles and bytes that were done since it was last called.

    A short run shows nothing. `total` counts the bytes in all; it may take its time, the work
    does not wait for it.
    """
    started = time.monotonic()
    show: Callable[[Pace], None] | None = None

    def count() -> None:
        with suppress(OSError):
            pace.total = total()

    def tell(articles: int, size: int) -> None:
        nonlocal show
        pace.articles += articles
        pace.size += size
        pace.seconds = time.monotonic() - started
        if show is None and pace.seconds >= SHOWN_AFTER:
            threading.Thread(target=count, daemon=True, name="counting the input").start()
            show = stack.enter_context(_bar()) if bar else _Lines(sys.stderr)
        if show is not None:
            show(pace)

    with ExitStack() as stack:
        yield tell


class _Lines:
    """A line now and then."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._next = FIRST_LINE

    def __call__(self, pace: Pace) -> None:
        if pace.seconds >= self._next:
            self._next = pace.seconds + LINES_EVERY
            print(f"classifier: {pace}", file=self._to, flush=True)


@contextmanager
def _bar() -> Iterator[Callable[[Pace], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns: tuple[Any, ...] = (TextColumn("tagging"), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def show(pace: Pace) -> None:
            progress.update(task, description=str(pace), completed=pace.size, total=pace.total)

        yield show


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
