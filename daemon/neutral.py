"""Article text made harmless for Slack: it pings nobody, formats nothing and links nowhere.

Slack reads `&`, `<` and `>` as its own signs (docs.slack.dev, formatting message text); which others it
acts upon was measured with two parsers that others wrote.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from classifier import shorten

# An invisible joint behind a sign keeps a reader from seeing a mention or an address in it.
JOINT = "\u200b"

# Controls that are no blanks, what turns the direction of a text, invisible tags, halves of pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
# Signs that pair up around a text have no invisible remedy: any two backticks make code of what is between.
# So they become their likenesses. An underscore inside a word stays, for a file's name is copied.
_LIKENESSES = str.maketrans({"*": "\u2217", "`": "\u02cb", "~": "\u223c", "\\": "\u2216"})
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_EMOJI = re.compile(r":(?=\S*:)")
_MENTION = re.compile(r"[@#](?=\S)|:(?=//)")
# Before what may be the end of a host's name. The endings of files are none, and a file's name is copied.
_DOT = re.compile(r"(?<=\w)\.(?=[^\W\d_]{2})(?!(?:txt|html?|pdf|docx|eml|xml|jsonl?)\b)")
_QUOTED = "&gt;"  # at the start of a line it makes a block quote

_NOT_IN_A_LINK = re.compile(r"[\s|<>\"\\^`{}*~@]")
LONGEST_LINK = 500

_RIGHT_TO_LEFT = ("\u2067", "\u2069")  # RLI, PDI: Unicode Standard Annex 9
_LEFT_TO_RIGHT = ("\u2066", "\u2069")  # LRI, PDI


class Room(NamedTuple):
    """How many characters a text may have as it is read, and bytes of UTF-8 as it is sent."""

    read: int
    sent: int

    def part(self, share: float) -> Room:
        return Room(max(12, int(self.read * share)), max(36, int(self.sent * share)))


def cleaned(text: str) -> str:
    """`text` on one line, without controls and without what turns its direction."""
    return " ".join(_UNSEEN.sub("", text).split())


def unmarked(text: str) -> str:
    """`text` without signs that format it, name an emoji or somebody, or make a link."""
    found = _UNDERSCORE.sub("\u02cd", text.translate(_LIKENESSES))
    found = _MENTION.sub(rf"\g<0>{JOINT}", _EMOJI.sub("\u2236", found))
    return _DOT.sub(f".{JOINT}", found)


def neutral(text: str) -> str:
    """Article text for mrkdwn and `text`. Cut before, never after: an entity must not be cut in two."""
    found = unmarked(cleaned(text))
    for character, entity in _ENTITIES:
        found = found.replace(character, entity)
    return JOINT + found if found.startswith(_QUOTED) else found


def fitted(text: str, room: Room) -> str:
    """`text` neutral and cut to the room there is."""
    whole, read = cleaned(text), room.read
    found = neutral(shorten(whole, read))
    while (size := len(found.encode())) > room.sent and read > 1:
        read = max(1, min(read - 1, read * room.sent // size))
        found = neutral(shorten(whole, read))
    return found


def directed(text: str) -> str:
    """`text` so that its direction and that of what stands around it leave each other alone."""
    strong = [kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")]
    if not any(kind != "L" for kind in strong):
        return text
    start, end = _LEFT_TO_RIGHT if strong[0] == "L" else _RIGHT_TO_LEFT
    return f"{start}{text}{end}"


def quoted(text: str) -> str:
    """A directed text in quotation marks, which belong to its direction; guillemets turn with it."""
    if text.startswith(_RIGHT_TO_LEFT[0]):
        return f"{text[0]}«{text[1:-1]}»{text[-1]}"
    if text.startswith(_LEFT_TO_RIGHT[0]):
        return f"{text[0]}“{text[1:-1]}”{text[-1]}"
    return f"“{text}”"


def address(url: str | None, longest: int = LONGEST_LINK) -> str | None:
    """`url` so that it can stand in a text; None where it is none to follow, or too long."""
    if not url or cleaned(url) != url:
        return None
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        return None
    if not named:
        return None
    found = _NOT_IN_A_LINK.sub(lambda sign: quote(sign[0], safe=""), url).replace("~", "%7E")
    return found if len(found) <= longest else None


def linked(url: str | None, text: str, room: Room, longest: int = LONGEST_LINK) -> str:
    """`text` neutral, as a link where its address is known."""
    found = address(url, longest)
    if found is None:
        return directed(fitted(text, room))
    label = directed(fitted(text.replace("|", "¦"), room))
    return f"<{found.replace('&', '&amp;')}|{label}>"
