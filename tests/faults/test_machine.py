"""Any order of faults: what is planted is found, and what is promised holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon import growth, intake, shelves, shelving
from daemon.dispatch import Dispatch
from daemon.records import Delivery
from tests.faults.machine import Breaking, break_it

pytestmark = pytest.mark.sqlite("faults of its file: full disks, backups, restores")


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_told_twice_in_any_order_of_faults(tmp_path: Path) -> None:
    found = break_it(tmp_path, steps=300, seed=1, shrink=False)

    assert found.faults == ()
    assert found.cases >= 300


Program = Callable[[Breaking], None]


def a_lie(machine: Breaking) -> None:
    machine.slack_lies(lies=["500 though posted"])
    machine.drop(arrivals=[("a.txt", "energy", "tmp")], told=True)
    machine.pass_time(seconds=60.0)


def a_death_between_commit_and_move(machine: Breaking) -> None:
    """Wherever that is: the process dies before each of its first effects after an arrival."""
    for effect in range(1, 16):
        machine.drop(arrivals=[(f"{effect}.txt", "energy", "outside")], told=True)
        machine.kill(effect=effect, seconds=30.0)


def late_growth(machine: Breaking) -> None:
    machine.begin(name="a.txt", first="an article", linked=True, pause=40.0, more=["trade"])


def one_name_for_two(machine: Breaking) -> None:
    for _ in range(2):
        machine.drop(arrivals=[("a.txt", "energy", "outside")], told=True)
        machine.pass_time(seconds=20.0)


def a_clock_that_was_ahead(machine: Breaking) -> None:
    """Alerts are written while the clock is a year ahead, and go out after it was set right."""
    machine.slack(weather="down", spared=False, seconds=0.0)
    machine.jump(seconds=31_536_000.0)
    machine.drop(arrivals=[(f"{number}.txt", "energy", "outside") for number in range(5)], told=True)
    machine.pass_time(seconds=20.0)


def a_lie_while_the_clock_is_ahead(machine: Breaking) -> None:
    """The first alert of all seems to have been sent tomorrow, when it is looked for."""
    machine.jump(seconds=86_400.0)
    machine.slack_lies(lies=["500 though posted", "reset though posted"])
    machine.drop(arrivals=[("a.txt", "energy", "tmp")], told=True)
    machine.pass_time(seconds=60.0)


def deaths_while_a_failed_file_grows(machine: Breaking) -> None:
    """A file is set aside as empty, and written to; the process dies as it puts it back."""
    for effect in range(1, 8):
        machine.begin(
            name=f"{effect}.txt", first="nothing", linked=True, pause=40.0, more=["energy", "neither"]
        )
        machine.kill(effect=effect, seconds=120.0)


PROGRAMS: dict[str, Program] = {
    "a lie": a_lie,
    "deaths": a_death_between_commit_and_move,
    "late growth": late_growth,
    "one name": one_name_for_two,
    "clock ahead": a_clock_that_was_ahead,
    "lie while ahead": a_lie_while_the_clock_is_ahead,
    "failed and grown": deaths_while_a_failed_file_grows,
}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Breaking]:
    yield type("Breaking", (Breaking,), {"folder": tmp_path})()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_sound_daemon_comes_through(machine: Breaking, program: str) -> None:
    PROGRAMS[program](machine)
    machine.nobody_is_told_twice()

    machine.teardown()


def never_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may have arrived is sent again at once."""

    def again(dispatch: Dispatch, delivery: Delivery) -> None:
        dispatch._again(delivery, "planted")

    monkeypatch.setattr(Dispatch, "_look", again)


def never_reconciles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelving, "reconcile", lambda *given: None)
    monkeypatch.setattr(intake, "reconcile", lambda *given: None)


def never_sees_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth.Growth, "_changed", lambda *given: None)


def overwrites(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place in done/ is taken whether it is free or not."""
    monkeypatch.setattr(shelves, "_free", lambda home, folder, name, *given: f"{folder}/{name}")
    monkeypatch.setattr(shelves, "_rename", os.rename)


@pytest.mark.parametrize(
    ("program", "plant", "said"),
    [
        ("a lie", never_looks, "told twice"),
        ("deaths", never_reconciles, "are taken"),
        ("late growth", never_sees_growth, "never told"),
        ("one name", overwrites, "copies are lost"),
    ],
)
def test_the_machine_sees_a_planted_fault(
    machine: Breaking,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    plant: Callable[[pytest.MonkeyPatch], None],
    said: str,
) -> None:
    plant(monkeypatch)

    PROGRAMS[program](machine)

    with pytest.raises(AssertionError, match=said):
        machine.teardown()
