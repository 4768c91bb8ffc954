"""Sharing: several daemons that take files from one inbox into one ledger, and what one needs for that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon import app, batches, clock, ledger, presence, sharing
from daemon.database import Database
from daemon.errors import DaemonError, LedgerError
from daemon.intake import Intake
from daemon.leases import LedgerLeases
from daemon.records import FileState
from daemon.serving import Serving
from daemon.shelving import reconcile
from tests.builders import ENERGY_ARTICLE, console_receiver, make_settings, small_model
from tests.several import Peer, Room


def test_a_ledger_that_is_a_file_has_one_daemon_which_asks_nobody(tmp_path: Path, database: Database) -> None:
    if database.shared:
        pytest.skip("this ledger is shared")

    shared = sharing.enter(make_settings(tmp_path), database, model=lambda: "", wake=lambda: None)

    assert shared is sharing.ALONE
    assert shared.leases is None


def test_who_shares_a_ledger_is_there_until_it_stops_and_hears_the_others(room: Room) -> None:
    north, south = room.peer("north", enters=False), room.peer("south", enters=False)
    woken = threading.Event()
    shared = sharing.enter(north.settings, north.database, model=lambda: "model-2", wake=woken.set)
    try:
        with south.database.reading() as connection:
            [seen] = presence.listed(connection)
        assert (seen.name, seen.is_there, seen.model) == ("north", True, "model-2")
        assert isinstance(shared.leases, LedgerLeases)
        assert shared.leases.holds("receiver desk")
        assert woken.wait(10.0)
        woken.clear()
        south.database.notify()
        assert woken.wait(10.0)
    finally:
        shared.stop()

    with south.database.reading() as connection:
        [seen] = presence.listed(connection)
    assert not seen.is_there


def test_a_home_that_knows_more_than_an_empty_ledger_does_not_start_on_it(room: Room) -> None:
    north = room.peer("north", enters=False)
    app.must_know_home(north.settings, north.database)
    taken = north.settings.done / "2026" / "03" / "05" / "gas.txt"
    taken.parent.mkdir(parents=True)
    taken.write_text(ENERGY_ARTICLE)

    with pytest.raises(LedgerError, match="the ledger is empty") as refused:
        app.must_know_home(north.settings, north.database)

    assert "storage copy" in str(refused.value)
    with north.database.transaction() as connection:
        ledger.record_file(
            connection, fingerprint="f", name="gas.txt", size=1, state=FileState.DONE, now=clock.now()
        )
    app.must_know_home(north.settings, north.database)


def test_two_of_one_name_do_not_begin(room: Room) -> None:
    room.peer("north", machine="another")
    namesake = room.peer("north", enters=False)

    with pytest.raises(DaemonError, match="another daemon is called 'north'"):
        sharing.enter(namesake.settings, namesake.database, model=lambda: "", wake=lambda: None)


# One inbox


class Side:
    """A daemon that takes files from the common inbox."""

    def __init__(self, peer: Peer, inbox: Path) -> None:
        self.peer = peer
        self.settings = peer.settings.model_copy(
            update={"inbox": inbox, "receivers": (console_receiver("desk"),)}
        )
        for folder in (self.settings.done, self.settings.failed):
            folder.mkdir(parents=True)
        serving = Serving(self.settings.models, small_model())
        self.intake = Intake(self.settings, peer.database, serving, lambda: None, lambda: None, peer.claiming)

    def work(self) -> float:
        with self.peer.at_work():
            return self.intake.work()

    def take_all(self) -> None:
        while self.work() == 0.0:
            pass

    def done(self) -> list[str]:
        return sorted(path.name for path in self.settings.done.rglob("*") if path.is_file())


Sides = Callable[[str], Side]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def sides(room: Room, inbox: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Sides:
    monkeypatch.setattr("daemon.serving.Serving.refresh", lambda serving: None)

    def make(name: str) -> Side:
        side = Side(room.peer(name), inbox)
        request.addfinalizer(side.intake.close)
        return side

    return make


def drop(inbox: Path, number: int) -> None:
    for each in range(number):
        text = ENERGY_ARTICLE.replace("Atyrau", f"place {each}")
        (inbox / f"{each}.txt").write_text(text, encoding="utf-8")


def stand_still_before_recording(
    side: Side, meanwhile: Callable[[], None], patch: pytest.MonkeyPatch
) -> None:
    """Once: its batch is read and tagged, and it stands still."""
    real = Intake._record

    def record(intake: Intake, batch: Any) -> Any:
        patch.setattr(Intake, "_record", real)
        meanwhile()
        return real(intake, batch)

    patch.setattr(Intake, "_record", record)


def test_two_daemons_take_the_files_of_one_inbox_each_once(
    room: Room, inbox: Path, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_CLAIMED", 5)
    monkeypatch.setattr(batches, "_MOST_FILES", 5)
    north, south = sides("north"), sides("south")
    drop(inbox, 20)

    while list(inbox.iterdir()):
        north.work()
        south.work()

    assert north.done()
    assert south.done()
    assert sorted(north.done() + south.done()) == sorted(f"{n}.txt" for n in range(20))
    assert room.rows("SELECT COUNT(*) FROM alerts") == [(20,)]
    assert room.rows("SELECT COUNT(*) FROM files WHERE state = 'done'") == [(20,)]
    assert room.rows("SELECT COUNT(*) FROM arriving") == [(0,)]


def test_who_stood_still_past_its_lease_with_a_batch_in_hand_records_nothing_of_it(
    room: Room,
    inbox: Path,
    sides: Sides,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    north, south = sides("north"), sides("south")
    drop(inbox, 3)

    def meanwhile() -> None:
        north.peer.vanish()
        south.take_all()
        north.peer.renew()

    stand_still_before_recording(north, meanwhile, monkeypatch)
    with caplog.at_level(logging.WARNING):
        north.take_all()

    assert (north.done(), south.done()) == ([], ["0.txt", "1.txt", "2.txt"])
    assert room.rows("SELECT daemon, state, COUNT(*) FROM files GROUP BY 1, 2") == [("south", "done", 3)]
    assert room.rows("SELECT COUNT(*) FROM alerts") == [(3,)]
    said = [record for record in caplog.records if "taken over" in record.message]
    assert [vars(record)["files"] for record in said] == [3]


def test_a_file_that_a_daemon_recorded_before_it_went_is_moved_by_the_next_and_told_once(
    room: Room, inbox: Path, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = sides("north"), sides("south")
    drop(inbox, 1)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("daemon.intake.shelve", die)
        with pytest.raises(KeyboardInterrupt):
            north.take_all()
    assert room.rows("SELECT daemon, state FROM files") == [("north", "taken")]

    assert south.work() > 0.0  # north is believed to be at it, and is not asked for again and again
    assert [path.name for path in inbox.iterdir()] == ["0.txt"]
    north.peer.vanish()
    south.take_all()

    assert south.done() == ["0.txt"]
    assert room.rows("SELECT daemon, state FROM files") == [("south", "done")]
    assert room.rows("SELECT COUNT(*) FROM alerts") == [(1,)]


def test_after_that_the_first_finds_nothing_to_make_up_for(
    room: Room, inbox: Path, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_a_file_that_a_daemon_recorded_before_it_went_is_moved_by_the_next_and_told_once(
        room, inbox, sides, monkeypatch
    )
    north = room.peer("north")

    with north.at_work():
        reconcile(north.settings, north.database)

    assert room.rows("SELECT daemon, state FROM files") == [("south", "done")]


def test_another_daemon_s_unfinished_moves_are_left_to_it(
    room: Room, inbox: Path, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from here its file is neither in the inbox nor in done/, and has not gone all the same."""
    north, south = sides("north"), sides("south")
    drop(inbox, 1)
    with monkeypatch.context() as patch:
        patch.setattr("daemon.intake.shelve", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            north.take_all()
    (inbox / "0.txt").rename(inbox.parent / "elsewhere")

    with south.peer.at_work():
        reconcile(south.settings, south.peer.database)
    assert room.rows("SELECT daemon, state FROM files") == [("north", "taken")]

    with north.peer.at_work():
        reconcile(north.settings, north.peer.database)
    assert room.rows("SELECT daemon, state FROM files") == [("north", "gone")]


def test_who_is_cut_off_from_the_ledger_takes_nothing_and_says_why_once(
    inbox: Path, sides: Sides, caplog: pytest.LogCaptureFixture
) -> None:
    north = sides("north")
    drop(inbox, 1)
    north.peer.presence._until = float("-inf")

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            north.work()

    assert [path.name for path in inbox.iterdir()] == ["0.txt"]
    said = [str(vars(record).get("error")) for record in caplog.records]
    assert said == ["the ledger was not heard of for too long: no file is claimed"]

    north.peer.renew()
    until = time.monotonic() + 20.0
    while list(inbox.iterdir()):
        north.work()
        assert time.monotonic() < until
        time.sleep(0.05)
    assert north.done() == ["0.txt"]
