"""The console receiver: a message as plain lines, whatever the article's text would like to be."""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from rich.console import Console

from daemon.console import ConsoleSender, rendered
from daemon.errors import TemporaryDeliveryError
from daemon.messages import DigestBody, Entry, Form, Leading, Message, TopicVolume, alone
from daemon.records import AlertTopic, Sent
from tests.builders import make_alert
from tests.hostile import MESSAGES

MESSAGE = alone(make_alert())


def shown(message: Message, *, colours: bool = False) -> str:
    """What a receiver sees; without colours what it sees on a pipe."""
    screen = io.StringIO()
    console = Console(file=screen, highlight=False, force_terminal=colours, width=80)
    ConsoleSender(console).send(message)
    return screen.getvalue()


def make_topic(passage: str = "The refinery restarted.", *words: str, grade: str = "main") -> AlertTopic:
    return AlertTopic("energy", "Energy", grade, 0.93, passage, words)


def test_an_alert_is_shown_with_its_facts_its_topics_and_their_passages() -> None:
    alert = make_alert(
        source="wire/asia",
        date="2026-03-05",
        topics=(make_topic(), make_topic("Exports grew.", grade="mention")),
    )

    assert shown(alone(alert)) == (
        "● Headline 1\n"
        "  wire/asia · 2026-03-05 · en · article-1.txt\n"
        "  Energy  93%\n"
        "    “The refinery restarted.”\n"
        "  Energy  93%  mention\n"
        "    “Exports grew.”\n"
        "\n"
    )


def test_a_follow_up_says_of_which_story_and_what_is_new() -> None:
    alert = make_alert(follows="Refinery burns", news=("4.5 million", "Aktau"))

    assert shown(alone(alert)).split("\n")[:2] == [
        "● Headline 1",
        "  ↳ follow-up of “Refinery burns” · new: 4.5 million, Aktau",
    ]


def test_a_story_says_who_else_tells_it() -> None:
    entry = Entry(make_alert(), also_in=("Daily", "Gazette"), further=2)

    assert "  also in: 2 sources (Daily, Gazette)\n" in shown(replace(MESSAGE, entries=(entry,)))


def test_several_alerts_are_shown_one_by_one() -> None:
    entries = tuple(Entry(make_alert(number=number)) for number in (1, 2))

    said = shown(Message("k", "desk", Form.BURST, entries, more=3))

    assert re.findall(r"(?m)^(?:●|\d|and).*", said) == [
        "5 articles at once",
        "● Headline 1",
        "● Headline 2",
        "and 3 more",
    ]


def test_a_digest_is_shown_with_its_numbers_and_leading_articles() -> None:
    volume = TopicVolume("energy", "Energy", 12, (5, 7), (Leading("Refinery restarts", None, "Wire", 0.9),))
    body = DigestBody("Digest of 22 November", "21 November", "22 November", 14, ("21 Nov",), (volume,))

    assert shown(Message("k", "desk", Form.DIGEST, digest=body)) == (
        "■ Digest of 22 November\n"
        "  14 articles · 1 topic · 21 November – 22 November\n"
        "  Energy  12\n"
        "    Refinery restarts — Wire\n"
        "\n"
    )


@pytest.mark.parametrize("text", ["[red]danger[/red]", "[/]", "[link=http://x]y[/link]", "[[1]]", ":fire:"])
def test_markup_in_an_article_has_no_effect(text: str) -> None:
    alert = make_alert(headline=text, source=text, file=text, follows=text, topics=(make_topic(text, text),))

    said = shown(alone(alert))

    assert said.count(text) == 5
    assert "\x1b" not in said


@given(MESSAGES)
@settings(max_examples=40, deadline=None)
def test_no_control_character_and_no_turn_of_direction_reaches_the_terminal(message: Message) -> None:
    for line in rendered(replace(message, entries=message.entries[:1])):
        assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in line.plain)
        assert not re.search("[\u200e\u200f\u202a-\u202e]", line.plain)


def test_a_long_passage_stays_on_one_line_for_whoever_reads_it_from_a_pipe() -> None:
    passage = "The refinery restarted. " * 20

    assert passage.strip() in shown(alone(make_alert(topics=(make_topic(passage),))))


def test_on_a_terminal_the_words_that_counted_stand_out() -> None:
    alert = make_alert(topics=(make_topic("The refinery restarted.", "refinery"),))

    bold = "\x1b[1;3m"
    assert f"{bold}refinery" in shown(alone(alert), colours=True)


def test_where_it_was_put_is_not_told(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as screen:
        assert ConsoleSender(Console(file=screen)).send(MESSAGE) == Sent()


def test_a_message_is_out_when_the_sending_returns(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as screen:
        ConsoleSender(Console(file=screen)).send(MESSAGE)

        assert "Headline 1" in (tmp_path / "screen").read_text()


def test_a_full_disk_behind_standard_output_is_a_failure_for_now() -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115  closing it fails as well

    with pytest.raises(TemporaryDeliveryError, match=r"^standard output: .*No space left"):
        ConsoleSender(Console(file=full)).send(MESSAGE)

    with contextlib.suppress(OSError):
        full.close()


def test_what_was_shown_can_neither_be_looked_up_nor_shown_anew() -> None:
    sender = ConsoleSender()

    assert (sender.can_look, sender.can_thread, sender.groups) == (False, False, False)
    with pytest.raises(NotImplementedError):
        sender.find(MESSAGE, 0.0)
    with pytest.raises(NotImplementedError):
        sender.update(MESSAGE, Sent())
    with pytest.raises(NotImplementedError):
        sender.upload(b"", "chart")


def test_a_console_takes_as_many_as_come() -> None:
    sender = ConsoleSender()

    assert [sender.pause() for _ in range(10)] == [0.0] * 10
    assert sender.update_pause() == 0.0
