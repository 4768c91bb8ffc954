"""Daemons whose ways are cut, or whose clocks are wrong: the fast share of `networks`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.faults import clocks, networks, wires
from tests.faults.wires import NO_LINK


@pytest.fixture
def wired() -> None:
    if why := wires.why_not():
        pytest.skip(why)


@pytest.fixture
def wrong() -> None:
    if why := clocks.why_not():
        pytest.skip(why)


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """One of its own: it listens where no other does, and is started anew for that."""
    try:
        with postgres.server() as running:
            yield running
    except postgres.NoPostgresError as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.usefixtures("wired")
def test_a_daemon_that_is_cut_off_from_the_ledger_does_nothing_and_goes_on_when_it_is_back(
    tmp_path: Path, server: postgres.Server
) -> None:
    outcome = networks.cut_from_ledger(tmp_path / "ledger", server, NO_LINK, networks.FEW)

    assert outcome.faults == ()


@pytest.mark.slow
@pytest.mark.usefixtures("wrong")
def test_clocks_that_are_wrong_change_nothing(tmp_path: Path, server: postgres.Server) -> None:
    outcome = clocks.apart(tmp_path / "clocks", server, clocks.FEW)

    assert outcome.faults == ()
