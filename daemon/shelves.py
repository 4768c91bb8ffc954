"""Where files go when they leave the inbox: done/YYYY/MM/DD/ and failed/. Nothing is overwritten."""

from __future__ import annotations

import errno
import json
import os
import shutil
from datetime import datetime
from pathlib import Path, PurePosixPath

ERROR_ENDING = ".error.json"

_LONGEST_NAME = 200  # bytes; a file system takes 255, and marks are added


def done_target(home: Path, name: str, fingerprint: str, now: datetime) -> str:
    """A free place for a file, below the home, by the day it was taken (UTC)."""
    return _free(home, f"done/{now:%Y/%m/%d}", name, fingerprint)


def failed_target(home: Path, name: str, fingerprint: str) -> str:
    return _free(home, "failed", name, fingerprint)


def move(source: Path, home: Path, target: str) -> None:
    """Move a file to its place for good: when this returns both folders are on the disk.

    Raises FileExistsError rather than overwrite, and OSError where the disk does not let us.
    """
    place = home / target
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        _copy(source, place)
    _sync(place.parent)
    os.unlink(source)
    _sync(source.parent)


def explain_failure(home: Path, target: str, *, reason: str, mend: str, now: datetime) -> None:
    """Write beside a failed file what was wrong with it and what to do: NAME.error.json."""
    place = home / f"{target}{ERROR_ENDING}"
    place.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "file": PurePosixPath(target).name,
        "reason": reason,
        "what_to_do": f"{mend}; or `topicwired retry {PurePosixPath(target).name}`",
        "at": now.isoformat(timespec="seconds"),
    }
    fresh = place.with_name(f".{place.name}.new")
    fresh.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(fresh, place)


def failed_names(home: Path) -> list[str]:
    """The files in failed/, without the explanations beside them."""
    names = {path.name for path in (home / "failed").iterdir()}
    explanations = {name + ERROR_ENDING for name in names}
    return sorted(names - explanations)


def safe_name(name: str) -> str:
    """A name without folders that every file system takes, as like the given one as may be."""
    last = name.rpartition("/")[2]
    printable = "".join(c if c.isprintable() and c not in '\\:*?"<>|' else "_" for c in last)
    plain = printable.encode("utf-8", "replace").decode("utf-8").lstrip(".") or "article"
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > 10:
        stem, ending = plain, ""
    room = _LONGEST_NAME - len(ending.encode()) - 1
    stem = stem.encode()[:room].decode("utf-8", "ignore") or "article"
    return f"{stem}.{ending}" if ending else stem


def _free(home: Path, folder: str, name: str, fingerprint: str) -> str:
    """`name`, with a mark of its content if that is taken, and a number if that is taken too."""
    plain = safe_name(name)
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    tail = f".{ending}" if ending else ""
    marks = ["", f"-{fingerprint[:8]}"]
    number = 1
    while True:
        mark = marks.pop(0) if marks else f"-{fingerprint[:8]}-{(number := number + 1)}"
        target = f"{folder}/{stem}{mark}{tail}"
        taken = (os.path.lexists(home / name) for name in (target, target + ERROR_ENDING))
        if not any(taken):
            return target


def _copy(source: Path, place: Path) -> None:
    """To another file system: whole and on the disk before it has its name."""
    fresh = place.with_name(f".{place.name}.new")
    with source.open("rb") as old, fresh.open("wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
    shutil.copystat(source, fresh)
    if os.path.lexists(place):
        fresh.unlink()
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place))
    os.rename(fresh, place)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
