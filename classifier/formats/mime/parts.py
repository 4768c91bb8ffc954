"""The parts of a mail, one in the other."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from classifier.formats.mime.coding import of_base64, sound_codec
from classifier.formats.mime.headers import Headers


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
                return of_base64(self.raw)
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
