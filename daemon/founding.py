"""Founding a home: its folders, its configuration and a first model. What is there stays as it is."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifier import current_version
from daemon import app, shipped, sqlite, whole
from daemon.config import Settings
from daemon.errors import DaemonError
from daemon.tables import SQLITE

CONFIGURATION = "topicwire.toml"
SECRETS = "secrets"

_SHIPPED_SECRETS = "/etc/topicwire/"
_HOME_RIGHTS = 0o750
_CONFIGURATION_RIGHTS = 0o640
# Who is in the home's group may drop files, and what they drop belongs to that group.
_INBOX_RIGHTS = 0o2770
_SECRET_RIGHTS = 0o700
# What stands in a folder that is a home already; any of these sets of names will do.
_SIGNS = ({CONFIGURATION}, {"ledger.db"}, {"inbox", "done", "failed", "models"})
# What an init that was killed, or the file system itself, may have left in one that is not yet.
_NOBODYS = {f".{CONFIGURATION}.new", "lost+found"}

_LABELS_README = """\
Labels of your own. All of it is optional; `classifier check` says whether it is sound.

topics.toml    topics of your own, and changes to the shipped ones
*.tsv          passages, one a line: topics, one tab, the text; "-" is none of the topics
*.jsonl        label files of others, as `topicwired verdicts export` makes them
verdicts.jsonl what desks said; written anew before each training, so leave it alone

After a change: `topicwired retrain`. README.md of topicwire, "Teach it", has examples.
"""


@dataclass(frozen=True, slots=True)
class Founded:
    """What a home has now: `made` by us, `kept` as it stood; paths from the home folder."""

    home: Path
    config: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    model: str | None

    def as_json(self) -> dict[str, object]:
        """The shape of `topicwired init --json`."""
        return {
            "home": str(self.home),
            "config": str(self.config),
            "made": list(self.made),
            "kept": list(self.kept),
            "model": self.model,
        }


def found(home: Path, settings_of: Callable[[Path], Settings], *, train: bool = True) -> Founded:
    """Make what a home lacks. A kill at any moment leaves what the next call goes on from.

    `settings_of` reads the home's configuration. Raises DaemonError where the folder holds something
    else, cannot be written, or cannot hold a ledger, and ConfigError where its configuration is not sound.
    """
    home = Path(os.path.realpath(home))
    must_be_free(home)
    config = home / CONFIGURATION
    made, kept = [], []
    try:
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            _make_folder(home, _HOME_RIGHTS)
        if os.path.lexists(config):
            kept.append(CONFIGURATION)
        else:
            whole.write(config, _configuration(home).encode(), mode=_CONFIGURATION_RIGHTS)
            made.append(CONFIGURATION)
        settings = settings_of(config)
        for folder, rights in _folders(settings):
            new = not folder.is_dir()
            if new:
                _make_folder(folder, rights)
            (made if new else kept).append(_named(folder, home))
        readme = home / "labels" / "README.txt"
        if not os.path.lexists(readme):
            whole.write(readme, _LABELS_README.encode())
            made.append(_named(readme, home))
    except OSError as error:
        raise DaemonError(f"{error.filename or home}: cannot be made: {error.strerror}") from error
    model = current_version(settings.models)
    if model is None and train:
        model = app.ready_model(settings).version
        made.append(_named(settings.models / model, home))
    return Founded(home, config, tuple(made), tuple(kept), model)


def must_be_free(home: Path) -> None:
    """Raises DaemonError where something else than a home stands there, or a ledger could not."""
    try:
        names = set(os.listdir(home)) if home.is_dir() else set()
        strange = os.path.lexists(home) and not home.is_dir()
    except OSError as error:
        raise DaemonError(f"{home}: cannot be looked into: {error.strerror}") from error
    if strange:
        raise DaemonError(f"{home}: is not a folder; name one that is empty, or is still to be made")
    foreign = sorted(names - _NOBODYS)
    if foreign and not is_home(names):
        raise DaemonError(
            f"{home}: holds {foreign[0]!r} and is no home of topicwire; name a folder that is empty"
        )
    sqlite.place_of(f"{SQLITE}{home}/ledger.db")


def give(home: Path, user: int, group: int) -> None:
    """Make the folder for a user, where there is none or an empty one; for root.

    Raises DaemonError where somebody else's home stands there: giving files away is for a person to do.
    """
    try:
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            home.mkdir(mode=stat.S_IRWXU)
        handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(handle).st_uid == user:
                return
            if set(os.listdir(handle)) - _NOBODYS:
                raise DaemonError(f"{home}: belongs to another; `chown -R` it first if it is to be theirs")
            os.fchown(handle, user, group)
            os.fchmod(handle, _HOME_RIGHTS)
        finally:
            os.close(handle)
    except OSError as error:
        raise DaemonError(f"{error.filename or home}: cannot be made: {error.strerror}") from error


def is_home(names: set[str]) -> bool:
    """Whether these are the names of what stands in a home."""
    return any(signs <= names for signs in _SIGNS)


def _folders(settings: Settings) -> list[tuple[Path, int]]:
    home = settings.home
    folders = [(home / name, _HOME_RIGHTS) for name in ("done", "failed", "labels", "models", "backups")]
    # One elsewhere may be on a share that is not mounted yet; a folder of ours would hide that.
    if settings.mount_point is None and home in settings.inbox.parents:
        folders.insert(0, (settings.inbox, _INBOX_RIGHTS))
    return [*folders, (home / SECRETS, _SECRET_RIGHTS)]


def _make_folder(folder: Path, rights: int) -> None:
    """It has its name once it has its rights."""
    fresh = folder.with_name(f".{folder.name}.new")
    fresh.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    fresh.chmod(rights)
    fresh.rename(folder)
    whole.sync(folder.parent)


def _named(path: Path, home: Path) -> str:
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


def _configuration(home: Path) -> str:
    """The shipped configuration, with files for secrets in the home."""
    example = shipped.systemd() / CONFIGURATION
    lines = example.read_text(encoding="utf-8").splitlines()
    secrets = _quoted(f"{home}/{SECRETS}/")
    lines = [line.replace(f'"{_SHIPPED_SECRETS}', secrets[:-1]) for line in lines]
    head = [
        f"# Of the home {_quoted(str(home))}.",
        "# What is changed here counts after `systemctl reload topicwire` (or a SIGHUP), or the next start.",
        "#",
    ]
    return "\n".join([*head, *lines, ""])


def _quoted(text: str) -> str:
    """As a TOML string has it, which no sign in a path's name can end (toml.io/en/v1.0.0#string)."""
    return json.dumps(text, ensure_ascii=False)
