"""The files for systemd that are printed fit this installation, and systemd takes them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from daemon import premises, units
from daemon.config import load_settings
from daemon.errors import DaemonError
from daemon.installation import Installation, Reach, installation
from daemon.owners import File, Owner
from daemon.shipped import systemd
from tests.systemd import NoSystemdError, booted

HOME = Path("/srv/topicwire")
OURS = Owner()
SHIPPED = Installation(
    program=Path("/opt/topicwire/bin/topicwired"),
    home=Path("/var/lib/topicwire"),
    config=Path("/etc/topicwire/topicwire.toml"),
    reads=(Path("/opt/topicwire"),),
)
DYNAMIC = Owner(dynamic=True)
MOST = 1.2  # of the exposure that systemd-analyze counts, from 0 to 10

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here"
)


def values(file: File, key: str) -> list[str]:
    return [line.partition("=")[2] for line in file.text.splitlines() if line.startswith(f"{key}=")]


def of_config(tmp_path: Path, config: str, home: Path = HOME) -> Installation:
    file = tmp_path / "topicwire.toml"
    file.write_text(config, encoding="utf-8")
    return installation(load_settings(file, home, ["energy"]))


def usual(home: Path = HOME) -> Installation:
    return installation(load_settings(None, home, []))


def kinds() -> dict[str, Sequence[File]]:
    """Every kind of unit, in the place that asks for most: a program in somebody's home, and Slack."""
    found = replace(usual(), reach=Reach.ANYBODY, reach_once=Reach.ANYBODY)
    state = replace(found, home=Path("/var/lib/topicwire"))
    return {
        "own user": [units.service(found, OURS)],
        "dynamic": [units.service(state, DYNAMIC)],
        "once": units.once(found, OURS),
        "once, dynamic": units.once(state, DYNAMIC),
        "on this machine alone": [units.service(replace(found, reach=Reach.THIS_MACHINE), OURS)],
        "alone": [units.service(replace(found, reach=Reach.NOBODY), OURS)],
        "shipped": [units.service(SHIPPED, OURS), *units.once(SHIPPED, OURS)],
    }


def test_the_unit_starts_this_program_on_this_home(tmp_path: Path) -> None:
    unit = units.service(usual(), OURS)

    program = Path(sys.executable).parent / "topicwired"
    assert values(unit, "ExecStart") == [f"{program} run --home /srv/topicwire"]
    assert values(unit, "ReadWritePaths") == ["/srv/topicwire"]


def test_a_configuration_is_named_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("topicwire.toml").touch()

    unit = units.service(installation(load_settings(Path("topicwire.toml"), HOME, [])), OURS)

    assert values(unit, "ExecStart")[0].endswith(f" --config {tmp_path}/topicwire.toml")


@pytest.mark.parametrize("name", [each.name for each in units.files(SHIPPED, OURS)])
def test_the_files_in_the_repository_are_what_is_printed_for_their_paths(name: str) -> None:
    printed = {each.name: each.text for each in units.files(SHIPPED, OURS)}

    assert (systemd() / name).read_text(encoding="utf-8") == printed[name]


def test_what_is_written_outside_the_home_is_open_to_the_service(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "elsewhere").mkdir()
    home.mkdir()
    (home / "models").symlink_to(tmp_path / "elsewhere")
    config = '[inbox]\npath = "/mnt/drops"\n[storage]\ndatabase = "/var/lib/ledgers/news.db"\n'

    unit = units.service(of_config(tmp_path, config, home), OURS)

    assert values(unit, "ReadWritePaths") == [
        str(home), "-/mnt/drops", f"-{tmp_path}/elsewhere", "-/var/lib/ledgers"
    ]  # fmt: skip


def test_an_inbox_that_is_mounted_later_is_open_from_its_mount_point_on(tmp_path: Path) -> None:
    config = '[inbox]\npath = "/mnt/news/drops"\nmount_point = "/mnt/news"\n'

    found = of_config(tmp_path, config)

    assert values(units.service(found, OURS), "ReadWritePaths") == ["/srv/topicwire", "-/mnt/news"]
    assert "/mnt" not in premises.tmpfiles(found, OURS).text


def test_a_home_below_var_lib_is_systemds_to_make(tmp_path: Path) -> None:
    unit = units.service(usual(Path("/var/lib/news/topicwire")), OURS)

    assert values(unit, "StateDirectory") == ["news/topicwire"]
    assert values(units.service(usual(), OURS), "StateDirectory") == []


def test_a_user_that_systemd_makes_has_its_home_below_var_lib(tmp_path: Path) -> None:
    unit = units.service(usual(Path("/var/lib/private/topicwire")), DYNAMIC)  # as its link resolves

    assert values(unit, "DynamicUser") == ["yes"]
    assert values(unit, "User") == []
    assert values(unit, "ReadWritePaths") == []
    assert values(unit, "ExecStart")[0].endswith("run --home /var/lib/topicwire")
    with pytest.raises(
        DaemonError, match=r"^--dynamic: the home must be below /var/lib, and is /srv/topicwire$"
    ):
        units.service(usual(), DYNAMIC)
    for make in (premises.sysusers, premises.tmpfiles):
        with pytest.raises(DaemonError, match=r"^--dynamic: systemd makes the user"):
            make(usual(), DYNAMIC)


def test_a_home_among_those_of_people_is_seen_and_no_other(tmp_path: Path) -> None:
    found = replace(
        usual(Path("/home/ana/news")),
        config=Path("/home/ana/conf/topicwire.toml"),
        reads=(Path("/home/ana/venv"), Path("/usr")),
    )

    unit = units.service(found, Owner("ana", "ana"))

    assert values(unit, "ProtectHome") == ["tmpfs"]
    assert values(unit, "BindPaths") == ["/home/ana/news"]
    assert values(unit, "BindReadOnlyPaths") == ["/home/ana/venv", "/home/ana/conf"]
    assert values(unit, "User") == ["ana"]


def test_homes_of_people_are_shut_where_nothing_of_ours_is_there() -> None:
    unit = units.service(SHIPPED, OURS)

    assert values(unit, "ProtectHome") == ["yes"]
    assert values(unit, "BindPaths") + values(unit, "BindReadOnlyPaths") == []


@pytest.mark.parametrize("home", ["/run/topicwire", "/dev/shm/topicwire", "/proc/1"])
def test_a_home_that_does_not_last_is_refused(home: str) -> None:
    with pytest.raises(DaemonError, match=f"^{home}: .* such as /srv/topicwire$"):
        usual(Path(home))


def test_a_home_that_is_cleaned_away_is_told() -> None:
    found = usual(Path("/tmp/topicwire"))

    assert [line.partition(":")[0] for line in premises.doubts(found, DYNAMIC)] == ["/tmp/topicwire"]
    assert values(units.service(found, OURS), "BindPaths") == ["/tmp/topicwire"]


def test_a_home_of_another_user_is_told(tmp_path: Path) -> None:
    found = usual(tmp_path)

    said = [line for line in premises.doubts(found, Owner("nobody", "nogroup")) if "belongs" in line]

    assert len(said) == 1
    assert f"`chown -R nobody: {tmp_path}`" in said[0]


def test_secrets_that_the_configuration_names_are_handed_over_by_systemd(tmp_path: Path) -> None:
    config = """
    [slack]
    token_file = "/etc/topicwire/bot"
    app_token_file = "app"
    [storage]
    database = "postgresql+psycopg://t@db.example.org/t?password_file=/etc/topicwire/pw"
    [[receiver]]
    name = "desk"
    type = "webhook"
    url_file = "/etc/topicwire/desk-url"
    """

    unit = units.service(of_config(tmp_path, config), OURS)

    assert values(unit, "LoadCredential") == [
        "bot:/etc/topicwire/bot", "app:/srv/topicwire/app", "desk-url:/etc/topicwire/desk-url",
        "pw:/etc/topicwire/pw",
    ]  # fmt: skip


def test_two_secrets_of_one_name_are_refused(tmp_path: Path) -> None:
    config = "".join(
        f'[[receiver]]\nname = "{each}"\ntype = "webhook"\nurl_file = "/etc/{each}/url"\n'
        for each in ("a", "b")
    )

    with pytest.raises(DaemonError, match=r"^/etc/b/url: .*/etc/a/url has the same; rename one of them$"):
        of_config(tmp_path, config)


@pytest.mark.parametrize(
    ("config", "reach", "once"),
    [
        ("", Reach.THIS_MACHINE, Reach.NOBODY),
        ('[desk]\nlisten = "never"\n', Reach.NOBODY, Reach.NOBODY),
        ('[desk]\nlisten = "0.0.0.0:8460"\n', Reach.ANYBODY, Reach.NOBODY),
        ('[metrics]\nlisten = "[::]:9464"\n', Reach.ANYBODY, Reach.NOBODY),
        ('[[receiver]]\nname = "a"\ntype = "slack"\nchannel = "C0123456789"\n', Reach.ANYBODY, Reach.ANYBODY),
        (
            '[slack]\napi_url = "http://localhost:1/"\n[[receiver]]\nname = "a"\ntype = "slack"\n'
            'channel = "C0123456789"\n',
            Reach.THIS_MACHINE,
            Reach.THIS_MACHINE,
        ),
        ('[[receiver]]\nname = "a"\ntype = "apprise"\n', Reach.ANYBODY, Reach.ANYBODY),
        ('[storage]\ndatabase = "postgresql+psycopg://db.example.org/t"\n', Reach.ANYBODY, Reach.ANYBODY),
        ('[storage]\ndatabase = "postgresql+psycopg:///t"\n', Reach.THIS_MACHINE, Reach.NOBODY),
        (
            '[storage]\ndatabase = "postgresql+psycopg:///t?host=/run/postgresql"\n',
            Reach.THIS_MACHINE,
            Reach.NOBODY,
        ),
        ('[storage]\ndatabase = "postgresql+psycopg:///t?host=10.0.0.1"\n', Reach.ANYBODY, Reach.ANYBODY),
        (
            '[storage]\ndatabase = "postgresql+psycopg://localhost/t"\n',
            Reach.THIS_MACHINE,
            Reach.THIS_MACHINE,
        ),
    ],
)
def test_the_network_is_open_as_far_as_the_configuration_reaches(
    tmp_path: Path, config: str, reach: Reach, once: Reach
) -> None:
    found = of_config(tmp_path, config)

    assert (found.reach, found.reach_once) == (reach, once)
    denied = {Reach.NOBODY: ["any"], Reach.THIS_MACHINE: ["any"], Reach.ANYBODY: []}
    assert values(units.service(found, OURS), "IPAddressDeny") == denied[reach]
    assert values(units.once(found, OURS)[0], "PrivateNetwork") == ["yes"] * (once is Reach.NOBODY)


def test_what_is_written_by_the_service_cannot_be_run_unless_the_program_lies_there() -> None:
    within = replace(SHIPPED, reads=(Path("/var/lib/topicwire/venv"),))

    assert values(units.service(SHIPPED, OURS), "NoExecPaths") == ["-/var/lib/topicwire"]
    assert values(units.service(within, OURS), "NoExecPaths") == []


def test_every_line_that_takes_something_away_has_its_reason() -> None:
    groups = [group for group in units.service(SHIPPED, OURS).text.split("\n\n") if "=" in group]

    assert len(groups) > 8
    for group in groups[2:-1]:
        assert group.startswith("#"), group


def test_characters_that_systemd_reads_as_its_own_are_said_so_that_it_does_not() -> None:
    odd = Path('/srv/50% "off" $HOME\\x')

    unit = units.service(replace(SHIPPED, home=odd), OURS)

    assert values(unit, "ReadWritePaths") == ['"/srv/50%% \\"off\\" $HOME\\\\x"']
    assert '--home "/srv/50%% \\"off\\" $$HOME\\\\x"' in values(unit, "ExecStart")[0]


def test_a_path_that_systemd_cannot_be_told_is_refused() -> None:
    with pytest.raises(DaemonError, match="control characters"):
        units.service(replace(SHIPPED, home=Path("/srv/a\nExecStartPre=/bin/sh")), OURS)
    with pytest.raises(DaemonError, match="colon"):
        units.service(replace(SHIPPED, home=Path("/home/ana/a:b")), OURS)


@needs_analyze
@pytest.mark.parametrize("kind", kinds())
def test_what_a_service_could_do_is_little(kind: str, tmp_path: Path) -> None:
    for file in kinds()[kind]:
        (tmp_path / file.name).write_text(file.text, encoding="utf-8")
        if not file.name.endswith(".service"):
            continue

        said = subprocess.run(
            [
                "systemd-analyze",
                "security",
                "--offline=true",
                "--no-pager",
                f"--threshold={10 * MOST:g}",
                file.name,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

        assert said.returncode == 0, said.stdout
        assert "Overall exposure level" in said.stdout


@needs_analyze
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    found = replace(usual(), home=Path('/srv/50% "off" $HOME\\x'))
    made = [*units.files(found, OURS), *units.files(usual(Path("/var/lib/topicwire")), DYNAMIC)]
    for file in made:
        # The manual page comes with a package; a checkout does not install it.
        text = "".join(f"{line}\n" for line in file.text.splitlines() if "Documentation=" not in line)
        place = tmp_path / file.name
        place.write_text(text, encoding="utf-8")

        if "systemd/system" in file.place:
            said = subprocess.run(
                ["systemd-analyze", "verify", str(place)], capture_output=True, text=True, check=False
            )

            assert (said.returncode, said.stderr) == (0, ""), file.text


def test_the_folders_and_the_user_are_made_as_they_are_named(tmp_path: Path) -> None:
    drops, ledgers = Path("/srv/drops"), Path("/srv/ledgers")
    found = replace(SHIPPED, home=Path("/srv/news 50%"), inbox=drops, writes=(drops, ledgers))
    owner = Owner("topicwire-made", "topicwire-made")
    try:
        with booted() as inside:
            for file in (premises.sysusers(found, owner), premises.tmpfiles(found, owner)):
                inside.at(f"/tmp/{file.name}").write_text(file.text, encoding="utf-8")
            inside.at(ledgers).mkdir(mode=0o755)
            inside.call("systemd-sysusers", "/tmp/topicwire.sysusers")
            inside.call("systemd-tmpfiles", "--create", "/tmp/topicwire.tmpfiles")

            listed = inside.call(
                "stat", "--format=%a %U %G %n", "/srv/news 50%", *map(str, found.writes)
            ).stdout
            person = inside.call("getent", "passwd", owner.user).stdout.strip()
    except NoSystemdError as error:
        pytest.skip(str(error))

    assert listed.splitlines() == [
        "750 topicwire-made topicwire-made /srv/news 50%", "2770 topicwire-made topicwire-made /srv/drops",
        "755 root root /srv/ledgers",
    ]  # fmt: skip
    assert person.endswith(":News alerts:/srv/news 50%:/usr/sbin/nologin")
