"""Bundles: backups of a whole home, each a folder that counts only once it was restored on trial.

In it are the ledger, the model that serves and the one before, labels, held-out articles, the
configuration and who may come in at the desk. Secrets are not: tokens, and what sessions and feeds' addresses
are signed with. Nor is done/, which holds the files as they came.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from classifier import ModelError, current_version, load_model, model_before
from daemon import backups, clock, drills, manifests, postgres, whole
from daemon.backups import Progress
from daemon.config import Settings
from daemon.database import newest_schema, plainly
from daemon.errors import DaemonError, LedgerError
from daemon.manifests import CONFIGURATION, HELD_OUT, LABELS, LEDGER, MODELS, PEOPLE, Manifest, Piece

logger = logging.getLogger(__name__)

_UNFINISHED = re.compile(r"\.topicwire-\d{8}T\d{6}Z\.(new|old)")
_TRIES = 10
_BETWEEN_TRIES = 0.2  # seconds
_WORTH_A_LINK = 64 * 1024  # bytes
_AT_ONCE = 2**20
_DUMP = "pg_dump --format=custom --file=ledger.dump"

# The size, time and inode of a file: another one has others.
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A finished bundle. `deleted`: older ones that went for it; `left_out`: models that cannot serve."""

    folder: Path
    manifest: Manifest
    deleted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        manifest = self.manifest
        return {
            "backup": str(self.folder),
            "articles": manifest.articles,
            "bytes": manifest.size,
            "files": len(manifest.pieces),
            "model": manifest.model,
            "deleted": list(self.deleted),
            "left_out": list(self.left_out),
            "dump": manifest.dump,
        }

    def lines(self) -> Iterator[str]:
        """What was done, for a person."""
        manifest = self.manifest
        what = f"{manifest.articles} articles" if manifest.has_ledger else "without the ledger"
        yield f"{self.folder}: {what}, {len(manifest.pieces)} files, {manifest.size} bytes; restored on trial"
        for name in self.deleted:
            yield f"deleted    {name}"


@dataclass(frozen=True, slots=True)
class _Source:
    file: Path
    stamp: _Stamp


def nightly(settings: Settings) -> str:
    """The timetable's job: one more bundle in the folder that the configuration names."""
    place = settings.backup.path
    if place is None:
        return backups.nightly(settings)
    made = make(settings, place)
    manifest = made.manifest
    told = {"file": made.folder.name, "articles": manifest.articles, "bytes": manifest.size}
    logger.info("backup made", extra=told)
    return f"{made.folder.name}: {manifest.articles} articles, {manifest.size} bytes"


def make(settings: Settings, place: Path, progress: Progress | None = None) -> Bundle:
    """Copy the home as it stands, while the daemon works, to a new folder in `place`.

    It has its name only once it is whole, on the disk and was restored on trial; a kill at any moment leaves
    the bundles from before, and nothing that counts as one. Where the configuration names `place`, old ones
    are deleted as it says. Raises DaemonError, in one line.
    """
    place = place.absolute()
    _must_be_apart(settings, place)
    if not place.parent.is_dir():  # perhaps nothing is mounted there
        raise DaemonError(f"{place}: there is no folder {place.parent} to make it in")
    made_at = clock.now()
    target = place / backups.bundle_name(made_at)
    with backups.alone(place):
        _sweep(place)
        if os.path.lexists(target):
            raise DaemonError(f"{target}: stands there already; a backup overwrites nothing")
        fresh = place / f".{target.name}.new"
        try:
            made = _filled(settings, fresh, target, to_text=made_at.isoformat(), progress=progress)
            os.rename(fresh, target)
            whole.sync(place)
        except (OSError, sqlite3.Error) as error:
            raise DaemonError(f"{target}: the backup cannot be made: {plainly(error)}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        if place != settings.backup.path:
            return made
        return replace(made, deleted=tuple(_rotated(settings, target)))


def opened(folder: Path) -> Manifest:
    """What a bundle says of itself. Raises DaemonError, naming the file that is missing or damaged."""
    read = []
    for name in (manifests.MANIFEST, manifests.SUMS):
        try:
            with drills.plain_file(folder, name) as file:
                read.append(file.read())
        except OSError as error:
            raise DaemonError(f"{folder / name}: cannot be read: {plainly(error)}") from error
    return manifests.read(read[0], read[1], str(folder))


def newest_sound(place: Path) -> tuple[Path, Manifest, tuple[str, ...]]:
    """The newest bundle in a folder that is as it was made, and why newer ones are not.

    Raises DaemonError where none is. `place` may be a bundle itself, and then it is that one or none.
    """
    alone = os.path.lexists(place / manifests.MANIFEST) or backups.is_bundle(place)
    refused: list[str] = []
    for folder in [place] if alone else reversed(backups.bundles_in(place)):
        try:
            manifest = opened(folder)
            drills.verify(folder, manifest)
        except DaemonError as error:
            if alone:
                raise
            refused.append(str(error))
        else:
            return folder, manifest, tuple(refused)
    said = "".join(f"; {each}" for each in refused)
    raise DaemonError(f"{place}: no sound backup of a home in it{said}")


def _filled(
    settings: Settings, fresh: Path, target: Path, *, to_text: str, progress: Progress | None
) -> Bundle:
    """Everything of a bundle in its hidden folder, on the disk and tried."""
    on_server = postgres.is_one(settings.database)
    if not on_server:
        ledger = backups.ledger_path(settings)
        if not ledger.exists():
            raise LedgerError(f"{ledger}: no ledger to copy; `topicwired run` makes it")
        # Once for the bundle, and once for the trial.
        backups.must_have_room(2 * ledger.stat().st_size, target.parent)
    fresh.mkdir(mode=0o700)
    rows: dict[str, int] = {}
    pieces = [] if on_server else [_ledger(settings, fresh, rows, progress)]
    plain, model, left_out = _steady(settings, fresh, _earlier(target.parent))
    manifest = Manifest(
        made_at=to_text,
        topicwire=version("topicwire"),
        home=str(settings.home),
        daemon=settings.daemon,
        model=model,
        schema_=None if on_server else newest_schema(),
        dump=postgres.command(_DUMP, settings.database) if on_server else None,
        rows=rows,
        pieces=tuple(sorted([*pieces, *plain], key=lambda piece: piece.path)),
    )
    encoded = manifest.encoded()
    for name, content in (
        (manifests.MANIFEST, encoded),
        (manifests.SUMS, manifests.sums(manifest, encoded)),
    ):
        whole.write(fresh / name, content, mode=0o600)
    for folder, _, _ in os.walk(fresh, topdown=False):
        whole.sync(Path(folder))
    drills.try_out(fresh, opened(fresh), target.parent, said_of=target)
    return Bundle(target, manifest, left_out=left_out)


def _ledger(settings: Settings, fresh: Path, rows: dict[str, int], progress: Progress | None) -> Piece:
    source, copy = backups.ledger_path(settings), fresh / LEDGER
    backups.copy(
        source,
        copy,
        progress,
        live=True,
        mark=backups.OURS,
        look=lambda seen: rows.update(backups.rows_of(seen)),
    )
    for part in ("-wal", "-shm", "-journal"):  # SQLite says nothing where it cannot take them away
        Path(f"{copy}{part}").unlink(missing_ok=True)
    shutil.copymode(source, copy)
    whole.sync(copy)
    with copy.open("rb") as file:
        return Piece(
            path=LEDGER, size=copy.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def _steady(
    settings: Settings, fresh: Path, earlier: Mapping[Piece, Path]
) -> tuple[list[Piece], str | None, tuple[str, ...]]:
    """Copies of all that are plain files, none of which changed meanwhile; the model that serves
    among them; and which models are left out, because they could not serve again.
    """
    for _ in range(_TRIES):
        wanted = _wanted(settings)
        sound, left_out = _sound(settings, wanted)
        model = wanted[0] if wanted and wanted[0] in sound else None
        before = _sources(settings, sound, served=model is not None)
        try:
            pieces = [_copied(source.file, fresh, path, earlier) for path, source in before.items()]
        except FileNotFoundError:
            pieces = []
        after = _sources(settings, sound, served=model is not None)
        if len(pieces) == len(before) and (before, wanted) == (after, _wanted(settings)):
            for said in left_out:
                logger.warning("a model is not in the backup", extra={"error": said})
            return pieces, model, left_out
        for path in before:
            (fresh / path).unlink(missing_ok=True)
        time.sleep(_BETWEEN_TRIES)
    raise DaemonError(f"{settings.home}: labels or models change faster than they are copied; try again")


def _wanted(settings: Settings) -> tuple[str, ...]:
    """The model that serves, and the one to go back to."""
    try:
        found = [current_version(settings.models), model_before(settings.models)]
    except ModelError:
        return ()
    return tuple(each for each in found if each is not None)


def _sound(settings: Settings, versions: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
    sound, left_out = [], []
    for name in dict.fromkeys(versions):
        try:
            load_model(settings.models, name)
            sound.append(name)
        except ModelError as error:
            if (settings.models / name).exists():
                left_out.append(str(error))
    return sound, tuple(left_out)


def _sources(settings: Settings, versions: list[str], *, served: bool) -> dict[str, _Source]:
    """Every plain file of a home that goes into a bundle, by its place there."""
    home, models = settings.home, settings.models
    found = _single(CONFIGURATION, settings.file) | _single(PEOPLE, home / PEOPLE)
    found |= _single(f"{MODELS}/history.jsonl", models / "history.jsonl")
    if served:
        found |= _single(f"{MODELS}/current", models / "current")
    for name in versions:
        found |= _below(f"{MODELS}/{name}", models / name)
    for name in (LABELS, HELD_OUT):
        found |= _below(name, home / name)
    return found


def _single(path: str, file: Path | None) -> dict[str, _Source]:
    if file is None:
        return {}
    try:
        status = file.stat()
    except FileNotFoundError:
        return {}
    if not stat.S_ISREG(status.st_mode):
        return {}
    return {path: _Source(file, (status.st_size, status.st_mtime_ns, status.st_ino))}


def _below(path: str, folder: Path) -> dict[str, _Source]:
    """The files of a folder at any depth; hidden ones are on their way, or locks."""
    found: dict[str, _Source] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        inner = Path(place).relative_to(folder).as_posix()
        start = path if inner == "." else f"{path}/{inner}"
        for name in sorted(names):
            if not name.startswith("."):
                found |= _single(f"{start}/{name}", Path(place, name))
    for each in found:
        if not manifests.is_a_place(each):
            raise DaemonError(
                f"{found[each].file}: its name cannot be in a backup; give it a plain one, or take it away"
            )
    return found


def _earlier(place: Path) -> dict[Piece, Path]:
    """What the newest bundle has, to be linked where it would be the same again."""
    for folder in reversed(backups.bundles_in(place)):
        try:
            return {piece: folder / piece.path for piece in opened(folder).pieces}
        except DaemonError:
            continue
    return {}


def _copied(source: Path, fresh: Path, path: str, earlier: Mapping[Piece, Path]) -> Piece:
    target = fresh / path
    target.parent.mkdir(parents=True, exist_ok=True)
    summed, size = hashlib.sha256(), 0
    with source.open("rb") as old, target.open("wb") as new:
        while block := old.read(_AT_ONCE):
            summed.update(block)
            new.write(block)
            size += len(block)
        new.flush()
        os.fsync(new.fileno())
    target.chmod(stat.S_IMODE(source.stat().st_mode) & ~0o022)
    piece = Piece(path=path, size=size, sha256=summed.hexdigest())
    if size >= _WORTH_A_LINK and piece in earlier:
        _link_instead(target, earlier[piece], piece)
    return piece


def _link_instead(copy: Path, same: Path, piece: Piece) -> None:
    """One more name for a file of the bundle before, if it still is what it was."""
    named = copy.with_name(f".{copy.name}.link")
    try:
        with drills.plain_file(same.parent, same.name) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != piece.sha256:
                return
        os.link(same, named, follow_symlinks=False)
        os.replace(named, copy)
    except OSError:
        return  # a disk that knows no links, or a file that has gone: the copy is as good


def _rotated(settings: Settings, newest: Path) -> Iterator[str]:
    """Delete the bundles that are too many: of this home alone, and whole ones alone."""
    ours = [each for each in backups.bundles_in(newest.parent) if each != newest and _is_ours(settings, each)]
    for folder in backups.beyond(ours, newest, settings.backup):
        hidden = folder.with_name(f".{folder.name}.old")
        try:
            os.rename(folder, hidden)  # out of sight at once: it is there as a whole or not at all
            shutil.rmtree(hidden)
        except OSError as error:  # the new one is made all the same; the next takes the rest away
            logger.warning("an old backup stays", extra={"file": folder.name, "error": plainly(error)})
            continue
        logger.info("old backup deleted", extra={"file": folder.name})
        yield folder.name


def _is_ours(settings: Settings, folder: Path) -> bool:
    """Whether a bundle is of this home and holds what it says, and nothing that somebody else put there."""
    try:
        manifest = opened(folder)
    except DaemonError as error:
        logger.warning("a damaged backup is left where it is", extra={"error": str(error)})
        return False
    if (manifest.home, manifest.daemon) != (str(settings.home), settings.daemon):
        return False
    there = {
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
    }
    expected = {piece.path for piece in manifest.pieces} | {manifests.MANIFEST, manifests.SUMS}
    if there != expected:
        odd = sorted(there ^ expected)[0]
        logger.warning("a backup is left where it is", extra={"file": folder.name, "odd": odd[:200]})
    return there == expected


def _sweep(place: Path) -> None:
    """Take away what a backup left that was killed in the middle."""
    for each in list(place.iterdir()):
        if _UNFINISHED.fullmatch(each.name) or drills.is_scratch(each):
            shutil.rmtree(each, ignore_errors=True)


def _must_be_apart(settings: Settings, place: Path) -> None:
    """A bundle among the files it is made of would be in the next one, or be taken for articles."""
    real = Path(os.path.realpath(place))
    for folder in (settings.inbox, settings.done, settings.failed, settings.models, settings.home / LABELS):
        inner = Path(os.path.realpath(folder))
        if real == inner or inner in real.parents:
            raise DaemonError(f"{place}: lies in {folder}; name a folder of its own, best on another disk")
