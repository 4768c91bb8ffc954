"""The first bytes of a file ▶ the word for what it is that is no text, or a start that can be searched."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from classifier.errors import UnreadableArticleError

LOOKED_AT = 8192  # bytes
LONGEST_PROLOG = 256 * 1024  # bytes of comments and declarations before the first tag

_MEND = "save it as text, PDF, web page or document and drop it again"
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZERO = b"\0"

# Those that begin with letters go on with a byte that no text has there: "MZ" and "BM" open words too.
_STARTS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"8BPS\0", "a picture"),
    (b"\0\0\1\0", "a picture"),
    (b"\0\0\2\0", "a picture"),
    (b"\0\0\0\x0cjP  ", "a picture"),
    (b"\xff\x0a", "a picture"),
    (b"AT&TFORM", "a scanned book"),
    (b"\x7fELF", "a program"),
    (b"\xfe\xed\xfa\xce", "a program"),
    (b"\xfe\xed\xfa\xcf", "a program"),
    (b"\xce\xfa\xed\xfe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\0asm", "a program"),
    (b"dex\n0", "a program"),
    (b"L\0\0\0\1\x14\2\0", "a shortcut"),
    (b"[InternetShortcut]", "a shortcut"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1f\x9d", "a compress archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x04\x22\x4d\x18", "an lz4 archive"),
    (b"Rar!\x1a", "a rar archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"MSCF\0", "a cab archive"),
    (b"!<arch>\n", "an ar archive"),
    (b"SQLite format 3\0", "a database"),
    (b"\0\1\0\0Standard", "a database"),
    (b"OggS\0", "a sound"),
    (b"fLaC\0", "a sound"),
    (b"MThd\0", "a sound"),
    (b"#!AMR", "a sound"),
    (b"FLV\1", "a film"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"\0\0\1\xba", "a film"),
    (b"\0\0\1\xb3", "a film"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a film"),
    (b"OTTO\0", "a font"),
    (b"ttcf\0", "a font"),
    (b"wOFF\0", "a font"),
    (b"wOFF\1", "a font"),
    (b"wOF2\0", "a font"),
    (b"wOF2\1", "a font"),
    (b"\0\1\0\0\0", "a font"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"ITSF\3", "a help file"),
    (b"bplist0", "a web archive of Safari"),
    (b"WARC/", "a web archive"),
    (b"\x78\x9f\x3e\x22", "an Outlook attachment (winmail.dat)"),
)
_BY_FIRST_BYTE: dict[int, list[tuple[bytes, str]]] = {}
for _start, _kind in _STARTS:
    _BY_FIRST_BYTE.setdefault(_start[0], []).append((_start, _kind))
_BY_FIRST_BYTE = {first: sorted(each, key=lambda one: -len(one[0])) for first, each in _BY_FIRST_BYTE.items()}

_SOUND_FRAMES = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1")
_SURE_BY_MORE: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], bool], str], ...] = (
    (b"MZ", lambda data: _ZERO in data[2:64], "a program"),
    (b"BM", lambda data: data[6:10] == b"\0\0\0\0", "a picture"),
    (b"BZh", lambda data: data[4:7] in (b"1AY", b"\x17\x72\x45"), "a bzip2 archive"),
    (b"ID3", lambda data: data[3:4] < b"\x10", "a sound"),
    (_SOUND_FRAMES, lambda data: _ZERO in data[:512], "a sound"),
)
_FIRST_OF_MORE = b"MBIR\xff\xd0"
_FORMS_OF_RIFF = {b"WEBP": "a picture", b"WAVE": "a sound", b"AVI ": "a film"}
_PICTURE_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})

# Names of streams in an old office file, as its directory has them.
_STREAMS = (
    ("EncryptedPackage", "an encrypted office document"),
    ("WordDocument", "an old Word document (.doc)"),
    ("Workbook", "an old Excel table (.xls)"),
    ("PowerPoint Document", "old PowerPoint slides (.ppt)"),
    ("__properties_version1.0", "an Outlook message (.msg)"),
)
_ENTRIES_LOOKED_AT = 64 * 128  # bytes of that directory


def kind_of(data: bytes) -> str | None:
    """What a file is that is surely no text, in a few words; None where it may be an article.

    A zip, which may hold articles, is none of these. Costs under a microsecond for a text.
    """
    for start, kind in _BY_FIRST_BYTE.get(data[0] if data else 0, ()):
        if data.startswith(start):
            return kind
    if data[257:262] == b"ustar":
        return "a tar archive"
    return _of_more_bytes(data)


def refused(kind: str) -> UnreadableArticleError:
    """What is raised for a file of a kind that is no text."""
    return UnreadableArticleError(f"not text but {kind}", _MEND)


def readable(data: bytes, most: int = LOOKED_AT) -> str:
    """The start of a text so that mark-up can be recognised in it, whatever its encoding."""
    head = data[:most]
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").decode("latin-1")


def _of_more_bytes(data: bytes) -> str | None:
    """Kinds that the first bytes alone do not tell from a text."""
    if data[:1] in _FIRST_OF_MORE:
        for start, is_one, kind in _SURE_BY_MORE:
            if data.startswith(start) and is_one(data):
                return kind
        if data.startswith(b"RIFF"):
            return _FORMS_OF_RIFF.get(data[8:12])
        if data.startswith(_OLD_OFFICE):
            return _of_old_office(data)
    if data[60:68] == b"BOOKMOBI":
        return "an e-book"
    if data[4:8] == b"ftyp" and _ZERO in data[:4]:
        return "a picture" if data[8:12] in _PICTURE_BRANDS else "a film"
    return None


def _of_old_office(data: bytes) -> str:
    """By the names in its directory, whose place stands at byte 48; sectors are 512 bytes or 4096."""
    sector = 1 << min(int.from_bytes(data[30:32], "little"), 12)
    place = (int.from_bytes(data[48:52], "little") + 1) * sector
    directory = data[place : place + _ENTRIES_LOOKED_AT]
    for name, kind in _STREAMS:
        if name.encode("utf-16-le") in directory:
            return kind
    return "an old office document"
