"""A process under limits: what it may have, how it is heard, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from daemon import confining
from daemon.confining import Confined, EndedError, Limits, ending

PLENTY = Limits(minutes=2.0, memory_mib=512)


def start(do: str, limits: Limits = PLENTY, *, gently: bool = True) -> Confined:
    return Confined("tests.confined_process", {"do": do}, limits, gently=gently)


def heard(do: str, limits: Limits = PLENTY, *, gently: bool = True) -> list[dict[str, Any]]:
    return list(start(do, limits, gently=gently).said())


def reason(do: str, limits: Limits = PLENTY) -> str:
    """Why it ended, and no more of what it said than that."""
    with pytest.raises(EndedError) as caught:
        heard(do, limits)
    return str(caught.value)


def has_ended(process: int) -> bool:
    until = time.monotonic() + 20.0
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_it_gives_way_to_everything_and_has_its_limits() -> None:
    [found] = heard("tell how it is")

    assert found == {
        "nice": 19,
        "idle": True,
        "data_mib": 512,
        "core": 0,
        # With autogroups a niceness counts inside a session alone.
        "session": os.getsid(0),
        "group": True,
        "threads": "1",
        "jobs": "1",
    }


def test_one_that_somebody_waits_for_gives_way_to_nobody() -> None:
    [found] = heard("tell how it is", gently=False)

    assert (found["nice"], found["idle"]) == (os.getpriority(os.PRIO_PROCESS, 0), False)
    assert found["data_mib"] == 512


def test_it_is_answered_what_it_asks() -> None:
    child = start("ask")
    lines = []

    for line in child.said():
        lines.append(line)
        if "question" in line:
            child.tell({"is": line["question"]})

    assert lines == [{"question": 42}, {"answer": {"is": 42}}]


def test_what_a_library_prints_is_not_taken_for_what_it_says() -> None:
    assert heard("print") == [{"said": "and this is ours"}]


def test_it_is_ended_when_its_time_is_over() -> None:
    assert reason("compute", Limits(0.02, 512)) == "took longer than 0.02 minutes; raise retrain.minutes"


def test_one_that_needs_more_memory_says_so() -> None:
    assert reason("eat memory", Limits(2.0, 256)) == "needed more than 256 MiB; raise retrain.memory_mib"


def test_one_that_complains_for_ever_without_memory_is_ended() -> None:
    assert reason("complain for ever") == "needed more than 512 MiB; raise retrain.memory_mib"


def test_a_crash_is_told_with_what_may_be_behind_it() -> None:
    assert reason("crash").startswith("ended by SIGABRT, as programs are that get no more memory")


def test_an_exit_is_told_by_the_last_thing_it_complained_of() -> None:
    assert reason("exit") == "the reason is this"


def test_whoever_is_killed_is_told_by_the_signal() -> None:
    child = start("wait")
    said = child.said()
    process = next(said)["process"]

    os.kill(process, signal.SIGKILL)

    with pytest.raises(EndedError, match="killed by SIGKILL"):
        list(said)


def test_what_it_started_ends_with_it() -> None:
    child = start("have children")
    process = next(child.said())["process"]

    child.close()

    assert has_ended(process)


def test_it_is_cancelled_from_another_thread() -> None:
    child = start("wait")
    said = child.said()
    next(said)

    threading.Timer(0.05, child.cancel, ["topicwired stopped"]).start()

    with pytest.raises(EndedError, match="topicwired stopped"):
        list(said)


def test_a_cancel_after_its_end_harms_nobody() -> None:
    child = start("tell how it is")
    list(child.said())

    child.cancel("too late")
    child.close()


@pytest.mark.parametrize("do", ["wait", "compute"])
def test_it_ends_with_whoever_started_it(do: str) -> None:
    call = (
        "from daemon.confining import Confined, Limits;"
        f"child = Confined('tests.confined_process', {{'do': {do!r}}}, Limits(5.0, 512));"
        "[print(line['process'], flush=True) for line in child.said()]"
    )
    parent = subprocess.Popen([sys.executable, "-c", call], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    process = int(parent.stdout.readline())

    parent.kill()
    parent.communicate()

    assert has_ended(process)


@pytest.mark.parametrize(
    ("code", "complaints", "expected"),
    [
        (0, b"a warning", ""),
        (confining.NO_MEMORY, b"", "needed more than 512 MiB; raise retrain.memory_mib"),
        (1, b"Traceback\nMemoryError\n", "needed more than 512 MiB; raise retrain.memory_mib"),
        (1, b"Traceback (most recent call last):\nValueError: no\n", "ValueError: no"),
        (3, b"", "ended with 3 and said nothing"),
        (-15, b"", "killed by SIGTERM"),
        (-64, b"", "killed by SIGRTMAX"),
        (-40, b"", "killed by signal 40"),
    ],
)
def test_an_ending_is_told_in_one_line(code: int, complaints: bytes, expected: str) -> None:
    assert ending(code, complaints, PLENTY) == expected
