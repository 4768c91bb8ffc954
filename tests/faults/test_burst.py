"""More files than anyone reads at once: all are taken, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.burst import flood

pytestmark = pytest.mark.sqlite("100,000 files into its file")


@pytest.mark.slow
@pytest.mark.parametrize(("files", "stopped"), [(3000, False), (2000, True)])
def test_every_file_of_a_burst_is_taken(tmp_path: Path, files: int, stopped: bool) -> None:
    found = flood(tmp_path, files=files, stopped=stopped)

    assert found.faults == ()
