"""Reach: when a daemon leaves a receiver to others, because nobody there has answered it for a while."""

from __future__ import annotations

from daemon.reach import Reach


def test_it_is_lost_when_nobody_has_answered_for_a_minute() -> None:
    reach = Reach()
    reach.hear(100.0, answered=False)
    reach.hear(130.0, answered=False)

    assert not reach.is_lost(159.0)
    assert reach.is_lost(160.0)


def test_any_answer_between_keeps_it() -> None:
    reach = Reach()
    reach.hear(100.0, answered=False)
    reach.hear(150.0, answered=True)
    reach.hear(155.0, answered=False)

    assert not reach.is_lost(200.0)
    assert reach.is_lost(215.0)


def test_where_nothing_was_asked_nothing_is_lost() -> None:
    assert not Reach().is_lost(10_000.0)


def test_who_stands_back_does_so_for_a_minute_and_then_begins_anew() -> None:
    reach = Reach()
    reach.hear(100.0, answered=False)

    reach.stand_back(170.0)

    assert reach.stands_back(229.0)
    assert not reach.stands_back(230.0)
    assert not reach.is_lost(1000.0)


def test_who_is_alone_goes_on_and_asks_again_after_a_minute() -> None:
    reach = Reach()
    reach.hear(100.0, answered=False)

    reach.try_on()
    reach.hear(161.0, answered=False)

    assert not reach.stands_back(161.0)
    assert not reach.is_lost(220.0)
    assert reach.is_lost(221.0)
