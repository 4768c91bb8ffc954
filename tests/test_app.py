"""The daemon as a whole: what is made up for at a start, and its configuration changed under way."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from classifier.model import Model
from classifier.storage import load
from daemon import app, arrivals, clock, deliveries, outbox, poison
from daemon.claiming import NobodyElse
from daemon.config import Receiver, Settings
from daemon.database import Database
from daemon.errors import DaemonError
from daemon.receivers import senders_of
from daemon.senders import Sender
from daemon.serving import Serving
from daemon.sharing import ALONE
from daemon.slack import BURST
from tests.builders import (
    ENERGY_ARTICLE,
    NOON,
    QUIET_ARTICLE,
    console_receiver,
    make_alert,
    make_settings,
    owe,
)
from tests.daemon_process import DaemonProcess
from tests.newsroom import energy_article
from tests.slack_stand_in import Fault, SlackStandIn


def slack_receiver(name: str, channel: str) -> Receiver:
    return Receiver(name=name, type="slack", channel=channel)


def slack_settings(home: Path, slack: SlackStandIn, token_file: Path, *receivers: Receiver) -> Settings:
    settings = make_settings(home, receivers=receivers)
    reached = settings.slack.model_copy(update={"token_file": token_file, "api_url": slack.url})
    return settings.model_copy(update={"slack": reached})


def test_receivers_of_one_channel_share_its_pace_and_others_have_their_own(
    tmp_path: Path, slack: SlackStandIn, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
    receivers = [slack_receiver("a", "C1"), slack_receiver("b", "C1"), slack_receiver("c", "C2")]

    senders = senders_of(slack_settings(tmp_path, slack, token_file, *receivers))

    taken = [senders[name].pause() for name in "abababab"]
    assert taken.count(0.0) == BURST
    assert senders["c"].pause() == 0.0


def test_however_many_threads_send_to_a_channel_together_they_keep_its_pace(
    tmp_path: Path, slack: SlackStandIn, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
    receivers = [slack_receiver(f"desk {number}", "C1") for number in range(8)]
    senders = senders_of(slack_settings(tmp_path, slack, token_file, *receivers))
    waits: list[float] = []
    start = threading.Barrier(len(senders))

    def ask(sender: Sender) -> None:
        start.wait()
        waits.extend(sender.pause() for _ in range(200))

    threads = [threading.Thread(target=ask, args=(each,)) for each in senders.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert waits.count(0.0) == BURST
    assert len(waits) == 1600


def states(database: Database) -> dict[str, list[str]]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT receiver, state FROM deliveries ORDER BY id")).all()
    found: dict[str, list[str]] = {}
    for receiver, state in rows:
        found.setdefault(receiver, []).append(state)
    return found


@pytest.mark.sqlite("one daemon alone knows who is a stranger; on a server another may have that receiver")
def test_at_a_start_what_is_owed_to_strangers_is_held_and_let_go_when_they_are_back(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as connection:
        for number in range(3):
            owe(connection, make_alert("embassy", number=number))
        owe(connection, make_alert("desk", number=9))
    settings = make_settings(tmp_path, receivers=(console_receiver("desk"),))

    app.start_up(settings, database)

    assert states(database) == {"embassy": ["parked"] * 3, "desk": ["pending"]}
    (said,) = [vars(record) for record in caplog.records]
    assert (said["receiver"], said["alerts"]) == ("embassy", 3)

    both = settings.model_copy(update={"receivers": (console_receiver("desk"), console_receiver("embassy"))})
    app.start_up(both, database)
    assert states(database) == {"embassy": ["pending"] * 3, "desk": ["pending"]}


@pytest.mark.sqlite("one daemon alone knows at its start that nobody is sending")
def test_at_a_start_what_was_on_its_way_is_looked_up_a_little_later(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    with database.transaction() as connection:
        owe(connection, make_alert())
        found = deliveries.oldest(connection, "desk")
        assert found is not None
        outbox.start_sending(connection, found[0], now=NOON, lease=timedelta(minutes=1))

    app.start_up(make_settings(tmp_path, receivers=(console_receiver("desk"),)), database)

    with database.reading() as connection:
        found = deliveries.oldest(connection, "desk")
    assert found is not None
    assert (found[0].state.value, found[1]) == ("unknown", NOON + timedelta(seconds=2))


def test_a_note_is_kept_until_the_ledger_has_the_death(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = poison.Note(tmp_path)
    note.hold([("a.txt", "1:2:3:4")])
    note.close()
    settings = make_settings(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("daemon.retraining.make_up", refuse)
        app.start_up(settings, database)

    app.start_up(settings, database)

    with database.reading() as connection:
        assert connection.execute(text("SELECT number FROM deaths")).scalars().all() == [1]


def refuse(*_: object, **__: object) -> int:
    raise RuntimeError("no")


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What systemd would hear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.settimeout(20.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield opened


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


def test_a_worker_that_hangs_ends_the_pings_so_that_systemd_starts_us_again(
    tmp_path: Path,
    database: Database,
    model: Model,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(app, "_HANGING_SECONDS", 0.2)
    inside, go_on = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        inside.set()
        go_on.wait(20.0)

    monkeypatch.setattr(arrivals, "read", hang)
    settings = make_settings(tmp_path / "home", receivers=(console_receiver("desk"),))
    settings.inbox.mkdir(parents=True)
    (settings.inbox / "a.txt").write_text(ENERGY_ARTICLE)
    daemon = app._Daemon(settings, database, Serving(settings.models, model), senders_of(settings), None)
    daemon._tell_alive()
    assert listener.recv(200).startswith(b"WATCHDOG=1\nSTATUS=watching ")

    daemon._parts.start()
    assert inside.wait(10.0)
    time.sleep(0.3)
    daemon._tell_alive()

    assert listener.recv(200) == b"STATUS=hangs, and will be started anew: inbox"
    listener.settimeout(0.2)
    with pytest.raises(TimeoutError):
        listener.recv(100)
    assert [vars(record)["workers"] for record in caplog.records] == ["inbox"]
    go_on.set()
    assert daemon._parts.stop(20.0) == []
    daemon._tell_alive()
    assert listener.recv(200).startswith(b"WATCHDOG=1\nSTATUS=watching ")


def test_a_configuration_is_not_changed_over_while_a_worker_hangs(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_RELOAD_SECONDS", 0.2)
    inside, go_on = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        inside.set()
        go_on.wait(20.0)

    monkeypatch.setattr(arrivals, "read", hang)
    settings = make_settings(tmp_path / "home", receivers=(console_receiver("desk"),))
    settings.inbox.mkdir(parents=True)
    (settings.inbox / "a.txt").write_text(ENERGY_ARTICLE)
    daemon = app._Daemon(settings, database, Serving(settings.models, model), senders_of(settings), None)
    daemon._start()
    assert inside.wait(10.0)

    with pytest.raises(DaemonError, match="inbox: hanging"):
        daemon._reload()

    go_on.set()
    daemon._stop(20.0)


def test_a_ledger_that_fails_during_a_reload_does_not_end_the_daemon(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tmp_path / "home", receivers=(console_receiver("desk"),))
    settings.inbox.mkdir(parents=True)
    daemon = app._Daemon(settings, database, Serving(settings.models, model), senders_of(settings), None)
    daemon._start()

    def locked(*_: object, **__: object) -> dict[str, int]:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "park_strangers", locked)
        daemon._reload()
    (settings.inbox / "a.txt").write_text(QUIET_ARTICLE)
    until = time.monotonic() + 20.0
    while list(settings.inbox.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)

    assert list(settings.inbox.iterdir()) == []
    daemon._stop(20.0)


@pytest.mark.sqlite("one daemon alone knows who is a stranger; on a server another may have that receiver")
def test_what_is_owed_to_a_removed_receiver_in_the_last_moment_before_the_change_is_held_as_well(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = (console_receiver("desk"), console_receiver("embassy"))
    before = make_settings(tmp_path / "home", receivers=both)
    before.inbox.mkdir(parents=True)
    after = before.model_copy(update={"receivers": both[:1]})
    serving = Serving(before.models, model)
    daemon = app._Daemon(before, database, serving, senders_of(before), lambda: after)
    daemon._start()
    stop = daemon._stop

    def owe_and_stop(seconds: float) -> list[str]:
        late = stop(seconds)
        with database.transaction() as connection:
            owe(connection, make_alert("embassy"))
        return late

    with monkeypatch.context() as patch:
        patch.setattr(daemon, "_stop", owe_and_stop)
        daemon._reload()

    assert daemon._stop(20.0) == []
    assert states(database) == {"embassy": ["parked"]}


class Desk:
    """A real daemon on a home of its own, one Slack channel, and the file that configures it."""

    def __init__(self, home: Path, slack: SlackStandIn, token_file: Path) -> None:
        self.home, self.slack, self.token_file = home, slack, token_file
        self.file = home.parent / "topicwire.toml"
        self.process = DaemonProcess(home, config=self.config())
        self.process.wait_until_watching()

    def config(self, more: str = "") -> str:
        return (
            f'[inbox]\nsettle_seconds = 0.05\n[slack]\ntoken_file = "{self.token_file}"\n'
            f'api_url = "{self.slack.url}"\npace_seconds = 0.01\n'
            f'[[receiver]]\nname = "desk"\ntype = "slack"\nchannel = "C0DESK"\n{more}'
        )

    def drop(self, name: str, content: str) -> None:
        fresh = self.home / f"{name}.fresh"
        fresh.write_text(content, encoding="utf-8")
        fresh.rename(self.process.inbox / name)

    def reload(self, config: str | None = None) -> None:
        """SIGHUP, and wait for its end."""
        if config is not None:
            self.process.configure(config)
        before = self.ends()
        self.process.process.send_signal(signal.SIGHUP)
        self.process.wait_until(lambda: self.ends() > before)

    def ends(self) -> int:
        return self.process.log.count("configuration re")

    def again(self) -> None:
        self.process = DaemonProcess(self.home, config=self.config())

    def has_taken(self, number: int) -> bool:
        return len(self.process.done()) == number


@pytest.fixture
def desk(home: Path, slack: SlackStandIn, token_file: Path) -> Iterator[Desk]:
    running = Desk(home, slack, token_file)
    yield running
    running.process.stop()


def test_a_new_route_takes_effect_at_a_reload_and_nothing_is_lost(desk: Desk, slack: SlackStandIn) -> None:
    only_health = '[[route]]\nreceiver = "desk"\ntopics = ["health"]\n'
    desk.reload(desk.config(only_health))
    desk.drop("a.txt", ENERGY_ARTICLE)
    desk.process.wait_until(lambda: desk.has_taken(1))
    assert slack.texts() == []

    desk.reload(desk.config('[[route]]\nreceiver = "desk"\ntopics = ["energy"]\n'))
    desk.drop("b.txt", energy_article("Pavlodar"))
    desk.process.wait_until(lambda: len(slack.texts()) == 1)

    assert "Pavlodar" in slack.texts()[0]
    assert desk.process.stop() == 0


def test_of_a_broken_configuration_every_problem_is_said_and_the_old_one_stays(
    desk: Desk, slack: SlackStandIn
) -> None:
    broken = desk.config('[[route]]\nreceiver = "nobody"\n[[route]]\nreceiver = "desk"\ntopics = ["enrgy"]\n')

    desk.reload(broken)
    desk.drop("a.txt", ENERGY_ARTICLE)

    desk.process.wait_until(lambda: len(slack.texts()) == 1)
    refusals = [line for line in desk.process.log.splitlines() if "configuration refused" in line]
    assert len(refusals) >= 2
    assert any("nobody" in line for line in refusals)
    assert any("enrgy" in line for line in refusals)


def test_a_configuration_that_is_gone_leaves_the_old_one(desk: Desk, slack: SlackStandIn) -> None:
    desk.file.unlink()

    desk.reload()
    desk.drop("a.txt", ENERGY_ARTICLE)

    desk.process.wait_until(lambda: len(slack.texts()) == 1)


def test_another_ledger_takes_a_restart(desk: Desk) -> None:
    desk.reload(desk.config('[storage]\ndatabase = "another.db"\n'))

    assert "takes a restart to change" in desk.process.log
    assert not (desk.home / "another.db").exists()


def test_what_an_inbox_that_hangs_has_claimed_is_left_to_other_daemons(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_HANGING_SECONDS", 0.2)
    left: list[str] = []

    class Claims(NobodyElse):
        def let_all_go(self) -> None:
            left.append("all")

    settings = make_settings(tmp_path / "home", receivers=(console_receiver("desk"),))
    shared = replace(ALONE, claiming=Claims())
    serving = Serving(settings.models, model)
    daemon = app._Daemon(settings, database, serving, senders_of(settings), None, shared=shared)

    daemon._parts.workers[0]._busy_since = time.monotonic() - 1.0
    daemon._tell_alive()
    assert left == []
    daemon._parts.inbox._busy_since = time.monotonic() - 1.0
    daemon._tell_alive()

    assert left == ["all"]


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("database", "sqlite:////another/ledger.db", "storage.database"),
        ("daemon", "another", "storage.daemon"),
        ("lease", 60.0, "storage.lease_seconds"),
    ],
)
def test_what_a_daemon_is_to_others_takes_a_restart(
    tmp_path: Path,
    database: Database,
    model: Model,
    caplog: pytest.LogCaptureFixture,
    key: str,
    value: str | float,
    name: str,
) -> None:
    settings = make_settings(tmp_path / "home", receivers=(console_receiver("desk"),))
    other = settings.model_copy(update={key: value})
    senders = senders_of(settings)
    daemon = app._Daemon(settings, database, Serving(settings.models, model), senders, lambda: other)

    daemon._reload()

    [said] = [str(vars(record)["error"]) for record in caplog.records if record.levelname == "ERROR"]
    assert said.endswith(f": {name} takes a restart to change")
    assert daemon._parts.settings == settings


@pytest.mark.slow
def test_a_token_that_was_changed_is_picked_up_and_nothing_that_waited_is_lost(
    desk: Desk, slack: SlackStandIn, token_file: Path
) -> None:
    """A04: revoked while running; what is owed waits, and goes out with the new one."""
    slack.token = "xoxb-2-rotated"
    desk.drop("a.txt", ENERGY_ARTICLE)
    desk.process.wait_until(lambda: "invalid_auth" in desk.process.log)
    assert slack.texts() == []

    token_file.write_text(slack.token)
    desk.reload()
    desk.drop("b.txt", energy_article("Pavlodar"))

    desk.process.wait_until(lambda: len(slack.texts()) == 2, seconds=50.0)
    assert "Atyrau" in slack.texts()[0]
    assert "xoxb" not in desk.process.log


@pytest.mark.sqlite("one daemon alone knows who is a stranger; on a server another may have that receiver")
@pytest.mark.slow
def test_a_channel_that_was_removed_keeps_its_alerts_until_it_is_back(
    desk: Desk, slack: SlackStandIn
) -> None:
    """A09"""
    slack.weather = Fault("error", error="ratelimited", headers={"Retry-After": "1"})
    desk.drop("a.txt", ENERGY_ARTICLE)
    desk.drop("b.txt", energy_article("Pavlodar"))
    desk.process.wait_until(lambda: desk.has_taken(2))
    desk.reload(desk.config().replace("desk", "other").replace("C0DESK", "C0OTHER"))
    slack.weather = None
    time.sleep(2.0)
    assert slack.texts() == []

    desk.reload(desk.config())

    desk.process.wait_until(lambda: len(slack.texts()) == 2, seconds=50.0)
    assert {message["channel"] for message in slack.messages} == {"C0DESK"}
    assert "alerts are held" in desk.process.log


@pytest.mark.slow
def test_two_hundred_reloads_while_files_arrive_lose_nothing_and_repeat_nothing(
    desk: Desk, slack: SlackStandIn
) -> None:
    """G03"""
    number = 0
    for reload in range(200):
        if reload % 5 == 0:
            desk.drop(f"{number}.txt", energy_article(f"Town {number}"))
            number += 1
        desk.process.process.send_signal(signal.SIGHUP)
        time.sleep(0.02)

    desk.process.wait_until(lambda: desk.has_taken(number), seconds=40.0)
    desk.process.wait_until(lambda: len(slack.alert_keys()) >= number, seconds=40.0)

    assert desk.process.stop() == 0
    assert desk.process.log.count("configuration reloaded") > 1
    assert Counter(slack.alert_keys()).most_common(1)[0][1] == 1
    assert len(slack.alert_keys()) == number == 40
    assert "Traceback" not in desk.process.log


@pytest.mark.slow
def test_a_stop_in_the_middle_of_reloads_loses_nothing(desk: Desk, slack: SlackStandIn) -> None:
    for number in range(10):
        desk.drop(f"{number}.txt", energy_article(f"Town {number}"))
        desk.process.process.send_signal(signal.SIGHUP)
    desk.process.process.send_signal(signal.SIGHUP)
    assert desk.process.stop() == 0

    desk.again()

    desk.process.wait_until(lambda: desk.has_taken(10) and len(slack.alert_keys()) >= 10)
    assert len(slack.alert_keys()) == len(set(slack.alert_keys())) == 10


@pytest.mark.slow
def test_asked_to_stop_twice_it_stops_at_once_and_what_was_under_way_is_sent_once(
    desk: Desk, slack: SlackStandIn
) -> None:
    slack.faults.append(Fault("hang", posted=True, seconds=8.0))
    desk.drop("a.txt", ENERGY_ARTICLE)
    desk.process.wait_until(lambda: "chat.postMessage" in slack.requests)
    asked = time.monotonic()

    desk.process.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert desk.process.process.poll() is None
    desk.process.process.send_signal(signal.SIGTERM)

    assert desk.process.process.wait(5) == 128 + signal.SIGTERM
    assert time.monotonic() - asked < 5.0
    desk.again()
    desk.process.wait_until(lambda: "alert delivered" in desk.process.log)
    assert len(slack.texts()) == 1
    assert slack.requests.count("chat.postMessage") == 1


def test_systemd_hears_that_it_is_ready_alive_reloading_and_stopping(
    home: Path,
    slack: SlackStandIn,
    token_file: Path,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    running = Desk(home, slack, token_file)
    standing = f"STATUS=watching {home / 'inbox'}".encode()
    heard = _heard_until(listener, b"READY=1\n" + standing)
    assert b"STATUS=opening the ledger\nEXTEND_TIMEOUT_USEC=60000000" in heard
    moments = []
    for _ in range(4):
        assert listener.recv(200).startswith(b"WATCHDOG=1\n" + standing)
        moments.append(time.monotonic())
    assert moments[-1] - moments[0] < 2.0

    os.kill(running.process.process.pid, signal.SIGHUP)
    _heard_until(listener, b"RELOADING=1\nMONOTONIC_USEC=")
    _heard_until(listener, b"READY=1\n" + standing)

    assert running.process.stop() == 0
    _heard_until(listener, b"STOPPING=1")


def _heard_until(listener: socket.socket, begins: bytes) -> list[bytes]:
    """What is heard, up to what begins so."""
    heard = [listener.recv(200)]
    while not heard[-1].startswith(begins):
        heard.append(listener.recv(200))
    return heard


def test_without_a_watchdog_nobody_is_pinged_too_often(
    home: Path, slack: SlackStandIn, token_file: Path, listener: socket.socket
) -> None:
    running = Desk(home, slack, token_file)
    _heard_until(listener, b"READY=1")

    listener.settimeout(1.0)
    with pytest.raises(TimeoutError):
        listener.recv(200)
    running.process.stop()
