"""The console receiver: the alert as plain lines, whatever the article's text would like to be."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from daemon.console import ConsoleSender, rendered
from daemon.errors import TemporaryDeliveryError
from daemon.records import Alert, AlertTopic, Sent
from tests.builders import make_alert


def shown(alert: Alert, *, colours: bool = False) -> str:
    """What a receiver sees; without colours what it sees on a pipe."""
    screen = io.StringIO()
    console = Console(file=screen, highlight=False, force_terminal=colours, width=80)
    ConsoleSender(console).send(alert)
    return screen.getvalue()


def make_topic(passage: str = "The refinery restarted.", *words: str, grade: str = "main") -> AlertTopic:
    return AlertTopic("energy", "Energy", grade, 0.93, passage, words)


def test_an_alert_is_shown_with_its_facts_its_topics_and_their_passages() -> None:
    alert = make_alert(
        source="wire/asia",
        date="2026-03-05",
        topics=(make_topic(), make_topic("Exports grew.", grade="mention")),
    )

    assert shown(alert) == (
        "● Headline 1\n"
        "  wire/asia · 2026-03-05 · en · article-1.txt\n"
        "  Energy  93%\n"
        "    “The refinery restarted.”\n"
        "  Energy  93%  mention\n"
        "    “Exports grew.”\n"
        "\n"
    )


@pytest.mark.parametrize("text", ["[red]danger[/red]", "[/]", "[link=http://x]y[/link]", "[[1]]", ":fire:"])
def test_markup_in_an_article_has_no_effect(text: str) -> None:
    alert = make_alert(headline=text, source=text, file=text, topics=(make_topic(text, text),))

    said = shown(alert)

    assert said.count(text) == 4
    assert "\x1b" not in said


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    alert = make_alert(headline=text, topics=(make_topic(text, *text.split()[:3]),))

    plain = [line.plain for line in rendered(alert)]

    assert plain[0] == f"● {text}"
    assert plain[3] == f"    “{text}”"


def test_a_long_passage_stays_on_one_line_for_whoever_reads_it_from_a_pipe() -> None:
    passage = "The refinery restarted. " * 20

    assert passage in shown(make_alert(topics=(make_topic(passage),)))


def test_on_a_terminal_the_words_that_counted_stand_out() -> None:
    said = shown(make_alert(topics=(make_topic("The refinery restarted.", "refinery"),)), colours=True)

    bold = "\x1b[1;3m"
    assert f"{bold}refinery" in said


def test_where_it_was_put_is_not_told(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as screen:
        assert ConsoleSender(Console(file=screen)).send(make_alert()) == Sent()


def test_an_alert_is_out_when_the_sending_returns(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as screen:
        ConsoleSender(Console(file=screen)).send(make_alert())

        assert "Headline 1" in (tmp_path / "screen").read_text()


def test_a_full_disk_behind_standard_output_is_a_failure_for_now() -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115  closing it fails as well

    with pytest.raises(TemporaryDeliveryError, match=r"^standard output: .*No space left"):
        ConsoleSender(Console(file=full)).send(make_alert())

    with contextlib.suppress(OSError):
        full.close()


def test_what_was_shown_cannot_be_looked_up() -> None:
    sender = ConsoleSender()

    assert sender.can_look is False
    with pytest.raises(NotImplementedError):
        sender.find(make_alert(), 0.0)


def test_a_console_takes_as_many_as_come() -> None:
    sender = ConsoleSender()

    assert [sender.pause() for _ in range(10)] == [0.0] * 10
