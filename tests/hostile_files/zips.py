"""Zips: bombs, names that lead out, directories that lie."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable

from tests.hostile_files import sound
from tests.hostile_files.corpus import Build, Case, cut_off, either, read, refused
from tests.hostile_files.documents import claiming, flagged
from tests.hostile_files.pdfs import squeezed
from tests.hostile_files.sound import WORD, docx, mail, page, text, zipped

_MIB = 2**20
_LARGE = "large|many|packed|bomb|more than"
_GOOD = ("good.txt", text())


def _named(name: str) -> bytes:
    """A good file, and one with a name that does harm to who writes it out."""
    return zipped(_GOOD, (name, text()))


def _raw(
    entries: Iterable[tuple[bytes, bytes, int, int]], *, comment: bytes = b"", number: int | None = None
) -> bytes:
    """A zip by hand, of names, deflated bytes, the size said and the method said."""
    out, directory, count = bytearray(), bytearray(), 0
    for name, data, size, method in entries:
        fields = struct.pack("<5H3I2H", 20, 0, method, 0, 0, _sum(data), len(data), size, len(name), 0)
        directory += (
            b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<3H2I", 0, 0, 0, 0, len(out)) + name
        )
        out += b"PK\x03\x04" + fields + name + data
        count += 1
    said = count & 0xFFFF if number is None else number
    end = struct.pack("<4H2IH", 0, 0, said, said, len(directory), len(out), len(comment))
    return bytes(out + directory + b"PK\x05\x06" + end + comment)


def _sum(data: bytes) -> int:
    """The checksum of what is packed in it, where that is short."""
    try:
        return zlib.crc32(zlib.decompressobj(-15).decompress(data, _MIB))
    except zlib.error:
        return 0


def _deflated(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(data) + squeeze.flush()


def _huge(mib: int) -> bytes:
    """An entry of so many MiB, of a thousandth of that."""
    return squeezed(mib)[2:-4]  # without the marks of zlib


def _overlapping(number: int) -> bytes:
    """Entries that are all the same bytes, as in the bombs that need not be nested."""
    data = _deflated(bytes(4 * _MIB))
    fields = struct.pack("<5H3I2H", 20, 0, 8, 0, 0, 0, len(data), 4 * _MIB, 5, 0)
    local = b"PK\x03\x04" + fields + b"a.txt" + data
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<3H2I", 0, 0, 0, 0, 0)
    directory = b"".join(entry + b"%05d" % n for n in range(number))
    end = struct.pack("<4H2IH", 0, 0, number & 0xFFFF, number & 0xFFFF, len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end


def _nested(depth: int, data: bytes | None = None) -> bytes:
    found = zipped(_GOOD) if data is None else data
    for n in range(depth):
        found = zipped((f"{n}.zip", found))
    return found


def _spreading(depth: int, width: int) -> bytes:
    """Zips of zips: width to the power of depth files, all the same."""
    found = zipped(("a.txt", text()))
    for _ in range(depth):
        found = zipped(*((f"{n}.zip", found) for n in range(width)))
    return found


def _link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(*_GOOD)
        link = zipfile.ZipInfo("link.txt")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _twice() -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(5):
            archive.writestr(*_GOOD)
    return out.getvalue()


def _zip64(size: int) -> bytes:
    """One entry whose sizes stand in the larger fields, and are as large as those can say."""
    data, name = _deflated(text()), b"a.txt"
    extra = struct.pack("<2H2Q", 1, 16, size, len(data))
    fields = struct.pack("<5H3I2H", 45, 0, 8, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra))
    local = b"PK\x03\x04" + fields + name + extra + data
    entry = (
        b"PK\x01\x02" + struct.pack("<H", 45) + fields + struct.pack("<3H2I", 0, 0, 0, 0, 0) + name + extra
    )
    return local + entry + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(entry), len(local), 0)


def _changed(data: bytes, old: bytes, new: bytes) -> Build:
    return lambda: data.replace(old, new)


def _two() -> bytes:
    return zipped(_GOOD, ("b.html", page()))


def _zip(title: str, build: Build, *words: str, slow: bool = False) -> Case:
    return read(title, "a.zip", build, *(words or (WORD,)), slow=slow)


CASES = (
    refused("a bomb of 300 MiB", "a.zip", lambda: _raw([(b"a.txt", _huge(300), 300 * _MIB, 8)]), _LARGE),
    refused(
        "a bomb of 2 GiB", "a.zip", lambda: _raw([(b"a.txt", _huge(2047), 2047 * _MIB, 8)]), _LARGE, slow=True
    ),
    refused(
        "a bomb that says it is small", "a.zip", lambda: _raw([(b"a.txt", _huge(300), 10, 8)]), ".", slow=True
    ),
    either("a bomb that says it is nothing", "a.zip", lambda: _raw([(b"a.txt", _huge(300), 0, 8)])),
    either(
        "a bomb beside a good file",
        "a.zip",
        lambda: zipped(_GOOD, ("b.txt", bytes(60 * _MIB))),
        WORD,
        reason=_LARGE,
    ),
    either(
        "ten files of 49 MiB",
        "a.zip",
        lambda: _raw([(b"%d.txt" % n, _huge(49), 49 * _MIB, 8) for n in range(10)]),
        slow=True,
    ),
    either(
        "150 files of 1 MiB",
        "a.zip",
        lambda: _raw([(b"%d.txt" % n, _huge(1), _MIB, 8) for n in range(150)]),
        slow=True,
    ),
    either(
        "50 files that are the same bytes", "a.zip", lambda: _overlapping(50), reason=_LARGE + "|sound|text"
    ),
    either(
        "60,000 files that are the same bytes",
        "a.zip",
        lambda: _overlapping(60_000),
        reason=_LARGE + "|sound",
    ),
    either(
        "65,535 files",
        "a.zip",
        lambda: _raw([(b"%d" % n, b"\3\0", 0, 8) for n in range(65_535)]),
        reason=_LARGE,
    ),
    either(
        "100,000 files",
        "a.zip",
        lambda: _raw([(b"%d" % n, b"\3\0", 0, 8) for n in range(100_000)]),
        reason=_LARGE,
    ),
    either(
        "300 small files",
        "a.zip",
        lambda: zipped(*((f"{n}.txt", text()) for n in range(300))),
        WORD,
        reason=_LARGE,
    ),
    _zip("100 small files", lambda: zipped(*((f"{n}.txt", text()) for n in range(100)))),
    _zip(
        "a file of each format",
        lambda: zipped(*((f"a.{ending}", build()) for ending, build in sound.FILES.items())),
    ),
    either("ten zips in each other", "a.zip", lambda: _nested(10), reason="deep"),
    _zip("two zips in each other", lambda: _nested(1)),
    either("a bomb of zips in each other", "a.zip", lambda: _nested(3, zipped(("a.txt", bytes(60 * _MIB))))),
    either("a million files in zips of zips", "a.zip", lambda: _spreading(3, 100), slow=True),
    either("a thousand files in zips of zips", "a.zip", lambda: _spreading(2, 30), slow=True),
    _zip(
        "a docx bomb beside a good file",
        lambda: zipped(_GOOD, ("a.docx", docx(sound.document_xml(" " * 60 * _MIB)))),
    ),
    _zip("500,000 comments beside a good file", lambda: zipped(_GOOD, ("a.html", page("<!--" * 500_000)))),
    _zip(
        "a mail of semicolons beside a good file",
        lambda: zipped(_GOOD, ("a.eml", mail(type=b"text/plain" + b";" * 48 * 1024))),
    ),
    _zip(
        "noise beside a good file",
        lambda: zipped(_GOOD, ("a.txt", bytes(range(256)) * 99), ("b.exe", b"MZ\x90\0" + bytes(99))),
    ),
    _zip("a link", _link),
    _zip("a name that leads out", lambda: _named("../../../../etc/passwd")),
    _zip("a name from the root", lambda: _named("/etc/passwd")),
    _zip("a name with backslashes", lambda: _named("..\\..\\windows\\system.ini")),
    _zip("a name of a drive", lambda: _named("C:\\con")),
    _zip("a name with a line break and an escape", lambda: _named("a\n\x1b[31m.txt")),
    _zip("a name turned around", lambda: _named("\u202etxt.exe")),
    _zip(
        "a name with a zero byte",
        lambda: _raw(
            [
                (b"good.txt", _deflated(text()), len(text()), 8),
                (b"a\0b.txt", _deflated(text()), len(text()), 8),
            ]
        ),
    ),
    _zip("a name that is no UTF-8", lambda: _raw([(b"\xed\xe5\xff.txt", _deflated(text()), len(text()), 8)])),
    _zip("a name of 65,535 bytes", lambda: _named("a" * 65_530 + ".txt")),
    either("names that are empty", "a.zip", lambda: _raw([(b"", b"\3\0", 0, 8)] * 9)),
    _zip("one name five times", _twice),
    refused("nothing in it", "a.zip", lambda: zipped(), "."),
    refused("folders alone", "a.zip", lambda: zipped(("a/", b""), ("a/b/", b"")), "."),
    refused("programs alone", "a.zip", lambda: zipped(("a.exe", b"MZ\x90\0" + bytes(99))), "."),
    refused("encrypted", "a.zip", lambda: flagged(zipped(_GOOD), 1), "encrypted"),
    either(
        "encrypted, and another name",
        "a.zip",
        lambda: flagged(zipped(("b.txt", text())), 1),
        reason="encrypted",
    ),
    either("a method that is none", "a.zip", lambda: _raw([(b"a.txt", b"x", 1, 99)])),
    either(
        "a sum that is wrong", "a.zip", _changed(zipped(_GOOD, method=zipfile.ZIP_STORED), b"crude", b"Crude")
    ),
    either("deflated noise", "a.zip", lambda: _raw([(b"a.txt", bytes(range(256)), 999, 8)])),
    either("a size of 2^60", "a.zip", lambda: _zip64(2**60)),
    either("a size below zero", "a.zip", lambda: _zip64(2**64 - 1)),
    either(
        "sizes that are too large",
        "a.zip",
        lambda: claiming(zipped(_GOOD), 2**31),
        reason=_LARGE + "|sound|text",
    ),
    either("sizes that are too small", "a.zip", lambda: claiming(zipped(_GOOD), 3)),
    either("bzip2 in it", "a.zip", lambda: zipped(_GOOD, method=zipfile.ZIP_BZIP2), WORD),
    either("a bzip2 bomb", "a.zip", lambda: zipped(("a.txt", bytes(60 * _MIB)), method=zipfile.ZIP_BZIP2)),
    either(
        "a LZMA bomb",
        "a.zip",
        lambda: zipped(("a.txt", bytes(60 * _MIB)), method=zipfile.ZIP_LZMA),
        slow=True,
    ),
    either(
        "a directory that says there are none",
        "a.zip",
        lambda: _raw([(b"a.txt", _deflated(text()), len(text()), 8)], number=0),
    ),
    either(
        "a directory that says there are more",
        "a.zip",
        lambda: _raw([(b"a.txt", _deflated(text()), len(text()), 8)], number=60_000),
    ),
    either("a directory elsewhere", "a.zip", lambda: zipped(_GOOD)[:-6] + b"\xff\xff\xff\x7f\0\0"),
    either("two directories", "a.zip", lambda: zipped(_GOOD) + zipped(("b.txt", text())), WORD),
    either(
        "a comment of 65,535 bytes", "a.zip", lambda: zipped(_GOOD)[:-2] + b"\xff\xff" + b"x" * 65_535, WORD
    ),
    either(
        "a comment that is a directory",
        "a.zip",
        lambda: zipped(_GOOD)[:-2] + struct.pack("<H", len(zipped(_GOOD))) + zipped(_GOOD),
        WORD,
    ),
    either(
        "other names before than in its directory",
        "a.zip",
        lambda: zipped(_GOOD).replace(b"good.txt", b"evil.exe", 1),
    ),
    either("no more than its end", "a.zip", lambda: b"PK\x05\x06" + bytes(18)),
    either("no more than its start", "a.zip", lambda: b"PK\x03\x04"),
    *(either(f"cut off at {share:.0%}", "a.zip", cut_off(_two, share)) for share in (0.1, 0.5, 0.9, 0.99)),
)
