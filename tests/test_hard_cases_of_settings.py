"""Hostile and careless configurations: each is refused in lines that name the place and the mend."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifier import languages
from daemon.config import LANGUAGES, Settings, load_settings, schedule, secret
from daemon.errors import ConfigError

TOPICS = frozenset({"energy", "health"})
SHIPPED = Path(__file__).resolve().parents[1] / "systemd" / "topicwire.toml"
DESK = '[[receiver]]\nname = "desk"\ntype = "slack"\nchannel = "C0DESK"\n'
WALL = "[[receiver]]\nname = 'wall'\ntype = 'webhook'\n"
TOKEN = "xoxb-12345-abcdef"
WEBHOOK = "https://hooks.slack.com/services/T0/B0/abcdef"


def load(folder: Path, text: str | bytes, home: Path | None = None) -> Settings:
    file = folder / "topicwire.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_settings(file, home or folder / "home", TOPICS)


def problems(folder: Path, text: str | bytes, home: Path | None = None) -> list[str]:
    """What is said of a configuration, each problem without the file's name it begins with."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, home)
    return lines_of(caught.value, folder / "topicwire.toml")


def lines_of(error: ConfigError, file: Path) -> list[str]:
    start = f"{file}: "
    for line in error.problems:
        assert line.startswith(start)
        assert line.isprintable()
    return [line.removeprefix(start) for line in error.problems]


def ends_by_itself(work: Callable[[], object]) -> None:
    """Runs it beside us, so that one that waits for ever fails instead of holding the tests."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


# The file


def test_the_shipped_example_is_sound_also_when_every_key_is_taken_out_of_its_comment(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    # The example of one receiver is a comment with blanks; each line is a key, a table or prose.
    open_text = re.sub(r"(?m)^# (?=\[\[|\[topic\.|[a-z_]+ = )", "", text)
    known = frozenset({"energy", "minerals", "trade"})
    file = tmp_path / "topicwire.toml"
    file.write_text(text, encoding="utf-8")

    assert load_settings(file, tmp_path / "home", known).receivers[0].name == "console"

    file.write_text(open_text.replace('path = "inbox"', 'path = "/mnt/news/inbox"'), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file, tmp_path / "home", known)
    assert [line.split(": ", 1)[1] for line in caught.value.problems] == [
        "receiver 'console': no route leads to it; add one",
        "receiver 'everything': no route leads to it; add one",
    ]


def test_the_shipped_example_names_every_key() -> None:
    from daemon.tables import TABLES

    text = SHIPPED.read_text(encoding="utf-8")

    for table, model in TABLES.items():
        assert re.search(rf"(?m)^(# )?\[+{table}[.\]]", text)
        for key in model.model_fields:
            assert re.search(rf"(?m)^(# )?{key} = ", text), key


def test_the_shipped_example_tells_each_default_as_it_is() -> None:
    from daemon.tables import TABLES

    text = SHIPPED.read_text(encoding="utf-8")
    opened = tomllib.loads(re.sub(r"(?m)^# (?=\[\[|\[topic\.|[a-z_]+ = )", "", text))

    for table, model in TABLES.items():
        if table == "route":
            continue
        given = opened[table] if table != "receiver" else opened[table][1]  # of a topic: its tables
        for key, field in model.model_fields.items():
            default = field.default
            # A key without a default shows an example, and a receiver may have a digest of its own.
            if default is not None and default != () and not field.is_required():
                shown = list(default) if isinstance(default, tuple) else default
                assert given[key] == (shown if not isinstance(shown, Path) else str(shown)), key


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "socket of nobody"])
def test_what_is_no_ordinary_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "topicwire.toml"
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
        case _:
            file = Path("/proc/self/mem")
    said: list[str] = []

    def work() -> None:
        try:
            load_settings(file, tmp_path / "home", TOPICS)
        except ConfigError as error:
            said.extend(error.problems)

    ends_by_itself(work)

    assert len(said) == 1
    assert said[0].startswith(f"{file}: cannot be read: ")
    assert said[0].endswith("name a file with --config, or leave it out to have the defaults")


def test_a_file_of_one_mebibyte_is_read_and_a_larger_one_refused(tmp_path: Path) -> None:
    assert load(tmp_path, b"#" * 2**20).settle == 2.0

    assert problems(tmp_path, b"#" * (2**20 + 1))[0].startswith("cannot be read: larger than 1024 KiB; ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[log]\n# caf\xe9\n", "line 2 is not utf-8; save the file in that encoding"),
        ("[log]\n".encode("utf-16"), "line 1 is not utf-8; save the file in that encoding"),
        (b"a = '\0'\n", "at line 1, column 6"),
        (b"[log]\n[inbox]\n[log]\n", "make one table of the two"),
        (b"[inbox]\npath = 'a'\npath = 'b'\n", "the key stands twice, take one of them away"),
        (b"[inbox]\npath = a\n", "text stands in quotes, true and false in small letters"),
        (b'[inbox]\npath = "C:\\drop"\n', "a backslash in a path stands in 'single quotes', or is doubled"),
        (b"[[inbox]]\n", "inbox: should be one table; write [inbox], with one bracket, and once"),
        (b"[receiver]\n", "receiver: should be a list of tables; write [[receiver]], with two brackets"),
        (b"a = " + b"[" * 100_000, "not TOML that we read: nested too deeply"),
        (b"a = " + b"9" * 5000, "not TOML that we read: a number in it is too long"),
        (b"\n" + b"a." * 400_000 + b"a = 1", "line 2: a key of more than sixteen parts; ours have three"),
        (b'\n{"\\""' + b'."\\""' * 100_000, "line 2: a key of more than sixteen parts; ours have three"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_with_its_place_and_the_mend(
    tmp_path: Path, content: bytes, said: str
) -> None:
    found = problems(tmp_path, content)

    assert len(found) == 1
    assert said in found[0]


def test_dots_in_a_text_or_a_comment_are_no_deep_key(tmp_path: Path) -> None:
    dots = "a." * 20 + "a"

    assert load(tmp_path, f"# {dots}\n[inbox]\npath = '''{dots}'''\n").inbox.name == dots


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[inbox]\nsettle_seconds = '2'\n", "inbox.settle_seconds: should be a number, is a string"),
        ("[inbox]\nsettle_seconds = true\n", "inbox.settle_seconds: should be a number, is true or false"),
        ("[inbox]\nsettle_seconds = nan\n", "inbox.settle_seconds: should be from 0 to 3600"),
        ("[inbox]\nsettle_seconds = inf\n", "inbox.settle_seconds: should be from 0 to 3600"),
        ("[inbox]\nevents = 1\n", "inbox.events: should be true or false, is a whole number"),
        ("[inbox]\nevents = 'true'\n", "inbox.events: should be true or false, is a string"),
        ("[inbox]\npoison_tries = 3.5\n", "inbox.poison_tries: should be a whole number, is a number"),
        ("[inbox]\npoison_tries = true\n", "inbox.poison_tries: should be a whole number, is true or false"),
        ("[inbox]\npoison_tries = 21\n", "inbox.poison_tries: should be from 1 to 20"),
        ("[inbox]\non_duplicate = 'x'\n", "inbox.on_duplicate: should be 'record' or 'count'"),
        ("[inbox]\npath = 2026-01-01\n", "inbox.path: should be a path in quotes, is a date"),
        ('[inbox]\npath = "a\\u0000b"\n', "inbox.path: should be a path without control characters"),
        (
            "[inbox]\npath = '~/news'\n",
            "inbox.path: should be a path from the home folder, or one in full; '~' has no meaning here",
        ),
        ("[inbox]\npath = '" + "a/" * 3000 + "'\n", "inbox.path: should be a path of at most 4096 bytes"),
        (
            "[retrain]\ncron = '0 3 * * 5-1'\n",
            "retrain.cron: is not a cron line: weekdays '5-1' end before they begin",
        ),
        (
            "[retrain]\ncron = '* *'\n",
            "retrain.cron: should be five fields, minute hour day month weekday, such as '30 3 * * *',"
            " or 'never'",
        ),
        ("[storage]\ndatabase = 'sqlite://'\n", "storage.database: should be the path of a file, alone"),
        ("[burst]\nalerts = 1001\n", "burst.alerts: should be from 1 to 1000"),
        ("[burst]\nalerts = 2.0\n", "burst.alerts: should be a whole number, is a number"),
        ("[burst]\nminutes = inf\n", "burst.minutes: should be from 0 to 1440"),
        ("[story]\nwindow_hours = nan\n", "story.window_hours: should be from 0 to 720"),
        ("[story]\nbroadcast = true\n", "story.broadcast: should be 'never' or 'news'"),
        ("[digest]\nchart = 1\n", "digest.chart: should be true or false, is a whole number"),
        ("[slack]\non_unknown = 'x'\n", "slack.on_unknown: should be 'resend' or 'hold'"),
        ("[digest]\ncron = '0 8 30 2 *'\n", "digest.cron: is never due; write 'never' to turn it off"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_plain_words(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[topic.energy]\n", "topic.energy: should have one of 'cut', 'recall' and 'precision'"),
        (
            "[topic.energy]\nrecall = 0.9\ncut = 0.5\n",
            "topic.energy: should have one of 'cut', 'recall' and 'precision'",
        ),
        ("[topic.energi]\nrecall = 0.9\n", "topic.energi: no topic 'energi'; there are energy, health"),
        ("[topic.energy]\nrecal = 0.9\n", "unknown key 'topic.energy.recal'; did you mean 'recall'?"),
        ("[topic.energy]\nrecall = 1.0\n", "topic.energy.recall: should be from 0.5 to 0.999"),
        ("[topic.energy]\nprecision = 0.4\n", "topic.energy.precision: should be from 0.5 to 0.999"),
        ("[topic.energy]\ncut = 0\n", "topic.energy.cut: should be from 0.001 to 0.999"),
        ("[topic.energy]\nrecall = nan\n", "topic.energy.recall: should be from 0.5 to 0.999"),
        ("[topic.energy]\nrecall = '0.9'\n", "topic.energy.recall: should be a number, is a string"),
        ("topic = 3\n", "topic: should be a table of one topic, as [topic.energy], is a whole number"),
        ("[[topic]]\n", "topic: should be a table of one topic, as [topic.energy], is a list"),
        (
            "[topic]\nrecall = 0.9\n",
            "topic.recall: should be a table of one topic, as [topic.energy], is a number",
        ),
        (
            "[[topic.energy]]\nrecall = 0.9\n",
            "topic.energy: should be a table of one topic, as [topic.energy], is a list",
        ),
        ("recall = 0.9\n", "unknown key 'recall'; it belongs below [topic.ID]"),
    ],
)  # fmt: skip
def test_a_promise_that_is_none_is_told_in_plain_words(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text) == [said]


def test_each_topic_has_a_table_and_in_it_one_promise(tmp_path: Path) -> None:
    found = load(tmp_path, "[topic.energy]\nrecall = 0.95\n[topic.health]\ncut = 0.7\n").promises

    assert {topic: promise.model_dump(exclude_none=True) for topic, promise in found.items()} == {
        "energy": {"recall": 0.95},
        "health": {"cut": 0.7},
    }


def test_promises_of_topics_without_end_are_one_problem(tmp_path: Path) -> None:
    text = "".join(f"[topic.t{number}]\nrecall = 0.9\n" for number in range(5001))

    assert problems(tmp_path, text) == ["topic: should have at most 5000 members"]


@pytest.mark.parametrize(
    "hours",
    [
        "", "22:00", "22:00-22:00", "22:00-24:00", "22:60-07:00", "22:00 - 07:00", "22-07", "9:00-17:00",
        "22:00-07:00\\n", "٢٢:٠٠-٠٧:٠٠", "22:00–07:00", "NEVER", "22:00-07:00-09:00",
    ],
)  # fmt: skip
def test_hours_that_are_not_two_times_of_day_are_refused(tmp_path: Path, hours: str) -> None:
    said = "quiet_hours.hours: should be two different times of day, such as '22:00-07:00', or 'never'"

    assert problems(tmp_path, f'[quiet_hours]\nhours = "{hours}"\n') == [said]


@pytest.mark.parametrize("hours", ["00:00-23:59", "23:59-00:00", "22:00-07:00", "never"])
def test_hours_within_a_day_and_across_midnight_are_taken(tmp_path: Path, hours: str) -> None:
    assert load(tmp_path, f'[quiet_hours]\nhours = "{hours}"\n').quiet_hours.hours == hours


@pytest.mark.parametrize(
    "zone",
    [
        "", ".", "Mars/Base", "Europe", "../../etc/passwd", "/etc/localtime", "zone.tab", "UTC+5",
        "Europe/Berlin/", "a\\u0000b", "x" * 5000, "европа",
    ],
)  # fmt: skip
@pytest.mark.parametrize("table", ["digest", "quiet_hours"])
def test_a_zone_that_nobody_knows_is_refused(tmp_path: Path, table: str, zone: str) -> None:
    said = f"{table}.zone: should be a time zone, such as Asia/Almaty"

    assert problems(tmp_path, f'[{table}]\nzone = "{zone}"\n') == [said]


def test_weekdays_by_name_and_steps_are_taken(tmp_path: Path) -> None:
    assert load(tmp_path, "[retrain]\ncron = '*/5 3 1 * mon-sun/2'\n").retrain.cron == "*/5 3 1 * mon-sun/2"


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [
        ("0", "Sun"), ("7", "Sun"), ("1-5", "Mon Tue Wed Thu Fri"), ("6,0", "Sat Sun"),
        ("1-5/2", "Mon Wed Fri"), ("5-7", "Fri Sat Sun"), ("mon,3", "Mon Wed"),
        ("*", "Mon Tue Wed Thu Fri Sat Sun"),
    ],
)  # fmt: skip
def test_weekdays_by_number_count_from_sunday_as_in_crontab(weekdays: str, days: str) -> None:
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    trigger = schedule(f"0 8 * * {weekdays}", UTC)

    due = [trigger.get_next_fire_time(None, monday + timedelta(days=number)) for number in range(7)]

    fired = {moment.strftime("%a"): None for moment in due if moment < monday + timedelta(days=7)}
    assert list(fired) == days.split()


def test_problems_of_different_tables_come_together_and_not_without_end(tmp_path: Path) -> None:
    text = "".join(f"key{number} = 1\n" for number in range(2000))

    found = problems(tmp_path, f"{text}[inbox]\nevents = 3\n[log]\nformat = 3\n")

    assert len(found) == 51
    assert found[0].startswith("inbox.events: ")
    assert found[1].startswith("log.format: ")
    assert found[-1] == "and more; mend these first"


def test_a_list_without_end_is_one_problem(tmp_path: Path) -> None:
    text = f"[[route]]\nreceiver = 'console'\ntopics = [{'1,' * 5001}]\n"

    assert problems(tmp_path, text) == ["route number 1.topics: should have at most 5000 members"]


def test_a_hostile_key_is_escaped_and_shortened(tmp_path: Path) -> None:
    found = problems(tmp_path, '"\\u001b[2J\\n\\u202e' + "x" * 500 + '" = 1\n')

    assert found[0].startswith("unknown key '\\x1b[2J\\n\\u202exxx")
    assert len(found[0]) < 300


def test_a_file_whose_name_has_a_line_break_is_named_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a\nb.toml"

    with pytest.raises(ConfigError) as caught:
        load_settings(file, tmp_path / "home", TOPICS)

    assert caught.value.problems[0].startswith(f"{tmp_path}/a\\nb.toml: cannot be read: No such file")


def test_a_file_that_anyone_may_write_is_refused_and_one_for_a_group_is_not(tmp_path: Path) -> None:
    file = tmp_path / "topicwire.toml"
    file.touch()
    file.chmod(0o666)

    assert problems(tmp_path, "") == [
        "anyone may write this file, and so send alerts elsewhere; `chmod o-w` it"
    ]
    assert len(problems(tmp_path, "[inbx]\n")) == 2

    file.chmod(0o664)
    assert load(tmp_path, "").settle == 2.0


def test_a_time_zone_that_nobody_knows_is_refused_before_the_start(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom daemon.config import load_settings\n"
        f"load_settings(None, Path({str(tmp_path)!r}), ())"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TZ": "Nowhere/Atall"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("daemon.errors.ConfigError: configuration: the machine's time zone cannot be told")


# Secrets


@pytest.mark.parametrize(
    ("text", "place", "mend"),
    [
        ("[slack]\ntoken = 'hunter2'\n", "slack.token", "slack.token_file, or set SLACK_BOT_TOKEN"),
        ("[slack]\nApp-Token = 'hunter2'\n", "slack.App-Token", "slack.token_file"),
        (f"[slack]\ntoken_file = '{TOKEN}'\n", "slack.token_file", "slack.token_file"),
        ("[slack]\ntoken_file = 'xapp-1-A0-1'\n", "slack.token_file", "a file of mode 600"),
        (f"[a]\n[[a.b]]\nc = ['x', '{TOKEN}']\n", "a.b number 1.c number 2", "slack.token_file"),
        ("[a]\nx = { password = 'hunter2' }\n", "a.x.password", "a file of mode 600"),
        (f"x = '{WEBHOOK}'\n", "x", "url_file, or set SLACK_WEBHOOK_URL"),
        (f"{WALL}url = 'hunter2'\n", "receiver number 1.url", "url_file"),
        (f"{WALL}url_file = '{WEBHOOK}'\n", "receiver number 1.url_file", "url_file"),
        ("[storage]\ndatabase = 'postgresql://me:hunter2@db/x'\n", "storage.database", "password_file"),
        ("[slack]\napi_url = 'https://me:hunter2@slack.com/'\n", "slack.api_url", "take name"),
        ("[slack]\ntoken = \"\\u0078oxb-12345-abcdef\"\n", "slack.token", "slack.token_file"),
    ],
)  # fmt: skip
def test_a_secret_in_the_configuration_is_refused_and_not_shown(
    tmp_path: Path, text: str, place: str, mend: str
) -> None:
    found = problems(tmp_path, text)

    about = [
        line for line in found if line.startswith(f"{place}: a secret does not stand in the configuration; ")
    ]
    assert len(about) == 1
    assert mend in about[0]
    assert not [line for line in found if "hunter2" in line or "abcdef" in line or "A0-1" in line]
    assert [line for line in found if line not in about] in (
        [],
        [line for line in found if "unknown key" in line],
    )


@pytest.mark.parametrize(
    "text",
    [
        f"[slack]\n# token = '{TOKEN}'\n",
        f"[slack]\ntoken = {TOKEN}\n",
        f"[slack]\n'{TOKEN}' = 1\n",
        f"[slack]\n[{TOKEN}]\n",
        f"[slack]\n[{TOKEN}]\n[{TOKEN}]\n",
        f"[[route]]\nreceiver = '{WEBHOOK}'\n",
        f"[[receiver]]\nname = '{TOKEN}'\ntype = '{TOKEN}'\n",
        f"[log]\nformat = '{TOKEN}'\n",
        f"[retrain]\ncron = '{TOKEN} * * * *'\n",
    ],
)
def test_a_secret_at_an_unexpected_place_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)

    assert any("a secret does not stand in the configuration" in line for line in found)
    assert not any("abcdef" in line for line in found)


@pytest.mark.parametrize("content", [b"", b" \n", b"xoxb-1\nxoxb-2\n", b"x" * 5000])
def test_a_token_file_with_no_token_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(ConfigError) as caught:
        secret("slack-bot-token", "SLACK_BOT_TOKEN", file)

    assert len(lines_of(caught.value, file)) == 1
    assert "xoxb" not in str(caught.value)


def test_a_token_file_that_is_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    file = tmp_path / "token"
    os.mkfifo(file, 0o600)
    said: list[str] = []

    def work() -> None:
        try:
            secret("slack-bot-token", "SLACK_BOT_TOKEN", file)
        except ConfigError as error:
            said.extend(error.problems)

    ends_by_itself(work)

    assert said == [f"{file}: the secret cannot be read: not an ordinary file"]


def test_a_token_behind_a_link_and_a_byte_order_mark_is_read_and_the_right_of_its_target_counts(
    tmp_path: Path,
) -> None:
    target, file = tmp_path / "target", tmp_path / "token"
    target.write_bytes(b"\xef\xbb\xbfxoxb-1\r\n")
    target.chmod(0o600)
    file.symlink_to(target)

    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", file) == "xoxb-1"

    target.chmod(0o644)
    with pytest.raises(ConfigError):
        secret("slack-bot-token", "SLACK_BOT_TOKEN", file)


def test_a_credential_that_cannot_be_read_is_told_and_the_environment_does_not_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slack-bot-token").symlink_to(tmp_path / "gone")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-environment")

    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        secret("slack-bot-token", "SLACK_BOT_TOKEN", None)


# Folders


@pytest.mark.parametrize("name", ["done", "failed", "models", "labels", "backups"])
def test_an_inbox_that_a_link_leads_into_a_folder_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    (home / name / "inner").mkdir(parents=True)
    (tmp_path / "drop").symlink_to(home / name / "inner")

    assert problems(tmp_path, "[inbox]\npath = '../drop'\n") == [
        f"inbox.path: {tmp_path}/drop lies in {home}/{name}; name a folder of its own"
    ]


@pytest.mark.parametrize("name", ["done", "failed", "models", "labels", "backups"])
def test_a_folder_of_ours_that_a_link_leads_into_the_inbox_is_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    (home / "inbox").mkdir(parents=True)
    (home / name).symlink_to(home / "inbox" / "not yet there")

    assert problems(tmp_path, "") == [
        f"inbox.path: {home}/inbox holds {home}/{name}; name a folder of its own"
    ]


@pytest.mark.parametrize("path", ["./done", "x/../done/", "..//home//done", "done/./a/..", "backups"])
def test_another_spelling_of_a_folder_of_ours_is_the_same_folder(tmp_path: Path, path: str) -> None:
    found = problems(tmp_path, f"[inbox]\npath = '{path}'\n")

    assert len(found) == 1
    assert " lies in " in found[0]


def test_a_folder_whose_name_only_begins_like_ours_is_taken(tmp_path: Path) -> None:
    assert load(tmp_path, "[inbox]\npath = 'done-articles'\n").inbox == tmp_path / "home" / "done-articles"


@pytest.mark.parametrize("home", ["/", "//", "/tmp/..", "/proc/self/root"])
def test_a_home_of_the_whole_machine_is_refused(tmp_path: Path, home: str) -> None:
    assert problems(tmp_path, "", Path(home)) == [
        "home: / cannot be a home; name a folder of its own with --home"
    ]


def test_a_home_that_lies_in_its_inbox_by_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)

    found = problems(tmp_path, f"[inbox]\npath = '{tmp_path}/link'\n", tmp_path / "real")

    assert found == [f"inbox.path: {tmp_path}/link holds the home folder; name a folder of its own"]


def test_a_home_that_is_a_loop_of_links_or_a_file_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()

    assert load(tmp_path, "", tmp_path / "loop").home == tmp_path / "loop"  # the start says what it is
    assert problems(tmp_path, "", tmp_path / "file" / "home")[0].endswith(
        "file/home is not a folder; name one with --home"
    )


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_an_inbox_that_is_a_file_or_below_one_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()

    assert problems(tmp_path, f"[inbox]\npath = '../{path}'\n") == [
        f"inbox.path: {tmp_path}/{path} is not a folder; name a folder of its own"
    ]


def test_an_inbox_whose_share_is_not_mounted_is_no_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "drop").symlink_to(tmp_path / "mnt" / "news")

    assert load(tmp_path, "[inbox]\npath = '../drop'\n").inbox == tmp_path / "drop"


@pytest.mark.parametrize(
    "path", ["inbox/ledger.db", "done/x/ledger.db", "failed/ledger.db", "sqlite:///inbox/l.db"]
)
def test_a_ledger_among_the_articles_is_refused(tmp_path: Path, path: str) -> None:
    found = problems(tmp_path, f"[storage]\ndatabase = '{path}'\n")

    assert len(found) == 1
    assert found[0].startswith(f"storage.database: {tmp_path}/home/")
    assert found[0].endswith("where files come and go; name a file in the home folder")


def test_a_ledger_that_a_link_leads_into_the_inbox_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "inbox").mkdir(parents=True)
    (home / "state").symlink_to("inbox")

    assert len(problems(tmp_path, "[storage]\ndatabase = 'state/ledger.db'\n")) == 1


@pytest.mark.parametrize("path", ["../topicwire.toml", "../x/../topicwire.toml", "", ".", ".."])
def test_a_ledger_in_the_place_of_the_configuration_or_of_a_folder_is_refused(
    tmp_path: Path, path: str
) -> None:
    found = problems(tmp_path, f"[storage]\ndatabase = '{path}'\n")

    assert len(found) == 1
    assert found[0].endswith("name a file in the home folder")


def test_a_ledgers_address_with_a_relative_path_is_meant_from_the_home_folder(tmp_path: Path) -> None:
    settings = load(tmp_path, "[storage]\ndatabase = 'sqlite:///state/l.db'\n")

    assert settings.database == f"sqlite:///{tmp_path}/home/state/l.db"


def test_files_of_ours_in_the_inbox_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()

    found = problems(
        tmp_path / "inbox",
        f"[inbox]\npath = '{tmp_path}/inbox'\n[slack]\ntoken_file = '{tmp_path}/inbox/token'\n"
        f"app_token_file = '{tmp_path}/inbox/app'\n{WALL}url_file = '../inbox/url'\n",
        tmp_path / "home",
    )

    assert [line.split(": ")[0] for line in found] == [
        "the configuration file", "slack.token_file", "slack.app_token_file", "url_file of receiver 'wall'",
    ]  # fmt: skip


def test_paths_of_secrets_are_meant_from_the_home_folder(tmp_path: Path) -> None:
    text = "[slack]\ntoken_file = 'token'\napp_token_file = 'app'\n" + WALL + "url_file = '../url'\n"

    settings = load(tmp_path, text)

    assert settings.slack.token_file == tmp_path / "home" / "token"
    assert settings.slack.app_token_file == tmp_path / "home" / "app"
    assert settings.receivers[0].url_file == tmp_path / "url"


def test_an_inbox_must_lie_below_its_mount_point_by_real_path(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    (tmp_path / "link").symlink_to("mnt")
    mount = f"[inbox]\nmount_point = '{tmp_path}/link'\n"

    assert load(tmp_path, f"{mount}path = '{tmp_path}/mnt/news'\n").mount_point == tmp_path / "mnt"
    assert load(tmp_path, f"{mount}path = '{tmp_path}/mnt'\n").inbox == tmp_path / "mnt"
    assert problems(tmp_path, f"{mount}path = '{tmp_path}/mnt2'\n") == [
        f"inbox.mount_point: {tmp_path}/mnt2, the inbox, does not lie below {tmp_path}/mnt"
    ]
    assert problems(tmp_path, "[inbox]\nmount_point = '/'\n")[0].startswith("inbox.mount_point: / is always")


# Receivers and routes


@pytest.mark.parametrize(
    "channel", ["#energy", "energy", "c0desk", "U012345", "C", "C0DESK ", "C0D\\u000aESK"]
)
def test_a_channel_that_is_not_an_id_is_refused_and_where_the_id_stands_is_told(
    tmp_path: Path, channel: str
) -> None:
    found = problems(tmp_path, DESK.replace("C0DESK", channel))

    assert len(found) == 1
    assert "should be the channel's id, such as C0123456789" in found[0]
    assert "Slack shows it" in found[0]


@pytest.mark.parametrize("channel", ["C1", "G0123ABC", "D0123ABC"])
def test_an_id_of_a_channel_a_group_or_a_conversation_is_taken(tmp_path: Path, channel: str) -> None:
    assert load(tmp_path, DESK.replace("C0DESK", channel)).receivers[0].channel == channel


@pytest.mark.parametrize("name", ["a\\nb", "\\u001b[2J", "\\u202eabc", " desk", "", "x" * 81])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path: Path, name: str) -> None:
    found = problems(tmp_path, f'[[receiver]]\nname = "{name}"\ntype = "console"\n')

    assert len(found) == 1
    assert found[0].startswith("receiver number 1.name: should have ")


def test_names_that_differ_in_letter_case_only_are_refused(tmp_path: Path) -> None:
    text = "".join(f"[[receiver]]\nname = '{name}'\ntype = 'console'\n" for name in ("Desk", "wall", "desk"))

    assert problems(tmp_path, text) == [
        "receivers 'Desk' and 'desk' differ in letter case only; name one otherwise"
    ]


def test_two_receivers_may_share_a_channel_and_then_it_hears_from_both(tmp_path: Path) -> None:
    found = load(tmp_path, DESK + DESK.replace('"desk"', '"wall"'))

    assert [receiver.channel for receiver in found.receivers] == ["C0DESK", "C0DESK"]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("languages = ['kz']", "languages: no language 'kz'; articles come as en, ru, kk, ar, "),
        ("languages = ['RU']", "languages: no language 'RU'; "),
        ("languages = []", "languages: is empty; take the key away to have all languages"),
        ("topics = []", "topics: is empty; take the key away to have all topics"),
        ("min_probability = 1", "min_probability: 1 is never reached; "),
    ],
)
def test_a_route_that_no_article_could_take_is_refused(tmp_path: Path, condition: str, said: str) -> None:
    found = problems(tmp_path, f"[[route]]\nreceiver = 'console'\n{condition}\n")

    assert len(found) == 1
    assert found[0].startswith(f"route number 1.{said}")


def test_a_route_that_stands_twice_is_refused(tmp_path: Path) -> None:
    one = "[[route]]\nreceiver = 'console'\ntopics = ['energy']\n"

    assert problems(tmp_path, f"{one}[[route]]\nreceiver = 'console'\n{one}") == [
        "route number 3: is the same as number 1; take one of them away"
    ]


def test_the_languages_of_a_route_are_those_that_the_classifier_tells() -> None:
    assert set(LANGUAGES) == set(languages._COMMON) - {"other"}


@pytest.mark.parametrize(
    "address",
    [
        "http://slack.com/api/", "http://127.evil.example/", "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/", "http://evil.example\\\\@127.0.0.1/", "https://me@slack.com/",
        "https://slack.com/api/?x=1", "https://slack.com/api/#x", "https://", "https://[::1/", "https://a:99999999/",
        "https://slack.com/\\n", "https://sl\\tack.com/", "https://sl ack.com/", "HTTP://slack.com", "file:///etc",
        "http://128.0.0.1/", "http://0.0.0.0/", "http://[::2]/", "https://" + "a" * 5000,
    ],
)  # fmt: skip
def test_an_address_that_a_token_should_not_go_to_is_refused(tmp_path: Path, address: str) -> None:
    found = problems(tmp_path, f'[slack]\napi_url = "{address}"\n')

    assert len(found) == 1
    assert found[0].startswith("slack.api_url: ")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:4004/", "http://127.9.9.9/", "http://[::1]:80/api/", "http://localhost/",
                "https://slack-gov.com/api/", "https://proxy.example:8443/slack/"],
)  # fmt: skip
def test_an_address_on_this_machine_or_in_cipher_is_taken(tmp_path: Path, address: str) -> None:
    assert load(tmp_path, f"[slack]\napi_url = '{address}'\n").slack.api_url == address


# Whatever stands in it

WORDS = st.one_of(
    st.sampled_from(
        ["inbox", "path", "settle_seconds", "mount_point", "storage", "database", "slack", "token_file",
         "token", "api_url", "receiver", "name", "type", "channel", "url_file", "route", "topics",
         "languages", "retrain", "backup", "cron", "keep", "log", "format", "min_probability", "events"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)  # fmt: skip
SCALARS = st.one_of(
    st.booleans().map(lambda value: str(value).lower()),
    st.integers().map(str),
    st.floats().map(lambda value: str(value)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(lambda text: quoted(text)),
    st.sampled_from(
        ["..", "/", "done", "console", "slack", "webhook", "0 0 31 2 *", "* * * * *", "C0DESK", "a\0b",
         "a\nb", "~", "sqlite:///", "://", "http://[", "desk", "energy", TOKEN, "9" * 400, "main"]
    ).map(lambda text: quoted(text)),
    st.sampled_from(["2026-01-01", "1979-05-27T07:32:00Z", "07:32:00", "9" * 4400, "1e999", "{}", "[]"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
        | st.dictionaries(WORDS, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{quoted(k)} = {v}" for k, v in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
PAIRS = st.dictionaries(WORDS, VALUES, max_size=5).map(
    lambda table: "".join(f"{quoted(key)} = {value}\n" for key, value in table.items())
)
HEADERS = st.tuples(WORDS, st.booleans()).map(
    lambda head: f"[[{quoted(head[0])}]]\n" if head[1] else f"[{quoted(head[0])}]\n"
)
DOCUMENTS = st.tuples(PAIRS, st.lists(st.tuples(HEADERS, PAIRS), max_size=6)).map(
    lambda parts: parts[0] + "".join(header + pairs for header, pairs in parts[1])
)


def quoted(text: str) -> str:
    signs = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(signs.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def is_told_in_sound_lines(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    begun = time.thread_time()
    try:
        load_settings(file, file.parent / "home", TOPICS)
    except ConfigError as error:
        assert error.problems
        for line in lines_of(error, file):
            assert line
            assert "12345-abcdef" not in line
    assert time.thread_time() - begun < 1


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "topicwire.toml"


@settings(max_examples=400)
@given(content=st.binary(max_size=300))
@example(b"\xff\xfe[\0l\0o\0g\0]\0")
@example(b"a = '''\n")
def test_arbitrary_bytes_are_taken_or_refused_in_sound_lines(scratch: Path, content: bytes) -> None:
    is_told_in_sound_lines(scratch, content)


@settings(max_examples=120)
@given(text=DOCUMENTS)
@example(f'[inbox]\npath = "{TOKEN}"\n')
@example("[retrain]\ncron = '0 0 31 2 *'\n[backup]\ncron = '0 0 30 2 *'\n")
def test_an_arbitrary_document_is_taken_or_refused_in_sound_lines(scratch: Path, text: str) -> None:
    is_told_in_sound_lines(scratch, text.encode())


@settings(max_examples=300)
@given(text=st.text(st.sampled_from("[]{}='\"\\.,#\n ab0-_:/"), max_size=400))
def test_arbitrary_signs_of_toml_are_taken_or_refused_in_sound_lines(scratch: Path, text: str) -> None:
    is_told_in_sound_lines(scratch, text.encode())
