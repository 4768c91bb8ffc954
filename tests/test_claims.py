"""Claims: who is at a piece of work, and whether that process still lives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import claims

ASK = "from daemon import claims; print(claims.claimant(), flush=True); input()"
ELSEWHERE = "1 2 0123456789abcdef a-machine daemon"
COMMAND_ELSEWHERE = "1 2 0123456789abcdef a-machine"


@pytest.fixture(autouse=True)
def _as_a_command_that_has_heard_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_keeps_lease", False)
    monkeypatch.setattr(claims, "_present", frozenset())


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process of this machine, and what it is called."""
    process = subprocess.Popen(
        [sys.executable, "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def test_a_process_of_this_machine_lives_until_it_ends(other: tuple[subprocess.Popen[str], str]) -> None:
    process, named = other
    assert claims.is_of_this_machine(named)
    assert not claims.is_ours(named)
    assert claims.lives(named)

    process.kill()
    process.wait()

    assert not claims.lives(named)


def test_a_process_that_ended_and_waits_for_its_parent_lives_no_more(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, named = other
    process.kill()
    while " Z " not in (stat := Path(f"/proc/{process.pid}/stat").read_text()):
        assert stat

    assert not claims.lives(named)


def test_a_process_that_is_hidden_from_us_lives_as_long_as_the_kernel_knows_its_number(
    other: tuple[subprocess.Popen[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    process, named = other
    monkeypatch.setattr(claims, "_PROCESSES", tmp_path)  # as systemd's ProtectProc=invisible has it

    assert claims.lives(named)
    process.kill()
    process.wait()

    assert not claims.lives(named)


def test_we_live_and_are_ours_and_whoever_had_our_number_before_is_not() -> None:
    ours = claims.claimant()
    number, start, _, machine = ours.split(" ")
    before = f"{number} {start} another-token {machine}"

    assert claims.is_ours(ours)
    assert claims.lives(ours)
    assert claims.process_of(ours) == int(number)
    assert not claims.is_ours(before)
    assert not claims.lives(before)


def test_a_daemon_elsewhere_lives_as_long_as_it_keeps_its_lease() -> None:
    assert not claims.lives(ELSEWHERE)

    claims.are_present([ELSEWHERE])
    assert claims.lives(ELSEWHERE)

    claims.are_present(["3 4 fedcba9876543210 a-machine daemon"])
    assert not claims.lives(ELSEWHERE)


def test_a_command_elsewhere_lives_as_long_as_a_daemon_of_its_machine_does() -> None:
    assert not claims.lives(COMMAND_ELSEWHERE)

    claims.are_present([ELSEWHERE])
    assert claims.lives(COMMAND_ELSEWHERE)

    claims.are_present(["1 2 0123456789abcdef another-machine daemon"])
    assert not claims.lives(COMMAND_ELSEWHERE)


def test_a_lease_says_nothing_of_a_process_of_this_machine(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, named = other
    claims.are_present([named])
    process.kill()
    process.wait()

    assert not claims.lives(named)


def test_machines_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As two that were made from one image: the number of each start is its own."""
    ours = claims._machine()
    real = Path.read_text

    def other_boot(path: Path, *given: str, **more: str) -> str:
        return "another start\n" if path.name == "boot_id" else real(path, *given, **more)

    claims._machine.cache_clear()
    monkeypatch.setattr(Path, "read_text", other_boot)
    theirs = claims._machine()
    claims._machine.cache_clear()

    assert theirs != ours


def test_a_daemon_is_told_from_a_command() -> None:
    before = claims.claimant()

    claims.keep_lease()

    assert claims.claimant() == f"{before} daemon"
    assert claims.lives(claims.claimant())
