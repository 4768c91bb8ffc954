"""A daemon in daily use does not leak and stops when it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.operation import hold_steady, stop_twice, stop_under_load, stop_while_slack_hangs

pytestmark = pytest.mark.sqlite("a long day on its file")


@pytest.mark.slow
def test_what_is_open_and_the_threads_stay_as_many_over_five_hundred_articles(tmp_path: Path) -> None:
    assert hold_steady(tmp_path, files=500).faults == ()


@pytest.mark.slow
def test_sigterm_under_load_ends_it_in_time_and_the_next_start_goes_on(tmp_path: Path) -> None:
    assert stop_under_load(tmp_path, files=1500).faults == ()


@pytest.mark.slow
def test_sigterm_ends_it_in_time_while_every_desk_hangs(tmp_path: Path) -> None:
    assert stop_while_slack_hangs(tmp_path).faults == ()


@pytest.mark.slow
def test_a_second_sigterm_ends_it_at_once(tmp_path: Path) -> None:
    assert stop_twice(tmp_path).faults == ()
