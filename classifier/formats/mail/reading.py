"""A mail ▶ its articles: its own text, the mails that it passes on, and what is attached to it.

A cover note, and a text that also stands in another of the same mail, are no articles of their own:
one release is to raise one alert.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from classifier import decoding
from classifier.articles import Article, Contents, shorten
from classifier.decoding import Decoded
from classifier.errors import UnreadableArticleError
from classifier.formats.heading import article_of
from classifier.formats.mail import heads
from classifier.formats.mail.notes import is_note, kind_of
from classifier.formats.mail.parts import Body, gather
from classifier.formats.mail.repeats import repeats
from classifier.formats.mail.texts import MailText, of_lines, of_plain
from classifier.formats.mime import parting
from classifier.formats.mime.coding import SEVEN_BITS, sound_codec
from classifier.formats.mime.headers import moment, sender_of
from classifier.formats.mime.parts import Part
from classifier.formats.ways import Way
from classifier.formats.web import html

_MEND = "save its text, or what is attached to it, and drop that"

_SURELY_TEXT = 2000  # letters; a plain text so long is no "see it in your browser"
_STUB = 0.5  # of the web page's letters: a plain text with fewer is not the mail's text
_ADDRESS = re.compile(r"https?://\S{1,2000}")
_PGP_MESSAGE = "-----BEGIN PGP MESSAGE-----"


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of a mail, in order; at least one. Raises UnreadableArticleError."""
    return contents(parting.read(data, way.rules.limits.parts), way)


def warm() -> None:
    """Load the codecs, and what reads the text of a mail."""
    parting.warm()
    html.warm()
    for text in ("Цена на нефть выросла. " * 8).encode("cp1251"), "سعر النفط ارتفع اليوم".encode("cp1256"):
        decoding.decode(text)
    of_plain("a\n> b\n-- \nc", answers=True, flowed=True)


def contents(mail: Part, way: Way) -> Contents:
    """What a mail holds. Raises UnreadableArticleError where that is no article."""
    return _Mail(mail, way).contents()


class _Mail:
    """A mail while it is read."""

    def __init__(self, mail: Part, way: Way) -> None:
        self._way = way
        self._gathered = gather(mail)
        self._headers = replace(mail.headers, codec=self._codec(mail))
        self._head = heads.head_of(self._headers)
        self._left_out: list[str] = []
        self._room = way.rules.limits.characters

    def contents(self) -> Contents:
        own = self._own()
        others: list[tuple[str, Article]] = []
        for number, part in enumerate(self._gathered.mails, 1):
            self._take(others, part.headers.file_name or f"forwarded mail {number}", part, self._passed_on)
        for number, part in enumerate(self._gathered.files, 1):
            self._take(others, part.headers.file_name or f"attachment {number}", part, self._attached)
        if self._gathered.is_encrypted:
            self._left_out.append("a part of it: encrypted")
        articles = self._each_once(own, others)
        if not articles:
            raise self._nothing()
        return Contents(tuple(articles), tuple(self._left_out))

    def _nothing(self) -> UnreadableArticleError:
        if self._gathered.is_encrypted:
            return UnreadableArticleError("encrypted", "drop its text as it is after decryption")
        if self._left_out:
            return UnreadableArticleError(f"no text; {self._left_out[0]}", _MEND)
        return UnreadableArticleError("no text", "drop it again when there is text in it")

    # The mail's own text

    def _own(self) -> Article | None:
        texts = [found for body in self._gathered.bodies if (found := self._text(body))]
        lines = [line for text, _ in texts for line in text.paragraphs]
        if any(line.startswith(_PGP_MESSAGE) for line in lines):
            self._gathered.is_encrypted = True
            return None
        is_alone = not (self._gathered.files or self._gathered.mails or self._gathered.is_encrypted)
        title = self._head.title
        if not (lines or (title and is_alone and not self._left_out)):
            return None
        caveats = dict.fromkeys(self._head.caveats)
        caveats |= dict.fromkeys(each for text, more in texts for each in (*text.caveats, *more))
        text = "\n".join(lines) or title or ""
        self._fit(text)
        date, source = self._head.date, self._head.source
        forwarded = next((text.forwarded for text, _ in texts if text.forwarded), None)
        if forwarded:
            date, source = (
                moment(forwarded.date),
                heads.source_of(*sender_of(forwarded.sender or "")),
            )
        return replace(article_of(text, title=title, date=date, caveats=tuple(caveats)), source=source)

    def _text(self, body: Body) -> tuple[MailText, tuple[str, ...]] | None:
        """The plain text, or the web page where the plain one is only a stub, and caveats."""
        plain = self._all(body.plain, self._of_plain)
        if not body.pages:
            return plain
        letters = _letters(plain)
        if letters > _SURELY_TEXT:
            return plain
        page = self._all(body.pages, self._of_page)
        return plain if plain and letters >= _STUB * _letters(page) else page or plain

    def _all(
        self, parts: Sequence[Part], read: Callable[[str, Part], MailText]
    ) -> tuple[MailText, tuple[str, ...]] | None:
        found: list[MailText] = []
        caveats: list[str] = []
        for part in parts:
            data = part.body
            if not data.strip():
                continue
            try:
                decoded = _decoded(data, part.codec)
            except UnreadableArticleError as failure:
                if failure.reason != "empty":
                    self._left_out.append(f"a text of it: {failure.reason}")
                continue
            found.append(read(decoded.text, part))
            caveats += decoded.caveats
        lines = tuple(line for text in found for line in text.paragraphs)
        if not lines:
            return None
        caveats += [each for text in found for each in text.caveats]
        forwarded = next((text.forwarded for text in found if text.forwarded), None)
        return MailText(lines, forwarded), tuple(dict.fromkeys(caveats))

    def _of_plain(self, text: str, part: Part) -> MailText:
        flowed = (part.headers.parameter("format") or "").lower() == "flowed"
        glued = (part.headers.parameter("delsp") or "").lower() == "yes"
        return of_plain(text, answers=self._head.answers, flowed=flowed, glued=glued)

    def _of_page(self, text: str, part: Part) -> MailText:
        return of_lines(html.fragment(text), answers=self._head.answers)

    def _fit(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            most = self._way.rules.limits.characters
            raise UnreadableArticleError(f"longer than {most:,} characters", _MEND)

    # What comes with it

    def _take(
        self,
        others: list[tuple[str, Article]],
        name: str,
        part: Part,
        read: Callable[[Part, str], Contents],
    ) -> None:
        """Read a part that holds articles; one that does not costs the others nothing."""
        try:
            found = read(part, name)
            for article in found.articles:
                self._fit(article.text)
        except UnreadableArticleError as failure:
            self._left_out.append(f"{name}: {failure.reason}")
            return
        except MemoryError:
            raise
        except Exception as error:  # whatever a parser makes of a hostile file, the mail is sound
            self._left_out.append(f"{name}: not a sound file: {type(error).__name__}")
            return
        others += [(name, self._of_this(article)) for article in found.articles]
        self._left_out += [f"{name}: {line}" for line in found.left_out]

    def _of_this(self, article: Article) -> Article:
        """An article that came with a mail is as new as the mail, and from whom the mail is."""
        return replace(
            article, date=article.date or self._head.date, source=article.source or self._head.source
        )

    def _passed_on(self, part: Part, name: str) -> Contents:
        if part.parts:
            return contents(part.parts[0], self._way)
        limits = self._way.rules.limits
        if self._way.depth >= limits.depth:
            raise UnreadableArticleError("packed too deep", _MEND)
        return contents(parting.read(part.body, limits.parts), replace(self._way, depth=self._way.depth + 1))

    def _attached(self, part: Part, name: str) -> Contents:
        kind = kind_of(part, name)
        if kind:
            raise UnreadableArticleError(kind, _MEND)
        if part.size > 2 * self._way.rules.limits.part_mib * 2**20:
            raise UnreadableArticleError("too large", _MEND)
        data = part.body
        if not data:
            raise UnreadableArticleError("empty", _MEND)
        if part.type.startswith("text/") and part.codec not in (None, "utf-8", "ascii"):
            # The file itself does not say what its encoding is; the mail does.
            data = b"\xef\xbb\xbf" + _decoded(data, part.codec).text.encode()
        return self._way.inside(data, name)

    def _each_once(self, own: Article | None, others: list[tuple[str, Article]]) -> list[Article]:
        """The articles of which none is a cover note or stands in another; those left out are named."""
        if own and others and is_note(own):
            self._left_out.append(f"a cover note: {shorten(' '.join(own.text.split()), 1000)}")
            own = None
        named = [("the mail's own text", own)] if own else []
        named += others
        if len(named) < 2:
            return [article for _, article in named]
        repeated = repeats([article.text for _, article in named])
        for number, whole in repeated.items():
            self._left_out.append(f"{named[number][0]}: stands in {named[whole][0]}")
        return [article for number, (_, article) in enumerate(named) if number not in repeated]

    def _codec(self, mail: Part) -> str | None:
        """The encoding of headers that do not name one: that of the mail's text."""
        parts = [part for body in self._gathered.bodies for part in (*body.plain, *body.pages)]
        declared = next((part.codec for part in parts if part.codec not in (None, "ascii")), None)
        head = b"\n".join(mail.headers.fields.get(name, b"") for name in ("subject", "from"))
        if declared or head.isascii():
            return declared
        try:
            found = decoding.decode(b"\n".join([head, *(part.body[:20_000] for part in parts[:3])]))
        except UnreadableArticleError:
            return None
        return sound_codec(found.encoding)


def _decoded(data: bytes, codec: str | None) -> Decoded:
    if codec in SEVEN_BITS:
        return Decoded(decoding.clean(data.decode(codec, "replace")), codec)
    return decoding.decode(data, codec)


def _letters(text: tuple[MailText, tuple[str, ...]] | None) -> int:
    """Letters of a text without its addresses, which a plain text has and a page hides."""
    if text is None:
        return 0
    return sum(sum(map(str.isalpha, _ADDRESS.sub("", line))) for line in text[0].paragraphs)
