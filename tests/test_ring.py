"""The whole ring, with real processes: alert, click, verdict, training by timetable, the next alert."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classifier.storage import current
from tests import ledgers
from tests.slack_stand_in import SlackStandIn
from tests.test_conversation import Desk

SEED_VAULT = """Seed bank on the steppe opens its vault of wild tulips

A vault for the seeds of wild tulips and apples opened near Taldykorgan on Monday, the botanical garden \
said. It holds 1,400 samples at minus eighteen degrees.

Farmers may borrow seeds for grain trials, and every spring the botanists sow a part of the collection again \
to keep it alive.
"""
ANOTHER_VAULT = """Wild irises go into the vault of a second seed bank

The botanical garden of Karaganda said on Thursday that it had opened a seed bank of its own. The vault \
takes the seeds of wild irises and pears and keeps 900 samples at minus eighteen degrees.

Botanists will sow a part of the collection each spring to keep the seeds alive, and farmers may borrow some \
of them for trials.
"""


@pytest.fixture
def desk(home: Path, slack: SlackStandIn, tmp_path: Path) -> Iterator[Desk]:
    running = Desk(
        home, slack, tmp_path, more='[retrain]\ncron = "* * * * *"\nreport_to = "desk"\nrehearse_days = 1.0\n'
    )
    yield running
    running.process.stop()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_a_desk_says_of_an_article_is_said_of_the_next_like_it(desk: Desk, slack: SlackStandIn) -> None:
    before = current(desk.home / "models")
    desk.drop("vault.txt", SEED_VAULT)
    alert = _alert(desk, "Seed bank on the steppe")
    assert _topics(desk, "Seed bank on the steppe") == {"agriculture"}

    menu = next(
        value for value in desk.values(alert) if value.startswith("other ") and "environment" in value
    )
    assert slack.wait_for_ack(slack.click(alert["ts"], menu, user="U0ANN")) is not None
    desk.wait_until_shows(alert, "<@U0ANN>")
    assert _asked(desk, "SELECT topic, verdict, person FROM verdicts") == [("environment", "right", "U0ANN")]

    desk.process.wait_until(lambda: current(desk.home / "models") != before, seconds=300.0)
    after = current(desk.home / "models")
    desk.process.wait_until(lambda: "model changed" in desk.process.log or "served" in _states(desk))
    desk.drop("another.txt", ANOTHER_VAULT)
    like = _alert(desk, "Wild irises go into the vault")

    assert "environment" in _topics(desk, "Wild irises go into the vault")
    assert "Environment" in json.dumps(like["blocks"])
    models = dict(_asked(desk, "SELECT title, model FROM articles"))
    assert [models[title] for title in sorted(models)] == [before, after]
    # What came of the training is told as well.
    desk.process.wait_until(lambda: any(str(after) in json.dumps(each) for each in desk.messages()))
    assert "served" in _states(desk)


def _alert(desk: Desk, start: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [each for each in desk.messages() if start in json.dumps(each["blocks"])]

    desk.process.wait_until(lambda: bool(found()))
    return found()[0]


def _topics(desk: Desk, start: str) -> set[str]:
    query = (
        "SELECT topic FROM tags JOIN articles ON articles.id = article_id"
        f" WHERE grade = 'main' AND title LIKE '{start}%'"
    )
    return {topic for (topic,) in _asked(desk, query)}


def _states(desk: Desk) -> set[str]:
    return {state for (state,) in _asked(desk, "SELECT state FROM trainings")}


def _asked(desk: Desk, query: str) -> list[Any]:
    return ledgers.asked(desk.home, query)
