"""A package of Office Open XML ▶ its parts. It says itself which is what; names mean nothing."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from lxml import etree

from classifier.errors import UnreadableArticleError
from classifier.formats.office.sax import Walk, text_of, walk
from classifier.formats.office.zipped import Archive

_TITLE = "{http://purl.org/dc/elements/1.1/}title"


class Link(NamedTuple):
    kind: str  # the last part of its type
    part: str


class Package:
    """Which part is what: a package says so itself, names mean nothing."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.root = self.links("")

    def main(self) -> str:
        return next((link.part for link in self.root if link.kind == "officeDocument"), "word/document.xml")

    def links(self, part: str) -> list[Link]:
        folder, name = posixpath.split(part)
        xml = self._archive.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        if xml is None:
            return []
        found = _Links(folder)
        with suppress(etree.XMLSyntaxError):  # then parts have the names that they usually have
            walk(xml, found)
        return found.links


class _Links(Walk):
    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self.links: list[Link] = []

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        target = attributes.get("Target")
        if target and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            path = posixpath.normpath(posixpath.join("/", self._folder, target.replace("\\", "/")))
            self.links.append(Link(kind, path.lstrip("/")))


def linked_part(archive: Archive, links: list[Link], kind: str) -> bytes | None:
    """The part that a link of this kind leads to."""
    part = next((link.part for link in links if link.kind == kind), None)
    return archive.part(part) if part else None


def core_title(archive: Archive, package: Package) -> str:
    """The title that the file gives itself; empty where it has none."""
    try:
        xml = linked_part(archive, package.root, "core-properties")
        return text_of(xml, _TITLE) if xml else ""
    except (etree.XMLSyntaxError, UnreadableArticleError):
        return ""  # what the file says of itself is not what it was dropped for
