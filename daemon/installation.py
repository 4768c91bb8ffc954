"""What a service manager must know of an installation: its paths, its secrets, and how far it reaches."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from daemon.config import Settings
from daemon.errors import DaemonError
from daemon.tables import POSTGRES, SQLITE, is_this_machine

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = ("inbox", "done", "failed", "models", "labels", "held-out", "backups")
# What lies there is gone after the next start, or was never a file.
_PASSING = tuple(map(Path, ("/run", "/dev", "/proc", "/sys")))
_STATE = Path("/var/lib")
_DYNAMIC = _STATE / "private"  # where systemd keeps the folders of users that it makes and takes back


class Reach(Enum):
    """Whom it talks to over the network."""

    NOBODY = "nobody"
    THIS_MACHINE = "this machine"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Installation:
    """All paths are absolute. `writes`: folders outside the home; `reads`: what the program is made of.

    `mount_point`: where the inbox is mounted, now or later. `secrets` are the names under which systemd hands
    files over, and the files.
    """

    program: Path
    home: Path
    config: Path | None
    writes: tuple[Path, ...] = ()
    reads: tuple[Path, ...] = ()
    mount_point: Path | None = None
    inbox: Path | None = None
    secrets: tuple[tuple[str, Path], ...] = ()
    reach: Reach = Reach.ANYBODY
    reach_once: Reach = Reach.ANYBODY
    needs_server: bool = False

    @property
    def state(self) -> Path | None:
        """The home as systemd's StateDirectory= names it; None where it is not below /var/lib."""
        below = self.home.is_relative_to(_STATE) and self.home != _STATE
        return self.home.relative_to(_STATE) if below else None


def installation(settings: Settings) -> Installation:
    """This program with a configuration. Raises DaemonError where no service could work with it."""
    home = settings.home
    if home.is_relative_to(_DYNAMIC):  # the link in /var/lib leads there
        home = _STATE / home.relative_to(_DYNAMIC)
    found = Installation(
        program=Path(sys.executable).parent / "topicwired",
        home=home,
        config=settings.file and settings.file.absolute(),
        writes=_outside(settings),
        reads=_program(),
        mount_point=settings.mount_point,
        inbox=settings.inbox,
        secrets=_secrets(settings),
        reach=reach(settings),
        reach_once=reach(settings, once=True),
        needs_server=settings.database.startswith(POSTGRES),
    )
    _must_last(found)
    return found


def reach(settings: Settings, *, once: bool = False) -> Reach:
    """Whom it talks to; `once`: without the addresses that it listens at."""
    hosts = [] if once else [listener[0] for listener in _listeners(settings)]
    for receiver in settings.receivers:
        if receiver.type == "slack":
            hosts.append(urlsplit(settings.slack.api_url).hostname or "")
        elif receiver.type != "console":
            hosts.append("")  # its address is a secret
    if settings.database.startswith(POSTGRES):
        hosts += _servers(settings.database)
    if not hosts:
        return Reach.NOBODY
    return Reach.THIS_MACHINE if all(map(is_this_machine, hosts)) else Reach.ANYBODY


def _listeners(settings: Settings) -> list[tuple[str, int]]:
    return [each for each in (settings.desk.address, settings.metrics.address) if each is not None]


def _servers(address: str) -> list[str]:
    """The hosts of a ledger's server; none where it is reached through a socket of this machine."""
    parts = urlsplit(address)
    hosts = [*parse_qs(parts.query).get("host", []), *([parts.hostname] if parts.hostname else [])]
    return [host for host in hosts if not host.startswith("/")]


def _outside(settings: Settings) -> tuple[Path, ...]:
    """Folders that it writes to and that the home does not hold, links followed."""
    named = [settings.inbox, *(settings.home / name for name in _FOLDERS)]
    if settings.backup.path:
        named.append(settings.backup.path)
    if settings.database.startswith(SQLITE):
        named.append(Path(settings.database.removeprefix(SQLITE)).parent)  # its journal lies beside it
    found = [Path(os.path.realpath(each)) for each in named]
    return tuple(dict.fromkeys(each for each in found if not each.is_relative_to(settings.home)))


def _program() -> tuple[Path, ...]:
    """Where its code lies: this environment, the Python that it was made with, and a checkout."""
    named = [Path(sys.prefix), Path(sys.base_prefix), _PACKAGE.parent]
    link = Path(sys.executable)
    while link.is_symlink():
        named.append(link.parent)
        link = link.parent / link.readlink()
    named.append(link.parent.parent)
    found = dict.fromkeys(path for each in named for path in (each, Path(os.path.realpath(each))))
    return tuple(each for each in found if not any(each != o and each.is_relative_to(o) for o in found))


def _secrets(settings: Settings) -> tuple[tuple[str, Path], ...]:
    """The files that the configuration names. Each is handed over under its own name (see credentials)."""
    files = [settings.slack.token_file, settings.slack.app_token_file]
    files += [receiver.url_file for receiver in settings.receivers]
    if settings.database.startswith(POSTGRES):
        query = parse_qs(urlsplit(settings.database).query)
        files += [Path(each) for each in query.get("password_file", [])]
    found: dict[str, Path] = {}
    for file in filter(None, files):
        if found.setdefault(file.name, file) != file:
            raise DaemonError(
                f"{file}: systemd hands secrets over by their names, and {found[file.name]} has the same;"
                " rename one of them"
            )
    return tuple(found.items())


def _must_last(found: Installation) -> None:
    for path in (found.home, *found.writes):
        if len(path.parts) < 2:
            raise DaemonError(f"{path}: a service that may write there may write everywhere; name a folder")
        if any(path.is_relative_to(each) for each in _PASSING):
            raise DaemonError(
                f"{path}: what lies there does not last; name a folder that does, such as /srv/topicwire"
            )
