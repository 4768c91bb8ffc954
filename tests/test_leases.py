"""Leases: what one daemon of a ledger does at a time, and who takes it over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from daemon.leases import TIMETABLE, AllOurs, _take, receiver
from tests.several import LEASE, Hand, Room

DESK = receiver("desk")


def held(room: Room, name: str = DESK) -> tuple[str, int]:
    """By whom, and in which generation."""
    [found] = room.rows(
        "SELECT daemons.name, generation FROM leases JOIN daemons USING (claimant)"
        f" WHERE leases.name = '{name}'"
    )
    return str(found[0]), int(found[1])


def test_alone_everything_is_ours() -> None:
    assert AllOurs().holds(DESK)


def test_who_asks_first_has_it_and_no_other_while_that_one_is_there(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")

    assert north.holds(DESK)
    assert not south.holds(DESK)
    assert north.holds(DESK)
    assert held(room) == ("north", 1)


def test_each_receiver_and_the_timetable_may_be_another_s(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")

    assert north.holds(DESK)
    assert south.holds(receiver("embassy"))
    assert south.holds(TIMETABLE)
    assert not north.holds(TIMETABLE)


def test_a_holder_that_asks_again_writes_nothing(room: Room) -> None:
    north = room.peer("north")
    north.holds(DESK)
    before = room.rows("SELECT xmin, ctid, * FROM leases")

    for _ in range(10):
        assert north.holds(DESK)

    assert room.rows("SELECT xmin, ctid, * FROM leases") == before


def test_when_the_holder_is_not_heard_of_another_takes_it_and_the_holder_has_lost_it(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    assert north.holds(DESK)
    north.vanish()
    south.renew()

    assert south.holds(DESK)
    assert held(room) == ("south", 2)

    north.renew()
    assert not north.holds(DESK)
    assert held(room) == ("south", 2)


def test_a_holder_that_is_heard_of_again_in_time_keeps_it(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    assert north.holds(DESK)
    north.vanish()
    south.renew()  # hears that it has gone
    north.renew()

    assert not south.holds(DESK)
    assert held(room) == ("north", 1)


def test_one_that_leaves_leaves_it_to_the_next_who_asks(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    assert north.holds(DESK)
    north.leave()
    south.renew()

    assert south.holds(DESK)


def test_who_is_not_sure_to_be_believed_there_holds_nothing(room: Room, hand: Hand) -> None:
    north = room.peer("north")
    assert north.holds(DESK)

    hand.seconds += LEASE

    assert not north.holds(DESK)


def test_who_is_not_sure_takes_nothing_that_is_free(room: Room, hand: Hand) -> None:
    north = room.peer("north")
    hand.seconds += LEASE

    assert not north.holds(DESK)
    assert room.rows("SELECT COUNT(*) FROM leases") == [(0,)]


def test_who_stands_still_while_asking_does_not_believe_the_answer(room: Room, hand: Hand) -> None:
    north = room.peer("north")
    assert north.holds(DESK)

    def stand_still(*_: Any) -> None:
        hand.seconds += LEASE

    event.listen(north.database._engine, "after_cursor_execute", stand_still)

    assert not north.holds(DESK)


def test_who_stands_still_while_taking_does_not_believe_it_is_theirs(room: Room, hand: Hand) -> None:
    north = room.peer("north")

    def stand_still(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "INSERT INTO leases" in statement:
            hand.seconds += LEASE

    event.listen(north.database._engine, "after_cursor_execute", stand_still)

    assert not north.holds(DESK)


def test_of_two_who_take_at_one_moment_one_has_it_and_the_other_does_not_wait(room: Room) -> None:
    north, south, east = (room.peer(name) for name in ("north", "south", "east"))
    assert east.holds(DESK)
    east.vanish()

    with north.database.beside() as first, south.database.beside() as second:
        with north.at_work():
            assert _take(first, DESK, fresh=False)
        with south.at_work():
            assert not _take(second, DESK, fresh=False)

    assert held(room) == ("north", 2)


def test_of_two_who_make_it_one_has_it(room: Room) -> None:
    """Both have read that nobody holds it."""
    north, south = room.peer("north"), room.peer("south")

    with north.at_work(), north.database.beside() as connection:
        assert _take(connection, DESK, fresh=True)
    with south.at_work(), south.database.beside() as connection:
        assert not _take(connection, DESK, fresh=True)

    assert held(room) == ("north", 1)


def test_what_is_let_go_is_for_whoever_asks_and_a_new_generation(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    north.renew()
    assert north.holds(DESK)

    with north.at_work():
        assert north.leases.let_go(DESK)

    assert south.holds(DESK)
    assert held(room) == ("south", 2)
    assert not north.holds(DESK)


def test_nobody_lets_go_of_what_another_holds(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    assert north.holds(DESK)

    with south.at_work():
        south.leases.let_go(DESK)

    assert held(room) == ("north", 1)


def test_who_is_alone_does_not_let_go(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    assert north.holds(DESK)
    south.leave()
    north.renew()

    with north.at_work():
        assert not north.leases.let_go(DESK)

    assert held(room) == ("north", 1)
    assert not AllOurs().let_go(DESK)
