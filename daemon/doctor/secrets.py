"""Secrets: whether each that is needed is there, for this user alone, and whence. None is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator

from daemon.config import Settings
from daemon.credentials import secret
from daemon.errors import ConfigError
from daemon.findings import Finding, fine, problem
from daemon.receivers import Senders

_SLACK = (
    ("slack-bot-token", "SLACK_BOT_TOKEN", "token_file"),
    ("slack-app-token", "SLACK_APP_TOKEN", "app_token_file"),
)
_BEGINS = {"slack-bot-token": "xoxb-", "slack-app-token": "xapp-"}


def examine(settings: Settings) -> Iterator[Finding]:
    found = []
    if any(each.type == "slack" for each in settings.receivers):
        for name, variable, key in _SLACK:
            finding = _of_slack(settings, name, variable, key)
            found += [finding] if finding else []
    makers = Senders(settings)
    for receiver in settings.receivers:
        try:
            makers.sender(receiver)
        except ConfigError as error:
            said = [problem("secrets", line) for line in error.problems]
            found += [each for each in said if each.text not in {known.text for known in found}]
    yield from found


def _of_slack(settings: Settings, name: str, variable: str, key: str) -> Finding | None:
    file = getattr(settings.slack, key)
    try:
        value = secret(name, variable, file)
    except ConfigError as error:
        return problem("secrets", error.problems[0])
    if not value:
        return None  # whoever needs it says so
    where = _whence(name, variable, str(file) if file else None)
    if not value.startswith(_BEGINS[name]):
        said = f"the {name} of {where} does not begin with {_BEGINS[name]}: it is of another kind"
        return problem("secrets", said, "copy it from the app's pages again (`topicwired slack manifest`)")
    return fine("secrets", f"the {name} comes from {where}")


def _whence(name: str, variable: str, file: str | None) -> str:
    if file is not None:
        return file
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and os.path.lexists(os.path.join(folder, name)):
        return f"systemd's credential {name}"
    return f"the environment, {variable}"
