"""A PDF that was cut off, or lost its table of contents ▶ one that can be opened, of the pages it has."""

from __future__ import annotations

import re

_MOST_OBJECTS = 200_000
_LOOKED_AT = 2000  # bytes of an object
_LARGEST_NUMBER = 4_000_000

_OBJECT = re.compile(rb"\b(\d{1,7})[ \t\r\n]{1,4}\d{1,5}[ \t\r\n]{1,4}obj\b")
_IS_PAGE = re.compile(rb"/Type[ \t\r\n]{0,4}/Page(?![A-Za-z])")
_IS_LOCKED = re.compile(rb"/Encrypt[ \t\r\n]{0,4}\d")


def mended(data: bytes) -> bytes | None:
    """The file with a new catalogue of all pages in it; None where there are none, or where it is locked."""
    found = _objects(data)
    pages = [number for number, body in found if _IS_PAGE.search(body)]
    if not pages or _IS_LOCKED.search(data):
        return None
    free = max(number for number, _ in found) + 1
    kids = b" ".join(b"%d 0 R" % number for number in dict.fromkeys(pages))
    return b"%s\nendstream\nendobj\n%d 0 obj\n<</Type/Catalog /Pages %d 0 R>>\nendobj\n%s%s" % (
        data,
        free,
        free + 1,
        b"%d 0 obj\n<</Type/Pages /Count %d /Kids [%s]>>\nendobj\n" % (free + 1, len(set(pages)), kids),
        b"trailer\n<</Root %d 0 R>>\n%%%%EOF\n" % free,
    )


def _objects(data: bytes) -> list[tuple[int, bytes]]:
    """The number of each object, and what it begins with."""
    found: list[tuple[int, bytes]] = []
    last = None
    for match in _OBJECT.finditer(data):
        if last:
            found.append((int(last[1]), data[last.end() : min(match.start(), last.end() + _LOOKED_AT)]))
        if len(found) >= _MOST_OBJECTS:
            break
        last = match
    if last:
        found.append((int(last[1]), data[last.end() : last.end() + _LOOKED_AT]))
    return [each for each in found if each[0] < _LARGEST_NUMBER]
