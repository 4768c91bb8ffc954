"""The service: whether systemd's unit, where one is installed, is the one that fits this installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from daemon import units
from daemon.config import Settings
from daemon.findings import Finding, fine, warning
from daemon.installation import installation
from daemon.owners import USER, Owner

_PLACES = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
_NAME = "topicwire.service"
# Written by hand on purpose: who hands over which secret.
_FREE = ("LoadCredential", "SetCredential", "Environment")


def examine(settings: Settings, places: tuple[str, ...] = _PLACES) -> Iterator[Finding]:
    found = next((file for place in places if (file := Path(place) / _NAME).is_file()), None)
    if found is None:
        yield fine("service", "systemd has no unit of it here; `topicwired unit` prints one")
        return
    installed = settings_in(found.read_text(encoding="utf-8", errors="replace"))
    fitting = settings_in(units.service(installation(settings), _owner(installed)).text)
    if _of_another(installed, settings):
        yield fine("service", f"{found} is of another home")
        return
    differing = sorted({key for key, _ in installed ^ fitting})
    if differing:
        said = f"{found} is not as this installation would have it: {', '.join(differing)}"
        config = f" --config {settings.file}" if settings.file else ""
        mend = f"topicwired unit --home {settings.home}{config} > {found} && systemctl daemon-reload"
        yield warning("service", said, mend)
    else:
        yield fine("service", f"{found} fits this installation")


def settings_in(unit: str) -> frozenset[tuple[str, str]]:
    """What a unit sets, without comments and without what is free to everybody."""
    lines = unit.replace("\\\n", " ").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith(("#", ";"))]
    return frozenset(
        (key.strip(), " ".join(value.split())) for key, value in pairs if key.strip() not in _FREE
    )


def _owner(installed: frozenset[tuple[str, str]]) -> Owner:
    found = dict(installed)
    if found.get("DynamicUser") in ("yes", "true", "1"):
        return Owner(dynamic=True)
    user = found.get("User", USER)
    return Owner(user, found.get("Group", user))


def _of_another(installed: frozenset[tuple[str, str]], settings: Settings) -> bool:
    started = dict(installed).get("ExecStart", "")
    return str(settings.home) not in started and "%S" not in started and "--home" in started
