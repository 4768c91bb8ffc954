"""How much of a proof is run always, and what only `make test ARGS=--thorough` runs: it takes far longer.

What is thorough has a smaller form that is always run.
"""

from __future__ import annotations

import os

import pytest

_VARIABLE = "TOPICWIRE_TESTS_THOROUGH"


def add_option(parser: pytest.Parser) -> None:
    says = "every case of the proofs of which a part is run always; for releases"
    parser.addoption("--thorough", action="store_true", help=says)


def note(config: pytest.Config) -> None:
    """Before any test is read: how many cases there are is decided then."""
    if config.getoption("thorough"):
        os.environ[_VARIABLE] = "1"


def is_thorough() -> bool:
    return os.environ.get(_VARIABLE) == "1"


def cases(all_of_them: int, always: int) -> int:
    """How many cases of a proof there are now."""
    return all_of_them if is_thorough() else always


def leave_out(items: list[pytest.Item], config: pytest.Config) -> None:
    """Those marked `thorough`, unless they are asked for."""
    if is_thorough():
        return
    left = [item for item in items if item.get_closest_marker("thorough")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
