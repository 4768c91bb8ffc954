"""The configuration: sound files are read, unsound ones are refused with file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import Settings, load_settings, secret
from daemon.errors import ConfigError

TOPICS = frozenset({"energy", "health"})


def load(folder: Path, text: str, home: Path | None = None) -> Settings:
    file = folder / "topicwire.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, home or folder / "home", TOPICS)


def problems(folder: Path, text: str, home: Path | None = None) -> list[str]:
    """What is said of a configuration, each problem without the file's name it begins with."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, home)
    start = f"{folder / 'topicwire.toml'}: "
    for problem in caught.value.problems:
        assert problem.startswith(start)
        assert "\n" not in problem
    return [problem.removeprefix(start) for problem in caught.value.problems]


def secret_file(path: Path, content: bytes = b"xoxb-1-file\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_without_a_file_one_console_hears_of_everything(tmp_path: Path) -> None:
    settings = load_settings(None, tmp_path, TOPICS)

    assert [(r.name, r.type) for r in settings.receivers] == [("console", "console")]
    assert [(r.receiver, r.topics, r.grade) for r in settings.routes] == [("console", None, "main")]
    assert settings.inbox == tmp_path / "inbox"
    assert settings.settle == 2.0
    assert settings.database == f"sqlite:///{tmp_path}/ledger.db"
    assert settings.slack.api_url == "https://slack.com/api/"
    assert settings.retrain.cron == "30 3 * * *"
    assert settings.log.format == "text"
    assert (settings.network_settle, settings.events, settings.mount_point) == (10.0, True, None)
    assert (settings.on_duplicate, settings.poison_tries) == ("record", 3)
    assert (settings.backup.cron, settings.backup.keep) == ("15 2 * * *", 7)
    assert settings.slack.pace_seconds == 1.0


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "")

    without = load_settings(None, tmp_path / "home", TOPICS)
    assert settings.model_copy(update={"file": None}) == without


def test_every_key_is_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [inbox]
        path = "/srv/drop"
        settle_seconds = 0.5
        network_settle_seconds = 30
        events = false
        mount_point = "/srv"
        on_duplicate = "count"
        poison_tries = 5
        [storage]
        database = "state/ledger.db"
        [backup]
        cron = "0 4 * * sun"
        keep = 2
        [slack]
        token_file = "/run/token"
        app_token_file = "secrets/app-token"
        on_unknown = "hold"
        api_url = "http://127.0.0.1:4004/api"
        pace_seconds = 2
        [[receiver]]
        name = "desk"
        type = "slack"
        channel = "C0DESK"
        alerts = "in digests"
        digest = "0 9 * * mon"
        quiet_hours = "never"
        zone = "Europe/Berlin"
        [[receiver]]
        name = "wall"
        type = "webhook"
        url_file = "/run/url"
        [[receiver]]
        name = "phones"
        type = "apprise"
        url_file = "/run/apprise-url"
        [[route]]
        receiver = "desk"
        topics = ["energy", "health"]
        grade = "mention"
        languages = ["en", "ru"]
        min_probability = 0.25
        [[route]]
        receiver = "wall"
        [[route]]
        receiver = "phones"
        [burst]
        alerts = 4
        minutes = 2.5
        [story]
        window_hours = 24
        broadcast = "news"
        [digest]
        cron = "0 8 * * *"
        zone = "Asia/Almaty"
        chart = false
        [quiet_hours]
        hours = "22:00-07:00"
        zone = "Asia/Tokyo"
        [retrain]
        cron = "never"
        [log]
        format = "json"
        """,
    )

    assert settings.inbox == Path("/srv/drop")
    assert settings.settle == 0.5
    assert settings.network_settle == 30.0
    assert settings.events is False
    assert settings.mount_point == Path("/srv")
    assert settings.on_duplicate == "count"
    assert settings.poison_tries == 5
    assert (settings.backup.cron, settings.backup.keep) == ("0 4 * * sun", 2)
    assert settings.slack.pace_seconds == 2.0
    assert settings.database == f"sqlite:///{tmp_path}/home/state/ledger.db"
    assert settings.slack.token_file == Path("/run/token")
    assert settings.slack.api_url == "http://127.0.0.1:4004/api/"
    assert [(r.name, r.type, r.channel, r.url_file) for r in settings.receivers] == [
        ("desk", "slack", "C0DESK", None),
        ("wall", "webhook", None, Path("/run/url")),
        ("phones", "apprise", None, Path("/run/apprise-url")),
    ]
    assert [(r.alerts, r.digest, r.quiet_hours, r.zone) for r in settings.receivers] == [
        ("in digests", "0 9 * * mon", "never", "Europe/Berlin"),
        ("at once", None, None, None),
        ("at once", None, None, None),
    ]
    assert settings.burst.model_dump() == {"alerts": 4, "minutes": 2.5}
    assert settings.story.model_dump() == {"window_hours": 24.0, "broadcast": "news"}
    assert settings.digest.model_dump() == {"cron": "0 8 * * *", "zone": "Asia/Almaty", "chart": False}
    assert settings.quiet_hours.model_dump() == {"hours": "22:00-07:00", "zone": "Asia/Tokyo"}
    assert settings.slack.app_token_file == tmp_path / "home" / "secrets" / "app-token"
    assert settings.slack.on_unknown == "hold"
    assert settings.routes[0].model_dump() == {
        "receiver": "desk",
        "topics": ("energy", "health"),
        "grade": "mention",
        "languages": ("en", "ru"),
        "min_probability": 0.25,
    }
    assert settings.retrain.cron == "never"
    assert settings.log.format == "json"


def test_without_a_route_every_receiver_hears_of_everything(tmp_path: Path) -> None:
    settings = load(tmp_path, console("a") + console("b"))

    assert [(route.receiver, route.topics) for route in settings.routes] == [("a", None), ("b", None)]


def test_a_database_that_is_an_address_is_left_as_it_is(tmp_path: Path) -> None:
    settings = load(tmp_path, '[storage]\ndatabase = "postgresql+psycopg://ledger.example/topicwire"\n')

    assert settings.database == "postgresql+psycopg://ledger.example/topicwire"


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (
            "postgresql+psycopg://wire:geheim@db.example/news",
            "a secret does not stand in the configuration;"
            " put the password into a file of mode 600 and write ?password_file=/path behind the address",
        ),
        (
            "postgresql+psycopg://wire@db.example/news?password=geheim",
            "should have no password in it; put that into a file of mode 600 and write ?password_file=/path",
        ),
        ("postgresql+psycopg://wire@db.example", "should end with the name of the database"),
        ("postgresql+psycopg://wire@db.example/", "should end with the name of the database"),
        (
            "postgresql+psycopg://wire@db.example:port/news",
            "should be an address, such as postgresql+psycopg://topicwire@db.example.org/topicwire",
        ),
        (
            "postgresql://wire@db.example/news",
            "should be the path of a file, or an address that begins with postgresql+psycopg://",
        ),
        (
            "mysql://wire@db.example/news",
            "should be the path of a file, or an address that begins with postgresql+psycopg://",
        ),
        ("sqlite+pysqlite:///ledger.db", "should be the path of a file, alone"),
    ],
)
def test_an_address_that_is_no_ledger_s_is_refused_and_shows_no_password(
    tmp_path: Path, database: str, said: str
) -> None:
    assert problems(tmp_path, f"[storage]\ndatabase = {database!r}\n") == [f"storage.database: {said}"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("lease_seconds = 1", "lease_seconds: should be from 2 to 600"),
        ("lease_seconds = 601", "lease_seconds: should be from 2 to 600"),
        ("daemon = ''", "daemon: should have from 1 to 80 characters"),
        ("daemon = ' north'", "daemon: should have no control characters, and no blanks around it"),
    ],
)
def test_a_daemon_has_a_name_and_a_lease_of_a_sensible_length(tmp_path: Path, key: str, said: str) -> None:
    assert problems(tmp_path, f"[storage]\n{key}\n") == [f"storage.{said}"]


def test_a_daemon_is_called_as_its_machine_unless_it_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "newsroom-1")
    address = '[storage]\ndatabase = "postgresql+psycopg://ledger.example/topicwire"\n'

    assert load(tmp_path, address).daemon == "newsroom-1"
    assert load(tmp_path, f'{address}daemon = "north"\n').daemon == "north"


def test_the_only_daemon_of_a_ledger_needs_no_name(tmp_path: Path) -> None:
    assert load(tmp_path, '[storage]\ndaemon = "north"\n').daemon == ""


def test_a_file_that_an_editor_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "topicwire.toml"
    file.write_bytes(b"\xef\xbb\xbf[inbox]\nsettle_seconds = 1.0\n")

    assert load_settings(file, tmp_path / "home", TOPICS).settle == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[inbx]\n", "unknown key 'inbx'; did you mean 'inbox'?"),
        ("[inbox]\npth = 'x'\n", "unknown key 'inbox.pth'; did you mean 'path'?"),
        ("[inbox]\nSettle_Secs = 1\n", "unknown key 'inbox.Settle_Secs'; did you mean 'settle_seconds'?"),
        ("keep = 3\n", "unknown key 'keep'; it belongs below [backup]"),
        ("[log]\ncolour = 'red'\n", "unknown key 'log.colour'; known here are format"),
        (
            "[[receiver]]\nname = 'a'\ntype = 'console'\ncolour = 'red'\n",
            "unknown key 'receiver number 1.colour'; known here are name, type, channel, url_file, alerts,"
            " digest, quiet_hours, zone",
        ),
    ],
)
def test_an_unknown_key_is_refused_and_a_known_one_named(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text) == [said]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("inbox = 3\n", "inbox: "),
        ("[inbox]\nsettle_seconds = 'soon'\n", "inbox.settle_seconds: "),
        ("[inbox]\nsettle_seconds = -1\n", "inbox.settle_seconds: "),
        ("[inbox]\nsettle_seconds = nan\n", "inbox.settle_seconds: "),
        ("[inbox]\npath = 7\n", "inbox.path: "),
        ("[storage]\ndatabase = []\n", "storage.database: "),
        ("[slack]\napi_url = 'slack.com/api'\n", "slack.api_url: "),
        ("receiver = 'desk'\n", "receiver: "),
        ("[[receiver]]\nname = 'a'\ntype = 'slak'\n", "receiver number 1.type: "),
        ("[[receiver]]\nname = ''\ntype = 'console'\n", "receiver number 1.name: "),
        ("[[receiver]]\ntype = 'console'\n", "receiver number 1.name: "),
        ("[[route]]\nreceiver = 'console'\ntopics = 'energy'\n", "route number 1.topics: "),
        ("[[route]]\nreceiver = 'console'\ngrade = 'high'\n", "route number 1.grade: "),
        ("[[route]]\nreceiver = 'console'\nmin_probability = 1.5\n", "route number 1.min_probability: "),
        ("[log]\nformat = 'xml'\n", "log.format: "),
        ("[backup]\ncron = '0 0 31 2 *'\n", "backup.cron: "),
        ("[backup]\nkeep = 0\n", "backup.keep: "),
        ("[inbox]\nmount_point = 'mnt'\n", "inbox.mount_point: "),
        ("[inbox]\non_duplicate = 'drop'\n", "inbox.on_duplicate: "),
        ("[slack]\npace_seconds = 61\n", "slack.pace_seconds: "),
        ("[slack]\non_unknown = 'drop'\n", "slack.on_unknown: "),
        ("[slack]\napp_token_file = 3\n", "slack.app_token_file: "),
        ("[[receiver]]\nname = 'a'\ntype = 'webhook'\nalerts = 'never'\n", "receiver number 1.alerts: "),
        ("[[receiver]]\nname = 'a'\ntype = 'webhook'\ndigest = 'daily'\n", "receiver number 1.digest: "),
        ("[[receiver]]\nname = 'a'\ntype = 'webhook'\nzone = 'Mars'\n", "receiver number 1.zone: "),
        (
            "[[receiver]]\nname = 'a'\ntype = 'webhook'\nquiet_hours = '22-7'\n",
            "receiver number 1.quiet_hours: ",
        ),
        ("[burst]\nalerts = 0\n", "burst.alerts: "),
        ("[burst]\nminutes = -1\n", "burst.minutes: "),
        ("[story]\nwindow_hours = 721\n", "story.window_hours: "),
        ("[story]\nbroadcast = 'always'\n", "story.broadcast: "),
        ("[digest]\nchart = 'yes'\n", "digest.chart: "),
        ("[digest]\ncron = '0 8 * *'\n", "digest.cron: "),
        ("[digest]\nzone = ''\n", "digest.zone: "),
        ("[quiet_hours]\nhours = 22\n", "quiet_hours.hours: "),
        ("[retrain]\ncron = 'every night'\n", "retrain.cron: "),
        ("[retrain]\ncron = '99 3 * * *'\n", "retrain.cron: "),
        ("[retrain]\ncron = ''\n", "retrain.cron: "),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    found = problems(tmp_path, text)

    assert len(found) == 1
    assert found[0].startswith(key)
    assert len(found[0]) > len(key)


def test_a_route_of_an_unknown_topic_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    found = problems(tmp_path, "[[route]]\nreceiver = 'console'\ntopics = ['energy', 'sport']\n")

    assert found == ["route number 1: no topic 'sport'; there are energy, health"]


def test_a_route_to_an_unknown_receiver_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, "[[route]]\nreceiver = 'console'\n[[route]]\nreceiver = 'desk'\n")

    assert found == ["route number 2: no receiver 'desk'; there are console"]


def test_a_receiver_that_no_route_leads_to_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, console("a") + console("b") + "[[route]]\nreceiver = 'a'\n")

    assert found == ["receiver 'b': no route leads to it; add one"]


@pytest.mark.parametrize("key", ["[retrain]\nreport_to", "[sample]\nreceiver"])
def test_who_is_reported_to_or_asked_needs_no_route(tmp_path: Path, key: str) -> None:
    settings = load(tmp_path, f"{console('a')}{console('b')}[[route]]\nreceiver = 'a'\n{key} = 'b'\n")

    assert [route.receiver for route in settings.routes] == ["a"]


@pytest.mark.parametrize("key", ["[retrain]\nreport_to", "[sample]\nreceiver"])
def test_a_report_to_nobody_who_is_there_is_refused(tmp_path: Path, key: str) -> None:
    found = problems(tmp_path, f"{console('a')}{key} = 'b'\n")

    said = key.removeprefix("[").replace("]\n", ".")
    assert found == [f"{said}: no receiver 'b'; there are a"]


def test_without_a_route_operators_hear_reports_alone(tmp_path: Path) -> None:
    settings = load(tmp_path, console("desk") + console("ops") + '[retrain]\nreport_to = "ops"\n')

    assert [route.receiver for route in settings.routes] == ["desk"]


@pytest.mark.parametrize("key", ["[retrain]\nreport_to", "[sample]\nreceiver"])
def test_the_only_receiver_hears_of_everything_whatever_else_it_is_sent(tmp_path: Path, key: str) -> None:
    settings = load(tmp_path, f"{console('desk')}{key} = 'desk'\n")

    assert [route.receiver for route in settings.routes] == ["desk"]


def test_a_desk_that_is_asked_hears_of_everything_as_well(tmp_path: Path) -> None:
    settings = load(tmp_path, console("desk") + console("night") + '[sample]\nreceiver = "night"\n')

    assert [route.receiver for route in settings.routes] == ["desk", "night"]


def test_two_receivers_of_one_name_are_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, console("desk") * 2) == ["receiver 'desk' stands twice"]


def test_no_receiver_at_all_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, "receiver = []\n") == ["no receiver; take the key away to have the console"]


@pytest.mark.parametrize(
    ("receiver", "said"),
    [
        ('type = "slack"\n', "receiver 'desk': a Slack receiver needs 'channel', its id"),
        ('type = "slack"\nchannel = ""\n', "receiver 'desk': a Slack receiver needs 'channel', its id"),
        ('type = "console"\nchannel = "C1"\n', "receiver 'desk': only a Slack receiver has a 'channel'"),
        (
            'type = "console"\nurl_file = "/x"\n',
            "receiver 'desk': only a webhook or apprise has a 'url_file'",
        ),
        (
            'type = "slack"\nchannel = "C1"\nurl_file = "/x"\n',
            "receiver 'desk': only a webhook or apprise has a 'url_file'",
        ),
        ('type = "apprise"\nchannel = "C1"\n', "receiver 'desk': only a Slack receiver has a 'channel'"),
    ],
)
def test_a_receiver_whose_keys_do_not_fit_its_type_is_refused(
    tmp_path: Path, receiver: str, said: str
) -> None:
    assert problems(tmp_path, f'[[receiver]]\nname = "desk"\n{receiver}') == [said]


@pytest.mark.parametrize(
    "key", ['alerts = "in digests"', 'digest = "0 8 * * *"', 'quiet_hours = "22:00-07:00"', 'zone = "UTC"']
)
def test_a_console_has_no_hours_of_its_own(tmp_path: Path, key: str) -> None:
    assert problems(tmp_path, f"{console('wall')}{key}\n") == [
        "receiver 'wall': a console shows everything at once; it has no 'alerts', 'digest', 'quiet_hours' or"
        " 'zone'"
    ]


@pytest.mark.parametrize(
    ("digest", "own", "sound"),
    [
        ("", "", False),
        ("", 'digest = "never"', False),
        ("", 'digest = "0 8 * * *"', True),
        ('cron = "0 8 * * *"', "", True),
        ('cron = "0 8 * * *"', 'digest = "never"', False),
    ],
)
def test_a_receiver_that_hears_in_digests_alone_must_have_one(
    tmp_path: Path, digest: str, own: str, sound: bool
) -> None:
    text = (
        f'[[receiver]]\nname = "desk"\ntype = "webhook"\nalerts = "in digests"\n{own}\n[digest]\n{digest}\n'
    )

    if sound:
        assert load(tmp_path, text).receivers[0].alerts == "in digests"
    else:
        assert problems(tmp_path, text) == [
            "receiver 'desk': hears in digests alone, and has none; give it a 'digest', a cron line"
        ]


@pytest.mark.parametrize("path", [".", "..", "../..", "/", "inbox/.."])
def test_an_inbox_that_holds_the_home_is_refused(tmp_path: Path, path: str) -> None:
    found = problems(tmp_path, f"[inbox]\npath = '{path}'\n")

    assert len(found) == 1
    assert found[0].startswith("inbox.path: ")
    assert found[0].endswith("holds the home folder; name a folder of its own")


@pytest.mark.parametrize("path", ["done", "failed/again", "models", "labels/x", "inbox/../done"])
def test_an_inbox_inside_a_folder_of_ours_is_refused(tmp_path: Path, path: str) -> None:
    found = problems(tmp_path, f"[inbox]\npath = '{path}'\n")

    assert len(found) == 1
    assert found[0].startswith("inbox.path: ")
    assert f" lies in {tmp_path / 'home'}" in found[0]


def test_an_inbox_beside_the_home_is_taken(tmp_path: Path) -> None:
    assert load(tmp_path, "[inbox]\npath = '../drop'\n").inbox == tmp_path / "drop"


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    settings = load_settings(None, Path("var"), TOPICS)

    assert settings.home == tmp_path / "var"
    assert settings.inbox == tmp_path / "var" / "inbox"


def test_all_wrong_keys_and_values_are_said_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "[inbox]\nsettle_seconds = -1\npth = 'x'\n"
        "[slack]\napi_url = 'ftp://x'\n[retrain]\ncron = 'x'\n[foo]\n",
    )

    assert [problem.split(": ")[0].split(";")[0] for problem in found] == [
        "inbox.settle_seconds",
        "unknown key 'inbox.pth'",
        "slack.api_url",
        "retrain.cron",
        "unknown key 'foo'",
    ]


def test_all_that_does_not_fit_together_is_said_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "[inbox]\npath = 'done'\n"
        + console("desk") * 2
        + "[[receiver]]\nname = 'slack'\ntype = 'slack'\n"
        + "[[route]]\nreceiver = 'dask'\ntopics = ['enrgy']\n",
    )

    assert [problem.split(";")[0] for problem in found] == [
        "receiver 'desk' stands twice",
        "receiver 'slack': a Slack receiver needs 'channel', its id",
        "route number 1: no receiver 'dask'",
        "route number 1: no topic 'enrgy'",
        "receiver 'desk': no route leads to it",
        "receiver 'slack': no route leads to it",
        f"inbox.path: {tmp_path}/home/done lies in {tmp_path}/home/done",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x = \n", "Invalid value"),
        (b"[inbox\n", "line 1"),
        (b"[inbox]\npath = 'a'\npath = 'b'\n", "Cannot overwrite"),
        (b"# caf\xe9\n", "utf-8"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "topicwire.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_settings(file, tmp_path / "home", TOPICS)

    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{file}: ")
    assert said in caught.value.problems[0]


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    file = tmp_path / name

    with pytest.raises(ConfigError) as caught:
        load_settings(file, tmp_path / "home", TOPICS)

    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{file}: ")


def test_a_secret_of_a_named_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = secret_file(tmp_path / "token")
    secret_file(tmp_path / "slack-bot-token", b"xoxb-1-credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-environment")

    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", file) == "xoxb-1-file"


def test_a_credential_of_its_own_name_stands_for_a_file_that_only_root_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").mkdir()
    secret_file(tmp_path / "credentials" / "desk-url", b"xoxb-1-handed-over", mode=0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))

    assert secret("slack-webhook-url", "SLACK_WEBHOOK_URL", tmp_path / "desk-url") == "xoxb-1-handed-over"


def test_a_systemd_credential_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_file(tmp_path / "slack-bot-token", b"xoxb-1-credential\n", mode=0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-environment")

    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", None) == "xoxb-1-credential"


def test_a_secret_comes_from_the_environment_where_no_file_and_no_credential_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-environment")

    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", None) == "xoxb-1-environment"


def test_a_secret_that_is_nowhere_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", None) is None

    monkeypatch.setenv("SLACK_BOT_TOKEN", "")

    assert secret("slack-bot-token", "SLACK_BOT_TOKEN", None) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_token_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = secret_file(tmp_path / "token", mode=mode)

    with pytest.raises(ConfigError) as caught:
        secret("slack-bot-token", "SLACK_BOT_TOKEN", file)

    assert str(caught.value) == f"{file}: others may read this secret; `chmod 600` it"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_token_file_that_cannot_be_read_is_named_and_nothing_of_it_shown(
    tmp_path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-environment")
    file = tmp_path / "token"
    if content is not None:
        secret_file(file, b"xoxb-1-secret" + content)

    with pytest.raises(ConfigError) as caught:
        secret("slack-bot-token", "SLACK_BOT_TOKEN", file)

    assert str(caught.value).startswith(f"{file}: the secret cannot be read: ")
    assert "xoxb-1" not in str(caught.value)
    assert "\n" not in str(caught.value)


def console(name: str) -> str:
    return f'[[receiver]]\nname = "{name}"\ntype = "console"\n'
