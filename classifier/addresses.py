"""Files that are elsewhere: s3://bucket/archive, https://host/rows.jsonl, whatever fsspec can open.

What opens them (keys, an endpoint) is never in an address: fsspec and the library behind it take it
from the environment of the machine that reads.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from classifier.errors import ClassifierError, UnreadableArticleError

_AT_ONCE = 4 * 2**20  # bytes that are asked for together
_ONE_FILE = ("http", "https")  # there are no folders
_GLOB = frozenset("*?[")
_TELLS_CHANGE = ("ETag", "etag", "LastModified", "Last-Modified", "mtime", "created")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file at an address. `facts` change when it does; `parted`: it can be read from any place in it."""

    file: str
    size: int
    facts: tuple[str, ...]
    parted: bool = True


def entry(address: str) -> Entry:
    """Raises OSError where it cannot be seen, ClassifierError where nothing here can open such."""
    system, path = _system(address)
    with _as_os_error(address):
        return _entry(address, system.info(path))


def behind(address: str) -> Iterator[Entry]:
    """A file, the files of a folder and all in it, or those that a pattern fits; in order of their names.

    Raises as `entry` does.
    """
    system, path = _system(address)
    protocol = address.partition("://")[0]
    if protocol in _ONE_FILE:
        yield entry(address)
        return
    with _as_os_error(address):
        is_pattern = not _GLOB.isdisjoint(path)
        found = system.glob(path, detail=True) if is_pattern else {path: system.info(path)}
        for name in [name for name, info in found.items() if info["type"] == "directory"]:
            del found[name]
            found |= system.find(name, detail=True)
    if not found:
        raise FileNotFoundError(f"{address}: no file there")
    for name in sorted(found):
        yield _entry(system.unstrip_protocol(name), found[name])


def opened(address: str) -> BinaryIO:
    """The file for reading, from anywhere in it. Raises OSError, also while it is read."""
    system, path = _system(address)
    with _as_os_error(address):
        if _entry(address, system.info(path)).parted:
            return io.BufferedReader(_Raw(address, system.open(path, "rb", block_size=_AT_ONCE)), 2**20)
        with system.open(path, "rb") as far:
            return _copied(far)


def bytes_of(address: str, most: int) -> bytes:
    """Raises UnreadableArticleError where they are more than `most`, and OSError."""
    system, path = _system(address)
    with _as_os_error(address), system.open(path, "rb") as file:
        data = cast(bytes, file.read(most + 1))
    if len(data) > most:
        raise UnreadableArticleError(f"larger than {most // 2**20} MiB", "part it into smaller files")
    return data


def _entry(address: str, info: dict[str, Any]) -> Entry:
    facts = tuple(str(info[name]) for name in _TELLS_CHANGE if info.get(name) is not None)
    parted = bool(info.get("partial", address.partition("://")[0] not in _ONE_FILE))
    return Entry(address, int(info.get("size") or 0), facts, parted and info.get("size") is not None)


def _system(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(address)
    except ImportError as error:
        raise ClassifierError(
            f"{address}: {error}; pip install 'topicwire[dask]', for s3:// 'topicwire[s3]'"
        ) from error
    except ValueError as error:
        raise ClassifierError(f"{address}: {error}") from error
    return system, path


def _copied(far: BinaryIO) -> BinaryIO:
    """A copy on this machine, of what its server gives as a whole only."""
    near = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (who asked for it closes it)
    while data := far.read(_AT_ONCE):
        near.write(data)
    near.seek(0)
    return near


class _Raw(io.RawIOBase):
    """A far file whose every failure is an OSError."""

    def __init__(self, address: str, file: Any) -> None:
        self._address, self._file = address, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _as_os_error(self._address):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with _as_os_error(self._address):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def _as_os_error(address: str) -> Iterator[None]:
    """The libraries behind fsspec have errors of many families."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{address}: no such file") from error
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{address}: {error or type(error).__name__}") from error
