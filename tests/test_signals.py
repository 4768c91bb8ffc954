"""Signals: none is lost, many are one, and whoever asks twice to stop is obeyed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import poison
from daemon.signals import RELOAD, STOP, Signals

NUMBERS = {"H": signal.SIGHUP, "T": signal.SIGTERM, "I": signal.SIGINT}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def signals(home: Path) -> Iterator[Signals]:
    before = {number: signal.getsignal(number) for number in (*STOP, RELOAD)}
    opened = Signals(before_exit=lambda: poison.clear(home))
    yield opened
    opened.close()
    for number, handler in before.items():
        signal.signal(number, handler)


def send(letters: str) -> None:
    for letter in letters:
        os.kill(os.getpid(), NUMBERS[letter])


@pytest.mark.parametrize(
    ("sent", "heard"),
    [("", [None]), ("H", [1, None]), ("HHHHH", [1, None]), ("HHTHH", [15]), ("TH", [15]), ("HIH", [2])],
)
def test_many_hang_ups_are_one_and_no_other_signal_is_lost_among_them(
    signals: Signals, sent: str, heard: list[int | None]
) -> None:
    send(sent)

    assert [signals.wait(0.05) for _ in heard] == heard


def test_a_signal_ends_the_wait_at_once_whenever_it_comes(signals: Signals) -> None:
    for number in range(200):
        timer = threading.Timer(number * 1e-5, send, ["H"])
        timer.start()
        began = time.monotonic()

        assert signals.wait(5.0) == RELOAD
        assert time.monotonic() - began < 1.0
        timer.join()


def test_asked_to_stop_twice_it_ends_at_once_and_no_file_is_blamed(
    signals: Signals, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = poison.Note(home)
    note.hold([("a.txt", "1:2:3:4")])
    ends: list[int] = []
    monkeypatch.setattr(os, "_exit", ends.append)

    send("T")
    assert ends == []
    send("I")

    assert ends == [128 + signal.SIGINT]
    assert not (home / ".in-hand").exists()
    note.close()
