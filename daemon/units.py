"""Files for systemd, fitted to an installation: the service, one for a timer, its user and its folders.

Each is a pure function of the installation. Sources: man-pages systemd.service(5), systemd.exec(5),
systemd.timer(5), sysusers.d(5), tmpfiles.d(5).
"""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from daemon import hardening
from daemon.errors import DaemonError
from daemon.installation import Installation

USER = "topicwire"

_NAME = "topicwire"
_CREDENTIALS = "/etc/topicwire"
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))
_TEMPORARY = tuple(map(Path, ("/tmp", "/var/tmp")))  # noqa: S108
_PLAIN = re.compile(r"[\w./@+=-]+", re.ASCII)

_SECRETS = (
    ("The Slack token: a file that only root reads, handed over by systemd.", "slack-bot-token"),
    ("The same for the app token, by which Slack tells what people press.", "slack-app-token"),
    ("The password of a ledger that stands on a PostgreSQL server.", "database-password"),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose service it is: a user of this machine, or `dynamic` one that systemd makes and takes back."""

    user: str = USER
    group: str = USER
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file for systemd; `place` is where it belongs."""

    name: str
    place: str
    text: str


def files(found: Installation, owner: Owner) -> list[File]:
    """All that there is for it."""
    units = [service(found, owner), *once(found, owner)]
    return units if owner.dynamic else [*units, sysusers(found, owner), tmpfiles(found, owner)]


def service(found: Installation, owner: Owner) -> File:
    """The daemon. Raises DaemonError where systemd could not run it there."""
    text = f"""\
# topicwire as a service. `topicwired unit` prints this file with the paths of your installation.
[Unit]
Description=topicwire: news articles in a folder, alerts to the desks that follow their topics
Documentation=man:topicwired(1)
{_order(found)}
[Service]
Type=notify
# It tells itself that it is ready and lives; what it starts is not believed.
NotifyAccess=main
ExecStart={_command(found)}
# The configuration is read again; one that is not sound changes nothing.
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# It is started again if a worker of it hangs. A reload waits a minute for what is in hand.
WatchdogSec=150
# It asks for more by itself while it trains its first model or brings a ledger up to date.
TimeoutStartSec=90
TimeoutStopSec=45
# It ends in order what it has started; a parser that is killed from outside looks like a hostile file.
KillMode=mixed
# A parser or a training that runs out of memory is no reason to stop.
OOMPolicy=continue
# It bounds trainings and parsers itself; this is for what nobody thought of.
MemoryMax=80%
TasksMax=2048

{_owner(found, owner)}
{_credentials(found)}
{hardening.lines(found.reach)}
{_places(found, owner)}
[Install]
WantedBy=multi-user.target
"""
    return File(f"{_NAME}.service", "/etc/systemd/system", text)


def once(found: Installation, owner: Owner) -> tuple[File, File]:
    """A service that takes what is in the inbox and ends, and the timer that starts it."""
    text = f"""\
# topicwire now and then, instead of topicwire.service: it takes in what is in the inbox, delivers and ends.
# It listens nowhere: no desk page, no metrics, and it hears no click. `topicwired unit --once` prints it.
[Unit]
Description=topicwire: take in what is in the inbox, and deliver
Documentation=man:topicwired(1)
{_order(found)}
[Service]
Type=oneshot
ExecStart={_command(found, "--once")}
# It ends with 1, and so fails, while an alert is still owed; the next one tries again.
TimeoutStartSec=1h
TimeoutStopSec=45
KillMode=mixed
OOMPolicy=continue
MemoryMax=80%
TasksMax=2048
# Nobody waits for it.
Nice=5

{_owner(found, owner)}
{_credentials(found)}
{hardening.lines(found.reach_once)}
{_places(found, owner)}"""
    timer = f"""\
# Starts topicwire-once.service. `systemctl edit {_NAME}-once.timer` changes how often.
[Unit]
Description=topicwire: take in what is in the inbox, every five minutes
Documentation=man:topicwired(1)

[Timer]
OnCalendar=*:0/5
# What a machine that was off has missed is made up for.
Persistent=true
RandomizedDelaySec=20

[Install]
WantedBy=timers.target
"""
    place = "/etc/systemd/system"
    return File(f"{_NAME}-once.service", place, text), File(f"{_NAME}-once.timer", place, timer)


def sysusers(found: Installation, owner: Owner) -> File:
    """The user. Raises DaemonError where systemd makes it by itself."""
    _must_be_fixed(owner)
    text = f"""\
# The user that topicwire runs as, with a group of its own: who is in it may drop files into the inbox.
u {owner.user} - "News alerts" {_value(found.home)}
"""
    return File(f"{_NAME}.sysusers", "/etc/sysusers.d/topicwire.conf", text)


def tmpfiles(found: Installation, owner: Owner) -> File:
    """The folders. Raises DaemonError where systemd makes them by itself."""
    _must_be_fixed(owner)
    whose = f"{owner.user} {owner.group}"
    inbox = found.inbox or found.home / "inbox"
    # A folder outside the home that is there already keeps its owner and its rights: hence the colons.
    new = f":{owner.user} :{owner.group}"
    rows = [f"d {_value(found.home)} 0750 {whose}"]
    rows += [f"d {_value(each)} :0750 {new}" for each in found.writes if each != inbox]
    if found.mount_point is None:  # else a folder of ours would hide that nothing is mounted
        is_within = inbox.is_relative_to(found.home)
        rows.append(f"d {_value(inbox)} " + (f"2770 {whose}" if is_within else f":2770 {new}"))
    listed = "\n".join(rows)
    text = f"""\
# The folders that topicwire starts with. Nothing in them is ever cleaned by systemd. Whoever is in the
# group may drop files into the inbox, which then belong to the group.
{listed}
"""
    return File(f"{_NAME}.tmpfiles", "/etc/tmpfiles.d/topicwire.conf", text)


def group_of(user: str) -> str:
    """The group of a user; the one of the same name where this machine does not know them yet."""
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return user


def doubts(found: Installation, owner: Owner) -> Iterator[str]:
    """What a person should know who uses these files here and now, a line each."""
    for path in (found.home, *found.writes):
        if _is_below(path, _TEMPORARY):
            yield f"{path}: what lies there is cleaned away (tmpfiles.d(5)); a home in /srv or /var/lib stays"
    if owner.dynamic:
        return
    with suppress(OSError, KeyError):
        has = pwd.getpwuid(found.home.stat().st_uid).pw_name
        if has != owner.user:
            yield (
                f"{found.home}: belongs to {has}, and the service runs as {owner.user}; `chown -R"
                f" {owner.user}: {found.home}`, or `topicwired unit --user {has}`"
            )


def _must_be_fixed(owner: Owner) -> None:
    if owner.dynamic:
        raise DaemonError("--dynamic: systemd makes the user and its folder by itself, at each start")


def _order(found: Installation) -> str:
    after = ["network-online.target"]
    if found.needs_server:
        after.append("postgresql.service")
    if found.writes:
        after.append("remote-fs.target")
    return f"After={' '.join(after)}\nWants=network-online.target\nRequiresMountsFor={_value(found.home)}\n"


def _command(found: Installation, *more: str) -> str:
    words = [str(found.program), "run", *more, "--home", str(found.home)]
    if found.config is not None:
        words += ["--config", str(found.config)]
    return " ".join(_value(word).replace("$", "$$") for word in words)


def _owner(found: Installation, owner: Owner) -> str:
    if owner.dynamic:
        if found.state is None:
            raise DaemonError(f"--dynamic: the home must be below /var/lib, and is {found.home}")
        whose = "# A user that lives as long as the service; its home stays.\nDynamicUser=yes\n"
    else:
        whose = (
            f"# A user of its own: `systemd-sysusers` makes it from topicwire.sysusers.\nUser={owner.user}\n"
        )
    state = ""
    if found.state is not None:
        state = f"StateDirectory={_value(found.state)}\nStateDirectoryMode=0750\n"
    return f"{whose}{state}# What it writes its group may read, and nobody else.\nUMask=0027\n"


def _credentials(found: Installation) -> str:
    """Of the secrets that the configuration names; or how it is done, where it names none."""
    if found.secrets:
        head = "# Secrets of the configuration: only root need read these files, systemd hands them over."
        rows = [f"LoadCredential={_value(name)}:{_value(file)}" for name, file in found.secrets]
        return "\n".join((head, *rows, ""))
    rows = ['# Secrets. Take the "#" before a LoadCredential= away to use it.']
    for said, name in _SECRETS:
        rows += [f"# {said}", f"#LoadCredential={name}:{_CREDENTIALS}/{name}"]
    return "\n".join((*rows, ""))


def _places(found: Installation, owner: Owner) -> str:
    """What it may write, and what of people's folders it sees."""
    writes = list(found.writes)
    if not owner.dynamic:
        writes.insert(0, found.home)
    if found.mount_point is not None:
        # A share that is mounted while it runs comes through at this place (seen so), and not further in.
        writes = [each for each in writes if not each.is_relative_to(found.mount_point)]
        writes.append(found.mount_point)
    hidden = _hidden(writes, [*found.reads, *([found.config.parent] if found.config else [])])
    said = ["# Where it writes, and where nothing that was dropped can be run."]
    # Only the home must be there: what else is missing is waited for.
    said += [f"ReadWritePaths={_optional(each, each != found.home)}" for each in writes]
    runs = [each for each in (found.home, *writes) if not any(r.is_relative_to(each) for r in found.reads)]
    said += [f"NoExecPaths={_optional(each, True)}" for each in dict.fromkeys(runs)]
    return "\n".join((*hidden, *said, ""))


def _hidden(writes: Iterable[Path], reads: Iterable[Path]) -> list[str]:
    """How folders of people are kept from it, but for what of ours lies among them."""
    behind = (*_HOMES, *_TEMPORARY)
    own = [each for each in writes if _is_below(each, behind)]
    seen = [each for each in reads if _is_below(each, behind) and not _is_below(each, own)]
    for each in (*own, *seen):
        if ":" in str(each):
            raise DaemonError(f"{each}: a path with a colon cannot be named to systemd; rename the folder")
    if not own and not seen:
        return ["# People's folders are none of its business.", "ProtectHome=yes"]
    rows = [
        "# People's folders are none of its business, but for what of it lies there.",
        "ProtectHome=tmpfs",
    ]
    rows += [f"BindPaths={_value(each)}" for each in own]
    return [*rows, *(f"BindReadOnlyPaths={_value(each)}" for each in dict.fromkeys(seen))]


def _is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(each) for each in folders)


def _optional(path: Path, may_be_missing: bool) -> str:
    return _value(f"-{path}" if may_be_missing else path)


def _value(said: Path | str) -> str:
    """A word as systemd reads it, quoted where need be (systemd.syntax(7); specifiers in systemd.unit(5))."""
    word = str(said)
    if not word.isprintable():
        raise DaemonError(f"{word!a}: a path with control characters cannot be named to systemd")
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
