"""Tags as people read them."""

from __future__ import annotations

import re

import pytest

from classifier.articles import Article, Grade
from classifier.printing import tagged
from classifier.tagging import Evidence, Tag, Tagged

QUOTE = "Oil rose as [bold]Crude[/] met gas."
FOUND = Tagged(
    Article("Oil rose\nOil rose as [bold]Crude[/] met gas.", "Oil rose", "2026-03-05", "en"),
    (
        Tag("energy", Grade.MAIN, 0.934, (Evidence(QUOTE, 9, 44, 0.9, (("Oil", 1.5), ("gas", 1.0))),)),
        Tag("trade", Grade.MENTION, 0.3, (Evidence(QUOTE, 9, 44, 0.3, ()),)),
    ),
    {"energy": 0.934, "trade": 0.3},
    "1",
)
PRINTED = f"""Oil rose
  a.txt · 2026-03-05 · en
  Energy  main  93%
    “{QUOTE}”
  Trade [bold]  mention  30%

"""
TITLES = {"energy": "Energy", "trade": "Trade [bold]"}
ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


def test_into_a_pipe_go_the_words_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    tagged(FOUND, TITLES, "a.txt")

    assert capsys.readouterr().out == PRINTED


def test_a_terminal_shows_the_same_in_colours_with_the_words_that_counted_set_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    tagged(FOUND, TITLES, "a.txt")

    shown = capsys.readouterr().out
    assert ESCAPE.sub("", shown) == PRINTED
    bold_green, bold_cyan = "1;32", "1;3;36"
    assert f"\x1b[{bold_green}mEnergy" in shown
    assert [f"\x1b[{bold_cyan}m{word}" in shown for word in ("Oil", "gas", "Crude")] == [True, True, False]
