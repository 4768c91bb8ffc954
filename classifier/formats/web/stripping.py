"""A web page ▶ its plain text, tags taken away and nothing else understood.

The check on whoever finds a page's main text, and what is left where nobody does. Its time grows with
the page's length and with nothing else, whatever is in it: each pattern here either gives up at
once or takes what it has looked at.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_BLOCKS = (
    "address|article|aside|blockquote|body|br|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset"
    "|figcaption|figure|footer|form|h[1-6]|head|header|hgroup|hr|html|legend|li|main|menu|nav|ol|option|p|pre"
    "|section|select|summary|table|tbody|textarea|tfoot|thead|tr|ul"
)
# The rest of a tag. `=` may open a quoted value, in which `>` ends nothing. It cannot fail where a `>` is
# at the very end of the text, for no quoted value can reach beyond it: see `_without`.
_REST = r"""(?:[^=>]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>"""
_BLOCK = re.compile(rf"</?(?:{_BLOCKS})(?=[\s/>]){_REST}", re.I | re.A)
_CELL = re.compile(rf"</?t[dh](?=[\s/>]){_REST}", re.I | re.A)
_TAG = re.compile(rf"<(?:/?[a-z]|[!?]){_REST}", re.I | re.A)
_TAG_BEGUN = re.compile(r"<(?:/?[a-z][a-z0-9]*+|[!?]-*+)", re.I | re.A)

# What is in these is no text of the page, or is text only where something else failed.
_UNREAD = (
    "script|style|title|noscript|template|svg|iframe|object|audio|video|canvas|noembed|noframes|datalist"
)
_TO_THE_END = frozenset({"script", "style"})  # as in a browser: unclosed, they swallow the rest
_STOP = re.compile(rf"<!--|<(?:({_UNREAD})|pre|textarea)(?=[\s/>])", re.I | re.A)
_CLOSES = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.I | re.A) for name in [*_UNREAD.split("|"), "pre", "textarea"]
}
_MENUS = re.compile(r"<(/?)(nav|footer|aside|menu|dialog|select|button)(?=[\s/>])", re.I | re.A)

# Python refuses numbers of thousands of digits, and no character has one of so many.
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}+|x[0-9a-f]{8,}+);?", re.I | re.A)
_ONE_LINE = str.maketrans("\n\r\t\f", "    ")


def strip_tags(text: str, *, menus: bool = True) -> str:
    """The text of a page or of a piece of one: a line for each block, no tags, no entities, no scripts.

    `menus=False` leaves out what stands in elements that are for finding one's way: nav, footer, aside.
    """
    if not menus:
        text = _without_menus(text)
    text = "".join(_read(text.replace("<![CDATA[", "").replace("]]>", "")))
    text = _without(_BLOCK, "\n", text)
    text = _without(_CELL, " ", text)
    text = _without(_TAG, "", text)
    end = text.rfind(">") + 1
    text = text[:end] + _TAG_BEGUN.sub(" ", text[end:])
    text = html.unescape(_NO_CHARACTER.sub("\ufffd", text))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def long_tags(text: str, least: int) -> Iterator[str]:
    """The tags of at least so many characters, also one that is not closed; not those of scripts."""
    text = "".join(_read(text))
    end = text.rfind(">") + 1
    yield from (tag[0] for tag in _TAG.finditer(text[:end]) if len(tag[0]) >= least)
    begun = _TAG_BEGUN.search(text, end)
    if begun and len(text) - begun.start() >= least:
        yield text[begun.start() :]


def _without(pattern: re.Pattern[str], by: str, text: str) -> str:
    end = text.rfind(">") + 1
    return pattern.sub(by, text[:end]) + text[end:]


def _read(text: str) -> Iterator[str]:
    """The stretches of a page that are read; line breaks only in those where they count."""
    start = position = 0
    unclosed: set[str] = set()
    while stop := _STOP.search(text, position):
        position = stop.end()
        mark = stop[0].lower().lstrip("<")
        end = -1 if mark in unclosed else _end(mark, text, position)
        if end < 0:
            unclosed.add(mark)  # and so are all that follow: they need not be looked for again
            if mark in _TO_THE_END:
                yield text[start : stop.start()].translate(_ONE_LINE)
                return
            if mark == "!--":
                yield text[start : stop.start()].translate(_ONE_LINE)
                start = position
            continue
        yield text[start : stop.start()].translate(_ONE_LINE)
        if not stop[1] and mark != "!--":
            yield text[stop.start() : end]
        start = position = end
    yield text[start:].translate(_ONE_LINE)


def _end(mark: str, text: str, position: int) -> int:
    """Where what `mark` opens ends; -1 if nowhere."""
    if mark == "!--":
        found = text.find("-->", position - 2)  # `<!-->` is one as well
        return found + 3 if found >= 0 else -1
    close = _CLOSES[mark].search(text, position)
    return close.start() if close else -1


def _without_menus(text: str) -> str:
    opened: dict[str, list[int]] = {}
    stretches: list[tuple[int, int]] = []
    for tag in _MENUS.finditer(text):
        places = opened.setdefault(tag[2].lower(), [])
        if not tag[1]:
            places.append(tag.start())
        elif places:
            stretches.append((places.pop(), tag.start()))
    kept: list[str] = []
    at = 0
    for start, end in sorted(stretches):
        if start >= at:
            kept.append(text[at:start])
        at = max(at, end)
    return "".join([*kept, text[at:]])
