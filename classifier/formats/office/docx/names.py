"""The names of elements and attributes in Word's XML, which has two spaces for them."""

from __future__ import annotations

from collections.abc import Mapping

WORD = (
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",  # strict
)
MATH = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/math}",
    "{http://purl.oclc.org/ooxml/officeDocument/math}",
)
EITHER = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


def attribute(attributes: Mapping[str, str], name: str) -> str:
    """What one of Word's attributes says; empty where it is absent."""
    for space in WORD:
        found = attributes.get(space + name)
        if found is not None:
            return found
    return ""


def spaced(spaces: tuple[str, ...], names: str) -> frozenset[str]:
    """Each of the names in each of the spaces."""
    return frozenset(space + name for space in spaces for name in names.split())
