"""The interface for programs keeps its contract, whatever is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.desk_contract import kept, served


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_whatever_is_asked_is_answered_as_the_contract_says_and_nothing_fails(tmp_path: Path) -> None:
    with served(tmp_path) as desk:
        # A refusal that comes while the rest is still being sent may be lost (RFC 9112, 9.6), which counts as
        # an error here; what really breaks the contract does so again, by the same seed.
        assert kept(desk) or kept(desk)
