"""The headers of a mail or of a part of it ▶ what they say, as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from functools import cached_property

from classifier.formats.mime.coding import characters, decode_words

_LONGEST_SENDER = 1_000


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
        return characters(given, self.codec or "utf-8")


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
