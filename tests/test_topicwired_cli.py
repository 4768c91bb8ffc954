"""The command `topicwired`: results on stdout, one clear line on stderr, exit codes that mean something."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from daemon import deliveries, outbox
from daemon.cli import main
from daemon.records import DeliveryState
from tests import ledgers
from tests.builders import ENERGY_ARTICLE, NOON, QUIET_ARTICLE, make_alert, make_tagged, owe
from tests.slack_stand_in import SlackStandIn

SLACK = '[[receiver]]\nname = "desk"\ntype = "slack"\nchannel = "C0DESK"\n'
COMMANDS = ["run", "check", "status", "retry", "retrain", "verdicts list"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A home that nothing has run on."""
    return tmp_path / "empty"


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A home with a ledger in which one alert is owed."""
    home = tmp_path / "used"
    home.mkdir()
    database = ledgers.opened(home)
    with database.transaction() as connection:
        owe(connection, make_alert())
    database.close()
    return home


@pytest.fixture(scope="module")
def routed(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model and no ledger, which no command here changes."""
    home = tmp_path_factory.mktemp("routed")
    shutil.copytree(trained_home / "models", home / "models")
    return home


def said(capsys: Capture, *arguments: str | Path, code: int = 0) -> str:
    """Standard output of a command that ends well and has nothing else to tell."""
    assert main([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def refused(capsys: Capture, *arguments: str | Path) -> str:
    """The one line that a command which we refuse says, without our name."""
    assert main([str(argument) for argument in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("topicwired: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("topicwired: ").rstrip("\n")


def config(folder: Path, content: str) -> Path:
    path = folder / "topicwire.toml"
    path.write_text(content, encoding="utf-8")
    return path


def fail(home: Path, name: str, content: bytes = b"") -> None:
    """As the intake leaves a file that it cannot read."""
    (home / "failed").mkdir(parents=True, exist_ok=True)
    (home / "inbox").mkdir(exist_ok=True)
    (home / "failed" / name).write_bytes(content)
    (home / "failed" / f"{name}.error.json").write_text("{}")


def article_id(number: int = 1) -> str:
    alert = make_alert(number=number)
    return make_tagged(text=f"{alert.headline}\nText of {alert.key}.").article.id


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["run", "--nope"],
        ["route"],
        ["run", "now"],
        ["verdicts"],
        ["verdicts", "add", "0123", "energy"],
        ["verdicts", "add", "0123", "energy", "maybe"],
        ["verdicts", "add", "0123", "energy", "right", "--person", " "],
        ["verdicts", "settle", "0123", "energy", "right", "--person", "a\udcff"],
        ["sample", "answer", "0123", "none", "--person", ""],
        ["status", "--home"],
    ],
)
def test_a_wrong_call_is_exit_code_2_and_says_how_to_call(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: topicwired")


@pytest.mark.parametrize(
    "command", ["run", "demo", "check", "status", "route", "retry", "retrain", "verdicts add", "unit"]
)
def test_every_command_has_help(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])

    assert caught.value.code == 0
    assert "--home" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_key_is_refused_by_every_command_and_changes_nothing(
    command: str, empty: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = config(tmp_path, "[inbx]\npath = 'x'\n")

    line = refused(capsys, *command.split(), "--home", empty, "--config", file)

    assert line == f"{file}: unknown key 'inbx'; did you mean 'inbox'?"
    assert not empty.exists()


def test_each_problem_of_a_configuration_has_its_line(empty: Path, tmp_path: Path, capsys: Capture) -> None:
    file = config(tmp_path, "[[route]]\nreceiver = 'desk'\ntopics = ['sport']\n")

    assert main(["check", "--home", str(empty), "--config", str(file)]) == 1

    lines = capsys.readouterr().err.splitlines()
    assert [line.split(";")[0] for line in lines] == [
        f"topicwired: {file}: route number 1: no receiver 'desk'",
        f"topicwired: {file}: route number 1: no topic 'sport'",
        f"topicwired: {file}: receiver 'console': no route leads to it",
    ]


def test_a_configuration_that_is_not_there_is_named(empty: Path, tmp_path: Path, capsys: Capture) -> None:
    line = refused(capsys, "check", "--home", empty, "--config", tmp_path / "missing.toml")

    assert line.startswith(f"{tmp_path}/missing.toml: ")
    assert "No such file or directory" in line


def test_home_and_configuration_come_from_the_environment_too(
    used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TOPICWIRE_HOME", str(used))
    assert f"home       {used}" in said(capsys, "status")

    monkeypatch.setenv("TOPICWIRE_CONFIG", str(config(tmp_path, "[inbx]\n")))
    assert "unknown key 'inbx'" in refused(capsys, "status")


@pytest.mark.sqlite("what is checked of its file; of a server it is more")
def test_check_says_what_is_sound(empty: Path, capsys: Capture) -> None:
    lines = said(capsys, "check", "--home", empty).splitlines()

    assert lines[0] == f"ok: configuration: no file, the defaults, home {empty}"
    assert lines[-1] == "ok: receiver console: a console cannot be looked at, so at least once"
    assert any(line.startswith("ok: jail: parsers are held by limits of time and memory") for line in lines)
    assert f"ok: ledger: sqlite:///{empty}/ledger.db: not there yet; `topicwired run` makes it" in lines
    assert not empty.exists()


def test_check_asks_slack_who_we_are(
    empty: Path, tmp_path: Path, slack: SlackStandIn, token_file: Path, capsys: Capture
) -> None:
    content = f"[slack]\ntoken_file = '{token_file}'\napi_url = '{slack.url}'\n{SLACK}"
    file = config(tmp_path, content)

    lines = said(capsys, "check", "--home", empty, "--config", file).splitlines()

    assert any(line.startswith("ok: Slack: knows us as topicwire") for line in lines)
    assert lines[-1].startswith("ok: receiver desk: ")
    assert "exactly once, as its history can be read" in lines[-1]
    assert not any(method.startswith("chat.") for method in slack.requests)


def test_check_says_that_slack_does_not_know_the_token(
    empty: Path, tmp_path: Path, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-revoked")
    file = config(tmp_path, f"[slack]\napi_url = '{slack.url}'\n{SLACK}")

    lines = said(capsys, "check", "--home", empty, "--config", file, code=1).splitlines()

    assert lines[-1].startswith("problem: Slack: Slack refuses the app: invalid_auth; copy the bot token")


@pytest.mark.parametrize(
    ("receiver", "line"),
    [
        (
            SLACK,
            "receiver 'desk': no Slack token; name its file in slack.token_file, or set SLACK_BOT_TOKEN",
        ),
        (
            '[[receiver]]\nname = "wall"\ntype = "webhook"\n',
            "receiver 'wall': no webhook address; name its file in url_file, or set SLACK_WEBHOOK_URL",
        ),
    ],
)
def test_a_secret_that_is_missing_is_said_before_anything_starts(
    receiver: str, line: str, empty: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = config(tmp_path, receiver)

    assert refused(capsys, "run", "--home", empty, "--config", file) == line
    told = said(capsys, "check", "--home", empty, "--config", file, code=1).splitlines()
    assert f"problem: secrets: {line}" in told


def test_a_token_that_others_can_read_is_refused(
    empty: Path, tmp_path: Path, token_file: Path, capsys: Capture
) -> None:
    token_file.chmod(0o644)
    file = config(tmp_path, f"[slack]\ntoken_file = '{token_file}'\n{SLACK}")

    line = refused(capsys, "run", "--home", empty, "--config", file)

    assert line == f"{token_file}: others may read this secret; `chmod 600` it"
    told = said(capsys, "check", "--home", empty, "--config", file, code=1).splitlines()
    assert f"problem: secrets: {line}" in told


def test_a_home_that_cannot_be_made_is_named(capsys: Capture) -> None:
    line = refused(capsys, "run", "--home", "/proc/topicwire")

    assert line.startswith("/proc/topicwire: the home cannot be made: ")
    told = said(capsys, "check", "--home", "/proc/topicwire", code=1)
    assert "problem: home: /proc/topicwire is not there, and cannot be made in /proc; name another" in told


def test_status_tells_how_things_stand(used: Path, capsys: Capture) -> None:
    (used / "inbox").mkdir()

    lines = said(capsys, "status", "--home", used).splitlines()

    assert [line for line in lines if not line.startswith("warning    the disk")] == [
        f"home       {used}",
        "model      none yet",
        "inbox      0 files",
        "ledger     1 articles from 1 files, 0 files in failed/",
        "alerts     1 owed, 0 parked, 0 dead",
        "receiver   desk: 1 pending",
        *[line for line in lines if line.startswith(("next       desk: is tried 2026-", "rate  "))],
        "warning    no daemon runs on this home: 0 files wait, and 1 alerts are owed",
        "mend       systemctl start topicwire, or `topicwired run`",
        *lines[-2:],
    ]
    assert "an alert has been owed for" in lines[-2]


def test_status_is_one_json_object_when_asked_for(used: Path, capsys: Capture) -> None:
    output = said(capsys, "status", "--home", used, "--json")

    assert output.count("\n") == 1
    assert json.loads(output)["deliveries"] == {"desk": {"pending": 1}}


def test_status_says_why_an_alert_is_held_up(used: Path, capsys: Capture) -> None:
    database = ledgers.opened(used)
    with database.transaction() as connection:
        found = deliveries.oldest(connection, "desk")
        assert found is not None
        outbox.put_off(connection, found[0], DeliveryState.PARKED, due_at=NOON, error="not_in_channel")
    database.close()

    lines = said(capsys, "status", "--home", used).splitlines()

    assert "receiver   desk: 1 parked" in lines
    assert "trouble    desk: 1 parked: not_in_channel" in lines


@pytest.mark.sqlite("it is there when its file is")
@pytest.mark.parametrize(
    "command", [["status"], ["verdicts", "list"], ["verdicts", "add", "0123", "energy", "right"], ["retrain"]]
)
def test_without_a_ledger_it_is_said_and_none_is_made(
    command: list[str], empty: Path, capsys: Capture
) -> None:
    line = refused(capsys, *command, "--home", empty)

    assert line == f"{empty}/ledger.db: no ledger yet; `topicwired run` makes it"
    assert not empty.exists()


@pytest.mark.parametrize("command", [["status"], ["verdicts", "list"]])
def test_a_ledger_of_a_newer_topicwire_is_refused_in_one_line(
    command: list[str], used: Path, capsys: Capture
) -> None:
    database = ledgers.opened(used)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()

    assert "made by a newer topicwire" in refused(capsys, *command, "--home", used)


@pytest.mark.sqlite("damage to its file")
@pytest.mark.parametrize("command", [["status"], ["retrain"]])
def test_a_damaged_ledger_is_refused_in_one_line_and_left_alone(
    command: list[str], used: Path, capsys: Capture
) -> None:
    for path in used.glob("ledger.db*"):
        path.unlink()
    (used / "ledger.db").write_bytes(b"not a ledger\n" * 100)

    line = refused(capsys, *command, "--home", used)

    mend = "`topicwired restore` puts the newest backup in its place"
    assert line == f"sqlite:///{used}/ledger.db: file is not a database; {mend}"
    assert (used / "ledger.db").read_bytes() == b"not a ledger\n" * 100


def test_route_says_who_would_hear_of_an_article_and_who_would_not_and_why(
    routed: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = config(
        tmp_path,
        '[[receiver]]\nname = "desk"\ntype = "console"\n[[receiver]]\nname = "arabists"\ntype = "console"\n'
        '[[route]]\nreceiver = "desk"\ntopics = ["energy"]\n'
        '[[route]]\nreceiver = "arabists"\nlanguages = ["ar"]\n',
    )
    (tmp_path / "a.txt").write_text(ENERGY_ARTICLE)

    lines = said(capsys, "route", tmp_path / "a.txt", "--home", routed, "--config", file).splitlines()

    assert lines[0] == "Refinery in Atyrau restarts crude unit"
    assert lines[1].startswith("  is about energy, probability 1.0000; cut 0.")
    assert lines[-2:] == [
        "  route 1 to desk: hears of energy",
        "  route 2 to arabists: no: its language is en, not ar",
    ]


def test_route_neither_sends_nor_records_nor_moves(routed: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.txt").write_text(QUIET_ARTICLE)

    lines = said(capsys, "route", tmp_path / "a.txt", "--home", routed).splitlines()

    assert lines[1:] == ["  route 1 to console: no: the article is about none of the topics"]
    assert (tmp_path / "a.txt").read_text() == QUIET_ARTICLE
    assert sorted(path.name for path in routed.iterdir()) == ["models"]


def test_route_is_json_when_asked_for(routed: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.txt").write_text(ENERGY_ARTICLE)

    output = said(capsys, "route", tmp_path / "a.txt", "--home", routed, "--json")

    found = json.loads(output)
    assert output.count("\n") == 1
    assert [(row["receiver"], row["reason"]) for row in found["routes"]] == [("console", "")]
    assert "energy" in found["routes"][0]["topics"]


def test_route_of_a_file_that_is_not_there_names_it(routed: Path, tmp_path: Path, capsys: Capture) -> None:
    line = refused(capsys, "route", tmp_path / "missing.txt", "--home", routed)

    assert "No such file or directory" in line
    assert f"{tmp_path}/missing.txt" in line


def test_route_without_a_model_says_how_to_make_one(empty: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.txt").write_text(ENERGY_ARTICLE)

    line = refused(capsys, "route", tmp_path / "a.txt", "--home", empty)

    assert line == f"{empty}/models: no model yet; make one with `classifier train`"


def test_retry_puts_a_failed_file_back_and_takes_its_reason_away(empty: Path, capsys: Capture) -> None:
    fail(empty, "a.txt", b"mended")
    fail(empty, "b.txt")

    assert said(capsys, "retry", "a.txt", "--home", empty) == "a.txt: back in the inbox\n"

    assert (empty / "inbox" / "a.txt").read_bytes() == b"mended"
    assert sorted(path.name for path in (empty / "failed").iterdir()) == ["b.txt", "b.txt.error.json"]


def test_retry_all_puts_every_failed_file_back(empty: Path, capsys: Capture) -> None:
    for name in ("b.txt", "a.txt", "мақала.txt"):
        fail(empty, name)

    lines = said(capsys, "retry", "--all", "--home", empty).splitlines()

    assert lines == [f"{name}: back in the inbox" for name in ("a.txt", "b.txt", "мақала.txt")]
    assert sorted(path.name for path in (empty / "inbox").iterdir()) == ["a.txt", "b.txt", "мақала.txt"]
    assert list((empty / "failed").iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["a.txt", "--all"]])
def test_retry_wants_names_or_all(arguments: list[str], empty: Path, capsys: Capture) -> None:
    fail(empty, "a.txt")

    assert refused(capsys, "retry", *arguments, "--home", empty) == "say which: NAME…, or --all"
    assert (empty / "failed" / "a.txt").exists()


@pytest.mark.parametrize("name", ["b.txt", "../secret.txt", "."])
def test_retry_takes_only_the_name_of_a_failed_file(name: str, empty: Path, capsys: Capture) -> None:
    fail(empty, "a.txt")
    (empty / "secret.txt").write_text("not for the inbox")

    line = refused(capsys, "retry", name, "--home", empty)

    assert line == f"{empty / 'failed' / name}: no such failed file"
    assert (empty / "secret.txt").exists()


def test_retry_never_overwrites_what_waits_in_the_inbox(empty: Path, capsys: Capture) -> None:
    fail(empty, "a.txt", b"failed")
    (empty / "inbox" / "a.txt").write_bytes(b"waiting")

    line = refused(capsys, "retry", "a.txt", "--home", empty)

    assert line == f"{empty}/inbox/a.txt: stands in the inbox already"
    assert (empty / "inbox" / "a.txt").read_bytes() == b"waiting"
    assert (empty / "failed" / "a.txt").read_bytes() == b"failed"
    assert (empty / "failed" / "a.txt.error.json").exists()


@pytest.mark.parametrize("arguments", [["a.txt"], ["--all"]])
def test_retry_on_a_home_without_failed_files_says_so_in_one_line(
    arguments: list[str], empty: Path, capsys: Capture
) -> None:
    assert str(empty / "failed") in refused(capsys, "retry", *arguments, "--home", empty)


def test_a_verdict_is_added_and_listed(used: Path, capsys: Capture) -> None:
    said(capsys, "verdicts", "add", article_id(), "energy", "wrong", "--person", "ana", "--home", used)

    (line,) = said(capsys, "verdicts", "list", "--home", used).splitlines()
    assert line.endswith(f"  {article_id()}  energy  wrong  ana  Headline 1")
    row = json.loads(said(capsys, "verdicts", "list", "--home", used, "--json"))
    assert row.pop("said_at").endswith("Z")
    assert row.items() >= {"article": article_id(), "topic": "energy", "verdict": "wrong"}.items()
    assert (row["person"], row["headline"], row["disputed"]) == ("ana", "Headline 1", False)


def test_verdicts_are_exported_as_a_label_file_with_who_said_what(used: Path, capsys: Capture) -> None:
    said(capsys, "verdicts", "add", article_id(), "energy", "wrong", "--person", "ana", "--home", used)

    row = json.loads(said(capsys, "verdicts", "export", "--home", used))
    assert row["id"] == article_id()
    assert row["text"].startswith("Headline 1")
    assert [(each["topic"], each["verdict"], each["by"]) for each in row["verdicts"]] == [
        ("energy", "wrong", "ana")
    ]
    raw = json.loads(said(capsys, "verdicts", "export", "--raw", "--home", used))
    assert (raw["verdict"], raw["person"]) == ("wrong", "ana")
    assert said(capsys, "verdicts", "export", "--examples", "--home", used) == ""  # eleven topics are unknown


def test_a_dispute_is_settled(used: Path, capsys: Capture) -> None:
    for person, verdict in (("ana", "right"), ("ben", "wrong")):
        said(capsys, "verdicts", "add", article_id(), "energy", verdict, "--person", person, "--home", used)
    lines = said(capsys, "verdicts", "list", "--disputed", "--home", used).splitlines()
    assert [line.endswith("(disputed)") for line in lines] == [True, True]

    said(capsys, "verdicts", "settle", article_id(), "energy", "wrong", "--person", "cy", "--home", used)

    rows = [
        json.loads(line) for line in said(capsys, "verdicts", "list", "--home", used, "--json").splitlines()
    ]
    assert [(row["person"], row["disputed"], row["outweighed"], row["settles"]) for row in rows] == [
        ("ana", False, True, False),
        ("ben", False, True, False),
        ("cy", False, False, True),
    ]


def test_the_slack_app_is_made_by_one_address(empty: Path, capsys: Capture) -> None:
    printed = json.loads(said(capsys, "slack", "manifest", "--json", "--home", empty))

    assert "chat:write" in printed["manifest"]["oauth_config"]["scopes"]["bot"]
    assert printed["address"].startswith("https://api.slack.com/apps?new_app=1&manifest_json=%7B")
    assert said(capsys, "slack", "manifest", "--address", "--home", empty).strip() == printed["address"]


def test_a_sample_is_sent_read_back_and_shown_anew(
    empty: Path, tmp_path: Path, slack: SlackStandIn, token_file: Path, capsys: Capture
) -> None:
    file = config(tmp_path, f"[slack]\ntoken_file = '{token_file}'\napi_url = '{slack.url}'\n{SLACK}")

    lines = said(capsys, "slack", "test", "C0123", "--home", empty, "--config", file).splitlines()

    assert [line.split(":")[:2] for line in lines] == [["ok", " post"], ["ok", " history"], ["ok", " update"]]
    assert len(slack.texts()) == 1


def test_a_sample_goes_to_no_name_of_a_channel(empty: Path, capsys: Capture) -> None:
    line = refused(capsys, "slack", "test", "#general", "--home", empty)

    assert line == "#general: not a channel's id, such as C0123456789"


def test_a_verdict_of_an_unknown_topic_is_refused_and_the_topics_named(used: Path, capsys: Capture) -> None:
    line = refused(capsys, "verdicts", "add", article_id(), "sport", "right", "--home", used)

    assert line.startswith("no topic 'sport'; there are ")
    assert "energy" in line
    assert said(capsys, "verdicts", "list", "--home", used) == ""


@pytest.mark.parametrize("article", ["0000000000000000", "%", "", "a b"])
def test_a_verdict_of_an_unknown_article_is_refused(article: str, used: Path, capsys: Capture) -> None:
    line = refused(capsys, "verdicts", "add", article, "energy", "right", "--home", used)

    assert line == f"{article}: no article, or more than one, with this id"


def test_unit_prints_the_unit_of_this_home_with_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)

    (tmp_path / "topicwire.toml").touch()
    assert main(["unit", "--home", "desk", "--config", "topicwire.toml"]) == 0

    output, doubts = capsys.readouterr()
    assert doubts.startswith(f"topicwired: {tmp_path}/desk: what lies there is cleaned away")

    assert output.startswith("# topicwire as a service.")
    assert f"/topicwired run --home {tmp_path}/desk --config {tmp_path}/topicwire.toml\n" in output


def test_route_says_nothing_of_a_topic_that_its_home_retired(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    article = tmp_path / "refinery.txt"
    article.write_text(ENERGY_ARTICLE, encoding="utf-8")
    (home / "labels").mkdir()
    (home / "labels" / "topics.toml").write_text("[energy]\nretired = true\n", encoding="utf-8")

    assert main(["route", str(article), "--home", str(home)]) == 0

    assert "energy" not in capsys.readouterr().out
