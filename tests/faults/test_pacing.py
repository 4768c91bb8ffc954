"""As fast as Slack takes messages, and no faster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.dispatch import Manner
from tests.faults.owed import DEFAULT_BURST
from tests.faults.pacing import Load, carry

pytestmark = pytest.mark.sqlite("a day played through in its file")


@pytest.mark.slow
def test_many_messages_go_one_a_second_and_slack_never_has_to_say_that_it_is_too_fast(tmp_path: Path) -> None:
    found = carry(tmp_path, Load(alerts=120))

    assert found.faults == ()
    assert found.throttled == 0
    assert found.messages == 120
    assert 0.9 < found.a_second <= 1.1


@pytest.mark.slow
def test_channels_do_not_wait_for_each_other(tmp_path: Path) -> None:
    found = carry(tmp_path, Load(channels=5, alerts=20))

    assert found.faults == ()
    assert found.messages == 100
    assert found.seconds < 20.0


@pytest.mark.slow
def test_messages_are_shown_anew_within_what_slack_allows_a_workspace(tmp_path: Path) -> None:
    found = carry(tmp_path, Load(channels=2, alerts=15, updates=2))

    assert found.faults == ()
    assert found.updates == 60
    assert found.a_minute <= 56.0  # 50, and a few at once at first


def test_many_alerts_at_once_take_an_eighth_of_the_messages(tmp_path: Path) -> None:
    found = carry(tmp_path, Load(alerts=80, manner=Manner(burst=DEFAULT_BURST)))

    assert found.faults == ()
    assert found.messages == 10


def test_too_fast_a_pace_is_found(tmp_path: Path) -> None:
    found = carry(tmp_path, replace(Load(alerts=15), interval=0.5))

    assert found.throttled > 0
    assert any("Slack had to say 429" in fault for fault in found.faults)
