"""A full disk makes the daemon wait; room makes it go on. A log that nobody takes changes nothing.

The other disks and logs are tried by `make faults`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.full_disks import START, NoSmallDiskError, examine, namespace

pytestmark = pytest.mark.sqlite("disks that its file fills")


@pytest.fixture(autouse=True)
def _small_disks() -> None:
    try:
        namespace()
    except NoSmallDiskError as error:
        pytest.skip(f"no small disks: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["ledger", "done"])
def test_it_waits_while_a_disk_is_full_and_goes_on_by_itself(tmp_path: Path, case: str) -> None:
    assert examine(tmp_path, case, full_for=4.0).faults == ()


@pytest.mark.slow
def test_started_on_a_full_disk_it_says_so_and_later_starts(tmp_path: Path) -> None:
    assert examine(tmp_path, START).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("log", ["full disk", "closed pipe"])
def test_articles_are_taken_though_nobody_takes_the_log(tmp_path: Path, log: str) -> None:
    assert examine(tmp_path, f"log: {log}").faults == ()
