"""No secret is in anything that is written, and no article in the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kept_secret import BOT, SENTENCE, Scene, Written, play
from tests.slack_stand_in import SlackStandIn


@pytest.mark.slow
def test_nothing_that_was_planted_is_found_in_what_real_processes_write(
    tmp_path: Path, trained_home: Path, slack: SlackStandIn
) -> None:
    scene = Scene(tmp_path, slack, "json")
    scene.prepare(trained_home / "models")

    written = play(scene, train=False)

    assert list(written.leaks()) == []
    # It was looked where it could have been: each process wrote something, and the article is in the ledger.
    assert all(
        written.logs[f"{name}, stdout"] for name in ("check (topicwire.toml)", "status (topicwire.toml)")
    )
    assert b"secret does not stand in the configuration" in written.logs["run (wrong.toml), stderr"]
    assert any(SENTENCE.encode() in content for content in written.kept.values())
    assert b"alert not delivered" in written.logs["run, err"]

    log = written.logs["run, err"].decode()
    lines = [json.loads(line) for line in log.split("\n") if line.startswith("{")]
    taken = [line for line in lines if line["event"] == "file taken" and line["file"] == "a.txt"]
    about = {line["event"] for line in lines if line.get("article") == taken[0]["article"]}
    assert {"file taken", "alert delivered", "alert not delivered"} <= about
    [click] = [line for line in lines if line["event"] == "click taken"]
    assert click["article"] in {line["article"] for line in lines if line["event"] == "file taken"}
    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in lines)
    assert {line["work"] for line in lines if "work" in line} == {"file", "delivery", "click"}


def test_the_search_finds_what_is_there() -> None:
    written = Written({"log": SENTENCE.encode()}, {"ledger.db": b"\0" + BOT.encode(), "b": SENTENCE.encode()})

    assert list(written.leaks()) == [f"{BOT} in ledger.db", f"{SENTENCE} in log"]
