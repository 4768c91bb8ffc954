"""The parts of a mail ▶ what is its text, what is attached to it, and the mails that it passes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from classifier.formats.mime.parts import Part

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
# What programs say to each other; nobody misses it.
_SILENT = frozenset(
    """
    text/calendar application/ics text/vcard text/x-vcard text/directory text/x-amp-html text/watch-html
    application/pgp-signature application/pkcs7-signature application/x-pkcs7-signature application/pgp-keys
    application/pgp-encrypted message/delivery-status message/disposition-notification
    message/feedback-report text/rfc822-headers
    """.split()
)
_SILENT_ENDINGS = (".ics", ".vcf", ".vcs", ".p7s", ".asc", ".sig")


@dataclass(frozen=True, slots=True)
class Body:
    """One text of a mail, as plain text, as web page or as both."""

    plain: tuple[Part, ...]
    pages: tuple[Part, ...]


@dataclass(slots=True)
class Gathered:
    """What a mail consists of, each in its order."""

    bodies: list[Body] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    mails: list[Part] = field(default_factory=list)
    is_encrypted: bool = False

    def take(self, part: Part, *, related: bool = False) -> None:
        """Add a part and all in it. `related`: it belongs to a web page, as its pictures do."""
        if part.type in _ENCRYPTED:
            self.is_encrypted = True
        elif part.type == "message/rfc822":
            self.mails.append(part)
        elif part.type == "multipart/alternative" and part.parts:
            self._take_alternatives(part)
        elif part.parts:
            for each in part.parts:
                self.take(each, related=related or part.type == "multipart/related")
        elif not _is_silent(part):
            self._take_leaf(part, related)

    def _take_alternatives(self, part: Part) -> None:
        inner = Gathered()
        for each in part.parts:
            inner.take(each)
        plain = tuple(each for body in inner.bodies for each in body.plain)
        pages = tuple(each for body in inner.bodies for each in body.pages)
        if plain or pages:
            self.bodies.append(Body(plain, pages))
        self.files += inner.files
        self.mails += inner.mails
        self.is_encrypted |= inner.is_encrypted

    def _take_leaf(self, part: Part, related: bool) -> None:
        headers = part.headers
        # Texts that are attached are often marked as inline; the mail's own text has a name now and then.
        is_text = headers.disposition != "attachment" and not (headers.file_name and self.bodies)
        if is_text and (part.type == "text/plain" or part.type.startswith("multipart/")):
            self.bodies.append(Body((part,), ()))
        elif is_text and part.type in _PAGES:
            self.bodies.append(Body((), (part,)))
        elif not (related and part.type.startswith("image/") and headers.disposition != "attachment"):
            self.files.append(part)


def gather(mail: Part) -> Gathered:
    found = Gathered()
    found.take(mail)
    return found


def _is_silent(part: Part) -> bool:
    return part.type in _SILENT or (part.headers.file_name or "").lower().endswith(_SILENT_ENDINGS)
