"""Where an article stands on the web, if it says so itself. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# A line of its own with an address and no more, as feeds and saved pages leave it.
_LINE = re.compile(r"(?:[^\W\d_]{3,12}\s?:\s*)?(https?://[!-;=?-~]{4,1000})", re.IGNORECASE)
_FIRST, _LAST = 4, 4  # lines


def address(text: str) -> str | None:
    """The web address that stands alone in one of an article's first or last lines, if there is just one.

    It is as the article gives it: http or https, ASCII, without a name and password.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    near = lines if len(lines) <= _FIRST + _LAST else lines[:_FIRST] + lines[-_LAST:]
    found = {match[1] for line in near if (match := _LINE.fullmatch(line))}
    [only] = found if len(found) == 1 else {None}
    return only if only is not None and _is_sound(only) else None


def sound(given: str | None) -> str | None:
    """An address that a page or a feed gives for itself, where it is one as `address` finds them."""
    found = _LINE.fullmatch(given) if given is not None else None
    return found[1] if found is not None and _is_sound(found[1]) else None


def _is_sound(found: str) -> bool:
    try:
        parts = urlsplit(found)
        return bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False
