"""A day without Slack: nothing lost, nothing twice, in order, neither too fast nor too seldom."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.backoff import Backoff, Pace
from daemon.dispatch import Dispatch
from daemon.messages import Message
from daemon.records import Sent
from daemon.slackapi import SlackApp
from tests.faults.outage import HALF_AN_HOUR, Brace, NotedSender, Patience, SenderMaker, endure

pytestmark = pytest.mark.sqlite("a day played through in its file")


@pytest.mark.slow
def test_after_a_day_without_slack_every_alert_arrives_once_and_in_order(tmp_path: Path) -> None:
    found = endure(tmp_path, alerts=200)

    assert found.faults == ()
    assert found.tries > 500  # it did go on trying
    assert found.drain < 1000


@pytest.mark.slow
def test_what_piled_up_in_half_an_hour_arrives_as_few_messages_and_slack_was_let_be_meanwhile(
    tmp_path: Path,
) -> None:
    found = endure(tmp_path, alerts=200, channels=("desk",), weather=HALF_AN_HOUR)

    assert found.faults == ()
    assert found.messages < 40
    assert found.requests <= 2 * 15 + 1  # 15 times two minutes, and two methods
    assert found.drain < 200


class _Forgetful(NotedSender):
    """Never finds what it may have posted."""

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        super().find(message, since, everywhere=everywhere)
        return None


class _Hasty(NotedSender):
    """Keeps no pace."""

    def __init__(self, app: SlackApp, channel: str, patience: Patience) -> None:
        super().__init__(app, channel, patience)
        self._pace = Pace(0.01, 3)


def _as_it_is(dispatch: Dispatch) -> None:
    """Nothing is wrong with it."""


def _discouraged(dispatch: Dispatch) -> None:
    """Waits an hour in the end."""
    dispatch._backoff = Backoff(ceiling=3600.0)


@pytest.mark.thorough("the outage itself; make faults has the plants")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("sender", "brace", "said"),
    [
        (_Forgetful, _as_it_is, "more than once"),
        (NotedSender, _discouraged, "between two tries"),
    ],
)
def test_the_outage_sees_a_planted_fault(
    tmp_path: Path, sender: SenderMaker, brace: Brace, said: str
) -> None:
    found = endure(tmp_path, alerts=100, sender=sender, brace=brace)

    assert any(said in fault for fault in found.faults), found


def test_the_outage_sees_who_keeps_no_pace(tmp_path: Path) -> None:
    found = endure(tmp_path, alerts=150, channels=("desk",), weather=HALF_AN_HOUR, sender=_Hasty)

    assert any("within ten seconds" in fault for fault in found.faults), found
