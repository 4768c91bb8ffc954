"""Drills: a bundle restored into a scratch folder, to know that it can be.

Nothing that stands in a bundle is trusted: names lead nowhere else, and each file is what the manifest says.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from io import BufferedReader
from pathlib import Path

from classifier import ModelError, load_model
from daemon import backups, whole
from daemon.database import open_database, plainly
from daemon.errors import DaemonError, LedgerError
from daemon.manifests import LEDGER, MODELS, Manifest, Piece
from daemon.tables import SQLITE

_SCRATCH = ".drill-"
_AT_ONCE = 2**20


def verify(folder: Path, manifest: Manifest) -> None:
    """Read every file of a bundle. Raises DaemonError, naming the first that is not as it was made."""
    for piece in manifest.pieces:
        for _ in _content(folder, piece):
            pass


def unpack(folder: Path, pieces: Iterable[Piece], target: Path, *, below: str = "") -> None:
    """Copy files of a bundle to `target`, as the manifest has them or not at all; on the disk on return.

    `below`: the folder of the bundle that becomes `target`. Raises DaemonError as `verify` does.
    """
    start = len(below) + 1 if below else 0
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for piece in pieces:
        place = target / piece.path[start:]
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as new:
            for block in _content(folder, piece):
                new.write(block)
            new.flush()
            os.fsync(new.fileno())
        # Never more than they were, and never for others to write.
        place.chmod(stat.S_IMODE((folder / piece.path).lstat().st_mode) & 0o755)
    for each, _, _ in os.walk(target, topdown=False):
        if each != str(target):
            Path(each).chmod(0o755)  # whatever the umask: a model where others may write is refused
        whole.sync(Path(each))


def try_out(folder: Path, manifest: Manifest, place: Path, *, said_of: Path | None = None) -> None:
    """Restore a bundle into a folder of its own in `place`, look at what came out, and take it away again.

    Raises DaemonError, in one line, where anything of it would not come back: a file that is not as the
    manifest says, a ledger with a damaged page or other rows than were counted as it was copied, a model that
    cannot serve.
    """
    name = said_of or folder
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=place))
    try:
        unpack(folder, manifest.pieces, scratch)
        if manifest.has_ledger:
            _try_ledger(scratch / LEDGER, manifest, name)
        if manifest.model is not None:
            _try_model(scratch / MODELS, manifest.model, name)
    except (OSError, sqlite3.Error) as error:
        raise DaemonError(f"{name}: cannot be restored on trial: {plainly(error)}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def is_scratch(path: Path) -> bool:
    """Whether a folder is what a drill left that was killed."""
    return re.fullmatch(rf"{re.escape(_SCRATCH)}\w{{8}}", path.name) is not None


@contextmanager
def plain_file(folder: Path, path: str) -> Iterator[BufferedReader]:
    """A regular file below a folder, to read: no link leads out of it. Raises OSError."""
    place = os.path.join(os.path.realpath(folder), path)
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or os.path.realpath(place) != place:
            raise OSError(errno.EINVAL, "not a plain file", place)
        yield file


def _content(folder: Path, piece: Piece) -> Iterator[bytes]:
    """The bytes of a file; where they are not those of the manifest, that is said at the end of them."""
    name, summed, size = folder / piece.path, hashlib.sha256(), 0
    try:
        with plain_file(folder, piece.path) as file:
            while block := file.read(_AT_ONCE):
                summed.update(block)
                size += len(block)
                if size > piece.size:
                    break
                yield block
    except FileNotFoundError as error:
        raise DaemonError(f"{name}: is missing from the backup") from error
    except OSError as error:
        raise DaemonError(f"{name}: cannot be read: {plainly(error)}") from error
    if (size, summed.hexdigest()) != (piece.size, piece.sha256):
        raise DaemonError(f"{name}: is damaged: not the bytes that the backup's manifest says")


def _try_ledger(file: Path, manifest: Manifest, name: Path) -> None:
    said_of = name / LEDGER
    backups.check(file, said_of=said_of)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        found = backups.rows_of(connection)
    if found != dict(manifest.rows):
        table = sorted(t for t in {*found, *manifest.rows} if found.get(t) != manifest.rows.get(t))[0]
        raise LedgerError(
            f"{said_of}: has {found.get(table)} rows in {table}, and the manifest says"
            f" {manifest.rows.get(table)}"
        )
    open_database(f"{SQLITE}{file}").close()


def _try_model(models: Path, version: str, name: Path) -> None:
    try:
        load_model(models, version)
        served = load_model(models).version
    except ModelError as error:
        said = str(error).replace(str(models), str(name / MODELS))
        raise DaemonError(said) from error
    if served != version:
        raise DaemonError(f"{name / MODELS / 'current'}: names {served}, and the manifest says {version}")
