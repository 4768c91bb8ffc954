"""Presence: which daemons of one ledger are there, and what each knows of its own lease."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from daemon import claims, clock, presence
from daemon.database import open_database
from daemon.errors import DaemonError
from daemon.leases import TIMETABLE, receiver
from tests.several import LEASE, Hand, Peer, Room

THERE = "SELECT name FROM daemons WHERE lease_until > clock_timestamp() ORDER BY name"


def test_a_daemon_that_has_entered_is_listed_with_its_place_and_its_model(room: Room) -> None:
    north = room.peer("north")

    with north.database.reading() as connection:
        [seen] = presence.listed(connection)

    assert (seen.name, seen.is_there, seen.model) == ("north", True, "model-1")
    assert (seen.home, seen.inbox) == (str(north.settings.home), str(north.settings.inbox))
    assert 0.0 <= seen.unseen_seconds < LEASE
    assert seen.leads == ()


def test_the_list_says_what_each_alone_does_and_nothing_of_one_that_has_gone(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    assert north.holds(TIMETABLE)
    assert north.holds(receiver("desk"))
    assert south.holds(receiver("embassy"))

    south.vanish()

    with north.database.reading() as connection:
        found = {seen.name: (seen.is_there, seen.leads) for seen in presence.listed(connection)}
    assert found == {"north": (True, ("receiver desk", "timetable")), "south": (False, ())}


# Names


def test_a_name_that_a_daemon_elsewhere_has_is_refused_in_one_line_that_says_where(room: Room) -> None:
    north = room.peer("north")
    namesake = room.peer("north", machine="another", enters=False)

    with pytest.raises(DaemonError) as refused:
        namesake.enter()

    said = str(refused.value)
    assert said.startswith("storage.daemon: another daemon is called 'north', with the home ")
    assert str(north.settings.home) in said
    assert said.endswith("give each of a ledger a name of its own")
    assert "\n" not in said
    assert north.renew() > 0.0


def test_the_name_of_a_daemon_that_is_not_heard_of_any_more_may_be_taken(room: Room) -> None:
    before = room.peer("north")
    before.vanish()

    after = room.peer("north", machine="another")

    assert room.rows("SELECT claimant FROM daemons") == [(after.claimant,)]


@pytest.fixture
def neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of this machine."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def as_process(peer: Peer, number: int) -> None:
    """The ledger has a daemon that is another process of this machine."""
    named = f"{number} {claims._start_of(number)} token {peer.machine} daemon"
    with peer.database.beside() as connection:
        connection.exec_driver_sql("UPDATE daemons SET claimant = %s", (named,))


def test_the_name_of_a_process_that_has_ended_is_free_before_its_lease_ends(
    room: Room, neighbour: subprocess.Popen[bytes]
) -> None:
    north = room.peer("north")
    as_process(north, neighbour.pid)
    neighbour.kill()
    neighbour.wait()

    north.enter()

    assert room.rows("SELECT claimant FROM daemons") == [(north.claimant,)]


def test_the_name_of_a_process_of_this_machine_that_lives_is_refused(
    room: Room, neighbour: subprocess.Popen[bytes]
) -> None:
    north = room.peer("north")
    as_process(north, neighbour.pid)

    with pytest.raises(DaemonError, match="another daemon is called 'north'"):
        north.enter()


def test_a_daemon_whose_name_was_taken_while_it_was_away_hears_who_has_it_and_is_not_sure(
    room: Room, hand: Hand
) -> None:
    north = room.peer("north")
    north.vanish()
    hand.seconds += LEASE
    room.peer("north", machine="another")

    with pytest.raises(DaemonError, match="another daemon is called 'north'"):
        north.renew()

    assert not north.presence.is_sure()


# The lease


def test_a_daemon_stops_before_the_others_give_it_up(room: Room, hand: Hand) -> None:
    north = room.peer("north")

    hand.seconds += 0.79 * LEASE
    assert north.presence.is_sure()
    hand.seconds += 0.02 * LEASE
    assert not north.presence.is_sure()

    [(left,)] = room.rows("SELECT EXTRACT(EPOCH FROM lease_until - seen_at) FROM daemons")
    assert float(left) == pytest.approx(LEASE, abs=0.01)


def test_a_lease_counts_from_when_it_was_asked_for_and_not_from_the_answer(room: Room, hand: Hand) -> None:
    north = room.peer("north")

    def slow(*_: Any) -> None:
        hand.seconds += LEASE

    event.listen(north.database._engine, "before_cursor_execute", slow)
    north.renew()

    assert not north.presence.is_sure()


def test_it_is_renewed_six_times_in_its_time_and_a_failure_is_tried_again_sooner(room: Room) -> None:
    north = room.peer("north")

    assert north.renew() == pytest.approx(LEASE / 6)
    rest = north.presence.rest
    assert max(rest.delay(failures) for failures in range(1, 20)) <= LEASE / 6
    assert rest.delay(1) < LEASE / 30


def test_after_a_renewal_it_is_sure_again(room: Room, hand: Hand) -> None:
    north = room.peer("north")
    north.vanish()
    hand.seconds += LEASE
    assert not north.presence.is_sure()

    north.renew()

    assert north.presence.is_sure()
    assert room.rows(THERE) == [("north",)]


def test_each_hears_of_the_others_when_it_renews(room: Room) -> None:
    north, south = room.peer("north"), room.peer("south")
    north.renew()
    with north.at_work():
        assert claims.lives(south.claimant)

    south.vanish()
    north.renew()

    with north.at_work():
        assert not claims.lives(south.claimant)
        assert claims.lives(north.claimant)


def test_one_that_leaves_is_gone_for_the_others_at_once(room: Room) -> None:
    north = room.peer("north")
    room.peer("south")

    north.leave()

    assert room.rows(THERE) == [("south",)]
    assert not north.presence.is_sure()


def test_to_leave_a_ledger_that_is_not_there_is_no_error_and_is_said_once(
    own_room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    north = own_room.peer("north")
    north.database.close()
    north.presence._database = _unreachable(own_room)

    with caplog.at_level(logging.WARNING):
        north.leave()

    assert [record.message for record in caplog.records] == ["the ledger was not told that we leave"]
    assert not north.presence.is_sure()


def _unreachable(room: Room) -> Any:
    """As if the server had gone: nobody is let in any more."""
    database = open_database(room.address)
    database.close()
    name = room.address.rpartition("/")[2]
    room.server.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    return database


# The clock


def test_the_clock_of_the_server_is_followed_whatever_this_machine_s_says(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=10)

    north = room.peer("north", enters=False)
    monkeypatch.setattr(clock, "datetime", Ahead)
    clock.follow_nobody()
    assert (clock.now() - datetime.now(UTC)).total_seconds() > 500.0

    north.enter()

    [(said,)] = room.rows("SELECT clock_timestamp()")
    assert abs((clock.now() - said).total_seconds()) < 1.0


def test_a_clock_that_is_followed_is_carried_on_by_the_monotonic_one(hand: Hand) -> None:
    said = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)

    clock.follow(said, hand.seconds)
    hand.seconds += 90.0

    assert clock.now() == said + timedelta(seconds=90)


def test_half_of_the_time_that_the_answer_took_is_believed_to_be_the_way(room: Room, hand: Hand) -> None:
    """The server's clock was read in the middle of the asking, as far as we can know."""
    north = room.peer("north")

    def slow(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT clock_timestamp()"):
            hand.seconds += 4.0

    event.listen(north.database._engine, "before_cursor_execute", slow)
    north.renew()
    [(said,)] = room.rows("SELECT clock_timestamp()")

    assert (clock.now() - said).total_seconds() == pytest.approx(2.0, abs=1.0)


def test_a_command_that_listens_knows_who_is_there(room: Room) -> None:
    north = room.peer("north")
    south = room.peer("south")
    south.vanish()
    reader = room.peer("reader", enters=False)

    with reader.at_work(), reader.database.reading() as connection:
        presence.hear(connection)
        assert claims.is_present(north.claimant)
        assert not claims.is_present(south.claimant)
