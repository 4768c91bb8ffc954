"""The printed unit, started by a real systemd: all of the daemon works within its limits.

A call that the unit forbids ends the process here, where the unit would only have it fail: nothing of ours
may need one.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from classifier import Reader
from daemon import premises, units
from daemon.config import load_settings
from daemon.installation import installation
from daemon.owners import Owner
from tests.builders import ENERGY_ARTICLE
from tests.slack_stand_in import SlackStandIn
from tests.systemd import UNITS, NoSystemdError, Systemd, booted
from tests.under_systemd import limited

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("systemd")]

HOME = Path("/srv/news desk")  # systemd is told of a blank, too
CONFIG = Path("/etc/news/topicwire.toml")
TOKEN = Path("/etc/news/slack-bot-token")
USER = "topicwire-desk"
OWNER = Owner(USER, USER)
UNIT = "topicwire.service"
PROGRAM = Path(sys.executable).parent / "topicwired"
PAGE = f"<html><head><title>Refinery</title></head><body><p>{ENERGY_ARTICLE}</p></body></html>"
STRICT = "[Service]\nSystemCallErrorNumber=kill\n"

# What a parser that was taken over would try, each by the words of one line.
TRIES = """
import ctypes, json, mmap, os, pathlib, socket, subprocess, sys
home = pathlib.Path(sys.argv[1])
def can(what):
    try:
        what()
    except OSError:
        return False
    return True
def run_what_was_dropped():
    file = home / "program"
    file.write_text("#!/bin/sh" + chr(10))
    file.chmod(0o700)
    subprocess.run([file], check=True)
print(json.dumps({
    "write the home": can(lambda: (home / "mine").write_text("")),
    "write /tmp": can(lambda: pathlib.Path("/tmp/mine").write_text("")),
    "write shared memory": can(lambda: pathlib.Path("/dev/shm/mine").write_text("")),
    "write the system": can(lambda: pathlib.Path("/etc/mine").write_text("")),
    "write its own program": can(lambda: pathlib.Path(sys.prefix, "mine").write_text("")),
    "write the configuration": can(lambda: pathlib.Path(sys.argv[2]).write_text("")),
    "read the token": can(lambda: pathlib.Path(sys.argv[3]).read_text()),
    "run what was dropped": can(run_what_was_dropped),
    "write memory and run it": can(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "make a namespace": ctypes.CDLL(None).unshare(0x10000000) == 0,
    "see others' processes": os.path.exists("/proc/1"),
    "read the kernel's log": can(lambda: pathlib.Path("/dev/kmsg").read_bytes()),
    "open a raw socket": can(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "lend its rights": can(lambda: (home / "mine").chmod(0o4755)),
}), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A home that a service works on; `port`: where its page is shown; `unit`: its service, as printed."""

    systemd: Systemd
    slack: SlackStandIn
    port: int
    unit: str = ""

    def path(self, *parts: str) -> Path:
        return self.systemd.at(HOME.joinpath(*parts))

    def drop(self, name: str, text: str) -> None:
        """As somebody does who is in the group, from elsewhere."""
        near = self.path("inbox").parent / f".{name}"
        near.write_text(text, encoding="utf-8")
        near.rename(self.path("inbox", name))

    def done(self) -> set[str]:
        return {path.name for path in self.path("done").rglob("*") if path.is_file()}

    def log(self) -> str:
        return self.systemd.said(UNIT)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        self.systemd.wait_until(condition, 60.0)

    def is_active(self) -> bool:
        return self.systemd.shows(UNIT, "ActiveState") == "active"

    def configure(self, more: str = "") -> None:
        text = f"""
        [inbox]
        settle_seconds = 0.2
        [slack]
        token_file = "{TOKEN}"
        api_url = "{self.slack.url}"
        [desk]
        listen = "127.0.0.1:{self.port}"
        [[receiver]]
        name = "desk"
        type = "slack"
        channel = "C0123456789"
        {more}
        """
        self.systemd.at(CONFIG).write_text(text, encoding="utf-8")

    def run_limited(self, *command: str, unit: str | None = None) -> str:
        """What a command says within the limits of the service."""
        name = "topicwire-limited.service"
        self.systemd.install(name, limited(unit or self.unit, command, "StandardOutput=truncate:/run/said"))
        self.systemd.install(f"{name}.d/strict.conf", STRICT if unit is None else "")
        self.systemd.ctl("start", name, check=False)
        said = self.systemd.at("/run/said").read_text(encoding="utf-8")
        assert self.systemd.shows(name, "Result") == "success", said + self.systemd.said(name)
        return said


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def inside() -> Iterator[Systemd]:
    reads = installation(load_settings(None, HOME, [])).reads
    try:
        with booted(*reads) as systemd:
            yield systemd
    except NoSystemdError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def set_up(inside: Systemd, trained_home: Path) -> Iterator[Desk]:
    """Set up by the printed files."""
    with SlackStandIn() as slack:
        bare = Desk(inside, slack, free_port())
        found = installation(load_settings(None, HOME, []))
        for file in (premises.sysusers(found, OWNER), premises.tmpfiles(found, OWNER)):
            inside.at(f"/run/{file.name}").write_text(file.text, encoding="utf-8")
        inside.call("systemd-sysusers", "/run/topicwire.sysusers")
        inside.call("systemd-tmpfiles", "--create", "/run/topicwire.tmpfiles")
        shutil.copytree(trained_home / "models", bare.path("models"))
        inside.call("chown", "--recursive", f"{USER}:", str(HOME / "models"))
        inside.at(CONFIG).parent.mkdir()
        bare.configure()
        inside.at(TOKEN).write_text(slack.token)
        inside.at(TOKEN).chmod(0o600)
        made = replace(bare, unit=printed(inside, HOME, CONFIG, "--user", USER))
        inside.install(UNIT, made.unit)
        inside.install(f"{UNIT}.d/strict.conf", STRICT)
        yield made


def printed(systemd: Systemd, home: Path, config: Path, *more: str) -> str:
    """The service as the command prints it, for whoever sets it up."""
    said = systemd.call(str(PROGRAM), "unit", "--home", str(home), "--config", str(config), *more)
    assert said.stderr == ""
    return said.stdout


@pytest.fixture
def desk(set_up: Desk) -> Desk:
    """It runs, whatever the test before did to it."""
    set_up.systemd.ctl("start", UNIT)
    return set_up


def test_systemd_hears_that_it_is_ready_and_what_it_does(desk: Desk) -> None:
    assert desk.is_active()
    assert desk.systemd.shows(UNIT, "StatusText") == f"watching {HOME}/inbox"
    owners = desk.systemd.call("stat", "--format=%U %a", str(HOME / "ledger.db")).stdout
    assert owners.split() == [USER, "640"]


def test_an_article_reaches_slack_by_a_token_that_only_root_can_read(desk: Desk) -> None:
    before = len(desk.slack.texts())

    desk.drop("refinery.txt", ENERGY_ARTICLE)

    desk.wait_until(lambda: len(desk.slack.texts()) > before)
    assert desk.systemd.call("stat", "--format=%U %a", str(TOKEN)).stdout.split() == ["root", "600"]
    assert "refinery.txt" in desk.done()


def test_a_web_page_is_read_in_a_jail_with_all_its_walls(desk: Desk) -> None:
    with closing(Reader()) as reader:
        outside = reader.jail.walls()
    ask = "import json; from dataclasses import asdict; from classifier import Reader\n"
    ask += "if __name__ == '__main__': print(json.dumps(asdict(Reader().jail.walls())))"

    within = json.loads(desk.run_limited(sys.executable, "-c", ask).splitlines()[-1])
    desk.drop("page.html", PAGE)

    assert within == json.loads(json.dumps(asdict(outside)))
    desk.wait_until(lambda: "page.html" in desk.done())
    assert "jail lacks" not in desk.log()


def test_the_desk_page_answers_and_knows_that_the_daemon_runs(desk: Desk) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{desk.port}/-/ready", timeout=5) as answer:
                return bool(answer.read() == b"ok\n")
        except OSError:
            return False

    desk.wait_until(answers)
    ask = "from pathlib import Path; from daemon.alive import process_of_daemon as p; import sys;"
    said = desk.run_limited(sys.executable, "-c", f"{ask} print(p(Path(sys.argv[1])))", str(HOME))
    assert said.strip() == desk.systemd.shows(UNIT, "MainPID")


def test_another_configuration_is_taken_by_a_reload(desk: Desk) -> None:
    process = desk.systemd.shows(UNIT, "MainPID")
    desk.configure('[log]\nformat = "json"\n')

    desk.systemd.ctl("reload", UNIT)

    desk.wait_until(lambda: "configuration reloaded" in desk.log())
    assert desk.is_active()
    assert desk.systemd.shows(UNIT, "MainPID") == process


def test_what_is_kept_from_it_it_cannot_do(desk: Desk) -> None:
    # Here a call that is forbidden fails, as in the unit; else the first one would be the last.
    said = desk.run_limited(sys.executable, "-c", TRIES, str(HOME), str(CONFIG), str(TOKEN), unit=desk.unit)

    found = json.loads(said)
    assert [what for what, could in found.items() if could] == [
        "write the home", "write /tmp", "write shared memory"
    ]  # fmt: skip
    assert not desk.systemd.at("/tmp/mine").exists()
    assert not desk.systemd.at("/dev/shm/mine").exists()


def test_what_somebody_does_by_hand_is_known_to_go_on_though_the_service_does_not_see_it(desk: Desk) -> None:
    named = "from daemon import claims; print(claims.claimant(), flush=True); input()"
    inside = ["nsenter", f"--target={desk.systemd.process}", "--mount", "--pid", "--root", "--wd=/"]
    commands = [
        subprocess.Popen(
            [*inside, sys.executable, "-c", named], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    claims = [each.stdout.readline().strip() for each in commands if each.stdout]
    commands[1].communicate("\n")
    ask = "from daemon import claims; import sys; print(*map(claims.lives, sys.argv[1:]))"

    said = desk.run_limited(sys.executable, "-c", ask, *claims)
    commands[0].communicate("\n")

    assert said.split() == ["True", "False"]


def test_one_that_takes_what_is_there_and_ends_is_started_by_a_timer(desk: Desk, trained_home: Path) -> None:
    home, systemd = Path("/srv/now-and-then"), desk.systemd
    shutil.copytree(trained_home / "models", systemd.at(home / "models"))
    systemd.at(home / "inbox").mkdir()
    systemd.at(home / "inbox" / "refinery.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")
    systemd.call("chown", "--recursive", f"{USER}:", str(home))
    for file in units.once(installation(load_settings(None, home, [])), OWNER):
        systemd.install(file.name, file.text)
    systemd.install("topicwire-once.service.d/strict.conf", STRICT)
    # Its next time is up to five minutes away.
    soon = "[Timer]\nOnActiveSec=0.1\nAccuracySec=0.1\nRandomizedDelaySec=0\n"
    systemd.install("topicwire-once.timer.d/soon.conf", soon)

    systemd.ctl("start", "topicwire-once.timer")

    once = "topicwire-once.service"
    systemd.wait_until(lambda: "Refinery" in systemd.said(once), 60.0)
    systemd.wait_until(lambda: systemd.shows(once, "ActiveState") == "inactive", 60.0)
    assert systemd.shows(once, "Result") == "success"
    assert systemd.shows(once, "PrivateNetwork") == "yes"
    assert [path.name for path in systemd.at(home / "done").rglob("*.txt")] == ["refinery.txt"]
    assert systemd.shows("topicwire-once.timer", "NextElapseUSecRealtime") != ""
    systemd.ctl("stop", "topicwire-once.timer", once)


def test_a_start_that_takes_long_is_waited_for(desk: Desk) -> None:
    """As that of one that trains its first model, in place of which this one sleeps."""
    start = "import time; from daemon import readiness\n"
    start += "with readiness.taking_long('getting a model', every=0.2): time.sleep(3)\n"
    start += "readiness.tell('READY=1'); time.sleep(600)"
    slow = "topicwire-slow.service"
    text = limited(desk.unit, [sys.executable, "-c", start]).replace("Type=oneshot", "Type=notify")
    desk.systemd.install(slow, text.replace("TimeoutStartSec=infinity", "TimeoutStartSec=2"))

    desk.systemd.ctl("start", slow)

    assert desk.systemd.shows(slow, "ActiveState") == "active"
    assert desk.systemd.shows(slow, "StatusText") == "getting a model"
    desk.systemd.ctl("stop", slow)


def test_a_user_that_systemd_makes_takes_files_from_a_share_that_is_mounted_after_the_start(
    desk: Desk, trained_home: Path
) -> None:
    home, share, config = (
        Path("/var/lib/topicwire-late"),
        Path("/srv/shares/news"),
        Path("/etc/news/late.toml"),
    )
    systemd, late = desk.systemd, "topicwire-late.service"
    systemd.at(config).write_text(
        f'[inbox]\npath = "{share}/drops"\nmount_point = "{share}"\nsettle_seconds = 0.2\n'
        '[desk]\nlisten = "never"\n'
    )
    shutil.copytree(trained_home / "models", systemd.at(home / "models"))
    systemd.at(share).mkdir(parents=True)
    systemd.install(late, printed(systemd, home, config, "--dynamic"))
    systemd.install(f"{late}.d/strict.conf", STRICT)
    systemd.ctl("start", late)
    assert systemd.shows(late, "DynamicUser") == "yes"

    systemd.call("mount", "-t", "tmpfs", "share", str(share))
    systemd.at(share / "drops").mkdir()
    systemd.at(share / "drops").chmod(0o777)
    systemd.at(share / "drops" / "refinery.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")

    systemd.wait_until(lambda: "Refinery" in systemd.said(late), 90.0)
    systemd.wait_until(lambda: not list(systemd.at(share / "drops").iterdir()))
    assert systemd.at("/var/lib/private/topicwire-late/ledger.db").exists()
    systemd.ctl("stop", late)
    assert systemd.shows(late, "Result") == "success"


def test_it_is_started_again_when_it_dies_and_when_it_hangs(desk: Desk) -> None:
    systemd = desk.systemd
    systemd.install(f"{UNIT}.d/soon.conf", "[Service]\nWatchdogSec=6\nRestartSec=0.1\n")
    first = systemd.shows(UNIT, "MainPID")
    systemd.ctl("kill", "--signal=KILL", "--kill-who=main", UNIT)
    systemd.wait_until(lambda: desk.is_active() and systemd.shows(UNIT, "MainPID") not in ("0", first), 60.0)

    second = systemd.shows(UNIT, "MainPID")
    systemd.ctl("kill", "--signal=STOP", "--kill-who=main", UNIT)
    systemd.wait_until(lambda: desk.is_active() and systemd.shows(UNIT, "MainPID") not in ("0", second), 90.0)

    assert "Watchdog timeout" in systemd.said(UNIT)
    assert "Fatal Python error: Aborted" in systemd.said(UNIT)  # and where each thread was
    desk.drop("again.txt", ENERGY_ARTICLE.replace("Refinery", "Second refinery"))
    desk.wait_until(lambda: "again.txt" in desk.done())


def test_it_stops_in_order_and_in_time_with_all_that_it_started(desk: Desk) -> None:
    began = time.monotonic()

    desk.systemd.ctl("stop", UNIT)

    assert time.monotonic() - began < 45.0
    assert desk.systemd.shows(UNIT, "Result") == "success"
    assert not desk.systemd.at(f"/sys/fs/cgroup/system.slice/{UNIT}").exists()
    assert not desk.systemd.at(UNITS / "topicwire.socket").exists()
