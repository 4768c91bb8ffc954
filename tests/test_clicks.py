"""Clicks: what Slack says that a person pressed is read with care and written down once."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from daemon import clicks
from daemon.actions import Action, Verb
from daemon.clicks import Click, Outcome, parse
from tests.builders import MINUTE, NOON, SECOND
from tests.presses import CHANNEL, MESSAGE, at, make_choice, make_click, make_press

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def paths(given: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a payload."""
    if path:
        yield path
    items = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for key, value in items:
        yield from paths(value, (*path, key))


def changed(given: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    """A payload in which something else stands there."""
    found = copy.deepcopy(given)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return found


def test_a_pressed_button_is_a_click_of_a_person_on_a_message_at_a_moment() -> None:
    pressed_after = timedelta(seconds=61, microseconds=12)

    click = parse(make_press(Verb.WRONG, "b" * 32, "energy", person="U7", after=pressed_after))

    assert click is not None
    assert (click.person, click.channel, click.message) == ("U7", CHANNEL, MESSAGE)
    assert click.clicked_at == NOON + pressed_after
    assert click.action == Action(Verb.WRONG, "b" * 32, "energy")


def test_an_option_chosen_from_a_menu_is_a_click() -> None:
    click = parse(make_choice("b" * 32, "space"))

    assert click is not None
    assert click.action == Action(Verb.OTHER, "b" * 32, "space")


def test_the_same_click_told_again_has_the_same_key() -> None:
    again = make_press() | {"response_url": "https://hooks.slack.com/other", "trigger_id": "9"}

    assert make_click().key == parsed(again).key


@pytest.mark.parametrize(
    "other",
    [
        {"person": "U2"},
        {"channel": "C2"},
        {"after": SECOND + timedelta(microseconds=1)},
        {"action_id": "another"},
    ],
)
def test_another_person_place_button_or_moment_makes_another_click(other: dict[str, Any]) -> None:
    assert make_click().key != make_click(**other).key


def test_another_message_or_team_makes_another_click() -> None:
    other_message = changed(make_press(), ("container", "message_ts"), "1772712000.000200")
    other_team = changed(make_press(), ("team", "id"), "T2")

    assert len({make_click().key, parsed(other_message).key, parsed(other_team).key}) == 3


def test_an_app_of_a_whole_organisation_is_told_the_team_of_the_person_alone() -> None:
    assert parsed(make_press() | {"team": None}).key == make_click().key


def test_channel_and_message_may_stand_in_either_of_their_places() -> None:
    whole = make_click()
    without_channel, without_container = make_press(), make_press()
    del without_channel["channel"], without_container["container"]

    assert parsed(without_channel) == whole
    assert parsed(without_container) == whole


@pytest.mark.parametrize(
    "value", ["", "right", "left a", "right  a", "other a", "mute a b", "mute a b 9y", " "]
)
def test_a_value_that_we_never_wrote_is_no_click(value: str) -> None:
    assert parse(changed(make_press(), ("actions", 0, "value"), value)) is None


def test_what_is_no_press_is_no_click() -> None:
    assert parse(make_press() | {"type": "view_submission"}) is None
    assert parse(make_press() | {"actions": []}) is None
    assert parse({}) is None


@pytest.mark.parametrize(
    "path",
    [
        ("type",), ("actions",), ("user", "id"), ("actions", 0, "value"), ("actions", 0, "action_id"),
        ("actions", 0, "action_ts"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("wrong", [None, 7, True, {}, [], "", "x" * 100_000, "\ud800", "a\x00b", "a\nb"])
def test_what_a_click_needs_must_be_as_slack_writes_it(path: tuple[Any, ...], wrong: object) -> None:
    assert parse(changed(make_press(), path, wrong)) is None


@pytest.mark.parametrize("moment", ["1", "-1.000000", "1e9.000000", "99999999999.000000", "١٢.000000", "nan"])
def test_a_moment_that_is_none_of_slacks_is_no_click(moment: str) -> None:
    assert parse(changed(make_press(), ("actions", 0, "action_ts"), moment)) is None


def test_a_moment_with_fewer_digits_is_the_same_moment() -> None:
    click = parsed(changed(make_press(), ("actions", 0, "action_ts"), "1772712000.5"))

    assert click.clicked_at == NOON + timedelta(milliseconds=500)


@given(st.data())
def test_nothing_that_json_can_hold_makes_reading_fail(data: st.DataObject) -> None:
    press = make_press()
    path = data.draw(st.sampled_from(sorted(paths(press), key=str)))
    value = data.draw(ANYTHING)

    click = parse(changed(press, path, value))

    assert click is None or isinstance(click, Click)
    if click is not None:
        json.dumps([click.key, click.person, click.action.value()]).encode()
        click.key.encode()


def test_a_click_is_written_down_once(connection: Connection) -> None:
    click = make_click()

    assert clicks.record(connection, click, Outcome.UNKNOWN, NOON)
    assert not clicks.record(connection, click, Outcome.UNKNOWN, NOON + MINUTE)
    assert clicks.record(connection, make_click(person="U2"), Outcome.UNKNOWN, NOON)
    assert clicks.counts(connection) == {"unknown": 2}


def test_the_builder_writes_moments_as_slack_does() -> None:
    assert at(NOON + timedelta(microseconds=5)) == "1772712000.000005"


def parsed(payload: dict[str, Any]) -> Click:
    click = parse(payload)
    assert click is not None
    return click
