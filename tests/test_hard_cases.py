"""Cases with which a careful reader broke the daemon once: each was a fault, and is one no more."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from daemon import app, shelves, status
from daemon.blocks import blocks
from daemon.cli import main
from daemon.config import load_settings
from daemon.console import ConsoleSender
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch
from daemon.errors import (
    ConfigError,
    DeliveryError,
    LedgerError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.inbox import Inbox, Watch
from daemon.installation import installation
from daemon.limits import problems
from daemon.messages import alone
from daemon.owners import Owner
from daemon.records import AlertTopic
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.units import service
from daemon.webhook import WebhookSender
from tests import ledgers
from tests.builders import NOON, make_alert, make_settings
from tests.desk import Desk
from tests.slack_stand_in import SlackStandIn
from tests.test_dispatch import owe_some, states, work


def test_what_was_sent_but_could_not_be_marked_is_looked_up_and_not_sent_again(database: Database) -> None:
    owe_some(database)
    desk = Desk()
    dispatch = Dispatch("desk", desk, database)
    with database.transaction() as connection:
        ledgers.refuse(connection, "UPDATE ON deliveries", when="NEW.state = 'sent'")
    with pytest.raises(SQLAlchemyError):
        dispatch.work()

    with database.transaction() as connection:
        ledgers.refuse_no_more(connection, "UPDATE ON deliveries")
    work(dispatch, database, 3)

    assert states(database) == ["sent"]
    assert desk.sendings == ["Headline 1"]


@pytest.mark.parametrize("closed", [True, False])
def test_a_closed_standard_output_is_a_failure_for_now(closed: bool) -> None:
    if closed:
        screen: Any = io.StringIO()
        screen.close()
    else:
        reader, writer = os.pipe()
        os.close(reader)
        screen = os.fdopen(writer, "w")
    own = os.dup(1)

    try:
        with pytest.raises(TemporaryDeliveryError):
            ConsoleSender(Console(file=screen)).send(alone(make_alert()))
    finally:
        os.dup2(own, 1)  # rich lays /dev/null over standard output
        os.close(own)


@pytest.mark.parametrize("sign", ["&", "<", "a", "*"])
def test_a_message_stays_within_slack_s_budgets(sign: str) -> None:
    topics = tuple(
        AlertTopic(
            f"t{n}",
            "Constitutional reform",
            "main",
            0.9,
            sign * 420,
            tuple(f"{sign * 150}{n}{m}" for m in range(5)),
        )
        for n in range(12)
    )

    alert = make_alert(headline=sign * 150, file=sign * 250, source=sign * 250, topics=topics)
    choices = tuple((f"t{n}", sign * 80) for n in range(100))
    found = {"blocks": blocks(replace(alone(alert), choices=choices)), "text": "a"}

    assert problems(found) == []
    assert len(json.dumps(found, ensure_ascii=False)) <= 13_000


def test_the_reason_of_one_failed_file_never_overwrites_another_failed_file(tmp_path: Path) -> None:
    (tmp_path / "failed").mkdir()
    original = tmp_path / "failed" / "a.txt.error.json"
    original.write_text("somebody's file of that name")

    target = shelves.failed_target(tmp_path, "a.txt", "f" * 64)
    shelves.explain_failure(tmp_path, target, reason="empty", mend="mend it", now=NOON)

    assert original.read_text() == "somebody's file of that name"


def test_very_deep_folders_do_not_keep_other_files_from_being_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)

    try:
        look = Inbox(tmp_path, 0.0).look(0.0)
    finally:
        os.system(f"rm -rf {tmp_path}/d")

    assert [candidate.name for candidate in look.ready] == ["a.txt"]


def test_it_is_idle_when_the_history_cannot_be_read_try_after_try(database: Database) -> None:
    owe_some(database)
    desk = Desk(plans=[(UnknownOutcomeError("reset"), False)], blind=TemporaryDeliveryError("refused"))
    dispatch = Dispatch("desk", desk, database)

    work(dispatch, database, 10)

    assert dispatch.is_idle()


def test_we_know_what_we_may_do(slack: SlackStandIn) -> None:
    slack.scopes = "chat:write, channels:read"

    app = SlackApp(slack.token, slack.url)
    assert app.identity()["user"] == "topicwire"
    assert app.scopes == {"chat:write", "channels:read"}


@pytest.mark.parametrize("path", [".", "done", "failed/x"])
def test_a_home_named_with_dots_protects_its_folders_as_well(tmp_path: Path, path: str) -> None:
    file = tmp_path / "topicwire.toml"
    file.write_text(f"[inbox]\npath = '{path}'\n")

    with pytest.raises(ConfigError):
        load_settings(file, tmp_path / "x" / ".." / "home", frozenset())


def test_a_cron_line_that_is_never_due_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "topicwire.toml"
    file.write_text("[retrain]\ncron = '0 0 31 2 *'\n")

    with pytest.raises(ConfigError):
        load_settings(file, tmp_path / "home", frozenset())


@pytest.mark.parametrize(
    "address", ["foo://x", "postgresql+psycopg://ledger.example/x", "sqlite+aiosqlite:///x"]
)
def test_a_database_that_we_cannot_open_is_refused_in_one_line(address: str) -> None:
    with pytest.raises(LedgerError) as caught:
        open_database(address)

    assert str(caught.value).startswith(f"{address}: ")


@pytest.mark.sqlite("the path of its file")
def test_a_home_with_a_question_mark_has_its_ledger_in_itself(tmp_path: Path) -> None:
    home = tmp_path / "what?now"
    home.mkdir()

    open_database(load_settings(None, home, frozenset()).database).close()

    assert (home / "ledger.db").exists()


def test_a_folder_made_again_is_watched_anew(tmp_path: Path) -> None:
    folder, woken = tmp_path / "inbox", threading.Event()
    folder.mkdir()
    watch = Watch(folder, woken.set)
    watch.ensure()
    folder.rmdir()
    folder.mkdir()  # on ext4 with the same inode
    time.sleep(0.1)
    watch.ensure()
    woken.clear()

    (folder / "a.txt").write_text("text")

    assert woken.wait(2.0)
    watch.stop()


def test_what_the_inbox_leaves_alone_does_not_wait(tmp_path: Path, database: Database) -> None:
    settings = make_settings(tmp_path / "home")
    (settings.inbox / "tmp").mkdir(parents=True)
    (settings.inbox / "tmp" / "half.txt").touch()
    (settings.inbox / "link.txt").symlink_to("/etc/hostname")

    assert status.gather(settings, database)["inbox"]["files"] == 0


def test_route_of_a_file_that_cannot_be_read_names_it(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").touch()

    assert main(["route", str(tmp_path / "empty.txt"), "--home", str(home)]) == 1

    assert str(tmp_path / "empty.txt") in capsys.readouterr().err


@pytest.mark.parametrize("home", ["/srv/my desk", "/srv/100%desk", "/srv/x/../desk"])
def test_a_home_of_any_name_can_be_written_by_the_unit(home: str, tmp_path: Path) -> None:
    found = installation(load_settings(None, Path(home), []))
    unit = service(found, Owner()).text
    (line,) = (found for found in unit.splitlines() if found.startswith("ReadWritePaths="))

    expected = {
        "/srv/my desk": '"/srv/my desk"',
        "/srv/100%desk": '"/srv/100%%desk"',
        "/srv/x/../desk": "/srv/desk",
    }
    assert line == f"ReadWritePaths={expected[home]}"


def test_a_token_with_a_line_break_is_not_shown(slack: SlackStandIn) -> None:
    with pytest.raises(DeliveryError) as caught:
        SlackSender(SlackApp(f"{slack.token}\nxoxb-another", slack.url), "C1").send(alone(make_alert()))

    assert "xoxb" not in str(caught.value)


def test_a_webhook_address_without_https_is_not_shown() -> None:
    with pytest.raises(DeliveryError) as caught:
        WebhookSender("hooks.slack.com/services/T000/B000/SECRET").send(alone(make_alert()))

    assert "SECRET" not in str(caught.value)


def test_retry_of_no_name_moves_nothing(tmp_path: Path) -> None:
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "a.txt").touch()

    assert main(["retry", "", "--home", str(tmp_path)]) == 1

    assert (tmp_path / "failed" / "a.txt").exists()


def test_a_blocked_output_is_not_taken_for_another_daemon(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / "home")

    with pytest.raises(BlockingIOError), app.home_lock(settings):
        raise BlockingIOError(11, "write could not complete without blocking")
