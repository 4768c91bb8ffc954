"""A day without Slack: nothing lost, nothing twice, in order, neither too fast nor too seldom."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.backoff import Backoff, Pace
from daemon.dispatch import Dispatch
from daemon.records import Alert, Sent
from tests.faults.outage import Brace, NotedSender, Patience, SenderMaker, endure
from tests.slack_stand_in import SlackStandIn


@pytest.mark.slow
def test_after_a_day_without_slack_every_alert_arrives_once_and_in_order(tmp_path: Path) -> None:
    found = endure(tmp_path, alerts=200)

    assert found.faults == ()
    assert found.tries > 500  # it did go on trying
    assert found.drain < 1000


class _Forgetful(NotedSender):
    """Never finds what it may have posted."""

    def find(self, alert: Alert, since: float) -> Sent | None:
        super().find(alert, since)
        return None


class _Hasty(NotedSender):
    """Keeps no pace."""

    def __init__(self, stand_in: SlackStandIn, channel: str, patience: Patience) -> None:
        super().__init__(stand_in, channel, patience)
        self._pace = Pace(0.01, 3)


def _as_it_is(dispatch: Dispatch) -> None:
    """Nothing is wrong with it."""


def _discouraged(dispatch: Dispatch) -> None:
    """Waits an hour in the end."""
    dispatch._backoff = Backoff(ceiling=3600.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sender", "brace", "said"),
    [
        (_Forgetful, _as_it_is, "more than once"),
        (_Hasty, _as_it_is, "within ten seconds"),
        (NotedSender, _discouraged, "between two tries"),
    ],
)
def test_the_outage_sees_a_planted_fault(
    tmp_path: Path, sender: SenderMaker, brace: Brace, said: str
) -> None:
    found = endure(tmp_path, alerts=100, sender=sender, brace=brace)

    assert any(said in fault for fault in found.faults), found
