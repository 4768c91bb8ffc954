"""Secrets: from the file that the configuration names, systemd's credentials, or the environment."""

from __future__ import annotations

import os
from pathlib import Path

from daemon.complaints import never_tell, printable_line
from daemon.configfile import read_plainly, why
from daemon.errors import ConfigError

_LARGEST_SECRET = 4096


def secret(name: str, variable: str, file: Path | None) -> str | None:
    """A secret from the file that the configuration names, else from the systemd credential
    `name`, else from the environment. None where there is none; ConfigError where it is unsafe.

    A credential of the file's own name stands for the file, which only root need then be able to read:
    so one configuration serves the daemon and whoever is at the machine.

    No log of this process shows it from then on.
    """
    found = _found(name, variable, file)
    if found:
        never_tell(found)
    return found


def _found(name: str, variable: str, file: Path | None) -> str | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / (name if file is None else file.name) if folder else None
    if credential is not None and not _is_absent(credential):
        # systemd lets the unit's user in by an ACL, which shows as a right of the group.
        return _read_secret(credential, others=0o007)
    if file is not None:
        return _read_secret(file, others=0o077)
    value = os.environ.get(variable)
    return _plain(value.strip(), variable) if value else None


def _is_absent(file: Path) -> bool:
    """Not so where we may not look: that is for a person to mend, and not a reason to go on."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _plain(value: str, where: str) -> str:
    """A secret is one word; anything else would come back to us in an error that shows it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError([f"{where}: should hold the secret and nothing else, in one line"])
    return value


def _read_secret(file: Path, *, others: int) -> str:
    where = printable_line(str(file))
    try:
        data, mode = read_plainly(file, _LARGEST_SECRET)
        if mode & others:
            raise ConfigError([f"{where}: others may read this secret; `chmod 600` it"])
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([f"{where}: the secret cannot be read: not utf-8"]) from None
    except (OSError, ValueError) as error:
        raise ConfigError([f"{where}: the secret cannot be read: {why(error)}"]) from error
    return _plain(text.strip(), where)
