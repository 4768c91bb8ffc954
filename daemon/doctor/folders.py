"""The folders of a home: whether they are there, on which disk, with room and rights."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from daemon import mounts, shelves
from daemon.config import Settings
from daemon.findings import Finding, fine, problem, warning

_MIB = 2**20
TOO_LITTLE = 64 * _MIB  # bytes; a backup leaves the ledger as much
_LITTLE = 1024 * _MIB
_FEW_FILES = 1000  # that the disk could still hold


def examine(settings: Settings) -> Iterator[Finding]:
    try:
        settings.home.lstat()
    except FileNotFoundError:
        yield _not_made_yet(settings.home)
        return
    except PermissionError:
        said = f"{settings.home} may not be looked into by user {os.geteuid()}"
        yield problem("home", said, "call this as the user whose home it is")
        return
    places = _places(settings)
    faults = [each for name, place in places.items() for each in _of_folder(name, place, settings)]
    yield from faults
    if not any(not each.ok for each in faults):
        yield fine("folders", f"{', '.join(places)} are there, or can be made, and can be written to")
    yield from _way(settings)
    yield from _room(settings, places)
    yield from _rights(settings)
    yield from _owners(settings)
    yield from _failed(settings)


def _places(settings: Settings) -> dict[str, Path]:
    names = ("done", "failed", "models", "labels", "backups")
    inner = {name: settings.home / name for name in names}
    return {"home": settings.home, "inbox": settings.inbox, **inner}


def _not_made_yet(home: Path) -> Finding:
    above = next((each for each in home.parents if each.is_dir()), Path("/"))
    if os.access(above, os.W_OK | os.X_OK) and not _is_read_only(above) and not _is_of_the_kernel(above):
        return fine("home", f"{home} is not there yet; `topicwired run` makes it")
    return problem("home", f"{home} is not there, and cannot be made in {above}", "name another with --home")


def _of_folder(name: str, place: Path, settings: Settings) -> Iterator[Finding]:
    if not os.path.lexists(place):
        if name == "inbox" and settings.home / "inbox" != place:
            said = f"{place} is not there, so nothing can be taken in"
            mend = "mount the share" if settings.mount_point else f"mkdir -p {shlex.quote(str(place))}"
            yield problem(name, said, mend)
        return
    if not place.is_dir():
        yield problem(name, f"{place} is not a folder", "move it away")
    elif _is_read_only(place):
        yield problem(name, f"{place} lies on a disk that is mounted read-only", "mount it to be written to")
    elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        owner = _stat(settings.home).st_uid
        yield problem(
            name,
            f"{place} may not be read and written by user {os.geteuid()}",
            f"chown {owner} {shlex.quote(str(place))} && chmod u+rwx {shlex.quote(str(place))}",
        )
    elif name == "inbox" and settings.mount_point is not None and not settings.mount_point.is_mount():
        yield problem(name, f"nothing is mounted at {settings.mount_point}", "mount the share")


def _way(settings: Settings) -> Iterator[Finding]:
    """From the inbox to done/: a rename, or a copy; and how the inbox is looked at."""
    if not settings.inbox.is_dir():
        return
    kind = mounts.file_system(settings.inbox)
    home_kind = mounts.file_system(settings.home)
    home = settings.done if settings.done.is_dir() else settings.home
    same = _stat(settings.inbox).st_dev == _stat(home).st_dev
    said = (
        "on the disk of done/, so files are moved by a rename" if same else "on another disk than done/, so"
    )
    said += "" if same else " files are copied there and then deleted"
    looked = " on a network share, so it is looked at without events;" if mounts.is_network(kind) else ""
    yield fine("inbox", f"{settings.inbox} ({kind or 'of an unknown kind'}):{looked} {said}")
    if mounts.is_network(home_kind):
        said = f"{settings.home} lies on a network share ({home_kind}), which was not tried"
        yield warning(
            "home", said, "put the home on a disk of this machine, and the inbox alone on the share"
        )


def _room(settings: Settings, places: dict[str, Path]) -> Iterator[Finding]:
    by_disk: dict[int, tuple[str, Path]] = {}
    for name, place in places.items():
        if place.is_dir():
            by_disk.setdefault(_stat(place).st_dev, (name, place))
    for name, place in by_disk.values():
        found = os.statvfs(place)
        free = found.f_bavail * found.f_frsize
        said = f"{free // _MIB} MiB are free where {place} lies"
        if free < TOO_LITTLE:
            yield problem(f"disk of {name}", f"{said}: intake pauses", "make room there")
        elif free < _LITTLE:
            yield warning(f"disk of {name}", said, "make room there")
        elif found.f_files and found.f_favail < _FEW_FILES:
            said = f"only {found.f_favail} more files can be made where {place} lies"
            yield warning(
                f"disk of {name}", said, "delete some there, or make a file system with more inodes"
            )
        else:
            yield fine(f"disk of {name}", said)


def _rights(settings: Settings) -> Iterator[Finding]:
    """What anybody on this machine could write into."""
    names = [settings.home, settings.models, settings.home / "labels", settings.done, settings.failed]
    names += [settings.file] if settings.file is not None else []
    for place in names:
        try:
            mode = place.stat().st_mode
        except OSError:
            continue
        if mode & stat.S_IWOTH and not (place.is_dir() and mode & stat.S_ISVTX):
            said = f"anybody on this machine may change {place}"
            yield warning("rights", said, f"chmod o-w {shlex.quote(str(place))}")


def _owners(settings: Settings) -> Iterator[Finding]:
    """Once run as root, a home has files that its own user cannot write any more."""
    owner = _stat(settings.home).st_uid
    names = [".lock", "ledger.db", "ledger.db-wal", "ledger.db-shm", "desk.db", "done", "failed", "models"]
    others = []
    for name in names:
        try:
            if (settings.home / name).lstat().st_uid not in (owner, *(() if owner else (os.geteuid(),))):
                others.append(name)
        except OSError:
            continue
    if others:
        said = f"{', '.join(others)} in {settings.home} are not user {owner}'s, whose home it is"
        yield problem("rights", said, f"chown -R {owner} {shlex.quote(str(settings.home))}")


def _failed(settings: Settings) -> Iterator[Finding]:
    try:
        number = len(shelves.failed_names(settings.home))
    except OSError:
        return
    if number:
        said = f"{number} files in {settings.failed}; each says why in its .error.json"
        yield warning("failed", said, "mend the cause, then `topicwired retry --all`")


def _is_read_only(place: Path) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _is_of_the_kernel(place: Path) -> bool:
    return mounts.file_system(place) in ("proc", "sysfs", "cgroup", "cgroup2")


def _stat(place: Path) -> os.stat_result:
    return place.stat()
