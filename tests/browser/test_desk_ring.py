"""The ring at the desk: an article comes in, somebody corrects it, and the next model has learned it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from classifier.storage import current
from tests import schooling
from tests.browser.articles import LATE
from tests.browser.driving import Newsroom, seat_at
from tests.faults import planted
from tests.slack_stand_in import SlackStandIn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def newsroom(
    tmp_path: Path, slack: SlackStandIn, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Newsroom]:
    """One whose model learns two topics from a few labels, in a second."""
    home, shipped = tmp_path / "home", schooling.write_shipped(_made(tmp_path / "shipped"))
    schooling.found(home, shipped)
    for name, value in planted.environment(tmp_path / "site", shipped=shipped).items():
        monkeypatch.setenv(name, value)
    running = Newsroom(
        home,
        f'[retrain]\ncron = "never"\nrehearse_days = 0.0\n'
        f'[slack]\ntoken_file = "{token_file}"\napi_url = "{slack.url}"\npace_seconds = 0.01\n'
        '[[receiver]]\nname = "desk"\ntype = "slack"\nchannel = "C0DESK"\n',
    )
    yield running
    running.stop()


def test_an_article_appears_live_is_corrected_by_keyboard_and_taught_to_the_next_model(
    browser: Browser, newsroom: Newsroom, slack: SlackStandIn
) -> None:
    with seat_at(browser, newsroom) as seat:
        page = seat.page
        page.evaluate("window.notLoadedAnew = true")

        newsroom.drop("late.txt", LATE)
        expect(page.get_by_role("link", name="Power lines to Semey")).to_be_visible(timeout=20_000)
        assert page.evaluate("window.notLoadedAnew")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/articles/*")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Power lines to Semey")
        page.keyboard.press("j")
        expect(page.locator("#tag-energy")).to_be_focused()
        page.keyboard.press("w")

        said = newsroom.wait_for("SELECT topic, verdict, person FROM verdicts")
        assert said == [("energy", "wrong", "operator")]
        expect(page.locator("#wrong-energy")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#tag-energy")).to_be_focused()
        expect(page.locator("#said")).not_to_be_empty()  # a screen reader hears it
        assert seat.complaints == []
    newsroom.process.wait_until(lambda: "operator" in json.dumps(slack.messages))

    before = current(newsroom.home / "models")
    _run(newsroom, "retrain")

    [label] = (newsroom.home / "labels" / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    taught = json.loads(label)
    assert taught["title"].startswith("Power lines to Semey")
    assert [(each["topic"], each["verdict"], each["by"]) for each in taught["verdicts"]] == said
    [(state, version)] = newsroom.asked("SELECT state, version FROM trainings")
    assert state in ("served", "refused")
    assert version != before


def _run(newsroom: Newsroom, command: str) -> str:
    config = newsroom.home.parent / "topicwire.toml"
    done = subprocess.run(
        [sys.executable, "-m", "daemon.cli", command, "--home", newsroom.home, "--config", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
