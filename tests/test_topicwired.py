"""Acceptance: the whole ring in real processes, from a file in a folder to an alert."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier import shipped
from classifier.storage import current, versions
from tests.builders import ARABIC_ENERGY_ARTICLE, ENERGY_ARTICLE, QUIET_ARTICLE
from tests.daemon_process import DaemonProcess
from tests.slack_stand_in import Fault, SlackStandIn

ROOT = Path(__file__).resolve().parents[1]


def slack_config(slack: SlackStandIn, token_file: Path, more: str = "") -> str:
    return f"""
[slack]
token_file = "{token_file}"
api_url = "{slack.url}"

[[receiver]]
name = "desk"
type = "slack"
channel = "C0DESK"
{more}
"""


def drop(inbox: Path, name: str, text: str) -> None:
    """As one should: write beside the inbox, then rename."""
    fresh = inbox.parent / f"{name}.fresh"
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(inbox / name)


def energy_article(number: int) -> str:
    return (
        f"Refinery number {number} restarts crude unit\n"
        f"The oil refinery number {number} resumed processing crude oil after repairs, and petrol"
        " output will return to normal within days, the energy ministry said.\n"
    )


@pytest.fixture
def daemon(home: Path) -> Iterator[DaemonProcess]:
    process = DaemonProcess(home)
    process.wait_until_watching()
    yield process
    process.stop()


def test_an_article_renamed_into_the_inbox_is_alerted_and_stands_in_done(daemon: DaemonProcess) -> None:
    drop(daemon.inbox, "refinery.txt", ENERGY_ARTICLE)

    daemon.wait_until(lambda: "Refinery in Atyrau" in daemon.output)

    assert "Energy" in daemon.output
    assert "resumed processing crude oil" in daemon.output
    daemon.wait_until(lambda: [path.name for path in daemon.done()] == ["refinery.txt"])
    assert daemon.done()[0].read_text(encoding="utf-8") == ENERGY_ARTICLE
    assert list(daemon.inbox.iterdir()) == []


def test_an_article_written_slowly_is_taken_whole_and_once(daemon: DaemonProcess) -> None:
    with (daemon.inbox / "slow.txt").open("w", encoding="utf-8") as file:
        for line in ENERGY_ARTICLE.splitlines(keepends=True):
            file.write(line)
            file.flush()
            time.sleep(0.8)
        assert "Refinery" not in daemon.output

    daemon.wait_until(lambda: len(daemon.done()) == 1)

    assert daemon.done()[0].read_text(encoding="utf-8") == ENERGY_ARTICLE
    daemon.wait_until(lambda: "Refinery in Atyrau" in daemon.output)
    assert daemon.output.count("● Refinery in Atyrau") == 1


def test_an_article_about_nothing_we_follow_is_taken_and_nobody_is_told(daemon: DaemonProcess) -> None:
    drop(daemon.inbox, "derby.txt", QUIET_ARTICLE)

    daemon.wait_until(lambda: len(daemon.done()) == 1)

    assert "Striker" not in daemon.output


def test_the_same_file_under_another_name_is_not_alerted_again(daemon: DaemonProcess) -> None:
    drop(daemon.inbox, "refinery.txt", ENERGY_ARTICLE)
    daemon.wait_until(lambda: len(daemon.done()) == 1)

    drop(daemon.inbox, "copy.txt", ENERGY_ARTICLE)
    drop(daemon.inbox, "spaced.txt", ENERGY_ARTICLE.replace("\n", "\n\n"))

    daemon.wait_until(lambda: len(daemon.done()) == 3)
    daemon.wait_until(lambda: "Refinery" in daemon.output)
    assert daemon.output.count("● Refinery in Atyrau") == 1


def test_bad_files_are_set_aside_with_a_reason_and_the_next_is_taken(daemon: DaemonProcess) -> None:
    (daemon.inbox / "empty.txt").touch()
    (daemon.inbox / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    drop(daemon.inbox, "refinery.txt", ENERGY_ARTICLE)

    apart = ["empty.txt", "empty.txt.error.json", "picture.txt", "picture.txt.error.json"]

    daemon.wait_until(lambda: len(daemon.done()) == 1 and daemon.failed() == apart)

    assert "a picture" in (daemon.home / "failed" / "picture.txt.error.json").read_text(encoding="utf-8")
    assert (daemon.home / "failed" / "picture.txt").read_bytes().startswith(b"\x89PNG")


def test_sigterm_ends_it_cleanly(daemon: DaemonProcess) -> None:
    assert daemon.stop() == 0
    assert "stopped" in daemon.log
    assert "Traceback" not in daemon.log


def test_the_log_of_a_whole_day_has_no_token_and_no_article_text(
    home: Path, slack: SlackStandIn, token_file: Path
) -> None:
    config = slack_config(slack, token_file)
    (home / "inbox").mkdir(parents=True)
    token = slack.token
    article = ENERGY_ARTICLE.replace("Atyrau resumed", f"Atyrau, {token}, resumed")
    for number in range(3):
        text = article.replace("Refinery", f"Refinery {number}")
        (home / "inbox" / f"{number}.txt").write_text(text, encoding="utf-8")
    (home / "inbox" / "broken.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + article.encode())
    slack.faults += [Fault("reset", posted=True), Fault("error", error="invalid_auth"), Fault("html")]

    done = run_command("run", "--once", "--verbose", "--home", str(home), config=config)

    assert len(slack.messages) >= 1, done.stderr
    assert "alert not delivered" in done.stderr
    assert token not in done.stderr + done.stdout
    for secret in ("resumed processing", "energy ministry", "petrol"):
        assert secret not in done.stderr


def test_a_second_daemon_on_the_same_home_is_refused(daemon: DaemonProcess) -> None:
    second = run_command("run", "--home", str(daemon.home))

    assert second.returncode == 1
    assert second.stderr.strip() == f"topicwired: {daemon.home}: another topicwired runs on this home"


def test_the_daemon_changes_over_when_another_version_is_named(daemon: DaemonProcess) -> None:
    models = daemon.home / "models"
    first = current(models)
    train_with_one_more_label(daemon.home)
    assert current(models) != first

    drop(daemon.inbox, "refinery.txt", ENERGY_ARTICLE)

    daemon.wait_until(lambda: "model changed" in daemon.log)
    daemon.wait_until(lambda: len(daemon.done()) == 1)
    assert len(versions(models)) == 2


def test_all_five_seeds_give_thirteen_articles_the_arabic_one_included(home: Path) -> None:
    (home / "inbox").mkdir(parents=True)
    for seed in shipped("seeds").glob("*.txt"):
        shutil.copy(seed, home / "inbox")

    done = run_command("run", "--once", "--home", str(home))

    assert done.returncode == 0, done.stderr
    status = run_command("status", "--json", "--home", str(home))
    assert '"articles": 13' in status.stdout
    assert "بايكونور" in done.stdout
    assert "North–South International Transport Corridor" in done.stdout
    # Condolences, and credentials presented, are about nothing we follow.
    assert "condolences to the people of Iran" not in done.stdout


def test_slack_gets_one_message_an_alert_in_block_kit_with_the_text_neutral(
    home: Path, slack: SlackStandIn, token_file: Path
) -> None:
    (home / "inbox").mkdir(parents=True)
    hostile = ENERGY_ARTICLE.replace("Refinery in", "<!channel> <@U123> *Refinery* in")
    (home / "inbox" / "hostile.txt").write_text(hostile, encoding="utf-8")
    (home / "inbox" / "arabic.txt").write_text(ARABIC_ENERGY_ARTICLE, encoding="utf-8")
    (home / "inbox" / "quiet.txt").write_text(QUIET_ARTICLE, encoding="utf-8")

    done = run_command("run", "--once", "--home", str(home), config=slack_config(slack, token_file))

    assert done.returncode == 0, done.stderr
    assert len(slack.messages) == 2
    assert slack.requests.count("chat.postMessage") == 2
    for message in slack.messages:
        assert message["channel"] == "C0DESK"
        assert message["blocks"][0]["type"] == "section"
        assert "<!" not in str(message)
        assert "<@" not in str(message)
    assert any("&lt;!channel&gt;" in text for text in slack.texts())
    assert any("مصفاة" in text for text in slack.texts())


def test_routes_decide_who_hears(home: Path, slack: SlackStandIn, token_file: Path) -> None:
    (home / "inbox").mkdir(parents=True)
    (home / "inbox" / "english.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")
    (home / "inbox" / "arabic.txt").write_text(ARABIC_ENERGY_ARTICLE, encoding="utf-8")
    routes = """
[[receiver]]
name = "arabists"
type = "slack"
channel = "C0ARABIC"
[[route]]
receiver = "desk"
topics = ["health"]
[[route]]
receiver = "arabists"
topics = ["energy"]
languages = ["ar"]
"""

    done = run_command("run", "--once", "--home", str(home), config=slack_config(slack, token_file, routes))

    assert done.returncode == 0, done.stderr
    assert [message["channel"] for message in slack.messages] == ["C0ARABIC"]


def test_a_message_that_slack_took_before_the_connection_broke_is_not_sent_again(
    home: Path, slack: SlackStandIn, token_file: Path
) -> None:
    (home / "inbox").mkdir(parents=True)
    (home / "inbox" / "article.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")
    slack.faults.append(Fault("reset", posted=True))

    done = run_command("run", "--once", "--home", str(home), config=slack_config(slack, token_file))

    assert done.returncode == 0, done.stderr
    assert len(slack.messages) == 1
    assert slack.requests.count("conversations.history") == 1


@pytest.mark.slow
def test_killed_again_and_again_no_article_is_lost_and_none_alerted_twice(
    home: Path, slack: SlackStandIn, token_file: Path
) -> None:
    config = slack_config(slack, token_file) + "[inbox]\nsettle_seconds = 0.05\n"
    generator = random.Random(20261121)
    number = lives = 0
    while lives < 8 or (number <= 10 and lives < 30):  # a busy machine may take all of a life to start
        lives += 1
        process = DaemonProcess(home, config=config)
        until = time.monotonic() + generator.uniform(0.6, 2.2)
        while time.monotonic() < until and process.process.poll() is None:
            if process.inbox.is_dir():
                drop(process.inbox, f"article-{number}.txt", energy_article(number))
                number += 1
            time.sleep(0.15)
        process.kill()

    process = DaemonProcess(home, config=config)
    process.wait_until_watching()
    process.wait_until(lambda: len(set(slack.alert_keys())) >= number, seconds=90.0)
    process.wait_until(lambda: not list(process.inbox.iterdir()))

    assert process.stop() == 0
    assert number > 10
    assert Counter(slack.alert_keys()).most_common(1)[0][1] == 1
    assert len(slack.alert_keys()) == number
    assert len(process.done()) == number
    titles = "\n".join(slack.texts())
    assert all(f"number {n} restarts" in titles for n in range(number))


@pytest.mark.thorough("make readme")
@pytest.mark.slow
def test_a_first_start_trains_says_so_and_then_alerts(tmp_path: Path) -> None:
    home = tmp_path / "new"
    (home / "inbox").mkdir(parents=True)
    (home / "inbox" / "article.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")

    done = run_command("run", "--once", "--home", str(home))

    assert done.returncode == 0, done.stderr
    assert "No model yet: training one from the shipped labels." in done.stderr
    assert "Refinery in Atyrau" in done.stdout


@pytest.mark.thorough("tests/test_ring.py")
@pytest.mark.slow
def test_a_verdict_becomes_a_label_and_the_label_a_model(home: Path) -> None:
    (home / "inbox").mkdir(parents=True)
    (home / "inbox" / "article.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")
    assert run_command("run", "--once", "--home", str(home)).returncode == 0
    before = current(home / "models")
    tagged = subprocess.run(
        [sys.executable, "-m", "classifier.cli", "tag", "--json", "--home", str(home), "-"],
        input=ENERGY_ARTICLE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    article = tagged.stdout.split('"id": "')[1][:16]

    said = run_command("verdicts", "add", article, "energy", "wrong", "--person", "ana", "--home", str(home))
    trained = run_command("retrain", "--home", str(home))

    assert said.returncode == 0, said.stderr
    assert trained.returncode == 0, trained.stderr
    assert current(home / "models") != before
    assert "Refinery in Atyrau" in (home / "labels" / "verdicts.jsonl").read_text(encoding="utf-8")
    again = run_command("retrain", "--home", str(home))
    assert again.stdout.strip() == "unchanged: no label has changed"


def test_a_model_with_a_flipped_bit_is_not_served(home: Path) -> None:
    weights = next((home / "models").glob("*/weights.npy"))
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)

    refused = subprocess.run(
        [sys.executable, "-m", "classifier.cli", "tag", "--home", str(home), "-"],
        input=ENERGY_ARTICLE, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "damaged" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "config", "said"),
    [
        ((), "[inbx]\n", "unknown key 'inbx'"),
        ((), '[[receiver]]\nname = "d"\ntype = "slack"\nchannel = "C1"\n', "no Slack token"),
        (("--home", "/proc/topicwire"), "", "the home cannot be made"),
        (("--config", "/nowhere/topicwire.toml"), None, "No such file or directory"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], config: str | None, said: str
) -> None:
    home = () if "--home" in arguments else ("--home", str(tmp_path / "home"))

    refused = run_command("run", "--once", *home, *arguments, config=config, folder=tmp_path)

    assert refused.returncode == 1
    assert said in refused.stderr
    assert refused.stderr.startswith("topicwired: ")
    assert len(refused.stderr.strip().splitlines()) == 1


def run_command(
    *arguments: str, config: str | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A `topicwired` command in a process of its own."""
    command = [sys.executable, "-m", "daemon.cli", *arguments]
    if config is not None:
        home = Path(arguments[arguments.index("--home") + 1])
        path = (folder or home.parent) / "topicwire.toml"
        path.write_text(config, encoding="utf-8")
        command += ["--config", str(path)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=110, env=environment, cwd=ROOT
    )


def train_with_one_more_label(home: Path) -> None:
    (home / "labels").mkdir(exist_ok=True)
    (home / "labels" / "own.tsv").write_text(
        "energy\tThe village got its first gas boiler house this week, the akimat said.\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "classifier.cli", "train", "--if-changed", "--home", str(home)]
    subprocess.run(command, check=True, capture_output=True)
