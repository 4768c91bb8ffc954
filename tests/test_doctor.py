"""`topicwired check` as a doctor: each thing is really broken, and the finding names it and the mend."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import text

from classifier.storage import save, use
from daemon import alive, backups, doctor, mounts, slackcheck
from daemon.cli import main
from daemon.config import Receiver, Settings
from daemon.database import newest_schema, open_database
from daemon.doctor import (
    clocks,
    copies,
    doors,
    folders,
    limits,
    machine,
    models,
    process,
    records,
    secrets,
    service,
)
from daemon.findings import Finding, Level
from daemon.tables import Backup, Desk, Metrics
from tests.builders import make_settings, small_model
from tests.slack_stand_in import SlackStandIn

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes a user of its own, and so root")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home as a daemon makes it, with a ledger that nobody has open."""
    found = make_settings(tmp_path / "home", desk=Desk(listen="never"))
    for folder in (found.inbox, found.done, found.failed, found.models):
        folder.mkdir(parents=True)
    open_database(found.database).close()
    return found


def ledger(settings: Settings) -> Path:
    return Path(settings.database.removeprefix("sqlite:///"))


def one(found: Iterator[Finding], about: str) -> Finding:
    """The finding about something that is not simply good; else the first about it."""
    about_it = [each for each in found if each.about == about]
    return next((each for each in about_it if each.level is not Level.OK), about_it[0])


def serve(settings: Settings) -> str:
    """Have a small model serve; its version."""
    made = save(small_model(), settings.models, probes=["Oil"], made_by={}).version
    use(settings.models, made)
    return made


def told(finding: Finding) -> tuple[Level, str, str | None]:
    return finding.level, finding.text, finding.mend


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user who owns nothing here; access(2) goes by the real user."""
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_a_sound_home_has_no_problem_and_is_not_changed(settings: Settings) -> None:
    serve(settings)
    before = {path: path.lstat() for path in settings.home.rglob("*")}

    found = list(doctor.examine(settings))

    assert [str(each) for each in found if not each.ok] == []
    assert {each.about for each in found} >= {
        "configuration", "program", "user", "jail", "folders", "inbox", "watches", "open files", "ledger",
        "model", "labels", "time", "time zone", "backups", "process", "service",
    }  # fmt: skip
    after = {path: path.lstat() for path in settings.home.rglob("*")}
    assert {p: (s.st_ino, s.st_size, s.st_mtime_ns) for p, s in after.items()} == {
        p: (s.st_ino, s.st_size, s.st_mtime_ns) for p, s in before.items()
    }


def test_on_a_machine_without_a_home_nothing_is_made(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / "home", desk=Desk(listen="never"))

    found = list(doctor.examine(settings))

    assert all(each.ok for each in found)
    assert list(tmp_path.iterdir()) == []


def test_json_has_a_finding_a_line_with_its_level(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(settings.done)
    settings.done.touch()

    assert main(["check", "--home", str(settings.home), "--json"]) == 1

    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(each) == {"ok", "about", "text", "mend", "level"} for each in found)
    [done] = [each for each in found if each["about"] == "done"]
    assert (done["ok"], done["level"], done["mend"]) == (False, "problem", "move it away")


def test_one_look_that_fails_hides_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/place")

    monkeypatch.setattr(os, "statvfs", refuse)
    ledger(settings).write_bytes(b"not a ledger\n" * 100)

    found = list(doctor.examine(settings))

    problems = {each.about: each.text for each in found if not each.ok}
    assert problems["home"] == "cannot be looked at: no right to do that: /a/place"
    assert problems["ledger"].endswith("is damaged: file is not a database")
    assert {"model", "labels", "backups", "receiver console"} <= {each.about for each in found if each.ok}


# --- folders and rights


def test_an_inbox_elsewhere_that_is_not_there_is_a_problem(settings: Settings, tmp_path: Path) -> None:
    away = settings.model_copy(update={"inbox": tmp_path / "share"})

    found = one(folders.examine(away), "inbox")

    assert told(found) == (
        Level.PROBLEM,
        f"{tmp_path}/share is not there, so nothing can be taken in",
        f"mkdir -p {tmp_path}/share",
    )


@as_root
def test_a_folder_that_may_not_be_written_is_named_with_the_command() -> None:
    with tempfile.TemporaryDirectory() as place:  # others may pass through it, as not through pytest's
        Path(place).chmod(0o755)
        settings = make_settings(Path(place) / "home")
        settings.done.mkdir(parents=True)

        with as_nobody():
            found = one(folders.examine(settings), "done")
            settings.done.stat()
        settings.home.chmod(0o700)
        Path(place).chmod(0o700)
        with as_nobody():
            home = one(folders.examine(settings), "home")

    assert found.level is home.level is Level.PROBLEM
    assert found.text == f"{settings.done} may not be read and written by user 65534"
    assert f"chown 0 {settings.done} && chmod u+rwx {settings.done}" in str(found.mend)
    assert home.text == f"{settings.home} may not be looked into by user 65534"


@as_root
def test_a_disk_that_is_mounted_read_only_is_found(tmp_path: Path) -> None:
    script = (
        "set -e; mount --make-rprivate /; mount --bind {home}/done {home}/done;"
        " mount -o remount,bind,ro {home}/done; exec {python} -c '{program}' {home}"
    )
    program = (
        "import sys; from pathlib import Path; from daemon.doctor import folders;"
        " from tests.builders import make_settings;"
        " print(*folders.examine(make_settings(Path(sys.argv[1]))), sep=chr(10))"
    )
    home = tmp_path / "home"
    for name in ("done", "inbox"):
        (home / name).mkdir(parents=True)
    command = script.format(home=home, python=sys.executable, program=program)

    ended = subprocess.run(
        ["unshare", "--mount", "bash", "-c", command],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip

    if "unshare failed" in ended.stderr:
        pytest.skip("no namespace of mounts can be had here")
    assert f"problem: done: {home}/done lies on a disk that is mounted read-only" in ended.stdout


def test_an_inbox_on_another_disk_is_told_that_files_are_copied(settings: Settings) -> None:
    shm = Path("/dev/shm")
    if not os.access(shm, os.W_OK) or shm.stat().st_dev == settings.home.stat().st_dev:
        pytest.skip("no other disk here")
    away = settings.model_copy(update={"inbox": shm})

    found = one(folders.examine(away), "inbox")

    assert found.level is Level.OK
    assert "on another disk than done/, so files are copied there and then deleted" in found.text


@pytest.mark.parametrize(
    ("free", "level"), [(50 * 2**20, Level.PROBLEM), (500 * 2**20, Level.WARNING), (2**40, Level.OK)]
)
def test_a_disk_is_judged_by_what_is_free(
    free: int, level: Level, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Disk:
        f_flag, f_frsize, f_bavail, f_files, f_favail = 0, 4096, free // 4096, 10**6, 10**6

    monkeypatch.setattr(os, "statvfs", lambda _: Disk)

    assert one(folders.examine(settings), "disk of home").level is level


@pytest.mark.parametrize("place", ["home", "models", "file"])
def test_what_anybody_may_change_is_a_warning(place: str, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "topicwire.toml"
    file.touch()
    settings = settings.model_copy(update={"file": file})
    path: Path = getattr(settings, place)
    path.chmod(path.stat().st_mode | stat.S_IWOTH)

    found = one(folders.examine(settings), "rights")

    assert told(found) == (
        Level.WARNING, f"anybody on this machine may change {path}", f"chmod o-w {path}"
    )  # fmt: skip


@as_root
def test_a_ledger_that_root_once_made_in_the_home_of_another_is_a_problem(settings: Settings) -> None:
    os.chown(settings.home, 1234, 1234)
    for name in ("done", "failed", "models"):
        os.chown(settings.home / name, 1234, 1234)

    found = one(folders.examine(settings), "rights")

    assert found.text == f"ledger.db in {settings.home} are not user 1234's, whose home it is"
    assert found.mend == f"chown -R 1234 {settings.home}"
    assert one(machine.examine(settings), "user").mend == (
        f"setpriv --reuid 1234 --clear-groups topicwired check --home {settings.home}"
    )


def test_files_in_failed_are_a_warning_with_the_command(settings: Settings) -> None:
    (settings.failed / "a.pdf").touch()

    found = one(folders.examine(settings), "failed")

    assert (found.level, found.mend) == (Level.WARNING, "mend the cause, then `topicwired retry --all`")


# --- the machine and its limits


@pytest.mark.parametrize(
    ("release", "is_bad"),
    [
        ((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False),
        ((3, 45, 0), True), ((3, 50, 6), True), ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)  # fmt: skip
def test_releases_of_sqlite_that_reset_the_log_wrongly_are_known(
    release: tuple[int, int, int], is_bad: bool
) -> None:
    assert machine.resets_log_wrongly(release) is is_bad


def test_watches_that_are_used_up_are_a_warning_with_the_setting() -> None:
    few = limits.enough_watches(limits.Watches(100, 128, 95, 2), 10, runs=False)
    none_left = limits.enough_watches(limits.Watches(10_000, 4, 5, 4), 10, runs=False)

    assert (few.level, few.mend) == (Level.WARNING, "sysctl fs.inotify.max_user_watches=200")
    assert (none_left.level, none_left.mend) == (Level.WARNING, "sysctl fs.inotify.max_user_instances=128")
    assert limits.enough_watches(limits.Watches(100, 128, 95, 2), 10, runs=True).level is Level.OK
    assert limits.enough_watches(limits.Watches(100, 128, 90, 2), 10, runs=False).level is Level.OK


def test_watches_in_use_are_counted(tmp_path: Path) -> None:
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers.inotify import InotifyObserver

    before = limits.watches()
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    observer = InotifyObserver()
    observer.schedule(FileSystemEventHandler(), str(tmp_path), recursive=True)
    observer.start()
    try:
        during = limits.watches()
    finally:
        observer.stop()
        observer.join()

    assert before.used is not None and during.used is not None
    assert during.used >= before.used + 4 - 3  # others of this machine come and go
    assert during.most == int(Path("/proc/sys/fs/inotify/max_user_watches").read_text())


def in_a_child(limit: int) -> str:
    """What is said of open files by a process with this limit."""
    program = "from daemon.doctor import limits; print(limits.open_files(*limits._file_limits(0)))"
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, timeout=60, cwd=Path(__file__).parents[1],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    ).stdout  # fmt: skip


def test_too_few_open_files_are_a_warning() -> None:
    assert in_a_child(100).startswith("warning: open files: at most 100, which is few: reading and sending")
    assert limits.open_files(512).level is Level.WARNING
    assert limits.open_files(20_000).level is Level.OK
    assert limits.open_files(20_000, 19_000).level is Level.WARNING
    assert limits.open_files(resource.RLIM_INFINITY).text == "without a limit"


# --- the ledger


def test_a_page_that_was_overwritten_is_found(settings: Settings) -> None:
    with ledger(settings).open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096)

    found = one(records.examine(settings), "ledger")

    assert found.level is Level.PROBLEM
    assert found.text.startswith(f"{ledger(settings)}: is damaged: ")
    assert found.mend == "topicwired restore"


def test_an_index_that_does_not_fit_its_table_is_found(settings: Settings) -> None:
    with closing(sqlite3.connect(ledger(settings))) as connection:
        connection.execute("INSERT INTO stories (opened_at, last_at, first_article) VALUES ('a', 'a', 1)")
        connection.commit()
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'last_at', 'opened_at') WHERE name = 'stories_open'"
        )
        connection.commit()
        connection.execute("INSERT INTO stories (opened_at, last_at, first_article) VALUES ('b', 'c', 1)")
        connection.commit()

    assert one(records.examine(settings), "ledger").level is Level.PROBLEM


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", Level.PROBLEM, "made by a newer topicwire"),
        ("UPDATE alembic_version SET version_num = '0009'", Level.WARNING, "has schema 0009"),
        ("DROP TABLE alembic_version", Level.PROBLEM, "has tables that are not ours"),
    ],
)
def test_a_ledger_of_another_release_is_told(
    change: str, level: Level, words: str, settings: Settings
) -> None:
    with closing(sqlite3.connect(ledger(settings))) as connection:
        connection.execute(change)
        connection.commit()

    found = one(records.examine(settings), "ledger")

    assert found.level is level
    assert words in found.text


def test_a_ledger_that_somebody_keeps_locked_is_found_while_it_is_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_PATIENCE", 0.1)
    with closing(sqlite3.connect(ledger(settings), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = list(records.examine(settings))

    assert [each.level for each in found] == [Level.OK, Level.PROBLEM]  # it is sound, and it is locked
    assert "is locked by another program" in found[1].text
    assert str(found[1].mend).startswith("fuser -v ")


def test_a_ledger_that_a_daemon_writes_to_is_looked_at_beside_it(settings: Settings) -> None:
    database = open_database(settings.database)
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO holds VALUES ('desk', 'ana', '', 'now')"))
        # and in the midst of a further one is no lock for readers

    found = list(records.examine(settings))

    assert [each.level for each in found] == [Level.OK]
    assert f"schema {newest_schema()}, checked wholly" in found[0].text
    database.close()


def test_a_log_that_has_grown_long_is_a_warning(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_LONG_LOG", 1000)
    database = open_database(settings.database)
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO holds VALUES ('desk', 'ana', '', 'now')"))

    found = one(records.examine(settings), "ledger")
    database.close()

    assert found.level is Level.WARNING
    assert "as something has been reading for long" in found.text


def test_a_ledger_that_should_be_there_and_is_not_is_a_problem(settings: Settings) -> None:
    ledger(settings).unlink()
    (settings.done / "a.txt").touch()

    found = one(records.examine(settings), "ledger")

    assert found.level is Level.PROBLEM
    assert "the ledger is missing" in found.text
    assert not ledger(settings).exists()


def test_on_a_network_share_a_ledger_is_a_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "file_system", lambda path: "nfs4")

    assert one(records.examine(settings), "ledger").level is Level.PROBLEM


# --- model, labels, secrets


def test_a_model_whose_files_were_changed_is_a_problem_and_the_mend_names_another(
    settings: Settings,
) -> None:
    served = serve(settings)
    assert one(models.examine(settings), "model").level is Level.OK

    weights = settings.models / served / "weights.npy"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    found = one(models.examine(settings), "model")

    assert found.level is Level.PROBLEM
    assert found.mend == f"classifier models use {served} --home {settings.home}"


def test_labels_that_a_training_would_refuse_are_found_before_it(settings: Settings) -> None:
    own = settings.home / "labels"
    own.mkdir()
    (own / "desk.tsv").write_text("no-such-topic\tA refinery.\n")

    found = one(models.examine(settings), "labels")

    assert found.level is Level.PROBLEM
    assert f"{own}/desk.tsv" in found.text
    assert str(found.mend).startswith("classifier check --quick")


def test_a_secret_that_others_may_read_and_one_of_another_kind_are_problems(
    settings: Settings, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("xoxb-1-abc")
    token.chmod(0o644)
    app = tmp_path / "app"
    app.write_text("xoxb-1-abc")
    app.chmod(0o600)
    slack = settings.slack.model_copy(update={"token_file": token, "app_token_file": app})
    desk = Receiver(name="desk", type="slack", channel="C1")
    settings = settings.model_copy(update={"slack": slack, "receivers": (desk,)})

    found = list(secrets.examine(settings))

    assert [each.level for each in found] == [Level.PROBLEM, Level.PROBLEM]
    assert found[0].text == f"{token}: others may read this secret; `chmod 600` it"
    assert found[1].text == f"the slack-app-token of {app} does not begin with xapp-: it is of another kind"
    assert "1-abc" not in "".join(map(str, found))


# --- clocks, backups, the daemon and its service


def test_the_clock_is_kept_right_or_not() -> None:
    assert clocks.kept_right(False).mend == "timedatectl set-ntp true"
    assert clocks.kept_right(True).level is clocks.kept_right(None).level is Level.OK
    assert clocks.is_synchronised() in (True, False, None)


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, Level.OK), (29, Level.OK), (600, Level.WARNING), (-600, Level.WARNING)]
)
def test_a_clock_that_differs_from_slacks_is_a_warning(seconds: int, level: Level) -> None:
    now = datetime.now(UTC)
    date = format_datetime(now - timedelta(seconds=seconds))

    assert [each.level for each in slackcheck._of_clock(date, now)] == [level]
    assert list(slackcheck._of_clock(None, now)) == list(slackcheck._of_clock("nonsense", now)) == []


def test_slack_tells_its_time_with_every_answer(
    settings: Settings, slack: SlackStandIn, token_file: Path
) -> None:
    desk = Receiver(name="desk", type="slack", channel="C1")
    told = settings.slack.model_copy(update={"token_file": token_file, "api_url": slack.url})
    settings = settings.model_copy(update={"slack": told, "receivers": (desk,)})

    assert one(iter(slackcheck.examine(settings)), "Slack's clock").level is Level.OK


def test_backups_are_told_by_age_and_soundness(settings: Settings) -> None:
    (settings.done / "a.txt").touch()
    assert told(one(copies.examine(settings), "backups")) == (
        Level.WARNING, "there is none yet", f"topicwired backup --home {settings.home}"
    )  # fmt: skip

    made = backups.make(settings)
    assert [each.level for each in copies.examine(settings)] == [Level.OK, Level.OK]

    old = made.file.with_name("ledger-20200101T000000Z.db")
    made.file.rename(old)
    assert [each.level for each in copies.examine(settings)] == [Level.WARNING, Level.OK]
    never = settings.model_copy(update={"backup": Backup(cron="never")})
    assert "the timetable makes none" in next(iter(copies.examine(never))).text

    with old.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096)
    assert [each.level for each in copies.examine(settings)] == [Level.WARNING, Level.PROBLEM]


def plate(settings: Settings, **changes: str) -> alive.Nameplate:
    given = {
        "release": version("topicwire"),
        "configuration": str(settings.file or ""),
        "fingerprint": alive.fingerprint(settings.model_dump_json()),
        "since": "2026-03-05T12:00:00.000000Z",
    }
    return alive.Nameplate(os.getpid(), **(given | changes))


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "with this release and this configuration"),
        ({"release": "0.0.9"}, Level.WARNING, "that is topicwire 0.0.9"),
        ({"fingerprint": "0"}, Level.WARNING, "changed after it was read"),
        (
            {"fingerprint": "0", "configuration": "/etc/a.toml"},
            Level.WARNING,
            "with /etc/a.toml, and this check read",
        ),
    ],
)
def test_a_daemon_that_runs_is_told_with_what_differs(
    changes: dict[str, str], level: Level, words: str, settings: Settings
) -> None:
    from daemon.app import home_lock

    assert next(iter(process.examine(settings))).text == f"none runs on {settings.home} now"

    with home_lock(settings):
        if alive.process_of_daemon(settings.home) == 0:
            pytest.skip("the kernel does not tell of locks here")
        assert "does not say as what" in next(iter(process.examine(settings))).text
        alive.put_up(settings.home, plate(settings, **changes))
        (found,) = process.examine(settings)

    assert found.level is level
    assert words in found.text


def test_a_nameplate_that_was_shortened_or_damaged_is_none(settings: Settings) -> None:
    lock = settings.home / ".lock"
    lock.write_text("{" * 5000)
    assert alive.nameplate(settings.home) is None

    alive.put_up(settings.home, plate(settings))

    assert alive.nameplate(settings.home) == plate(settings)


def test_a_unit_that_does_not_fit_is_a_warning_that_names_the_lines(
    settings: Settings, tmp_path: Path
) -> None:
    from daemon.installation import installation
    from daemon.owners import Owner
    from daemon.units import service as unit_of

    assert "has no unit of it here" in next(iter(service.examine(settings, (str(tmp_path),)))).text
    fitting = unit_of(installation(settings), Owner()).text
    unit = tmp_path / "topicwire.service"
    unit.write_text(fitting + "\n# a remark\nLoadCredential=slack-bot-token:/etc/a\n")
    assert [each.level for each in service.examine(settings, (str(tmp_path),))] == [Level.OK]

    unit.write_text(fitting.replace("NoNewPrivileges=yes", "NoNewPrivileges=no"))
    (found,) = service.examine(settings, (str(tmp_path),))

    assert found.level is Level.WARNING
    assert "NoNewPrivileges" in found.text
    assert str(found.mend).startswith(f"topicwired unit --home {settings.home}")


def test_a_port_that_another_program_has_is_a_problem(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        busy = settings.model_copy(update={"metrics": Metrics(listen=f"127.0.0.1:{port}")})
        (found,) = doors.examine(busy)

    assert found.level is Level.PROBLEM
    assert (found.text, found.mend) == (
        f"127.0.0.1:{port} cannot be listened on: another program listens there",
        "name another port in metrics.listen",
    )


def test_what_others_reach_is_a_warning(settings: Settings) -> None:
    found = list(
        doors.examine(
            settings.model_copy(
                update={
                    "metrics": Metrics(listen="0.0.0.0:9464"),
                    "desk": Desk(listen="0.0.0.0:8460", login="password"),
                }
            )
        )
    )

    assert [(each.about, each.level) for each in found if each.level is Level.WARNING] == [
        ("desk", Level.WARNING),
        ("metrics", Level.WARNING),
    ]
