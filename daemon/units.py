"""Units for systemd, fitted to an installation: the service, and one for a timer.

Each is a pure function of the installation. Sources: man-pages systemd.service(5), systemd.exec(5),
systemd.timer(5).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from daemon import hardening
from daemon.errors import DaemonError
from daemon.installation import Installation
from daemon.owners import NAME, TEMPORARY, File, Owner, is_below, value
from daemon.premises import sysusers, tmpfiles

_CREDENTIALS = "/etc/topicwire"
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))

_SECRETS = (
    ("The Slack token: a file that only root reads, handed over by systemd.", "slack-bot-token"),
    ("The same for the app token, by which Slack tells what people press.", "slack-app-token"),
    ("The password of a ledger that stands on a PostgreSQL server.", "database-password"),
)


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
    return File(f"{NAME}.service", "/etc/systemd/system", text)


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
# Starts topicwire-once.service. `systemctl edit {NAME}-once.timer` changes how often.
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
    return File(f"{NAME}-once.service", place, text), File(f"{NAME}-once.timer", place, timer)


def _order(found: Installation) -> str:
    after = ["network-online.target"]
    if found.needs_server:
        after.append("postgresql.service")
    if found.writes:
        after.append("remote-fs.target")
    return f"After={' '.join(after)}\nWants=network-online.target\nRequiresMountsFor={value(found.home)}\n"


def _command(found: Installation, *more: str) -> str:
    words = [str(found.program), "run", *more, "--home", str(found.home)]
    if found.config is not None:
        words += ["--config", str(found.config)]
    return " ".join(value(word).replace("$", "$$") for word in words)


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
        state = f"StateDirectory={value(found.state)}\nStateDirectoryMode=0750\n"
    return f"{whose}{state}# What it writes its group may read, and nobody else.\nUMask=0027\n"


def _credentials(found: Installation) -> str:
    """Of the secrets that the configuration names; or how it is done, where it names none."""
    if found.secrets:
        head = "# Secrets of the configuration: only root need read these files, systemd hands them over."
        rows = [f"LoadCredential={value(name)}:{value(file)}" for name, file in found.secrets]
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
    behind = (*_HOMES, *TEMPORARY)
    own = [each for each in writes if is_below(each, behind)]
    seen = [each for each in reads if is_below(each, behind) and not is_below(each, own)]
    for each in (*own, *seen):
        if ":" in str(each):
            raise DaemonError(f"{each}: a path with a colon cannot be named to systemd; rename the folder")
    if not own and not seen:
        return ["# People's folders are none of its business.", "ProtectHome=yes"]
    rows = [
        "# People's folders are none of its business, but for what of it lies there.",
        "ProtectHome=tmpfs",
    ]
    rows += [f"BindPaths={value(each)}" for each in own]
    return [*rows, *(f"BindReadOnlyPaths={value(each)}" for each in dict.fromkeys(seen))]


def _optional(path: Path, may_be_missing: bool) -> str:
    return value(f"-{path}" if may_be_missing else path)
