"""The daemon that runs: whether one does, of which release, and with which configuration."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from daemon import alive
from daemon.config import Settings
from daemon.findings import Finding, fine, warning


def examine(settings: Settings) -> Iterator[Finding]:
    process = alive.process_of_daemon(settings.home)
    if process is None:
        yield fine("process", f"none runs on {settings.home} now")
        return
    number = f"process {process}" if process else "its process cannot be seen from here"
    plate = alive.nameplate(settings.home)
    if plate is None or (process and plate.process != process):
        yield warning("process", f"one runs ({number}), and does not say as what", "start it again")
        return
    ours = version("topicwire")
    if plate.release != ours:
        said = f"one runs ({number}) that is topicwire {plate.release}, and this is {ours}"
        yield warning("process", said, "systemctl restart topicwire")
        return
    yield _configured(settings, plate, number)


def _configured(settings: Settings, plate: alive.Nameplate, number: str) -> Finding:
    here, there = str(settings.file or ""), plate.configuration
    said = f"one runs ({number}) since {plate.since}"
    if plate.fingerprint == alive.fingerprint(settings.model_dump_json()):
        return fine("process", f"{said}, with this release and this configuration")
    if here != there:
        other = there or "the defaults"
        return warning(
            "process",
            f"{said} with {other}, and this check read {here or 'the defaults'}",
            f"topicwired check --config {there}" if there else "topicwired check without --config",
        )
    return warning(
        "process",
        f"{said}, and {here or 'its surroundings'} changed after it was read",
        f"systemctl reload topicwire, or `kill -HUP {plate.process}`",
    )
