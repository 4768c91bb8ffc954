"""More of them: secrets, retired topics, jobs that were turned off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier import storage
from classifier.cli import main as classifier
from classifier.model import Model
from daemon import clock, timetable
from daemon.config import secret
from daemon.database import Database
from daemon.logs import hide_secrets
from daemon.quality import topics_asked_of
from daemon.serving import Serving
from daemon.timetable import Job, Timetable
from tests.test_serving import save_another, says_energy


def test_a_systemd_credential_is_taken_with_the_mode_that_systemd_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = tmp_path / "slack-bot-token"
    credential.write_text("xoxb-1-credential")
    credential.chmod(0o440)  # with User= systemd lets the user in by an ACL, which shows as the group's
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", None) == "xoxb-1-credential"


def test_a_topic_stays_retired_while_topics_cannot_be_read_and_another_version_comes(
    home: Path, model: Model
) -> None:
    own = home / "topics.toml"
    own.write_text("[energy]\nretired = true\n")
    serving = Serving(home / "models", model, own)
    serving.refresh()

    own.write_text("[energy\n")
    storage.use(home / "models", save_another(home / "models", model))
    serving.refresh()

    assert not says_energy(serving)


def test_a_secret_inside_a_list_or_a_path_is_hidden() -> None:
    event = {"event": "x", "command": ["curl", "xoxb-1-abc"], "headers": {"a": "Bearer xoxb-1-abc"}}

    assert "xoxb-1" not in str(hide_secrets(None, "info", event))


def test_a_job_that_is_turned_off_is_not_told_as_due(database: Database) -> None:
    Timetable(database, (Job("retrain", "30 3 * * *", str),)).plan(clock.now())

    Timetable(database, (Job("retrain", "never", str),)).plan(clock.now())

    with database.reading() as connection:
        assert timetable.listed(connection) == []


def test_a_model_of_somebodys_archive_is_not_replaced_by_the_nightly_retraining(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"text": f"The trawlers of port {n} landed herring under the new quota.", "main": ["fisheries"]}
        if n % 2
        else {"text": f"The choir of town {n} sang the old songs in the square.", "main": ["music"]}
        for n in range(40)
    ]
    archive = tmp_path / "archive.jsonl"
    archive.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert classifier(["train", "--examples", str(archive), "--home", str(tmp_path)]) == 0
    version = storage.current(tmp_path / "models")

    retrained = classifier(["train", "--if-changed", "--home", str(tmp_path)])

    assert retrained == 0
    assert storage.current(tmp_path / "models") == version
    assert "the labels do not replace it" in capsys.readouterr().out
    assert storage.served_topics(tmp_path / "models") == ("fisheries", "music")
    assert list(topics_asked_of(tmp_path, tmp_path / "models")) == ["fisheries", "music"]
