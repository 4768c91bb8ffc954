"""Charts: what a digest's picture shows, and that a digest goes without it where it cannot be drawn."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import charts
from daemon.charts import Request, Row
from daemon.messages import DigestBody, TopicVolume

drawn = pytest.mark.skipif(not charts.possible(), reason="needs matplotlib, topicwire[report]")

ARABIC = "الطاقة والمعادن"
DAYS = ("21 Nov", "22 Nov")


def body(*counts: tuple[int, ...], days: tuple[str, ...] = DAYS, title: str = "Energy") -> DigestBody:
    return DigestBody(
        title="Digest of 22 November",
        since="21 November, 08:00",
        until="22 November, 08:00",
        articles=9,
        days=days,
        volumes=tuple(
            TopicVolume(f"topic-{number}", title, sum(by_day), by_day, ())
            for number, by_day in enumerate(counts)
        ),
    )


def size(png: bytes) -> tuple[int, int]:
    """Width and height, as the header of a PNG has them (RFC 2083, 4.1.1)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pixels(png: bytes) -> Any:
    from matplotlib.image import imread

    return np.round(imread(io.BytesIO(png))[:, :, :3] * 255).astype(int)


def bars(png: bytes, color: str) -> list[int]:
    """How wide the bars of a colour are, from the top down."""
    wanted = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    widths = (np.abs(pixels(png) - wanted).max(axis=2) < 3).sum(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], widths > 0, [0]])))
    return [int(np.median(widths[top:bottom])) for top, bottom in edges.reshape(-1, 2)]


def text_like(png: bytes) -> bytes:
    """Where letters stand: whatever is dark in the place of the titles."""
    dark: bytes = (pixels(png)[70:, 20:330].max(axis=2) < 100).tobytes()
    return dark


def request(title: str = "Energy", id: str = "energy", days: tuple[str, ...] = ("22 Nov",)) -> Request:
    return Request("Digest", days, (Row(id, title, 3, (3,) * len(days)),))


# The picture


@drawn
def test_a_digest_has_a_picture_that_is_drawn_by_a_process_of_its_own() -> None:
    found = charts.png(body((2, 3), (1, 1)))

    assert found is not None
    width, height = size(found)
    assert width == 1000
    assert 150 < height <= 500
    assert len(found) < 100_000


@drawn
def test_the_daemon_itself_does_not_load_matplotlib() -> None:
    asked = (
        "import sys, daemon.charts as c; c.possible(); print([m for m in sys.modules if 'matplotlib' in m])"
    )

    assert subprocess.check_output([sys.executable, "-c", asked], text=True) == "[]\n"


@drawn
def test_bars_are_as_long_as_there_are_articles() -> None:
    rows = tuple(Row(f"t{count}", "Energy", count, (count,)) for count in (40, 20, 10))

    long, half, quarter = bars(charts.draw(Request("Digest", ("22 Nov",), rows)), charts._TOTAL)

    assert half == pytest.approx(long / 2, abs=2)
    assert quarter == pytest.approx(long / 4, abs=2)


@drawn
@pytest.mark.parametrize("days", [1, 2, 7, 36])
def test_each_day_has_its_column_beside_the_bar(days: int) -> None:
    shown = charts.draw(request(days=tuple(f"{day + 1} Nov" for day in range(days))))
    wanted = [int(charts._BY_DAY[at : at + 2], 16) for at in (1, 3, 5)]

    lit = (np.abs(pixels(shown) - wanted).max(axis=2) < 3).any(axis=0)

    assert np.count_nonzero(np.diff(lit.astype(int)) == 1) == (days if days > 1 else 0)


@drawn
def test_the_most_topics_that_there_can_be_fit_on_the_page() -> None:
    found = charts.request_of(body(*[(count, count) for count in range(30, 0, -1)]))

    assert (len(found.rows), found.others) == (9, 21)
    shown = charts.draw(found)
    assert size(shown) == (1000, 500)
    assert len(bars(shown, charts._TOTAL)) == 9


@drawn
def test_a_long_title_is_shortened_and_stays_left_of_the_bars() -> None:
    shown = pixels(charts.draw(request("Very long title " * 20)))

    assert (shown[70:, 325:339].min(axis=2) > 200).all()


@drawn
@pytest.mark.parametrize("title", ["$\\frac{1}{$", "能源", "Energy \U0001faa8", "a\nb", "\u202eygrenE", " "])
def test_a_title_that_cannot_be_drawn_gives_way_to_the_topics_id_or_is_drawn_as_it_stands(title: str) -> None:
    shown = text_like(charts.draw(request(title, "energy")))

    by_id = text_like(charts.draw(request("energy", "energy")))
    assert (shown == by_id) is (not title.startswith("$"))


@drawn
@pytest.mark.parametrize("shapes", [True, False])
def test_an_arabic_title_is_drawn_where_matplotlib_joins_its_letters_and_else_the_id(
    monkeypatch: pytest.MonkeyPatch, shapes: bool
) -> None:
    from matplotlib import ft2font

    if shapes and not hasattr(ft2font, "__libraqm_version__"):
        pytest.skip("needs matplotlib 3.11")
    if not shapes:
        monkeypatch.delattr(ft2font, "__libraqm_version__", raising=False)

    shown = text_like(charts.draw(request(ARABIC)))

    assert (shown == text_like(charts.draw(request("energy")))) is not shapes


@drawn
@pytest.mark.parametrize("title", ["Көлік және логистика", "Энергетика", "Énergie & mines <b>"])
def test_titles_in_our_languages_are_drawn(title: str) -> None:
    shown = charts.draw(request(title))

    assert text_like(shown) != text_like(charts.draw(request("energy")))


# What may go wrong


def test_a_digest_without_topics_has_no_picture() -> None:
    assert charts.png(body()) is None


def test_without_matplotlib_there_is_no_picture_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    charts._tell_once.cache_clear()

    assert not charts.possible()
    assert [charts.png(body((1, 2))) for _ in range(3)] == [None] * 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "topicwire[report]" in caplog.text


@pytest.mark.parametrize(
    "script",
    [
        "echo 'ModuleNotFoundError: no' >&2; exit 1",
        "kill -9 $$",
        "exit 0",
        "echo no picture",
        "printf '\\211PNG\\r\\n\\032\\n'; exit 1",
        "printf '\\211PNG\\r\\n\\032\\n'; head -c 2000000 /dev/zero",
        "exec sleep 60",
        None,
    ],
)
def test_a_picture_that_cannot_be_drawn_costs_a_line_in_the_log_and_little_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, script: str | None
) -> None:
    python = tmp_path / "python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(charts, "possible", lambda: True)
    before = time.monotonic()

    assert charts.png(body((1, 2)), timeout=0.5) is None

    assert time.monotonic() - before < 5
    assert [record.getMessage() for record in caplog.records] == ["a chart could not be drawn"]


@drawn
def test_it_is_drawn_where_there_is_no_home_to_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    for name in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    assert charts.png(body((1, 2))) is not None


def test_what_is_asked_of_the_other_process_is_bounded() -> None:
    huge = body(*[(10**9,) * 400] * 500, days=("22 November",) * 400, title="T" * 10_000)

    found = charts.request_of(huge)

    asked = charts._REQUEST.dump_json(found)
    assert len(asked) < 10_000
    assert len(found.days) == len(found.rows[0].by_day) == 36
    assert found.rows[0].articles == 400 * 10**9


def test_the_other_process_reads_no_more_than_it_was_promised() -> None:
    flood = b'{"title": "' + b"x" * 100_000
    ended = subprocess.run(
        [sys.executable, "-m", "daemon.charts"], input=flood, capture_output=True, env=os.environ, check=False
    )

    assert ended.returncode == 1
    assert ended.stdout == b""
    assert ended.stderr == b"the request is too long\n"
