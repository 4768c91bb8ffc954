"""The command that makes a home: init."""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import classifier
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.config import Settings
    from daemon.founding import Founded


def add_commands(commands: Any) -> None:
    command = classifier.add_command(commands, "init", init)
    command.add_argument(
        "home", type=Path, metavar="DIR", help="an empty folder, one still to be made, or a home"
    )
    command.add_argument("--user", metavar="NAME", help="who is to run it and own all of it (for root alone)")
    command.add_argument(
        "--no-model", dest="train", action="store_false", help="leave the first training to the first start"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def init(options: argparse.Namespace) -> int:
    """Make a home in DIR: its folders, a commented configuration and a first model; say what comes next.

    On a home that is there it adds what is missing and changes nothing else. A folder that holds
    something else is refused. Files may be dropped into DIR/inbox by whoever is in the group of
    the user; secrets stand in DIR/secrets, which that user alone can read.

        topicwired init /srv/topicwire
        topicwired init /srv/topicwire --user topicwire
        topicwired init /srv/topicwire --no-model --json
    """
    if options.user and options.user != _my_name():
        return _init_as(options)
    from daemon import founding

    before = os.umask(0o027)
    try:
        founded = founding.found(options.home, _settings_of, train=options.train)
    finally:
        os.umask(before)
    if options.json:
        print(json.dumps(founded.as_json(), ensure_ascii=False))
    else:
        print("\n".join(_lines(founded, None)))
    return 0


def _settings_of(config: Path) -> Settings:
    from daemon.cli.given import settings_of

    return settings_of(argparse.Namespace(config=config, home=config.parent))


def _init_as(options: argparse.Namespace) -> int:
    """Another process does the work as that user: root writes nothing where somebody else may put links."""
    from daemon import founding

    user = _user(options.user)
    home = Path(os.path.realpath(options.home))
    _must_reach(user)
    founding.must_be_free(home)
    founding.give(home, user.pw_uid, user.pw_gid)
    flags = [] if options.train else ["--no-model"]
    done = subprocess.run(
        [*_ourselves(), "init", str(home), "--json", *flags],
        cwd="/",
        env={**os.environ, "HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name},
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=os.getgrouplist(user.pw_name, user.pw_gid),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return done.returncode
    if options.json:
        print(done.stdout, end="")
    else:
        found = json.loads(done.stdout)
        founded = founding.Founded(
            Path(found["home"]),
            Path(found["config"]),
            tuple(found["made"]),
            tuple(found["kept"]),
            found["model"],
        )
        print("\n".join(_lines(founded, user.pw_name)))
    return 0


def _my_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""  # a container's number without a name


def _user(name: str) -> pwd.struct_passwd:
    if os.geteuid() != 0:
        raise DaemonError(
            f"--user {name}: only root may give a home to another; leave it out, or call it with sudo"
        )
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise DaemonError(
            f"--user {name}: no such user; `useradd --system --user-group {shlex.quote(name)}` makes one"
        ) from None


def _must_reach(user: pwd.struct_passwd) -> None:
    """Whoever cannot read the program cannot run it, now or as a service."""
    try:
        reached = subprocess.run(
            [*_ourselves(), "--version"],
            cwd="/",
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=os.getgrouplist(user.pw_name, user.pw_gid),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
    except OSError:
        reached = -1
    if reached != 0:
        raise DaemonError(
            f"--user {user.pw_name}: may not read {sys.prefix}, where topicwire is installed; install it"
            " where every user may read, such as /opt/topicwire"
        )


def _ourselves() -> list[str]:
    return [sys.executable, "-m", "daemon.cli"]


def _lines(founded: Founded, user: str | None) -> list[str]:
    """What was made, and the very commands that come next."""
    home = founded.home
    made = f"{home}: made {', '.join(founded.made)}" if founded.made else f"{home}: nothing was missing"
    lines = [made]
    if founded.made and founded.kept:
        lines.append(f"{home}: left as it was {', '.join(founded.kept)}")
    if founded.model is None:
        lines.append("no model yet: the first start trains one, in about ten seconds")
    given = f"--home {shlex.quote(str(home))} --config {shlex.quote(str(founded.config))}"
    program = _program()
    theirs = f"runuser -u {shlex.quote(user)} -- {program}" if user else program
    return [
        *lines,
        "",
        "Run it, and drop an article into its inbox:",
        f"    {theirs} run {given}",
        f"    cp article.txt {shlex.quote(str(home / 'inbox'))}/",
        "Ask whether all is well:",
        f"    {theirs} check {given}",
        f"Have alerts in Slack: make the app, and name its token and channels in {founded.config}:",
        f"    {program} slack manifest",
        "Have systemd keep it running:",
        f"    {program} unit {given}",
    ]


def _program() -> str:
    """How to call us: by name where the shell finds that, else by the whole path."""
    import shutil

    path = Path(sys.executable).parent / "topicwired"
    on_path = shutil.which("topicwired")
    same = on_path is not None and os.path.realpath(on_path) == os.path.realpath(path)
    return "topicwired" if same else shlex.quote(str(path))
