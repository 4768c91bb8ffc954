"""Bytes ▶ the parts of a mail, each with its headers; each line is looked at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from encodings.aliases import aliases

from classifier.errors import UnreadableArticleError
from classifier.formats.mime.coding import sound_codec
from classifier.formats.mime.headers import Headers, moment
from classifier.formats.mime.parts import Part

_MOST_HEADER_BYTES = 256 * 1024  # of one part
_LONGEST_READ = 4_000  # bytes of a header, unfolded; the rest is left
_MOST_NESTED = 20  # parts in parts
_MOST_LOOKALIKES = 50  # lines that begin like a boundary and are none, for each part that is allowed

_MEND = "save its text, or what is attached to it, and drop that"
_FIELD_NAME = re.compile(rb"[!-9;-~]{1,200}[ \t]*\Z")
_BLANKS = b" \t\r\n"


def read(data: bytes, most: int) -> Part:
    """The parts of a mail. Raises UnreadableArticleError where there are more than `most`, say.

    A mail that is not as it should be (no blank line after its headers, no end of a part) is read as
    far as can be.
    """
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    return _Parser(data, most).part(0, len(data), 0)


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
