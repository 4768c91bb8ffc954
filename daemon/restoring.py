"""Restoring: what a bundle has besides the ledger is put into a home. What stands there is set aside.

A kill at any moment loses nothing: each folder changes places with the new one in one step, and until the
ledger is there as well a mark keeps the daemon from starting on half a home.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon import backups, clock, drills, whole
from daemon.config import Settings
from daemon.database import plainly
from daemon.errors import DaemonError
from daemon.manifests import CONFIGURATION, HELD_OUT, LABELS, MODELS, PEOPLE, Manifest, Piece
from daemon.tables import SQLITE

_EXCHANGE = 2  # RENAME_EXCHANGE, rename(2)
_AT_FDCWD = -100
_CANNOT_EXCHANGE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_UNPACKING, _UNPACKED = ".unpacking-", ".restored-"


@dataclass(frozen=True, slots=True)
class Placed:
    """Something that was put into the home, and where what stood there is now."""

    place: Path
    set_aside: Path | None = None

    def line(self) -> str:
        aside = f"; what stood there is {self.set_aside}" if self.set_aside else ""
        return f"put back   {self.place}{aside}"

    def as_json(self) -> dict[str, str | None]:
        return {"place": str(self.place), "set_aside": str(self.set_aside) if self.set_aside else None}


@contextmanager
def marked(home: Path, bundle: Path) -> Iterator[None]:
    """The home is being put together: until this ends well no daemon starts on it."""
    mark = backups.restoring_mark(home)
    try:
        whole.write(mark, f"from {bundle}\n".encode("utf-8", "replace"))
        yield
        mark.unlink()
        whole.sync(home)
    except OSError as error:
        raise DaemonError(f"{home}: cannot be restored: {plainly(error)}") from error


def must_fit(settings: Settings, manifest: Manifest, folder: Path) -> None:
    """Raises DaemonError where a bundle with this configuration of its own would write outside the home.

    Whoever wants that says so with a configuration of theirs.
    """
    home = Path(os.path.realpath(settings.home))
    if settings.file != folder / CONFIGURATION or not settings.database.startswith(SQLITE):
        return
    ledger = Path(os.path.realpath(settings.database.removeprefix(SQLITE)))
    if home not in ledger.parents:
        raise DaemonError(
            f"{folder / CONFIGURATION}: has the ledger outside the home, at {ledger}; copy that file, change"
            " storage.database in it if need be, and name it with --config"
        )


def put_back(settings: Settings, folder: Path, manifest: Manifest) -> list[Placed]:
    """Put all but the ledger into the home; what is there already as it was is left as it is.

    The caller holds the home's lock, and has verified the bundle. Twice is as once.
    """
    stamp = f"{clock.now():%Y%m%dT%H%M%SZ}"
    placed: list[Placed] = []
    try:
        for name in (LABELS, HELD_OUT):
            placed += _folder(folder, _below(manifest, name), name, settings.home / name, stamp)
        placed += _models(folder, manifest, settings.models, stamp)
        placed += _file(folder, manifest, PEOPLE, settings.home / PEOPLE, stamp)
        placed += _file(folder, manifest, CONFIGURATION, _place_of_configuration(settings, folder), stamp)
    except OSError as error:
        raise DaemonError(f"{settings.home}: cannot be restored: {plainly(error)}") from error
    return placed


def _place_of_configuration(settings: Settings, folder: Path) -> Path:
    """HOME/topicwire.toml, unless that is in use: it may be right for this machine, and the old one not."""
    place, used = settings.home / CONFIGURATION, settings.file
    if used is not None and used.exists() and place.exists() and used.samefile(place):
        return place.with_name(f"{CONFIGURATION}.from-backup")
    return place


def _below(manifest: Manifest, name: str) -> list[Piece]:
    return [piece for piece in manifest.pieces if piece.path.startswith(f"{name}/")]


def _folder(
    folder: Path, pieces: list[Piece], name: str, place: Path, stamp: str, *, hides: str = ""
) -> Iterator[Placed]:
    """A folder as a whole: the new one and what stands there change places in one step.

    `hides`: begins the name of what is set aside.
    """
    place = Path(os.path.realpath(place))  # a link may lead to where several homes share it
    _keep_leftovers(place.parent, place.name, f"{hides}{place.name}.set-aside-{stamp}")
    if not pieces or _is_there(folder, pieces, name, place):
        return
    fresh = _unpacked(folder, pieces, name, place.parent, stamp)
    if not os.path.lexists(place):
        os.rename(fresh, place)
        whole.sync(place.parent)
        yield Placed(place)
        return
    aside = _free(place.with_name(f"{hides}{place.name}.set-aside-{stamp}"))
    if _exchange(fresh, place):
        os.rename(fresh, aside)
    else:
        os.rename(place, aside)
        os.rename(fresh, place)
    whole.sync(place.parent)
    yield Placed(place, aside)


def _models(folder: Path, manifest: Manifest, models: Path, stamp: str) -> Iterator[Placed]:
    """Versions beside those that are there; then which of them serves."""
    models = Path(os.path.realpath(models))
    pieces = _below(manifest, MODELS)
    versions = sorted({piece.path.split("/")[1] for piece in pieces if piece.path.count("/") > 1})
    for version in versions:
        inner = [piece for piece in pieces if piece.path.startswith(f"{MODELS}/{version}/")]
        yield from _folder(folder, inner, f"{MODELS}/{version}", models / version, stamp, hides=".")
    for name in ("history.jsonl", "current"):
        yield from _file(folder, manifest, f"{MODELS}/{name}", models / name, stamp)


def _file(folder: Path, manifest: Manifest, path: str, place: Path, stamp: str) -> Iterator[Placed]:
    pieces = [piece for piece in manifest.pieces if piece.path == path]
    if not pieces or (place.is_file() and _is_same(folder / path, place)):
        return
    for left in [*place.parent.glob(f".file{_UNPACKING}*"), *place.parent.glob(f".file{_UNPACKED}*")]:
        shutil.rmtree(left)  # copies alone
    fresh = _unpacked(folder, pieces, path.rpartition("/")[0], place.parent, stamp, name="file")
    aside = None
    if os.path.lexists(place):
        aside = _free(place.with_name(f"{place.name}.set-aside-{stamp}"))
        shutil.copy2(place, aside, follow_symlinks=False)
        if not aside.is_symlink():
            whole.sync(aside)
    os.replace(fresh / path.rpartition("/")[2], place)
    whole.sync(place.parent)
    fresh.rmdir()
    yield Placed(place, aside)


def _unpacked(
    folder: Path, pieces: list[Piece], below: str, parent: Path, stamp: str, name: str = ""
) -> Path:
    """A whole copy on the same disk, under a hidden name."""
    name = name or below.rpartition("/")[2]
    begun = parent / f".{name}{_UNPACKING}{stamp}"
    fresh = parent / f".{name}{_UNPACKED}{stamp}"
    shutil.rmtree(begun, ignore_errors=True)
    shutil.rmtree(fresh, ignore_errors=True)
    drills.unpack(folder, pieces, begun, below=below)
    begun.chmod(0o755)
    os.rename(begun, fresh)
    return fresh


def _keep_leftovers(parent: Path, name: str, aside: str) -> None:
    """What a killed restore left: half copies go; what may be the folder from before is set aside."""
    if not parent.is_dir():
        return
    for each in list(parent.iterdir()):
        if each.name.startswith(f".{name}{_UNPACKING}"):
            shutil.rmtree(each, ignore_errors=True)
        elif each.name.startswith(f".{name}{_UNPACKED}"):
            os.rename(each, _free(parent / aside))


def _is_there(folder: Path, pieces: list[Piece], below: str, place: Path) -> bool:
    """Whether a folder holds these files and no others, but hidden ones, which are in no backup."""
    there = set()
    for each, folders, names in os.walk(place):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inner = Path(each).relative_to(place)
        there |= {(inner / name).as_posix() for name in names if not name.startswith(".")}
    wanted = {piece.path[len(below) + 1 :]: folder / piece.path for piece in pieces}
    return there == set(wanted) and all(_is_same(file, place / path) for path, file in wanted.items())


def _is_same(file: Path, other: Path) -> bool:
    try:
        if file.stat().st_size != other.stat().st_size or not stat.S_ISREG(other.stat().st_mode):
            return False
        return file.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _free(path: Path) -> Path:
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _exchange(one: Path, other: Path) -> bool:
    """Have two names change what they name, at once; False where the file system cannot."""
    if _renameat2 is None:
        return False
    if _renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
