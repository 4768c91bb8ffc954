"""The one receiver of the benchmark's daemons: a channel of the stand-in for Slack."""

from __future__ import annotations

from pathlib import Path

from tests.slack_stand_in import SlackStandIn


def slack_config(slack: SlackStandIn, folder: Path, more: str = "") -> str:
    """A configuration that sends everything there. Its token is put into the folder."""
    token = folder / "token"
    token.write_text(slack.token, encoding="ascii")
    token.chmod(0o600)
    return f"""
[slack]
token_file = "{token}"
api_url = "{slack.url}"

[[receiver]]
name = "desk"
type = "slack"
channel = "C0DESK"

[retrain]
cron = "never"
{more}
"""
