"""A daemon that is killed at random loses nothing and says nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kills import suffer

pytestmark = pytest.mark.sqlite("kills over its file; several daemons on a server have their own")


@pytest.mark.slow
def test_killed_at_random_while_files_arrive_it_loses_nothing_and_says_nothing_twice(tmp_path: Path) -> None:
    # Digests and quiet hours are waited for by the minute; `make faults` has them.
    found = suffer(tmp_path, kills=25, seed=1, plain=True)

    assert found.faults == ()
    assert found.cases == 25


@pytest.mark.thorough("the kills themselves; `make faults` has the plants")
@pytest.mark.slow
def test_the_kills_see_a_daemon_that_does_not_look_before_it_sends_again(tmp_path: Path) -> None:
    found = suffer(tmp_path, kills=12, seed=1, plant="never looks", plain=True)

    assert any("was alerted 2 times" in fault for fault in found.faults), found
