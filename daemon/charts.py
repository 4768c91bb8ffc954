"""Charts: how much there was of each topic, as a picture that can be read on a phone.

Drawn in a process of its own (`python -m daemon.charts`, JSON to PNG): matplotlib's 60 MB go back to
the machine, and a crash in it is only a digest without a picture.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import bidirectional

from pydantic import TypeAdapter

from daemon.messages import DigestBody

logger = logging.getLogger(__name__)

_LONGEST_REQUEST = 64 * 1024  # bytes of JSON
_LARGEST_PNG = 1024 * 1024  # bytes; ours have about 40 kB
_PNG = b"\x89PNG\r\n\x1a\n"

_MOST_ROWS, _MOST_DAYS = 9, 36
_LONGEST_TITLE = 60  # characters

# Okabe and Ito's palette: told apart by everyone, and on paper (jfly.uni-koeln.de/color).
_TOTAL, _BY_DAY, _TEXT, _FAINT = "#0072B2", "#56B4E9", "#1a1a1a", "#6b6b6b"
_LARGE, _PLAIN, _SMALL = 19, 16, 13  # points; the smallest is 7 dots high on a screen 400 dots wide
_TOP, _BOTTOM = 420, 50  # of the topics
_BARS, _DAYS, _RIGHT = 340, 740, 976  # where the bars begin, and the columns, and where these end
_MOST_NUMBERS, _MOST_DATES = 4, 3  # days that have room for a number, and for a date


@dataclass(frozen=True, slots=True)
class Row:
    """A topic and its articles; the id stands where the title cannot be drawn."""

    id: str
    title: str
    articles: int
    by_day: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Request:
    title: str
    days: tuple[str, ...]
    rows: tuple[Row, ...]
    others: int = 0  # topics for which there is no room


_REQUEST = TypeAdapter(Request)


def possible() -> bool:
    """Whether matplotlib is installed; it is not imported."""
    return importlib.util.find_spec("matplotlib") is not None


def png(body: DigestBody, *, timeout: float = 20.0) -> bytes | None:
    """The chart of a digest; None where it cannot be drawn in so many seconds, which is told in the log."""
    if not body.volumes:
        return None
    if not possible():
        _tell_once("charts cannot be drawn: matplotlib is not installed (pip install 'topicwire[report]')")
        return None
    try:
        return _drawn(_REQUEST.dump_json(request_of(body)), timeout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        logger.warning("a chart could not be drawn", extra={"error": type(error).__name__})
        return None


def request_of(body: DigestBody) -> Request:
    """What a digest's chart shows: the topics with the most articles, and the last days."""
    first = max(0, len(body.days) - _MOST_DAYS)
    shown = body.volumes[:_MOST_ROWS]
    return Request(
        title=f"{_short(body.title)}: articles by topic",
        days=tuple(_short(day) for day in body.days[first:]),
        rows=tuple(
            Row(_short(each.topic), _short(each.title), each.articles, each.by_day[first:]) for each in shown
        ),
        others=len(body.volumes) - len(shown),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"


@lru_cache(maxsize=8)
def _tell_once(message: str) -> None:
    logger.warning(message)


def _drawn(request: bytes, timeout: float) -> bytes | None:
    command = [sys.executable, "-m", "daemon.charts"]
    child = subprocess.run(command, input=request, capture_output=True, timeout=timeout, check=False)
    found = child.stdout
    if child.returncode == 0 and found.startswith(_PNG) and len(found) <= _LARGEST_PNG:
        return found
    said = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    logger.warning("a chart could not be drawn", extra={"code": child.returncode, "error": said[:200]})
    return None


# What follows runs in the process of its own.


def main() -> int:
    """Read a request on stdin and write its picture on stdout."""
    given = sys.stdin.buffer.read(_LONGEST_REQUEST + 1)
    if len(given) > _LONGEST_REQUEST:
        print("the request is too long", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(draw(_REQUEST.validate_json(given)))
    return 0


def draw(request: Request) -> bytes:
    """A PNG of 1000 × 500 dots, or lower: a bar for each topic, and beside it a small column for each day."""
    height = min(70.0, (_TOP - _BOTTOM) / max(len(request.rows), 1))
    page = _Page(bottom=_TOP - len(request.rows) * height - _BOTTOM)
    page.text(24, 452, request.title, _LARGE, width=952, weight="bold")
    most = max((row.articles for row in request.rows), default=0) or 1
    busiest = max((count for row in request.rows for count in row.by_day), default=0) or 1
    by_day = len(request.days) > 1
    for number, row in enumerate(request.rows):
        middle = _TOP - (number + 0.5) * height
        _draw_total(page, row, middle, height, (290 if by_day else 520) / most)
        if by_day:
            _draw_days(page, row.by_day, middle - 0.4 * height, 0.8 * height, busiest)
    if by_day:
        _draw_dates(page, request.days, _TOP - len(request.rows) * height)
    if request.others:
        page.text(24, 24, f"and {request.others} more topics", _SMALL, color=_FAINT)
    return page.png()


def _draw_total(page: _Page, row: Row, middle: float, height: float, scale: float) -> None:
    page.text(24, middle, page.drawable(row.title) or row.id, _PLAIN, width=_BARS - 40)
    page.bar(_BARS, middle - 0.3 * height, max(row.articles * scale, 2), 0.6 * height, _TOTAL)
    page.text(_BARS + row.articles * scale + 10, middle, f"{row.articles:,}", _PLAIN)


def _draw_days(page: _Page, by_day: tuple[int, ...], bottom: float, height: float, busiest: int) -> None:
    """One column a day; a few of them have room for their numbers."""
    step = (_RIGHT - _DAYS) / len(by_day)
    numbers = len(by_day) <= _MOST_NUMBERS
    room = height - 20 if numbers else height
    for place, count in enumerate(by_day):
        middle, width = _DAYS + (place + 0.5) * step, min(0.8 * step, 48)
        top = bottom + max(room * count / busiest, 1.5)
        page.bar(middle - width / 2, bottom, width, top - bottom, _BY_DAY)
        if numbers:
            page.text(middle, top + 9, f"{count:,}", _SMALL, align="center")


def _draw_dates(page: _Page, days: tuple[str, ...], bottom: float) -> None:
    step = (_RIGHT - _DAYS) / len(days)
    for place, day in enumerate(days):
        if len(days) <= _MOST_DATES or place in (0, len(days) - 1):
            middle = _DAYS + (place + 0.5) * step
            # The first and the last of many would stand out at the sides.
            middle = min(max(middle, _DAYS + 24), _RIGHT - 24)
            page.text(middle, bottom - 12, day, _SMALL, color=_FAINT, align="center")


class _Page:
    """Text and bars on a page of dots: 1000 wide, and 500 high above its lower left corner, or less.

    Not pyplot, which keeps all that it drew.
    """

    def __init__(self, bottom: float) -> None:
        import matplotlib
        from matplotlib import ft2font
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
        self._glyphs = frozenset(ft2font.FT2Font(str(file)).get_charmap())
        # From 3.11 on matplotlib joins Arabic letters, and writes them from right to left.
        self._shapes = hasattr(ft2font, "__libraqm_version__")
        self._figure = Figure((10, (500 - bottom) / 100), dpi=100)
        FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1), xlim=(0, 1000), ylim=(bottom, 500))
        self._axes.set_axis_off()

    def drawable(self, text: str) -> str | None:
        """The text, if the font that comes with matplotlib has all its letters and they can be set."""
        known = text.isprintable() and all(ord(letter) in self._glyphs for letter in text)
        plain = all(bidirectional(letter) not in ("R", "AL", "NSM") for letter in text)
        return text if text.strip() and known and (plain or self._shapes) else None

    def bar(self, left: float, bottom: float, width: float, height: float, color: str) -> None:
        from matplotlib.patches import Rectangle

        self._axes.add_patch(Rectangle((left, bottom), width, height, color=color, linewidth=0))

    def text(
        self, left: float, middle: float, text: str, size: int, *, width: float = 0.0, color: str = _TEXT,
        weight: str = "normal", align: str = "left",
    ) -> None:  # fmt: skip
        """A line of text, shortened where it is wider than it may be. A "$" in it begins no formula."""
        style: dict[str, Any] = {"fontsize": size, "color": color, "weight": weight, "ha": align}
        drawn = self._axes.text(left, middle, text, parse_math=False, va="center_baseline", **style)
        while width and len(text) > 1 and drawn.get_window_extent().width > width:
            text = text[:-1]
            drawn.set_text(f"{text.rstrip()}…")

    def png(self) -> bytes:
        drawn = io.BytesIO()
        self._figure.savefig(drawn, format="png", metadata={"Software": None})
        return drawn.getvalue()


if __name__ == "__main__":
    sys.exit(main())
