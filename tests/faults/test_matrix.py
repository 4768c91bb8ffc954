"""A sample of the matrix; `make faults ARGS=matrix` has it all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.faults.crossing import Bench, Case
from tests.faults.matrix import PLANTED, killed_cases, points, whole_cases
from tests.faults.owed import SUBJECTS

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("kills at each commit of its file")]

# A kill at each kind of point, where something was posted and where not, in each form of message.
SAMPLE = (
    "alert | refused | chat.postMessage 1",
    "alert | 429, Retry-After 0.5 | chat.postMessage 1",
    "alert | none | chat.postMessage 1 | committed 3",
    "alert | none | chat.postMessage 1 | chat.postMessage arrived 1",
    "alert | none | chat.postMessage 1 | chat.postMessage kept 1",
    "alert | none | chat.postMessage 1 | begun 4",
    "alert | none | chat.postMessage 1 | committed 4",
    "alert | reset, after | chat.postMessage 1 | conversations.history kept 1",
    "alert | history lags by 10 s | chat.postMessage 1",
    "alert | posted, unread: 500 | chat.postMessage 1",
    "alert | token revoked, restored | chat.postMessage 1",
    "reply | E thread_not_found | chat.postMessage 1",
    "reply | channel archived, restored | chat.postMessage 1",
    "story | none | chat.postMessage 2 | chat.postMessage kept 1",
    "story | done 8 s late | chat.postMessage 2",
    "update | 500, before | chat.update 1",
    "update | none | chat.update 1 | chat.update arrived 1",
    "burst | none | chat.postMessage 1 | to be committed 3",
    "burst | none | chat.postMessage 1 | chat.postMessage kept 1",
    "burst | 500, after | chat.postMessage 2 | chat.postMessage kept 2",
    "quiet hours | 502, after | chat.postMessage 1",
    "digest | none | chat.postMessage 1 | upload kept 1",
    "digest | 503, before | files.info 1",
    "digest | none | chat.postMessage 1 | chat.postMessage kept 1",
    "digest | none | chat.postMessage 1 | chat.postMessage kept 1 | committed 3",
    "report | reset, after | chat.postMessage 2",
    "report | none | chat.postMessage 2 | chat.postMessage kept 2",
    "question | 502, after | chat.postMessage 2",
    "question | none | chat.postMessage 2 | chat.postMessage kept 2",
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("matrix"), lanes=1) as made:
        yield made


@pytest.mark.parametrize("name", SAMPLE)
def test_whatever_slack_does_and_wherever_the_process_dies_each_message_stands_there_once(
    bench: Bench, name: str
) -> None:
    [verdict] = bench.run([Case.named(name)])

    assert verdict.faults == ()
    assert verdict.reached


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_fault_is_found(bench: Bench, plant: str) -> None:
    [verdict] = bench.run([replace(Case.named(PLANTED[plant].case), plant=plant)])

    assert any(PLANTED[plant].words in fault for fault in verdict.faults), verdict


def test_a_case_is_named_such_that_it_can_be_run_again() -> None:
    case = Case("burst", "reset, after", ("chat.postMessage", 1), ("committed 3", "begun 2"))

    assert Case.named(str(case)) == case


def test_every_form_of_message_meets_every_lie_that_can_strike_it() -> None:
    cases = whole_cases()

    assert {case.subject for case in cases} == set(SUBJECTS)
    assert len(cases) > 600


def test_the_points_of_death_are_those_at_which_something_is_done(bench: Bench) -> None:
    [verdict] = bench.run([Case("alert", "none", ("chat.postMessage", 1))])

    found = points(verdict.trace)
    first = found.index("chat.postMessage arrived 1")
    assert found[first - 2 : first + 6] == [
        "to be committed 3",
        "committed 3",
        "chat.postMessage arrived 1",
        "chat.postMessage kept 1",
        "begun 4",
        "to be committed 4",
        "committed 4",
        "to be committed 5",
    ]
    assert len(killed_cases(verdict)) == len(found)
