"""A real Prometheus watches over a real daemon: what breaks is what fires."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.builders import ENERGY_ARTICLE
from tests.daemon_process import DaemonProcess
from tests.prometheus import SHIPPED, free_port, prometheus
from tests.slack_stand_in import SlackStandIn


def impatient_rules() -> str:
    """As they are shipped, but in seconds: nobody waits ten minutes for a test."""
    rules = (SHIPPED / "topicwire.rules.yml").read_text(encoding="utf-8")
    return re.sub(r"\bfor: \d+[mh]", "for: 1s", rules).replace("_seconds > 600", "_seconds > 2")


def config(slack: SlackStandIn, token_file: Path, port: int) -> str:
    return f"""
[inbox]
settle_seconds = 0.1
[slack]
api_url = "{slack.url}"
token_file = "{token_file}"
pace_seconds = 0.0
[[receiver]]
name = "desk"
type = "slack"
channel = "C0123456789"
[metrics]
listen = "127.0.0.1:{port}"
"""


@pytest.mark.slow
def test_a_slack_that_refuses_an_inbox_that_vanishes_and_a_daemon_that_dies_are_seen(
    home: Path, tmp_path: Path, slack: SlackStandIn, token_file: Path
) -> None:
    port = free_port()
    slack.revoke_token()
    daemon = DaemonProcess(home, config=config(slack, token_file, port))
    try:
        daemon.wait_until_watching()
        with prometheus(tmp_path / "prometheus", f"127.0.0.1:{port}", impatient_rules()) as watching:
            seen = {"TopicwireReceiverRefuses", "TopicwireInboxMissing", "TopicwireReloadFailed"}
            assert not seen & set(watching.firing())

            (daemon.inbox / "a.txt").write_text(ENERGY_ARTICLE)
            refused = watching.wait_until_firing("TopicwireReceiverRefuses")
            assert refused["labels"]["receiver"] == "desk"
            assert refused["annotations"]["summary"] == "desk refuses 1 alerts"

            shutil.move(daemon.inbox, tmp_path / "away")
            watching.wait_until_firing("TopicwireInboxMissing")
            shutil.move(tmp_path / "away", daemon.inbox)
            watching.wait_until_quiet("TopicwireInboxMissing")

            daemon.configure("[inbox]\npath = 7\n")
            daemon.process.send_signal(signal.SIGHUP)
            watching.wait_until_firing("TopicwireReloadFailed")

            daemon.kill()
            watching.wait_until_firing("TopicwireDown")
    finally:
        daemon.kill()
