"""Retraining killed, starved and hurried: a sound model serves, and every article names one.

All steps, and everybody who can be killed at them: `make faults ARGS=retraining`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.full_disks import NoSmallDiskError
from tests.faults.retraining import SWAP, examine, meanwhile, restarted, sweep

pytestmark = pytest.mark.sqlite("kills over its file")


@pytest.mark.slow
def test_killed_before_and_after_the_model_changes_a_sound_one_serves_and_the_row_tells(
    tmp_path: Path,
) -> None:
    steps = ("says learning", "os.rename V", "says serves", SWAP, "os.rename history.jsonl", "says outcome")

    assert sweep(tmp_path, "itself", steps=steps).faults == ()


@pytest.mark.thorough("killed before and after the model changes; make faults ARGS=retraining")
@pytest.mark.slow
def test_whoever_asked_for_it_being_killed_ends_the_training_and_the_row_tells(tmp_path: Path) -> None:
    assert sweep(tmp_path, "parent", steps=("says learning", "says outcome")).faults == ()


@pytest.mark.slow
def test_a_daemon_killed_while_it_trains_does_so_anew_after_its_next_start(tmp_path: Path) -> None:
    assert restarted(tmp_path).faults == ()


@pytest.mark.thorough("make faults ARGS=retraining")
@pytest.mark.slow
def test_a_full_disk_leaves_the_old_model_and_nothing_half_written(tmp_path: Path) -> None:
    try:
        found = examine(tmp_path)
    except NoSmallDiskError as error:
        pytest.skip(f"no small disks: {error}")

    assert found.faults == ()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_articles_that_arrive_while_a_model_is_trained_each_name_exactly_one(tmp_path: Path) -> None:
    assert meanwhile(tmp_path, articles=1000).faults == ()
