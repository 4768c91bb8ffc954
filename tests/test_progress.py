"""How far a long run has come, said on stderr now and then."""

from __future__ import annotations

import pytest

from classifier import progress
from classifier.progress import Pace


def test_a_pace_says_rate_part_and_time_left() -> None:
    pace = Pace()
    pace.articles, pace.size, pace.seconds, pace.total = 3000, 250, 2.0, 1000

    assert str(pace) == "3,000 articles, 1,500 a second, 25%, 6 s left"


def test_what_was_done_before_counts_as_done_and_not_for_the_rate() -> None:
    pace = Pace(articles=5000, size=500, total=1000)
    pace.articles, pace.size, pace.seconds = 5100, 600, 10.0

    assert str(pace) == "5,100 articles, 10 a second, 60%, 40 s left"


def test_while_the_input_is_being_counted_nobody_promises_a_time() -> None:
    pace = Pace()
    pace.articles, pace.size, pace.seconds = 100, 1, 1.0

    assert str(pace) == "100 articles, 100 a second"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (7380, "2 h 03 min")]
)
def test_time_left_is_said_as_exactly_as_it_is_known(seconds: float, said: str) -> None:
    pace = Pace()
    pace.articles, pace.size, pace.seconds, pace.total = 1, 100, seconds, 200

    assert str(pace).endswith(f", {said} left")


def said_after(seconds: list[float], monkeypatch: pytest.MonkeyPatch, *, bar: bool = False) -> Pace:
    now = iter([0.0, *seconds])
    pace = Pace()
    with monkeypatch.context() as patch:
        patch.setattr("classifier.progress.time.monotonic", lambda: next(now))
        patch.setattr("classifier.progress.threading.Thread", _Now)
        with progress.shown(pace, lambda: 1000, bar=bar) as tell:
            for _ in seconds:
                tell(10, 100)
    return pace


class _Now:
    """A thread that has done its work when it is started."""

    def __init__(self, *, target: object, daemon: bool, name: str) -> None:
        self.start = target


def test_a_run_without_a_terminal_says_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said_after([1.0, 9.0, 10.0, 11.0, 69.0, 70.0, 71.0], monkeypatch)

    told = capsys.readouterr()
    assert told.out == ""
    assert [line.split(", ")[0] for line in told.err.splitlines()] == [
        "classifier: 30 articles",
        "classifier: 60 articles",
    ]


def test_a_short_run_says_nothing_and_counts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pace = said_after([0.1, 0.2], monkeypatch)

    assert pace.total is None
    assert capsys.readouterr().err == ""
