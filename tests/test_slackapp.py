"""Setting the Slack app up: the manifest, what `check` says of a workspace, the sample that tries it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from daemon.config import Receiver, Settings
from daemon.findings import Finding
from daemon.slackapi import SlackApp
from daemon.slackapp import BOT_SCOPES, install_address, manifest, sample, steps, try_out
from daemon.slackcheck import examine
from daemon.tables import Digest, Slack
from tests.builders import make_settings
from tests.odd_servers import nobody_there
from tests.slack_stand_in import Fault, SlackStandIn

CHANNEL = "C0ENERGY"
ALL = ",".join(BOT_SCOPES)


@pytest.fixture
def workspace(slack: SlackStandIn) -> SlackStandIn:
    slack.strict_scopes = True
    slack.scopes = ALL
    slack.any_channel = False
    slack.add_channel(CHANNEL)
    return slack


@pytest.fixture
def settings(tmp_path: Path, slack: SlackStandIn) -> Settings:
    return with_tokens(tmp_path, slack, token=slack.token, app_token=slack.app_token)


def with_tokens(
    tmp_path: Path, slack: SlackStandIn, *, token: str | None, app_token: str | None, **changes: Any
) -> Settings:
    files: dict[str, Any] = {"api_url": slack.url}
    for name, value in (("token_file", token), ("app_token_file", app_token)):
        if value is not None:
            files[name] = tmp_path / name
            files[name].write_text(value)
            files[name].chmod(stat.S_IRUSR | stat.S_IWUSR)
    desk = Receiver(name="desk", type="slack", channel=CHANNEL)
    given = {"slack": Slack(**files), "receivers": (desk,)} | changes
    return make_settings(tmp_path, **given)


def about(findings: list[Finding], what: str) -> Finding:
    (found,) = [finding for finding in findings if finding.about == what]
    assert "\n" not in found.text
    assert "xoxb" not in found.text
    assert "xapp-1" not in found.text
    return found


# The manifest


def test_the_manifest_asks_for_what_we_use_and_no_more() -> None:
    found = manifest()

    assert found["oauth_config"]["scopes"] == {"bot": list(BOT_SCOPES)}
    assert found["settings"]["socket_mode_enabled"] is True
    assert found["settings"]["interactivity"] == {"is_enabled": True}
    assert "event_subscriptions" not in found["settings"]
    assert found["features"]["slash_commands"][0]["command"] == "/topicwire"
    assert found["features"]["bot_user"]["display_name"] == "topicwire"


def test_one_click_makes_the_app_of_the_manifest() -> None:
    address = install_address(manifest())

    parts = urlsplit(address)
    query = parse_qs(parts.query, strict_parsing=True)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "api.slack.com", "/apps")
    assert query["new_app"] == ["1"]
    assert json.loads(query["manifest_json"][0]) == manifest()
    assert len(address) < 2000
    assert address.isascii()


def test_what_is_left_to_do_by_hand_is_said() -> None:
    said = "\n".join(steps())

    assert "connections:write" in said
    assert "/invite @topicwire" in said
    assert "slack.token_file" in said


# What check says


def test_all_is_well_where_all_is_as_it_should_be(workspace: SlackStandIn, settings: Settings) -> None:
    findings = examine(settings)

    assert all(finding.ok for finding in findings)
    assert about(findings, "Slack").text == "knows us as topicwire in Newsroom"
    assert "exactly once" in about(findings, "receiver desk").text
    assert workspace.messages == []
    assert "conversations.join" not in workspace.requests


def test_receivers_that_cannot_be_looked_at_are_promised_less(tmp_path: Path, slack: SlackStandIn) -> None:
    others = [Receiver(name=kind, type=kind) for kind in ("console", "webhook", "apprise")]
    settings = with_tokens(tmp_path, slack, token=None, app_token=None, receivers=tuple(others))

    findings = examine(settings)

    assert [finding.ok for finding in findings] == [True] * 3
    assert all("at least once" in finding.text for finding in findings)
    assert slack.requests == []


def test_without_a_token_one_finding_says_where_to_put_it(tmp_path: Path, slack: SlackStandIn) -> None:
    (finding,) = examine(with_tokens(tmp_path, slack, token=None, app_token=None))

    assert not finding.ok
    assert "slack.token_file" in str(finding.mend)


@pytest.mark.parametrize("code", ["invalid_auth", "account_inactive"])
def test_a_token_that_is_no_good_is_one_finding_with_its_mend(
    workspace: SlackStandIn, settings: Settings, code: str
) -> None:
    workspace.weather = Fault("error", error=code)

    (finding,) = examine(settings)

    assert not finding.ok
    assert code in finding.text
    assert finding.mend


def test_silence_is_a_finding(tmp_path: Path, slack: SlackStandIn) -> None:
    silent = Slack(api_url=nobody_there(), token_file=tmp_path / "token_file")
    settings = with_tokens(tmp_path, slack, token=slack.token, app_token=None)

    (finding,) = examine(settings.model_copy(update={"slack": silent}))

    assert not finding.ok
    assert "cannot be reached" in finding.text
    assert "network" in str(finding.mend)


@pytest.mark.parametrize("fault", [Fault("html"), Fault("status", status=503)])
def test_silence_in_the_middle_is_a_finding_as_well(
    workspace: SlackStandIn, settings: Settings, fault: Fault
) -> None:
    workspace.weather = fault
    workspace.spared = frozenset({"auth.test"})

    findings = examine(settings)

    assert about(findings, "Slack").ok
    assert not about(findings, "verdicts").ok
    assert not about(findings, "receiver desk").ok


@pytest.mark.parametrize("scope", ["chat:write", "channels:history", "channels:read", "commands"])
def test_a_scope_that_is_used_and_missing_is_named(
    workspace: SlackStandIn, settings: Settings, scope: str
) -> None:
    workspace.scopes = ",".join(each for each in BOT_SCOPES if each not in (scope, "groups:read"))

    findings = examine(settings)

    missing = [finding for finding in findings if not finding.ok]
    said = " ".join(f"{finding.text} {finding.mend}" for finding in missing)
    assert scope in said
    assert "reinstall" in said


@pytest.mark.parametrize(
    ("chart", "cron", "missing"),
    [(True, "0 7 * * *", True), (False, "0 7 * * *", False), (True, "never", False)],
)
def test_the_scopes_of_files_are_wanted_for_charts_alone(
    workspace: SlackStandIn, tmp_path: Path, chart: bool, cron: str, missing: bool
) -> None:
    workspace.scopes = ",".join(each for each in BOT_SCOPES if not each.startswith("files:"))
    digest = Digest(cron=cron, chart=chart)
    settings = with_tokens(
        tmp_path, workspace, token=workspace.token, app_token=workspace.app_token, digest=digest
    )

    assert about(examine(settings), "scopes").ok is not missing


def test_a_private_channel_wants_the_scopes_of_groups(workspace: SlackStandIn, settings: Settings) -> None:
    workspace.channels[CHANNEL].is_private = True
    workspace.scopes = ",".join(each for each in BOT_SCOPES if each != "groups:history")

    assert "groups:history" in about(examine(settings), "scopes").text


def test_where_slack_tells_no_scopes_none_is_missed(workspace: SlackStandIn, settings: Settings) -> None:
    workspace.strict_scopes = False
    workspace.scopes = ""

    assert about(examine(settings), "scopes").ok


def test_without_the_right_to_read_history_at_least_once_is_promised(
    workspace: SlackStandIn, settings: Settings
) -> None:
    workspace.scopes = "chat:write,channels:read"

    found = about(examine(settings), "receiver desk")

    assert not found.ok
    assert "at least once" in found.text
    assert "missing_scope (channels:history)" in found.text


def test_without_the_right_to_see_channels_the_history_alone_tells(
    workspace: SlackStandIn, settings: Settings
) -> None:
    workspace.scopes = "chat:write,channels:history"

    found = about(examine(settings), "receiver desk")

    assert found.ok
    assert CHANNEL in found.text
    assert "channels:read" in about(examine(settings), "scopes").text


@pytest.mark.parametrize(
    ("scopes", "ok", "said"),
    [
        (ALL, True, "goes in with its first alert"),
        ("chat:write,channels:read,channels:history", False, "is not in it"),
        ("chat:write,chat:write.public,channels:read,channels:history", False, "at least once"),
    ],
)
def test_a_channel_that_we_are_not_in_is_said_to_be_so(
    workspace: SlackStandIn, settings: Settings, scopes: str, ok: bool, said: str
) -> None:
    workspace.remove_bot(CHANNEL)
    workspace.scopes = scopes

    found = about(examine(settings), "receiver desk")

    assert found.ok is ok
    assert said in found.text
    assert ok or "/invite" in str(found.mend)


def test_a_channel_that_is_archived_or_unknown_is_a_problem(
    workspace: SlackStandIn, settings: Settings
) -> None:
    workspace.archive(CHANNEL)
    assert "archived" in about(examine(settings), "receiver desk").text

    del workspace.channels[CHANNEL]
    found = about(examine(settings), "receiver desk")
    assert "channel_not_found" in found.text
    assert "id" in str(found.mend)


@pytest.mark.parametrize(
    ("app_token", "ok", "said"),
    [
        (None, True, "no buttons"),
        ("xoxb-1-test", False, "xapp-"),
        ("xapp-1-other", False, "invalid_auth"),
    ],
)
def test_an_app_token_that_is_missing_or_wrong_is_said_to_be_so(
    workspace: SlackStandIn, tmp_path: Path, app_token: str | None, ok: bool, said: str
) -> None:
    settings = with_tokens(tmp_path, workspace, token=workspace.token, app_token=app_token)

    (found,) = [finding for finding in examine(settings) if finding.about == "verdicts"]

    assert found.ok is ok
    assert said in found.text
    assert "connections:write" in str(found.mend)
    assert not app_token or app_token not in found.text


# The sample


def tried(workspace: SlackStandIn, **more: Any) -> dict[str, Finding]:
    app = SlackApp(workspace.token, workspace.url)
    return {finding.about: finding for finding in try_out(app, CHANNEL, **more)}


def test_a_sample_is_posted_read_back_and_shown_anew(workspace: SlackStandIn) -> None:
    findings = tried(workspace)

    assert [(name, finding.ok) for name, finding in findings.items()] == [
        ("post", True),
        ("history", True),
        ("update", True),
    ]
    assert "exactly once" in findings["history"].text
    assert len(workspace.messages) == len(workspace.updates) == 1


def test_every_sample_is_a_message_of_its_own() -> None:
    assert sample(CHANNEL).key != sample(CHANNEL).key


def test_a_sample_that_is_refused_says_what_to_do(workspace: SlackStandIn) -> None:
    workspace.scopes = "chat:write"
    workspace.remove_bot(CHANNEL)

    findings = tried(workspace)

    assert list(findings) == ["post"]
    assert not findings["post"].ok
    assert "/invite" in str(findings["post"].mend)


def test_a_history_that_cannot_be_read_is_said_to_be_so(workspace: SlackStandIn) -> None:
    workspace.scopes = "chat:write"

    findings = tried(workspace)

    assert not findings["history"].ok
    assert "at least once" in findings["history"].text
    assert findings["update"].ok


def test_a_workspace_that_loses_metadata_is_found_out(
    workspace: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.slackapp.time.sleep", lambda _: None)

    def lose(_: object) -> None:
        for message in workspace.messages:
            message.pop("metadata", None)
            message.pop("client_msg_id", None)

    workspace.on("chat.postMessage", "kept", lose)

    assert "was not found" in tried(workspace)["history"].text


@pytest.mark.parametrize(("deduplicates", "said"), [(True, "knows a repeat"), (False, "does not know")])
def test_a_repeat_shows_whether_the_workspace_knows_it(
    workspace: SlackStandIn, deduplicates: bool, said: str
) -> None:
    workspace.deduplicates = deduplicates

    findings = tried(workspace, twice=True)

    assert said in findings["repeat"].text
    assert len(workspace.messages) == (1 if deduplicates else 2)
