"""What status, metrics, check and the commands say of several daemons with one ledger."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from daemon import claims, gauges, holds, joining, status, trainings
from daemon.cli import main as topicwired
from daemon.database import Database
from daemon.desk import server
from daemon.leases import TIMETABLE, receiver
from tests.at_the_desk import AtDesk
from tests.builders import NOON, make_alert, owe
from tests.postgres import Server
from tests.several import Peer, Room


def gathered(peer: Peer) -> dict[str, Any]:
    peer.settings.inbox.mkdir(parents=True, exist_ok=True)
    return status.gather(peer.settings, peer.database)


def warnings(peer: Peer) -> list[str]:
    return [each for each in gathered(peer)["warnings"] if "inbox is missing" not in each]


@pytest.fixture
def north(room: Room) -> Peer:
    """A daemon that does everything there is to be done by one."""
    found = room.peer("north", inbox=room.folder / "inbox")
    assert found.holds(TIMETABLE)
    return found


@pytest.fixture
def south(room: Room, north: Peer) -> Peer:
    return room.peer("south", inbox=north.settings.inbox)


def told_as(peer: Peer, **columns: str) -> None:
    """As if the daemon had said something else of itself."""
    with peer.database.beside() as connection:
        for column, value in columns.items():
            row = {"name": peer.name, "value": value}
            connection.execute(text(f"UPDATE daemons SET {column} = :value WHERE name = :name"), row)


# Status


def test_every_daemon_stands_in_status_with_what_it_alone_does(north: Peer, south: Peer) -> None:
    assert south.holds(receiver("desk"))

    found = gathered(north)

    assert found["warnings"] == []
    assert [(each["name"], each["state"], each["leads"]) for each in found["daemons"]] == [
        ("north", "present", ["timetable"]),
        ("south", "present", ["receiver desk"]),
    ]
    [line] = [each for each in status.lines(found) if each.startswith("daemon     south")]
    place = f"{south.settings.home}, inbox {south.settings.inbox}"
    assert re.fullmatch(
        rf"daemon     south: since \S+Z, model model-1, leads receiver desk \(\S+, {place}\)", line
    )
    json.dumps(found)


def test_a_ledger_of_one_daemon_has_none_to_list(at_desk: AtDesk) -> None:
    if at_desk.database.shared:
        pytest.skip("this one is shared")

    found = status.gather(at_desk.settings, at_desk.database)

    assert found["daemons"] == []
    assert not [each for each in status.lines(found) if each.startswith("daemon ")]


def test_a_daemon_that_was_stopped_is_no_warning_and_one_that_is_not_heard_of_is(
    room: Room, north: Peer, south: Peer
) -> None:
    west = room.peer("west", inbox=north.settings.inbox)
    south.leave()
    west.vanish()

    found = gathered(north)

    assert {each["name"]: each["state"] for each in found["daemons"]} == {
        "north": "present",
        "south": "left",
        "west": "gone",
    }
    assert len(found["warnings"]) == 1
    assert re.fullmatch(r"daemon west on \S+: not heard of for \d+ s", found["warnings"][0])
    lines = status.lines(found)
    assert any(each.startswith("daemon     south: stopped ") for each in lines)
    assert any(each.startswith("daemon     west: not heard of since ") for each in lines)


def test_the_inbox_of_a_daemon_that_has_gone_is_named_where_nobody_else_has_it(
    room: Room, north: Peer
) -> None:
    west = room.peer("west", inbox=room.folder / "an inbox of its own")
    west.vanish()

    [warning] = warnings(north)

    assert warning.endswith(f"; what lies in its inbox {west.settings.inbox} waits for it")


def test_daemons_that_serve_different_models_or_releases_are_told(north: Peer, south: Peer) -> None:
    told_as(south, model="model-2", program="0.2.0")
    told_as(north, program="0.1.0")

    assert warnings(north) == [
        "daemons serve different models: north: model-1; south: model-2",
        "daemons run different releases of topicwire: north: 0.1.0; south: 0.2.0",
    ]
    south.vanish()
    assert len(warnings(north)) == 1  # that it is not heard of, and no more


def test_a_timetable_that_nobody_leads_is_told(north: Peer, south: Peer) -> None:
    north.leave()

    assert warnings(south) == ["no daemon leads the timetable: no job is begun"]

    south.renew()
    assert south.holds(TIMETABLE)
    assert warnings(south) == []


def test_alerts_that_no_daemon_sends_are_told_by_their_receiver(north: Peer) -> None:
    with north.database.transaction() as connection:
        owe(connection, make_alert("energy-desk", number=1))
        owe(connection, make_alert("embassy", number=2))
        owe(connection, make_alert("stopped", number=3))
        holds.put(connection, "stopped", person="ana", reason="", now=NOON)
    assert north.holds(receiver("embassy"))

    assert [each for each in warnings(north) if "has been owed" not in each] == [
        "energy-desk: alerts are owed, and no daemon sends to it; is it in their configuration?"
    ]


def test_where_no_daemon_runs_that_is_the_warning(north: Peer) -> None:
    north.leave()

    assert warnings(north) == ["no daemon runs: nothing is taken in and nothing is sent"]


def test_files_that_a_daemon_had_in_hand_when_it_went_are_counted(
    room: Room, north: Peer, south: Peer
) -> None:
    room.server.run(
        "INSERT INTO arriving (name, claimant, generation, since)"
        f" VALUES ('a', '{south.claimant}', 1, now()), ('b', '{north.claimant}', 1, now())",
        room.address,
    )
    room.server.run(
        "INSERT INTO files (fingerprint, name, size, state, arrived_at, daemon)"
        " VALUES ('f', 'a.txt', 1, 'taken', '2026', 'south'), ('g', 'b.txt', 1, 'taken', '2026', 'north')",
        room.address,
    )
    assert warnings(north) == []

    south.leave()

    assert warnings(north) == [
        "1 files of an inbox are claimed by daemons that have gone",
        "1 files are to be moved in the home of south, which does not run",
    ]


# Metrics


def test_each_daemon_has_numbers_and_one_that_was_stopped_is_not_missed(
    room: Room, north: Peer, south: Peer
) -> None:
    west = room.peer("west", inbox=north.settings.inbox)
    south.leave()
    west.vanish()

    found = {
        (sample.name, sample.labels["daemon"]): sample.value
        for family in gauges.of_daemons(gathered(north)["daemons"])
        for sample in family.samples
        if "daemon" in sample.labels
    }

    assert [found["topicwire_daemon_present", name] for name in ("north", "south", "west")] == [1, 0, 0]
    assert found["topicwire_daemon_leases", "north"] == 1
    assert {name for what, name in found if what == "topicwire_daemon_unseen_seconds"} == {"north", "west"}


# The desk


def test_the_page_of_health_shows_every_daemon_and_what_is_wrong(
    room: Room, north: Peer, at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.peer("<west>", inbox=north.settings.inbox).vanish()
    monkeypatch.setattr("daemon.desk.health._PATIENCE", 20.0)
    found = gathered(north)
    monkeypatch.setattr("daemon.status.gather", lambda *_: found)

    page = at_desk.client.get("/health").text

    assert "Daemons of this ledger" in page
    assert "&lt;west&gt;" in page
    assert "is not heard of" in page
    assert "not heard of for" in page  # the warning
    assert "on its server" in page
    assert "is backed up there" in page


def test_the_page_has_no_such_table_where_there_is_one_daemon(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.desk.health._PATIENCE", 20.0)
    if at_desk.database.shared:
        pytest.skip("this one is shared")

    assert "Daemons of this ledger" not in at_desk.client.get("/health").text


# Whose work goes on


def _training_of(peer: Peer) -> int:
    with peer.at_work(), peer.database.transaction() as connection:
        return trainings.begin(connection, asked_by="timetable", served=None, now=NOON)


def _is_cut_off(database: Database) -> bool:
    with database.reading() as connection:
        return not trainings.in_hand(connection)


def test_the_desk_hears_again_and_again_whose_training_goes_on(
    north: Peer, south: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _training_of(south)
    monkeypatch.setattr(claims, "_present", frozenset())
    assert _is_cut_off(north.database)

    wait = server._hear(north.database)

    assert wait == server._HEAR_EVERY
    assert not _is_cut_off(north.database)
    south.vanish()
    server._hear(north.database)
    assert _is_cut_off(north.database)


def test_a_desk_with_a_ledger_of_its_own_asks_nobody(tmp_path: Path, at_desk: AtDesk) -> None:
    if at_desk.database.shared:
        pytest.skip("this one is shared")

    assert server._hear(at_desk.database) > 3600


# Commands


@pytest.fixture
def config(room: Room, postgresql: Server, tmp_path: Path) -> list[str]:
    """What a command is given to have the ledger of the room."""
    file = tmp_path / "topicwire.toml"
    file.write_text(f'[storage]\ndatabase = "{postgresql.configured(room.address)}"\ndaemon = "west"\n')
    return ["--home", str(tmp_path / "home"), "--config", str(file)]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_command_knows_the_training_of_another_machine_and_does_not_begin_a_second(
    config: list[str], south: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    _training_of(south)

    assert topicwired(["retrain", *config]) == 1
    assert "a training is in hand since" in said(capsys)


def test_backup_and_restore_say_the_commands_that_do_it_and_these_work(
    config: list[str], room: Room, north: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("the programs of PostgreSQL are not in the PATH")
    with north.database.transaction() as connection:
        owe(connection, make_alert())
    north.database.close()

    for command, start in (("backup", "backed up there: "), ("restore", "stop every daemon, then ")):
        assert topicwired([command, *config]) == 1
        line = said(capsys)
        assert line.count("\n") == 1
        assert room.address.split(":")[2].split("@")[0] not in line  # the password
        if command == "restore":
            room.server.run("DELETE FROM deliveries", room.address)
        subprocess.run(line.partition(start)[2], shell=True, check=True, cwd=tmp_path)

    assert room.rows("SELECT COUNT(*) FROM deliveries") == [(1,)]
    assert not (tmp_path / "home" / ".lock").exists()  # no home was made of it


def test_check_looks_at_the_server_and_at_who_else_is_there(
    config: list[str], south: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert topicwired(["check", *config]) == 1  # another model serves at the other

    lines = said(capsys).splitlines()

    found = {line.split(": ")[1]: line for line in lines}
    assert "PostgreSQL " in found["ledger"] and "schema 00" in found["ledger"]
    assert found["rights"].endswith("may read and write every table")
    assert found["clock"].endswith("this machine's; the server's counts")
    assert found["daemon"].endswith("west; beside it: north, south")
    assert "none here, and north serves model-1, south serves model-1" in found["models"]


def test_check_finds_a_namesake_and_rights_that_are_lacking(room: Room, north: Peer) -> None:
    room.server.run("CREATE ROLE reader LOGIN PASSWORD 'reads-only'")
    room.server.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", room.address)
    settings = north.settings.model_copy(update={"home": room.folder / "another"})
    with north.database.transaction() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE reader")
        lacking = connection.execute(joining._LACKING).scalars().all()
    room.server.run("DROP OWNED BY reader", room.address)
    room.server.run("DROP ROLE reader")

    found = {each.about: each for each in joining.examine(settings, north.database)}

    assert "articles" in lacking
    assert not found["daemon"].ok
    assert f"another is called north, with the home {north.settings.home}" in found["daemon"].text


def test_status_of_a_home_knows_that_its_ledger_is_elsewhere(
    config: list[str], north: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert topicwired(["status", *config, "--json"]) == 0

    found = json.loads(said(capsys))
    assert found["disk"]["ledger"] is None
    assert [each["name"] for each in found["daemons"]] == ["north"]
