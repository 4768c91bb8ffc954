"""What is in a zip is read within limits, whatever its directory says."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.office import zipped
from classifier.formats.office.zipped import Archive
from classifier.formats.ways import Way
from classifier.rules import Limits, Rules

MIB = 2**20


def opens_nothing(data: bytes, name: str, way: Way) -> Contents:
    raise AssertionError


def way_with(**limits: Any) -> Way:
    return Way(Rules(limits=Limits(**limits)), opens_nothing)


WAY = way_with()


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in entries:
            file.writestr(name, data, method)
    return out.getvalue()


def contents(data: bytes, way: Way = WAY) -> dict[str, bytes]:
    archive = Archive(data, way)
    return {entry.name: archive.read(entry) for entry in archive.entries}


def reason(data: bytes, way: Way = WAY) -> str:
    with pytest.raises(UnreadableArticleError) as refusal:
        contents(data, way)
    return refusal.value.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_are_read_in_the_order_of_the_archive(method: int) -> None:
    data = zip_of(("b.txt", b"second letter"), ("a.txt", b"first letter"), method=method)

    assert list(contents(data).items()) == [("b.txt", b"second letter"), ("a.txt", b"first letter")]


def test_something_before_the_archive_does_not_matter() -> None:
    assert contents(b"#!/bin/sh\n" * 9 + zip_of(("a.txt", b"words"))) == {"a.txt": b"words"}


def test_an_archive_with_64_bit_sizes_is_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, file.open("a.txt", "w", force_zip64=True) as entry:
        entry.write(b"words")

    assert contents(out.getvalue()) == {"a.txt": b"words"}


def test_entries_of_one_name_are_both_there() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zip_of(("a.txt", b"one"), ("a.txt", b"two"))

    archive = Archive(data, WAY)

    assert [archive.read(entry) for entry in archive.entries] == [b"one", b"two"]


def test_what_is_larger_than_the_limits_is_refused_before_it_is_unpacked() -> None:
    data = zip_of(("a.txt", b"\0" * 3 * MIB), ("b.txt", b"\0" * 3 * MIB))

    with pytest.raises(UnreadableArticleError, match="too large: more than 5 MiB"):
        Archive(data, way_with(unpacked_mib=5))
    assert "more than 2 MiB" in reason(data, way_with(part_mib=2))
    assert len(contents(data, way_with(unpacked_mib=6, part_mib=3))) == 2


def test_a_directory_that_lies_about_a_size_is_not_believed() -> None:
    data = zip_of(("a.txt", b"\0" * 3 * MIB))
    lies = data.replace(struct.pack("<L", 3 * MIB), struct.pack("<L", 100))

    assert reason(lies, way_with(part_mib=1)).startswith("damaged")


def test_a_directory_that_lies_about_what_is_not_packed_is_not_believed() -> None:
    data = zip_of(("a.txt", b"\0" * 3 * MIB), method=zipfile.ZIP_STORED)
    at = data.index(b"PK\x01\x02") + 24
    lies = data[:at] + struct.pack("<L", 100) + data[at + 4 :]

    assert reason(lies, way_with(part_mib=1)).startswith("damaged")


def test_what_was_changed_is_noticed() -> None:
    data = bytearray(zip_of(("a.txt", b"words that were changed"), method=zipfile.ZIP_STORED))
    data[data.index(b"changed")] ^= 1

    assert reason(bytes(data)).startswith("damaged")


def test_one_allowance_holds_for_all_archives_in_an_archive() -> None:
    way = zipped.sharing(way_with(unpacked_mib=5))
    data = zip_of(("a.txt", b"\0" * 2 * MIB))
    contents(data, way)
    contents(data, zipped.sharing(replace(way, depth=1)))

    assert "more than 5 MiB" in reason(data, zipped.sharing(replace(way, depth=2)))


def test_entries_that_share_bytes_are_refused() -> None:
    packed = zlib.compress(b"\0" * MIB, 9)[2:-4]
    header = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(b"\0" * MIB), len(packed), MIB, 1, 0
    )
    body = header + b"a" + packed
    entry = struct.pack(
        "<4s6H3L5H2L",
        *(b"PK\x01\x02", 20, 20, 0, 8, 0, 0, zlib.crc32(b"\0" * MIB), len(packed), MIB, 1, 0, 0, 0, 0, 0, 0),
    )
    directory = (entry + b"a") * 50
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 50, 50, len(directory), len(body), 0)

    assert "overlap" in reason(body + directory + end)


def test_a_directory_of_very_many_entries_is_not_read() -> None:
    assert "more than 10,000 files" in reason(b"PK\x03\x04" + b"PK\x01\x02" * 10_001)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_an_archive_that_was_cut_off_says_so(kept: float) -> None:
    data = zip_of(("a.txt", bytes(range(256)) * 20), ("b.txt", b"words"))

    assert "cut short" in reason(data[: int(kept * len(data))])


def test_an_encrypted_entry_says_so() -> None:
    data = bytearray(zip_of(("a.txt", b"words")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1

    assert reason(bytes(data)) == "encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_cost_cannot_be_bounded_are_not_read(method: int) -> None:
    assert "method" in reason(zip_of(("a.txt", b"words"), method=method))


@pytest.mark.parametrize(
    ("kind", "expected"), [(stat.S_IFLNK, "a symbolic link"), (stat.S_IFIFO, "not a regular file")]
)
def test_an_entry_that_is_no_file_is_not_read(kind: int, expected: str) -> None:
    info = zipfile.ZipInfo("a.txt")
    info.external_attr = (kind | 0o777) << 16

    assert reason(zip_of((info, b"/etc/passwd"))) == expected


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("../../etc/cron.d/a.txt", "a.txt"),
        ("/etc/a.txt", "a.txt"),
        ("C:\\Users\\a.txt", "a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("folder/..", "a file without a name"),
        ("..", "a file without a name"),
        ("a.txt\0.exe", "a.txt"),
        ("n" * 60_000 + ".docx", "n" * 114 + "….docx"),
        ("n" * 60_000, "n" * 119 + "…"),
    ],
)
def test_of_a_name_only_the_last_part_counts(path: str, name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = path

    assert list(contents(zip_of((info, b"words")))) == [name]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("статья о порте.txt", "cp866"),
        ("Статья о порте.txt", "cp1251"),
        ("ПОРТ.TXT", "cp866"),
        ("мақала.txt", "utf-8"),
        ("مقال.txt", "utf-8"),
        ("naïve.txt", "cp437"),
    ],
)
def test_a_name_that_does_not_say_its_encoding_is_still_read(name: str, encoding: str) -> None:
    raw = name.encode(encoding)
    data = zip_of(("x" * len(raw), b"words")).replace(b"x" * len(raw), raw)

    assert list(contents(data)) == [name]


def test_a_part_is_found_whatever_its_letter_case() -> None:
    archive = Archive(zip_of(("Word\\Document.XML", b"words")), WAY)

    assert archive.part("word/document.xml") == b"words"
    assert archive.part("word/other.xml") is None
