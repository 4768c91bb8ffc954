"""Bytes of a zip ▶ its entries, within limits. For archives, and for documents that are zips.

Nothing is unpacked to a file, and no name is a path: of a name only the last part counts, for its
ending and for messages. What an entry costs is decided from the archive's directory before it is
read, and held to while it is, for the directory may lie.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import pairwise
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.ways import Way

_MOST_ENTRIES = 10_000  # a directory of more is not even read
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _NAMES_IN_UTF8 = 0x1, 0x800
_LONGEST_NAME = 120  # characters
_LONGEST_ENDING = 12
# The code pages of names without the mark of UTF-8: of DOS, as the standard has it, and of Windows.
_NAMES_IN = ("cp866", "cp1251")
_FEWEST_LETTERS = 2  # one alone may be an accented letter
_CYRILLIC = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")

_MEND = "unpack it and drop what is inside"
_DAMAGED = "pack it anew and drop it again"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the archive. `path` is its whole name, which is compared with names and never opened."""

    path: str
    size: int
    is_folder: bool
    _info: ZipInfo = field(repr=False)

    @property
    def name(self) -> str:
        """The last part of its name, at most 120 characters, with its ending."""
        last = self.path.replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
        if len(last) > _LONGEST_NAME:
            start, dot, ending = last.rpartition(".")
            short = dot + ending if start and len(ending) <= _LONGEST_ENDING else ""
            last = last[: _LONGEST_NAME - 1 - len(short)] + "…" + short
        return last if last.strip(".") else "a file without a name"


@dataclass(slots=True)
class Allowance:
    """Opens what is in an archive, and holds how many bytes may still be unpacked of all in it."""

    way: Way
    left: int

    def __call__(self, data: bytes, name: str, way: Way) -> Contents:
        return self.way.open(data, name, way)


def sharing(way: Way) -> Way:
    """`way`, with one allowance for all that is in this archive, in archives in it, and so on."""
    if isinstance(way.open, Allowance):
        return way
    return replace(way, open=Allowance(way, way.rules.limits.unpacked_mib * 2**20))


class Archive:
    """A zip whose directory was read and found within the limits."""

    def __init__(self, data: bytes, way: Way) -> None:
        """Raises UnreadableArticleError where it is damaged, or too large before anything is unpacked."""
        self._data = data
        self._way = way
        if data.count(b"PK\x01\x02") > _MOST_ENTRIES:
            raise too_many(_MOST_ENTRIES)
        infos, end = _directory(data)
        self.entries = tuple(
            Entry(_path(info), info.file_size, info.filename.endswith(("/", "\\")), info) for info in infos
        )
        most = way.rules.limits.unpacked_mib
        if sum(info.file_size for info in infos) > most * 2**20:
            raise _too_large(most)
        _check_apart(data, infos, end)

    def read(self, entry: Entry) -> bytes:
        """What the entry holds. Raises UnreadableArticleError where that cannot be had within the limits."""
        info, most = entry._info, self._way.rules.limits.part_mib
        _check_readable(info)
        if entry.size > most * 2**20:
            raise _too_large(most)
        self._spend(entry.size)
        packed = memoryview(self._data)[_start(self._data, info) :][: info.compress_size]
        found = _unpacked(packed, info)
        if len(found) != entry.size or zlib.crc32(found) != info.CRC:
            raise UnreadableArticleError("damaged: it is not what the archive says it is", _DAMAGED)
        return found

    def part(self, name: str) -> bytes | None:
        """What the entry of that name holds, whatever its letter case; None where there is none."""
        wanted = name.lower()
        for entry in self.entries:
            if entry.path.replace("\\", "/").lower() == wanted:
                return self.read(entry)
        return None

    def _spend(self, size: int) -> None:
        allowance = self._way.open
        if isinstance(allowance, Allowance):
            if size > allowance.left:
                raise _too_large(self._way.rules.limits.unpacked_mib)
            allowance.left -= size


def warm() -> None:
    """Load the codecs of names."""
    for codec in ("cp437", *_NAMES_IN):
        b"\xa0".decode(codec)


def too_many(most: int) -> UnreadableArticleError:
    return UnreadableArticleError(f"more than {most:,} files in it", _MEND)


def _too_large(mebibytes: int) -> UnreadableArticleError:
    return UnreadableArticleError(f"too large: more than {mebibytes} MiB when unpacked", _MEND)


def _directory(data: bytes) -> tuple[list[ZipInfo], int]:
    """The archive's entries, and where its directory begins."""
    try:
        with ZipFile(BytesIO(data)) as file:
            return file.infolist(), file.start_dir
    except (BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise UnreadableArticleError(f"not a sound zip archive, or cut short: {error}", _DAMAGED) from error


def _check_apart(data: bytes, infos: Iterable[ZipInfo], end: int) -> None:
    """No two entries share bytes: that is how a small archive holds a large one many times."""
    spans = sorted((info.header_offset, _start(data, info) + info.compress_size) for info in infos)
    for (_, before), (after, _) in pairwise([*spans, (end, end)]):
        if before > after:
            raise UnreadableArticleError("a bomb, or damaged: files in it overlap", _DAMAGED)


def _start(data: bytes, info: ZipInfo) -> int:
    """Where the packed bytes of an entry begin."""
    header = (
        data[info.header_offset : info.header_offset + _LOCAL_HEADER.size] if info.header_offset >= 0 else b""
    )
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise UnreadableArticleError("not a sound zip archive, or cut short: a file is missing", _DAMAGED)
    *_, name, extra = _LOCAL_HEADER.unpack(header)
    return info.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


def _check_readable(info: ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise UnreadableArticleError("a symbolic link", "pack the file itself")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnreadableArticleError("not a regular file", "pack the article's file itself")
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableArticleError("encrypted", "unpack it with its password and drop what is inside")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnreadableArticleError(f"packed by a method we do not read ({info.compress_type})", _MEND)


def _unpacked(packed: memoryview, info: ZipInfo) -> bytes:
    """What is packed, and never much more of it than the directory says."""
    if info.compress_type == ZIP_STORED:
        return bytes(packed)
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, info.file_size + 1)
    except zlib.error as error:
        raise UnreadableArticleError(f"damaged: {error}", _DAMAGED) from error


def _path(info: ZipInfo) -> str:
    """The entry's name, where it is not in UTF-8 in the code page that makes the best words of it."""
    if info.flag_bits & _NAMES_IN_UTF8 or info.filename.isascii():
        return info.filename
    name = info.filename.encode("cp437")
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        guesses = [name.decode(codec, "replace") for codec in _NAMES_IN]
        best = max(guesses, key=_cyrillic)
        return best if _cyrillic(best) >= _FEWEST_LETTERS else info.filename


def _cyrillic(name: str) -> int:
    return sum(letter in _CYRILLIC for letter in name.lower())
