"""The runner of `make faults`: what it prints, and when it is not content."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.faults.__main__ import PARTS, main
from tests.faults.accounting import Outcome

pytestmark = pytest.mark.sqlite("the runner of the faults of its file")


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A stand-in for the part `sweeps`, which the test gives its `run`."""
    module = ModuleType("tests.faults.sweeps")
    monkeypatch.setitem(sys.modules, "tests.faults.sweeps", module)
    return module


def test_a_sound_part_is_a_line_of_the_table_and_exit_code_0(
    part: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    part.run = lambda folder, say: [Outcome("SIGKILL", 7, (), "all [well]")]  # type: ignore[attr-defined]

    assert main(["sweeps"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "SIGKILL" in line)
    assert "7" in line
    assert "all [well]" in line


def test_a_fault_is_printed_whole_and_the_exit_code_is_1(
    part: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = "SIGKILL at pwrite64 17: article 1 was alerted 2 times" * 5
    part.run = lambda folder, say: [Outcome("SIGKILL", 7, (fault,))]  # type: ignore[attr-defined]

    assert main(["sweeps"]) == 1
    assert fault in capsys.readouterr().out


def test_a_part_that_breaks_down_is_a_fault(part: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweeps"]) == 1  # it has no `run`
    assert "sweeps could not run: AttributeError" in capsys.readouterr().out


def test_a_part_that_nobody_knows_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["weather"])

    assert end.value.code == 2
    assert ", ".join(PARTS) in capsys.readouterr().err
