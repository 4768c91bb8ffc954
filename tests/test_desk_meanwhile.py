"""What takes a while is found out meanwhile, and a page waits for it once at most."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from daemon.desk.meanwhile import Meanwhile


@contextmanager
def slow_finding() -> Iterator[tuple[Meanwhile[str], threading.Event]]:
    """Something that is found out when the event is set."""
    may = threading.Event()

    def find() -> str:
        may.wait(20)
        return "found"

    meanwhile = Meanwhile(find, fresh=60.0)
    yield meanwhile, may
    may.set()
    assert meanwhile.settle(20)


def test_what_is_found_out_at_once_is_told_to_whoever_asks_first() -> None:
    assert Meanwhile(lambda: "found", fresh=60.0).ask(20) == "found"


def test_of_what_takes_a_while_only_the_first_who_asks_waits() -> None:
    with slow_finding() as (meanwhile, may):
        assert meanwhile.ask(0.01) is None

        assert meanwhile.ask(3600) is None

        may.set()
        assert meanwhile.settle(20)
        assert meanwhile.ask() == "found"


def test_what_is_old_is_told_while_it_is_found_out_anew() -> None:
    found = iter(["old", "new"])
    meanwhile = Meanwhile(lambda: next(found), fresh=0.0)
    assert meanwhile.ask(20) == "old"

    assert meanwhile.ask() == "old"

    assert meanwhile.settle(20)
    assert meanwhile.ask() == "new"


def test_what_is_too_old_is_told_only_where_nobody_waits_for_what_is_new() -> None:
    found = iter(["old", "new", "newest"])
    meanwhile = Meanwhile(lambda: next(found), fresh=0.0, old=0.0)
    assert meanwhile.ask(20) == "old"

    assert meanwhile.ask(20) == "new"

    assert meanwhile.ask() == "new"
    assert meanwhile.settle(20)


def test_what_could_not_be_found_out_is_tried_again() -> None:
    tries = []

    def find() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no disk")
        return "found"

    meanwhile = Meanwhile(find, fresh=0.0)

    assert meanwhile.ask(20) is None
    assert meanwhile.failed
    assert meanwhile.ask(20) == "found"
