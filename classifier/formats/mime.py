"""Bytes ▶ the parts of a mail, and its headers as text.

Parted by our own hand: the standard library's parser is recursive, looks every line up at every depth,
and decodes headers in quadratic time. What it knows of parameters and dates is used, on short headers.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from encodings.aliases import aliases
from functools import cached_property

from classifier.errors import UnreadableArticleError

_MOST_HEADER_BYTES = 256 * 1024  # of one part
_LONGEST_READ = 4_000  # bytes of a header, unfolded; the rest is left
_LONGEST_SENDER = 1_000
_MOST_NESTED = 20  # parts in parts
_MOST_LOOKALIKES = 50  # lines that begin like a boundary and are none, for each part that is allowed

_MEND = "save its text, or what is attached to it, and drop that"
_FIELD_NAME = re.compile(rb"[!-9;-~]{1,200}[ \t]*\Z")
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_BLANKS = b" \t\r\n"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
# Plain ASCII to whoever does not know them.
SEVEN_BITS = frozenset(
    {"utf-7", "hz", "iso2022_kr", "iso2022_jp"} | {f"iso2022_jp_{each}" for each in (1, 2, 3, "2004", "ext")}
)
_NOT_FOR_TEXT = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


@dataclass(frozen=True)
class Headers:
    """The headers of a mail or of a part of it, by their lower-case names; of several the first counts.

    `codec` is the encoding of bytes that no header may hold and many do.
    """

    fields: dict[str, bytes]
    codec: str | None = None

    def has(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str | None:
        """A header on one line, its encoded words decoded; None where it is absent or empty."""
        given = self.fields.get(name)
        if given is None:
            return None
        return " ".join(decode_words(self._characters(given)).split()) or None

    def sender(self) -> tuple[str | None, str | None]:
        """The display name and the address of From."""
        given = self.fields.get("from")
        if given is None:
            return None, None
        return sender_of(self._characters(given))

    @cached_property
    def type(self) -> str:
        """The media type, lower-case; "text/plain" where none is said."""
        return self._parameters.get_content_type()

    def parameter(self, name: str) -> str | None:
        """A parameter of Content-Type."""
        found = self._parameters.get_param(name)
        if isinstance(found, tuple):
            found = found[2]
        return found.strip() or None if isinstance(found, str) else None

    @cached_property
    def disposition(self) -> str | None:
        return self._parameters.get_content_disposition()

    @cached_property
    def file_name(self) -> str | None:
        """The last part of the name that the sender gave the file."""
        found = self._parameters.get_filename()
        if not found:
            return None
        return decode_words(found).replace("\\", "/").rpartition("/")[2].strip()[:255] or None

    @cached_property
    def transfer(self) -> str:
        """The way in which the bytes were made fit for mail, lower-case."""
        return (self.text("content-transfer-encoding") or "").lower()

    @cached_property
    def _parameters(self) -> Message:
        message = Message()
        for name in ("content-type", "content-disposition"):
            if name in self.fields:
                message[name] = self._characters(self.fields[name])
        return message

    def _characters(self, given: bytes) -> str:
        return _characters(given, self.codec or "utf-8")


@dataclass(frozen=True)
class Part:
    """A mail or a part of one. `parts` are those of a multipart, or the one mail of a message/rfc822."""

    headers: Headers
    parts: tuple[Part, ...]
    _whole: bytes = field(repr=False)
    _start: int
    _end: int

    @property
    def type(self) -> str:
        return self.headers.type

    @property
    def raw(self) -> bytes:
        """Its bytes as they stand in the mail."""
        return self._whole[self._start : self._end]

    @property
    def size(self) -> int:
        """Bytes of it as they stand in the mail."""
        return self._end - self._start

    @property
    def body(self) -> bytes:
        """Its bytes as they were before they were made fit for mail."""
        match self.headers.transfer:
            case "base64":
                return _of_base64(self.raw)
            case "quoted-printable":
                return binascii.a2b_qp(self.raw)
        return self.raw

    @property
    def codec(self) -> str | None:
        """The encoding that its text says it is in, where there is such a one."""
        return sound_codec(self.headers.parameter("charset"))

    def walk(self) -> Iterator[Part]:
        """It and all parts in it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read(data: bytes, most: int) -> Part:
    """The parts of a mail. Raises UnreadableArticleError where there are more than `most`, say.

    A mail that is not as it should be (no blank line after its headers, no end of a part) is read as
    far as can be.
    """
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    return _Parser(data, most).part(0, len(data), 0)


def sound_codec(name: str | None) -> str | None:
    """The codec of an encoding's name; None where there is none, or it is not one for text."""
    if not name or len(name) > 40 or "\0" in name:
        return None
    try:
        found = codecs.lookup(name.strip("'\" "))
    except (LookupError, UnicodeError, ValueError):
        return None
    is_for_text = getattr(found, "_is_text_encoding", True)
    return found.name if is_for_text and found.name.replace("-", "_") not in _NOT_FOR_TEXT else None


def decode_words(text: str) -> str:
    """Text with the encoded words of RFC 2047 in it decoded, those that are broken as far as they go."""
    words: list[str] = []
    end, codec, held = 0, "", b""
    for match in _ENCODED_WORD.finditer(text):
        between = text[end : match.start()]
        given = sound_codec(match[1]) or "utf-8"
        if held and (between.strip() or given != codec):
            words.append(_characters(held, codec))
            held = b""
        if between.strip() or not end:
            words.append(between)
        # Of one encoding and side by side they are one: a letter's bytes may be in both.
        held += _of_word(match[2], match[3])
        codec, end = given, match.end()
    if held:
        words.append(_characters(held, codec))
    words.append(text[end:])
    return "".join(words)


def sender_of(text: str) -> tuple[str | None, str | None]:
    """The display name and the address of a sender."""
    # Parted before its words are decoded: a name may hold a comma or an angle.
    try:
        name, address = parseaddr(text[:_LONGEST_SENDER])
    except RecursionError:  # comments in comments
        return None, None
    return " ".join(decode_words(name).split()) or None, address if "@" in address else None


def moment(text: str | None) -> str | None:
    """A date as mails and feeds write it (RFC 5322) ▶ ISO 8601 with its zone where it has one."""
    if not text or len(text) > 200:
        return None
    try:
        found: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.isoformat() if 1980 <= found.year <= 2100 else None


def warm() -> None:
    """Load the codecs that a mail may name."""
    for name in set(aliases.values()) | {"utf-8-sig", "cp720", "koi8_u", "koi8_t", "cp1125"}:
        sound_codec(name)
    mail = (
        b"From: =?utf-8?q?a?= <a@b>\nDate: Sat, 07 Mar 2026 12:00:00 +0500\nContent-Type: text/plain;"
        b" charset*=utf-8''utf-8; name*0*=utf-8''%41; name*1=b\nContent-Transfer-Encoding: base64\n\nYQ=="
    )
    part = read(mail, 1)
    _ = (
        part.headers.sender(),
        moment(part.headers.text("date")),
        part.headers.file_name,
        part.codec,
        part.body,
    )


class _Parser:
    """Reads one mail, and counts its parts."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = data
        self._most = most
        self._left = most
        self._looks_left = most * _MOST_LOOKALIKES

    def part(self, start: int, end: int, depth: int, default: str | None = None) -> Part:
        self._left -= 1
        if self._left < 0:
            raise UnreadableArticleError(f"too many parts: more than {self._most}", _MEND)
        if depth > _MOST_NESTED:
            raise UnreadableArticleError("its parts are nested too deep", _MEND)
        fields, body = self._headers(start, end)
        if default and "content-type" not in fields:
            fields["content-type"] = default.encode()
        headers = Headers(fields, sound_codec(Headers(fields).parameter("charset")))
        parts: tuple[Part, ...] = ()
        if headers.type.startswith("multipart/"):
            default = "message/rfc822" if headers.type == "multipart/digest" else None
            bounds = self._bounds(headers.parameter("boundary"), body, end)
            parts = tuple(self.part(*each, depth + 1, default) for each in bounds)
        elif headers.type == "message/rfc822" and headers.transfer not in ("base64", "quoted-printable"):
            parts = (self.part(body, end, depth + 1),)
        return Part(headers, parts, self._data, body, end)

    def _headers(self, start: int, end: int) -> tuple[dict[str, bytes], int]:
        """The headers, and where the body begins: behind a blank line, or at what is no header."""
        found: dict[str, bytes] = {}
        lines: list[bytes] = []
        place = start
        last = min(end, start + _MOST_HEADER_BYTES)
        while place < end:
            stop = self._data.find(b"\n", place, last)
            if stop < 0:
                if last < end and (lines or _name(self._data[place : place + 300])):
                    raise UnreadableArticleError("headers too long", _MEND)
                stop = end
            line = self._data[place:stop].rstrip(b"\r")
            if not line.strip(_BLANKS):
                _keep(found, lines)
                return found, stop + 1
            if line[:1] in (b" ", b"\t") and lines:
                lines.append(line)
            elif _name(line):
                _keep(found, lines)
                lines = [line]
            elif not (place == start and line.startswith((b"From ", b">From "))):
                break
            place = stop + 1
        _keep(found, lines)
        return found, min(place, end)

    def _bounds(self, boundary: str | None, start: int, end: int) -> list[tuple[int, int]]:
        """Where each part begins and ends; the last one where its end is missing too."""
        if not boundary:
            return []
        mark = b"--" + boundary.encode("utf-8", "replace")[:200]
        found: list[tuple[int, int]] = []
        opened: int | None = None
        for begins, stops, is_last in self._marks(mark, start, end):
            if opened is not None:
                found.append((opened, max(opened, begins)))
                if len(found) > self._left:
                    break  # too many: whoever reads them will say so
            opened = None if is_last else stops
            if is_last:
                break
        if opened is not None:
            found.append((opened, end))
        return found

    def _marks(self, mark: bytes, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """Of each boundary: where the line before it ends, where the next begins, whether it is the last."""
        data = self._data
        place = data.find(mark, start, end)
        while place >= 0:
            stop = data.find(b"\n", place, end)
            stop = end if stop < 0 else stop
            rest = data[place + len(mark) : min(stop, place + len(mark) + 200)].strip(_BLANKS)
            if rest in (b"", b"--") and (place == start or data[place - 1 : place] == b"\n"):
                before = place - 1
                if data[before - 1 : before] == b"\r":
                    before -= 1
                yield before, min(stop + 1, end), rest == b"--"
            else:
                self._looks_left -= 1
                if self._looks_left < 0:
                    raise UnreadableArticleError("too many parts", _MEND)
            place = data.find(mark, place + len(mark), end)


def _name(line: bytes) -> str | None:
    """The name of a header, where the line begins one."""
    name, colon, _ = line[:300].partition(b":")
    return name.strip().decode("ascii").lower() if colon and _FIELD_NAME.match(name) else None


def _keep(found: dict[str, bytes], lines: list[bytes]) -> None:
    """Add the header of these lines, unfolded, unless one of its name is there."""
    name = _name(lines[0]) if lines else None
    if name is None:
        return
    # Who sends to a thousand receivers sends an article all the same: a long header is cut.
    whole = b" ".join(line.strip(_BLANKS) for line in lines)[:_LONGEST_READ]
    found.setdefault(name, whole.partition(b":")[2].strip())


def _of_base64(data: bytes) -> bytes:
    if data.count(b" ") * 20 > len(data):
        return data  # it says that it is and is not: words have blanks between them
    bare = data.translate(None, _NOT_BASE64)
    for given in (bare, bare + b"==", bare[:-1] + b"=="):
        try:
            return binascii.a2b_base64(given)
        except binascii.Error:
            continue
    return data


def _characters(given: bytes, codec: str) -> str:
    """What bytes say in UTF-8, which hardly anything else is by chance, or in the encoding named for them."""
    for each in (codec,) if codec in SEVEN_BITS else ("utf-8", codec):
        with suppress(UnicodeError):
            return given.decode(each)
    return given.decode(codec, "replace")


def _of_word(encoding: str, given: str) -> bytes:
    data = given.encode("utf-8", "replace")
    return binascii.a2b_qp(data, header=True) if encoding in "qQ" else _of_base64(data)
