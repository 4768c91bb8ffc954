"""Claiming: which files of a common inbox are whose to take, and that a late writer records nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from daemon.arrivals import Arrival
from daemon.claiming import LedgerClaims, NobodyElse
from daemon.errors import DaemonError
from daemon.inbox import Candidate, Stamp
from tests.several import LEASE, Hand, Peer, Room

INBOX = Path("/inbox")


def files(*names: str) -> list[Candidate]:
    return [Candidate(INBOX, name, Stamp(1, 2, 3, 4)) for name in names]


def names(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.name for candidate in candidates]


def claim(peer: Peer, *wanted: str) -> list[str]:
    with peer.at_work():
        return names(peer.claiming.claim(files(*wanted)))


def let_go(peer: Peer, *given: str) -> None:
    with peer.at_work():
        peer.claiming.let_go(files(*given))


def confirmed(peer: Peer, *batch: str) -> list[str]:
    """What a late or timely writer would record."""
    with peer.at_work(), peer.database.transaction() as connection:
        return _confirmed(peer.claiming, connection, batch)


def _confirmed(claiming: LedgerClaims, connection: object, batch: Sequence[str]) -> list[str]:
    arrivals = [Arrival(candidate, "f" * 64) for candidate in files(*batch)]
    return [each.candidate.name for each in claiming.confirmed(connection, arrivals)]  # type: ignore[arg-type]


def test_alone_everything_is_ours() -> None:
    assert NobodyElse().claim(files("a", "b")) == files("a", "b")


def test_what_one_has_claimed_no_other_gets_and_the_order_stays(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")

    assert claim(north, "c", "a", "b") == ["c", "a", "b"]
    assert claim(south, "d", "b", "a", "e") == ["d", "e"]


def test_what_is_ours_may_be_claimed_again(room: Room) -> None:
    north = room.peer("north")
    claim(north, "a")

    assert claim(north, "a", "b") == ["a", "b"]
    assert confirmed(north, "a", "b") == ["a", "b"]


def test_what_was_let_go_is_for_whoever_asks(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    claim(north, "a", "b")

    let_go(north, "a")

    assert claim(south, "a", "b") == ["a"]
    assert confirmed(north, "a", "b") == ["b"]


def test_one_lets_go_only_of_what_is_its_own(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    claim(north, "a")
    north.vanish()
    claim(south, "a")

    let_go(north, "a")

    assert confirmed(south, "a") == ["a"]


def test_all_may_be_let_go_at_once(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    claim(north, "a", "b")
    claim(south, "c")

    with north.at_work():
        north.claiming.let_all_go()

    assert claim(south, "a", "b") == ["a", "b"]
    assert confirmed(south, "a", "b", "c") == ["a", "b", "c"]


def test_what_was_recorded_and_let_go_leaves_nothing_behind(room: Room) -> None:
    north = room.peer("north")
    claim(north, "a", "b")

    let_go(north, "a", "b")

    assert room.rows("SELECT COUNT(*) FROM arriving") == [(0,)]


def test_a_daemon_that_stood_still_past_its_lease_records_nothing_that_another_has_taken(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    claim(north, "a", "b")
    north.vanish()

    assert claim(south, "a") == ["a"]
    north.renew()

    assert confirmed(north, "a", "b") == ["b"]
    assert confirmed(south, "a") == ["a"]


def test_nor_what_another_has_taken_and_let_go_since(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    claim(north, "a")
    north.vanish()
    claim(south, "a")
    let_go(south, "a")
    north.renew()

    assert confirmed(north, "a") == []


def test_nor_what_a_third_has_claimed_anew_since_then(room: Room) -> None:
    """Its generation is the first one again; whose it is counts as well."""
    north, south, east = (room.peer(name) for name in ("north", "south", "east"))
    claim(north, "a")
    north.vanish()
    claim(south, "a")
    let_go(south, "a")
    assert claim(east, "a") == ["a"]
    north.renew()

    assert confirmed(north, "a") == []
    assert confirmed(east, "a") == ["a"]


def test_a_batch_of_a_generation_before_is_void_also_in_the_same_process(room: Room) -> None:
    """As where claims could not be let go, and the next look found the same files again."""
    north = room.peer("north")
    claim(north, "a")
    late = north.claiming
    north.claiming = LedgerClaims(north.database, north.presence)
    assert claim(north, "a") == ["a"]

    with north.at_work(), north.database.transaction() as connection:
        assert _confirmed(late, connection, ["a"]) == []
    assert confirmed(north, "a") == ["a"]


def test_what_is_being_recorded_cannot_be_taken_over_before_that_has_ended(room: Room) -> None:
    """It has confirmed that the file is its own, and stands still before the commit."""
    north, south = room.peer("north"), room.peer("south")
    claim(north, "a", "b")
    north.vanish()

    with north.at_work(), north.database.transaction() as connection:
        assert _confirmed(north.claiming, connection, ["a"]) == ["a"]
        assert claim(south, "a", "b") == ["b"]


def test_of_two_who_claim_at_one_moment_each_file_is_one_s_and_nobody_waits(room: Room) -> None:
    north, south, east = (room.peer(name) for name in ("north", "south", "east"))
    claim(east, "a", "b")
    east.vanish()

    with north.database.beside() as connection:
        connection.exec_driver_sql("SELECT 1 FROM arriving ORDER BY name LIMIT 1 FOR UPDATE")
        taken = claim(south, "a", "b")

    assert len(taken) == 1
    [left] = {"a", "b"} - set(taken)
    assert claim(north, "a", "b") == [left]


def test_who_is_not_sure_to_be_believed_there_claims_nothing_and_says_why(room: Room, hand: Hand) -> None:
    north, south = room.peer("north"), room.peer("south")
    hand.seconds += LEASE

    with pytest.raises(DaemonError, match=r"^the ledger was not heard of for too long: no file is claimed$"):
        claim(north, "a")

    south.renew()
    assert claim(south, "a") == ["a"]


@pytest.mark.parametrize(
    "name", ["новость.txt", os.fsdecode(b"not utf-8 \xff.txt"), "two\nlines", "x" * 3000]
)
def test_any_name_that_a_file_has_may_be_claimed(room: Room, name: str) -> None:
    north, south = room.peer("north"), room.peer("south")

    assert claim(north, name) == [name]
    assert claim(south, name) == []
    assert confirmed(north, name) == [name]


def test_ten_thousand_files_are_claimed_in_one_statement(room: Room) -> None:
    north = room.peer("north")
    many = [f"{number}.txt" for number in range(10_000)]

    assert claim(north, *many) == many
