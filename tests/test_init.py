"""`topicwired init`: a home that works, made once, completed later, and never made of something else."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from daemon import founding
from daemon.cli import main
from daemon.cli.starting import _settings_of
from daemon.config import load_settings
from daemon.errors import DaemonError
from tests.slack_stand_in import SlackStandIn

FOLDERS = ["inbox", "done", "failed", "labels", "models", "backups", "secrets"]
KILLING = {"os.mkdir", "os.chmod", "os.rename", "open"}  # before each of these (sys.audit events)

Capture = pytest.CaptureFixture[str]


def init(capsys: Capture, home: Path, *flags: str) -> dict[str, object]:
    assert main(["init", str(home), "--no-model", "--json", *flags]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: Capture, *arguments: str | Path) -> str:
    assert main(["init", *map(str, arguments), "--no-model"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err.removeprefix("topicwired: ").rstrip()


def picture(home: Path) -> dict[str, tuple[object, ...]]:
    """All that stands there: names, rights, times and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted([home, *home.rglob("*")]):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(home))] = (status.st_mode, status.st_ino, status.st_mtime_ns, content)
    return found


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_has_all_its_folders_a_configuration_and_the_rights_that_each_needs(
    tmp_path: Path, capsys: Capture
) -> None:
    home = tmp_path / "deep" / "home"
    before = os.umask(0o777)  # whatever the caller's is
    try:
        found = init(capsys, home)
    finally:
        os.umask(before)

    assert found["made"] == ["topicwire.toml", *FOLDERS, "labels/README.txt"]
    assert sorted(path.name for path in home.iterdir()) == sorted(["topicwire.toml", *FOLDERS])
    assert rights(home / "topicwire.toml") == 0o640
    assert rights(home / "secrets") == 0o700
    assert rights(home / "inbox") == 0o2770  # whoever is in its group may drop
    assert {rights(home / name) for name in FOLDERS[1:-1]} == {rights(home)} == {0o750}


def test_the_configuration_is_the_shipped_one_with_secrets_in_the_home(
    tmp_path: Path, capsys: Capture, slack: SlackStandIn
) -> None:
    home = tmp_path / "home"
    init(capsys, home)
    config = home / "topicwire.toml"
    text = config.read_text()

    config.write_text(
        text.replace("# token_file", "token_file").replace("# app_token_file", "app_token_file")
    )
    (home / "secrets" / "slack-bot-token").write_text("xoxb-1")
    settings = _settings_of(config)

    assert settings.slack.token_file == home / "secrets" / "slack-bot-token"
    assert settings.slack.app_token_file == home / "secrets" / "slack-app-token"
    assert f'# url_file = "{home}/secrets/webhook-url"' in text
    assert "/etc/topicwire" not in text


@pytest.mark.parametrize("name", ['a "home"', "үй with spaces", "100%", "back\\slash", "x'y", "$HOME"])
def test_a_home_may_have_any_name(name: str, tmp_path: Path, capsys: Capture) -> None:
    home = tmp_path / name
    init(capsys, home)
    text = (home / "topicwire.toml").read_text().replace("# token_file", "token_file")

    assert tomllib.loads(text)["slack"]["token_file"] == f"{home}/secrets/slack-bot-token"


def test_it_says_the_very_commands_that_come_next(tmp_path: Path, capsys: Capture) -> None:
    home = tmp_path / "my home"
    assert main(["init", str(home), "--no-model"]) == 0

    said = capsys.readouterr().out
    assert f"topicwired run --home '{home}' --config '{home}/topicwire.toml'\n" in said
    assert f"cp article.txt '{home}/inbox'/\n" in said
    assert "no model yet" in said


def test_a_second_call_changes_nothing_and_says_so(tmp_path: Path, capsys: Capture) -> None:
    home = tmp_path / "home"
    init(capsys, home)
    before = picture(home)

    again = init(capsys, home)

    assert (again["made"], again["kept"]) == ([], ["topicwire.toml", *FOLDERS])
    assert picture(home) == before
    main(["init", str(home), "--no-model"])
    assert f"{home}: nothing was missing\n" in capsys.readouterr().out


def test_what_is_missing_is_added_and_what_people_changed_is_kept(tmp_path: Path, capsys: Capture) -> None:
    home = tmp_path / "home"
    init(capsys, home)
    (home / "topicwire.toml").write_text('[inbox]\npath = "drop"\n')
    (home / "failed").rmdir()
    (home / "done" / "article.txt").write_text("kept")
    (home / "done").chmod(0o700)

    found = init(capsys, home)

    assert found["made"] == ["drop", "failed"]
    assert (home / "topicwire.toml").read_text() == '[inbox]\npath = "drop"\n'
    assert (home / "done" / "article.txt").read_text() == "kept"
    assert rights(home / "done") == 0o700


def test_a_home_that_run_made_becomes_a_whole_one(tmp_path: Path, capsys: Capture) -> None:
    for name in ("inbox", "done", "failed", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes of mine.txt").write_text("stay")

    assert init(capsys, tmp_path)["made"] == [
        "topicwire.toml", "labels", "backups", "secrets", "labels/README.txt",
    ]  # fmt: skip
    assert (tmp_path / "notes of mine.txt").read_text() == "stay"


def test_a_new_disk_is_a_fine_home(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "lost+found").mkdir()

    assert "topicwire.toml" in str(init(capsys, tmp_path)["made"])


@pytest.mark.parametrize("names", [["letters.txt"], ["inbox", "Maildir"], ["models", "labels", "README.md"]])
def test_a_folder_of_something_else_is_refused_and_left_alone(
    names: list[str], tmp_path: Path, capsys: Capture
) -> None:
    for name in names:
        (tmp_path / name).touch()
    before = picture(tmp_path)

    line = refused(capsys, tmp_path)

    first = sorted(names)[0]
    assert line == f"{tmp_path}: holds {first!r} and is no home of topicwire; name a folder that is empty"
    assert picture(tmp_path) == before


def test_what_is_no_folder_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()

    said = refused(capsys, tmp_path / "file")

    assert said == f"{tmp_path}/file: is not a folder; name one that is empty, or is still to be made"


def test_a_home_whose_configuration_is_not_sound_is_not_touched(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "topicwire.toml").write_text("[inbox]\npaht = 'drop'\n")

    assert "paht" in refused(capsys, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["topicwire.toml"]


def test_only_root_gives_a_home_away(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    line = refused(capsys, tmp_path / "home", "--user", "daemon")

    assert line.startswith("--user daemon: only root may give a home to another")
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_user_is_given_an_empty_folder_and_nobodys_files(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "topicwire.toml").touch()

    founding.give(tmp_path / "new", 12345, 12346)
    with pytest.raises(DaemonError, match="belongs to another"):
        founding.give(tmp_path / "full", 12345, 12346)

    status = (tmp_path / "new").stat()
    assert (status.st_uid, status.st_gid, rights(tmp_path / "new")) == (12345, 12346, 0o750)
    assert (tmp_path / "full").stat().st_uid == 0


def test_killed_at_any_moment_the_next_call_makes_the_same_home(tmp_path: Path) -> None:
    """A fork is killed before each step that changes the disk, until one gets through."""
    expected = shape_of(made(tmp_path / "whole"))
    for number in range(1, 200):
        home = tmp_path / str(number)
        ended = killed_before(number, home)

        made(home)

        assert shape_of(home) == expected
        if ended:
            break
    assert number > 20, "hardly any step was broken off"
    assert [path.name for path in tmp_path.glob(".*")] == []


def made(home: Path) -> Path:
    before = os.umask(0o027)
    founding.found(home, lambda file: load_settings(file, file.parent, ()), train=False)
    os.umask(before)
    return home


def shape_of(home: Path) -> dict[str, object]:
    """Rights and content, whatever the home is called."""
    return {
        str(path.relative_to(home)): (
            path.stat().st_mode,
            path.is_file() and path.read_bytes().replace(bytes(home), b"HOME"),
        )
        for path in [home, *home.rglob("*")]
    }


def killed_before(number: int, home: Path) -> bool:
    """Whether init in a process of its own came to its end before that step."""
    child = os.fork()
    if child == 0:
        steps = 0

        def kill(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal steps
            if event in KILLING and (event != "open" or (arguments[2] or 0) & os.O_CREAT):  # type: ignore[operator]
                steps += 1
                if steps == number:
                    os.kill(os.getpid(), 9)

        try:
            sys.addaudithook(kill)
            made(home)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
