"""What machines are told ▶ a name on one line, and whether two of them are the same."""

from __future__ import annotations

import html
import re

from classifier.decoding import clean

_LONGEST_NAME = 100


def name_of(given: str) -> str | None:
    """A name on one line; None for an address, and for what is too long to be one."""
    name = line_of(given)
    if (
        not name
        or len(name) > _LONGEST_NAME
        or "://" in name
        or "@" in name
        or not any(map(str.isalpha, name))
    ):
        return None
    return name


def line_of(given: str) -> str:
    """It on one line, without the escapes of mark-up."""
    text = given[:2000]
    if "&" in text:  # written for a machine, and escaped once more than it is read
        text = html.unescape(re.sub(r"&#\d{8,}+;?", "", text))
    return " ".join(clean(text).split())


def is_same(one: str, other: str) -> bool:
    """Whether two names differ in nothing but blanks, marks and capitals."""
    return letters_of(one) == letters_of(other)


def letters_of(text: str) -> str:
    """Its letters and digits, in small letters."""
    return "".join(filter(str.isalnum, text.casefold()))
