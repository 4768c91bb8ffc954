"""Commands: what a desk types after /topicwire, and what it is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from daemon import wishes
from daemon.actions import Verb
from daemon.clicks import Outcome
from daemon.commands import Ask, Command, answer, find_topics, parse_command, reply_to
from daemon.wishes import Wish
from tests.builders import MINUTE, NOON
from tests.presses import make_click

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOPICS = {
    "energy": "Energy",
    "environment": "Environment and climate",
    "trade": "Trade & investment",
    "space": "Space",
}


def type_(connection: Connection, given: str, receivers: tuple[str, ...] = ("desk",)) -> str:
    return answer(connection, parse_command(given), receivers, TOPICS, person="U1", now=NOON)


def wished(connection: Connection) -> list[tuple[str, str, Wish, timedelta]]:
    records = wishes.active(connection, NOON).records
    return [(each.receiver, each.topic, each.wish, each.until - NOON) for each in records]


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ("mute energy 2h", Command(Ask.MUTE, "energy", 2 * HOUR)),
        ("  MUTE   Energy\t30M ", Command(Ask.MUTE, "Energy", timedelta(minutes=30))),
        ("follow environment and climate 1w", Command(Ask.FOLLOW, "environment and climate", 7 * DAY)),
        ("follow space", Command(Ask.FOLLOW, "space", DAY)),
        ("mute 5g", Command(Ask.MUTE, "5g", DAY)),
        ("mute energy 366d", Command(Ask.MUTE, "energy", 366 * DAY)),
        ("unmute energy", Command(Ask.UNMUTE, "energy")),
        ("unfollow space", Command(Ask.UNFOLLOW, "space")),
        ("list", Command(Ask.LIST)),
        ("recall", Command(Ask.RECALL)),
        ("help me", Command(Ask.HELP)),
        ("", Command(Ask.HELP)),
    ],
)
def test_a_command_is_read(given: str, command: Command) -> None:
    assert parse_command(given) == command


@pytest.mark.parametrize("given", ["mute energy 367d", "mute energy 0h", "mute energy 2", "follow energy 5y"])
def test_a_length_that_is_none_is_refused(given: str) -> None:
    assert str(parse_command(given)).startswith("How long should be as `30m`")


def test_what_is_no_command_is_told_what_there_is() -> None:
    assert "`/topicwire mute TOPIC 2h`" in str(parse_command("silence energy"))
    assert parse_command("mute") == "Say which topic: `/topicwire mute TOPIC`."
    assert parse_command("mute " + "x" * 500) == "That is too long."


@given(st.text(max_size=600))
def test_whatever_is_typed_is_read_or_refused(given: str) -> None:
    assert isinstance(parse_command(given), Command | str)
    assert isinstance(parse_command(f"mute {given}"), Command | str)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("energy", ["energy"]),
        ("ENERGY", ["energy"]),
        ("Environment  and Climate", ["environment"]),
        ("env", ["environment"]),
        ("trade &amp; inv", ["trade"]),
        ("trade & investment", ["trade"]),
        ("en", ["energy", "environment"]),
        ("sport", []),
    ],
)
def test_a_topic_is_meant_by_id_or_title_or_how_one_of_them_begins(typed: str, meant: list[str]) -> None:
    assert find_topics(typed, TOPICS) == meant


def test_who_has_the_whole_name_is_meant_before_those_who_begin_so() -> None:
    assert find_topics("oil", {"oil-and-gas": "Oil and gas", "oil": "Crude"}) == ["oil"]
    assert find_topics("crude", {"crude-steel": "Steel", "oil": "Crude"}) == ["oil"]
    assert find_topics("oil", {"gas": "Oil", "oil": "Crude"}) == ["oil"]


def test_mute_acts_on_every_receiver_of_the_channel_and_says_until_when(connection: Connection) -> None:
    said = type_(connection, "mute energy 2h", ("desk", "night desk"))

    assert said == (
        "*Energy* is muted here until 5 March 2026, 14:00 UTC (2 hours from now)."
        " `/topicwire unmute energy` ends it sooner."
    )
    assert wished(connection) == [
        ("desk", "energy", Wish.MUTE, 2 * HOUR),
        ("night desk", "energy", Wish.MUTE, 2 * HOUR),
    ]


def test_follow_lasts_a_day_unless_one_says_how_long(connection: Connection) -> None:
    said = type_(connection, "follow Space")

    assert said.startswith("*Space* is followed here until 6 March 2026, 12:00 UTC (1 day from now).")
    assert wished(connection) == [("desk", "space", Wish.FOLLOW, DAY)]


def test_what_is_ended_is_over_at_once(connection: Connection) -> None:
    type_(connection, "mute energy")
    type_(connection, "follow space")

    assert type_(connection, "unmute energy") == "*Energy* is no longer muted here."
    assert type_(connection, "unfollow space") == "*Space* is no longer followed here."
    assert wished(connection) == []


def test_to_end_what_was_not_says_so(connection: Connection) -> None:
    type_(connection, "mute energy")

    assert type_(connection, "unfollow energy") == "*Energy* was not followed here."
    assert type_(connection, "unmute space") == "*Space* was not muted here."
    assert len(wished(connection)) == 1


def test_the_list_tells_what_holds_in_this_channel_once(connection: Connection) -> None:
    type_(connection, "mute energy 1h", ("desk", "night desk"))
    type_(connection, "follow space 90m", ("desk",))
    type_(connection, "mute trade", ("elsewhere",))

    assert type_(connection, "list", ("desk", "night desk")).splitlines() == [
        "*Energy* is muted here until 5 March 2026, 13:00 UTC (1 hour from now).",
        "*Space* is followed here until 5 March 2026, 13:30 UTC (1 hour 30 minutes from now).",
    ]


def test_where_nothing_is_wished_the_list_says_so(connection: Connection) -> None:
    assert type_(connection, "list") == "Nothing is muted or followed here."


@pytest.mark.parametrize(
    "given", ["mute energy", "unmute energy", "follow energy", "unfollow energy", "list"]
)
def test_a_channel_without_receivers_is_told_so(connection: Connection, given: str) -> None:
    assert type_(connection, given, ()).startswith("topicwire sends nothing to this channel")
    assert wished(connection) == []


def test_help_is_given_everywhere_and_names_the_topics(connection: Connection) -> None:
    said = type_(connection, "help", ())

    assert "`/topicwire list`" in said
    assert "Space (`space`)" in said


def test_a_topic_that_is_none_or_several_is_refused_and_topics_are_named(connection: Connection) -> None:
    assert type_(connection, "mute sport").startswith("There is no such topic. Topics: Energy (`energy`), ")
    assert type_(connection, "mute en") == (
        "More than one topic begins so. Topics: Energy (`energy`), Environment and climate (`environment`)."
    )
    assert wished(connection) == []


@pytest.mark.parametrize("given", ["mute <!channel> 2h", "<!channel>", "follow *x* `y`", "mute <@U1>"])
def test_what_was_typed_is_not_repeated(connection: Connection, given: str) -> None:
    said = type_(connection, given)

    assert "<" not in said
    assert "*x*" not in said


def test_a_title_means_nothing_to_slack(connection: Connection) -> None:
    titles = {"evil": "<!channel> *News* & `more`"}

    said = answer(connection, Command(Ask.MUTE, "evil"), ["desk"], titles, person="U1", now=NOON)

    assert "<" not in said
    assert "&lt;!channel&gt;" in said


def test_a_wish_of_a_topic_that_is_gone_is_listed_by_its_id(connection: Connection) -> None:
    wishes.add(connection, "desk", "retired", Wish.MUTE, until=NOON + MINUTE, person="U1", now=NOON)

    assert type_(connection, "list").startswith(
        "*retired* is muted here until 5 March 2026, 12:01 UTC (1 minute"
    )


def test_an_answer_about_many_topics_stays_short(connection: Connection) -> None:
    many = {f"topic-{number}": f"Title {number} " + "x" * 300 for number in range(500)}

    said = answer(connection, parse_command("help"), ["desk"], many, person="U1", now=NOON)

    assert "and 460 more" in said
    assert len(said.encode()) < 12_000


@pytest.mark.parametrize(
    ("verb", "outcome", "said"),
    [
        (
            Verb.MUTE,
            Outcome.TAKEN,
            "*Energy* is muted here until 5 March 2026, 14:00 UTC (2 hours from now).",
        ),
        (Verb.MUTE, Outcome.REPEATED, None),
        (
            Verb.MUTE,
            Outcome.ELSEWHERE,
            "topicwire does not know this alert any more, so nothing has changed.",
        ),
        (Verb.RIGHT, Outcome.UNKNOWN, "topicwire does not know this alert any more, so nothing has changed."),
        (Verb.RIGHT, Outcome.TAKEN, None),
        (Verb.UNDO, Outcome.TAKEN, None),
    ],
)
def test_only_a_click_whose_effect_no_message_shows_is_answered(
    verb: Verb, outcome: Outcome, said: str | None
) -> None:
    click = make_click(verb, "a" * 32, "energy", "2h" if verb is Verb.MUTE else None)

    found = reply_to(click, outcome, TOPICS, NOON)

    assert found is None if said is None else str(found).startswith(said)


def test_recall_is_told_wherever_it_is_asked_for_and_harmless(connection: Connection) -> None:
    lines = ("All topics: recall 0.91 (0.84–0.97) over 30 days", "<!channel>: recall 0.80")

    said = [
        answer(connection, Command(Ask.RECALL), receivers, TOPICS, person="U1", now=NOON, recall=lines)
        for receivers in ((), ("desk",))
    ]

    assert said[0] == said[1]
    assert said[0].split("\n") == [lines[0], "&lt;!channel&gt;: recall 0.80"]


def test_where_nothing_was_drawn_recall_is_not_known(connection: Connection) -> None:
    assert type_(connection, "recall").startswith("Nobody was asked yet")
