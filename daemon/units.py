"""The systemd unit, fitted to where this installation and its home are."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from daemon.errors import DaemonError
from daemon.shipped import systemd


def service(home: Path, config: Path | None) -> str:
    """The shipped unit with the paths of this installation. DaemonError if it is not shipped."""
    path = systemd() / "topicwire.service"
    try:
        unit = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DaemonError(f"{path}: {error.strerror}") from error
    program = Path(sys.executable).parent / "topicwired"
    home = home.resolve()
    command = [str(program), "run", "--home", str(home)]
    if config is not None:
        command += ["--config", str(config.absolute())]
    unit = _set(unit, "ExecStart", shlex.join(command))
    return _set(unit, "ReadWritePaths", f'"{home}"' if " " in str(home) else str(home))


def _set(unit: str, key: str, value: str) -> str:
    escaped = value.replace("%", "%%")  # systemd.unit(5), specifiers
    return re.sub(rf"(?m)^{key}=.*$", lambda _: f"{key}={escaped}", unit)
