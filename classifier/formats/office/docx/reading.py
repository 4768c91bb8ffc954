"""A docx file ▶ an article."""

from __future__ import annotations

from lxml import etree

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.office import zipped
from classifier.formats.office.docx.body import MEND, Body
from classifier.formats.office.docx.packages import Link, Package, core_title, linked_part
from classifier.formats.office.docx.styles import styles_of
from classifier.formats.office.paragraphs import Paragraph, article_of
from classifier.formats.office.sax import text_of, walk
from classifier.formats.office.zipped import Archive
from classifier.formats.ways import Way


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    return read_package(Archive(data, way), way)


def read_package(archive: Archive, way: Way) -> Contents:
    """The article of a document whose archive is open. Raises UnreadableArticleError."""
    package = Package(archive)
    part = package.main()
    xml = archive.part(part)
    if xml is None:
        raise UnreadableArticleError("not a sound docx file: its text is missing", MEND)
    links = package.links(part)
    caveats: list[str] = []
    notes = {kind: _notes(archive, links, kind, way, caveats) for kind in ("footnote", "endnote")}
    body = Body(way, styles_of(archive, links), notes)
    walk(xml, body)
    if body.has_foreign:
        caveats.append("left out: a part of it in another format")
    article = article_of(
        body.flow.paragraphs, way, core_title=core_title(archive, package), caveats=tuple(caveats)
    )
    return Contents((article,))


def is_package(archive: Archive) -> bool:
    """Whether an archive is an office document of this family, be it text or not."""
    return any(entry.path.lower() == "[content_types].xml" for entry in archive.entries)


def warm() -> None:
    """Load the parser and the codecs."""
    zipped.warm()
    text_of(b"<a>one</a>", "a")


def _notes(
    archive: Archive, links: list[Link], kind: str, way: Way, caveats: list[str]
) -> dict[str, list[Paragraph]]:
    try:
        xml = linked_part(archive, links, f"{kind}s")
        if xml is None:
            return {}
        body = Body(way, {}, {})
        walk(xml, body)
    except (etree.XMLSyntaxError, UnreadableArticleError):
        caveats.append(f"left out: its {kind}s, which cannot be read")
        return {}
    return body.own_notes
