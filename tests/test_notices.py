"""Notices: what the daemon tells of itself is owed once, goes alone, and is harmless and short enough."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console
from sqlalchemy import Connection, text

from daemon import composing, deliveries, notices, plain
from daemon.blocks import blocks, problems
from daemon.console import ConsoleSender
from daemon.database import Database
from daemon.dispatch import Dispatch, Manner
from daemon.errors import UnknownOutcomeError
from daemon.grouping import Burst
from daemon.messages import Form, Message, Notice
from tests.asked import around
from tests.builders import NOON, make_alert, owe
from tests.desk import Desk
from tests.hostile import request
from tests.newsroom import Clocks
from tests.test_blocks import texts

NOTICE = Notice(
    "A new model serves: 20260305-030000",
    (
        "Trained by 214 verdicts.",
        "",
        "1 alert lost:",
        "  Energy at the energy desk: Refinery restarts",
    ),
)


def message(notice: Notice) -> Message:
    return Message("k", "ops", Form.REPORT, notice=notice)


def test_a_notice_has_a_header_and_a_section_for_each_of_its_parts() -> None:
    found = blocks(message(NOTICE))

    assert [block["type"] for block in found] == ["header", "section", "section"]
    assert texts(found) == [
        "A new model serves: 20260305-030000",
        "Trained by 214 verdicts.",
        "1 alert lost:\n• Energy at the energy desk: Refinery restarts",
    ]


def test_without_blocks_it_says_the_same_in_lines() -> None:
    lines = [
        "A new model serves: 20260305-030000",
        "Trained by 214 verdicts.",
        "1 alert lost:",
        "• Energy at the energy desk: Refinery restarts",
    ]
    screen = io.StringIO()

    ConsoleSender(Console(file=screen, highlight=False, width=80)).send(message(NOTICE))

    assert plain.text(message(NOTICE)).split("\n") == lines
    assert screen.getvalue().rstrip("\n").split("\n") == [
        f"■ {lines[0]}",
        *(f"  {each}" for each in lines[1:]),
    ]
    assert plain.fallback(message(NOTICE)) == (
        "A new model serves: 20260305-030000. Trained by 214 verdicts. 1 alert lost:"
        " • Energy at the energy desk: Refinery restarts."
    )


def test_columns_are_parted_by_a_dot_where_letters_have_many_widths() -> None:
    table = Notice("Report", ("receiver  topic   gained  lost", "desk      energy       2     0"))

    assert texts(blocks(message(table)))[1:] == ["receiver · topic · gained · lost\ndesk · energy · 2 · 0"]


def test_what_an_article_says_in_it_pings_nobody_and_formats_nothing() -> None:
    hostile = Notice(
        "<!channel> *boss*", ("gained: <!here> *b* :fire: <https://evil.example|x>", "  > quote")
    )

    said = texts(blocks(message(hostile)))

    assert said[0] == "<!channel> *boss*"  # a header has no markup
    assert said[1] == ("gained: &lt;!here&gt; ∗b∗ ∶fire: &lt;https://evil.example|x&gt;\n• &gt; quote")


@pytest.mark.parametrize(
    "line", ["Lost at the desk: Refinery restarts", "لا شيء " * 60, "", "  <!channel>" * 90]
)
def test_a_long_one_is_cut_and_says_how_many_lines_more_there_are(line: str) -> None:
    long = Notice("Report", tuple(f"{line} {number}" for number in range(900)))

    body = request(message(long))

    assert problems(body) == []
    shown = sum(text.count("\n") + 1 for text in texts(body["blocks"])[1:-1])
    assert texts(body["blocks"])[-1] == f"and {900 - shown} more"
    assert shown >= 8
    assert len(plain.text(message(long))) <= plain.MOST


def test_one_without_a_word_is_a_message_all_the_same() -> None:
    assert problems(request(message(Notice("", ("", " "))))) == []


def test_a_notice_is_owed_once_a_key_and_receiver(connection: Connection) -> None:
    owed = [
        notices.owe(connection, receiver, NOTICE, key=key, now=NOON)
        for receiver, key in (
            ("ops", "training 1"),
            ("ops", "training 1"),
            ("ops", "training 2"),
            ("desk", "training 1"),
        )
    ]

    assert owed == [True, False, True, True]
    delivery = deliveries.one(connection, 1)
    assert delivery is not None
    assert composing.compose(connection, delivery) == Message(delivery.key, "ops", Form.REPORT, notice=NOTICE)


def test_what_is_endless_is_kept_in_part(connection: Connection) -> None:
    notices.owe(connection, "ops", Notice("x" * 9_000, ("y" * 9_000,) * 9_000), key="1", now=NOON)

    size = connection.execute(text("SELECT LENGTH(body) FROM deliveries")).scalar_one()
    assert size < 5_000_000


def test_it_goes_alone_among_a_burst_and_after_quiet_hours(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    desk = Desk()
    manner = Manner(burst=Burst(3, timedelta(minutes=1)), hours=around(clocks.now()), zone="UTC")
    dispatch = Dispatch("desk", desk, database, manner=manner)
    with database.transaction() as connection:
        for number in (1, 2, 3):
            owe(connection, make_alert(number=number), now=clocks.now())
        notices.owe(connection, "desk", NOTICE, key="1", now=clocks.now())
        for number in (4, 5, 6):
            owe(connection, make_alert(number=number), now=clocks.now())
    clocks.go_by(2 * 3600.0)

    while dispatch.work() == 0.0:
        pass

    assert [each.headline for each in desk.messages if each.form is Form.REPORT] == [NOTICE.title]
    assert [len(each.entries) for each in desk.messages] == [6, 0]


def test_one_that_may_have_arrived_is_looked_for_and_not_sent_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    desk = Desk(plans=[(UnknownOutcomeError("cut off"), True)])
    dispatch = Dispatch("ops", desk, database)
    with database.transaction() as connection:
        notices.owe(connection, "ops", NOTICE, key="1", now=clocks.now())

    for _ in range(9):
        dispatch.work()
        clocks.go_by(30.0)

    assert desk.sendings == [NOTICE.title]
    assert desk.looks == 1
    with database.reading() as reading:
        assert reading.execute(text("SELECT state FROM deliveries")).scalar_one() == "sent"
