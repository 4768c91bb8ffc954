"""Faults at single system calls, a sample of them; `make faults` has them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import strace, sweeps
from tests.faults.strace import Injection
from tests.faults.sweeps import FIRST_START, HARMLESS, OLDER_LEDGER, SWEPT, WAY, Bench, Scene, Verdict

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("faults at its system calls")]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if why := strace.missing():
        pytest.skip(why)
    with Bench(tmp_path_factory.mktemp("sweeps")) as made:
        yield made


@pytest.fixture(scope="module")
def trace(bench: Bench) -> list[str]:
    return bench.trace(WAY)


def test_every_system_call_of_the_way_is_swept_or_harmless(bench: Bench) -> None:
    used = set(bench.trace(WAY, all_calls=True))

    assert used - SWEPT.keys() - HARMLESS == set()


def test_killed_at_a_call_of_an_articles_way_nothing_is_lost_and_nothing_heard_twice(
    bench: Bench, trace: list[str]
) -> None:
    kills = sweeps.kills(trace)

    verdicts = bench.sweep(WAY, sample(kills, 24))

    assert faults(verdicts) == []
    assert sum(verdict.reached for verdict in verdicts) >= 22


def test_an_error_of_one_call_costs_no_article_and_no_alert(bench: Bench, trace: list[str]) -> None:
    assert faults(bench.sweep(WAY, sample(sweeps.errors(trace, ever=False), 24))) == []


def test_errors_that_do_not_end_cost_no_article_once_they_have_ended(bench: Bench, trace: list[str]) -> None:
    assert faults(bench.sweep(WAY, sample(sweeps.errors(trace, ever=True), 10))) == []


@pytest.mark.parametrize("scene", [FIRST_START, OLDER_LEDGER], ids=lambda scene: scene.name)
def test_killed_while_the_ledger_is_made_or_migrated_the_next_start_goes_on(
    bench: Bench, scene: Scene
) -> None:
    assert faults(bench.sweep(scene, sample(sweeps.kills(bench.trace(scene)), 10))) == []


def test_killed_while_a_start_makes_up_for_a_crash_the_next_one_does(bench: Bench, trace: list[str]) -> None:
    for scene in sweeps.scenes(trace):
        if scene.crash:
            assert faults(bench.sweep(scene, sample(sweeps.kills(bench.trace(scene)), 4))) == []


@pytest.mark.parametrize(
    ("plant", "call"), [("moved before the commit", "rename"), ("sent before the answer", "socket")]
)
def test_a_planted_fault_shows_when_the_process_is_killed_and_only_then(
    bench: Bench, plant: str, call: str
) -> None:
    planted = replace(WAY, name=plant, plant=plant)
    kills = sweeps.after(bench.trace(planted), call, reach=4)

    assert bench.case(planted, None).faults == ()
    assert len(faults(bench.sweep(planted, kills))) >= 1


def test_an_end_that_is_no_kill_is_a_fault(bench: Bench) -> None:
    hanging = bench.case(WAY, Injection("openat", 1, "SIGALRM"))

    assert "the process was ended by signal 14: it hung, or worse" in hanging.faults


def test_without_strace_the_sweeps_say_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    strace.missing.cache_clear()
    try:
        outcome = sweeps.run(tmp_path, print)[0]
    finally:
        strace.missing.cache_clear()

    assert (outcome.cases, outcome.faults) == (0, ())
    assert outcome.note == "skipped: strace is not installed: apt-get install strace"


def sample(injections: Sequence[Injection], number: int) -> list[Injection]:
    """So many of them, evenly spread over the way."""
    step = max(1.0, len(injections) / number)
    return [injections[int(step * n)] for n in range(min(number, len(injections)))]


def faults(verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{verdict.injection}: {fault}" for verdict in verdicts for fault in verdict.faults]
