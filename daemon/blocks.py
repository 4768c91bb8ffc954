"""An alert as a Slack message: Block Kit within Slack's limits, the article's text made neutral.

Limits: docs.slack.dev, reference of blocks (section 3,000 characters, 50 blocks) and an
undocumented one on the whole message (bolt-js issue 2867: refused at about 11,300 characters of
text), below which we stay by budget.
"""

from __future__ import annotations

import re
from typing import Any

from classifier import shorten
from daemon.records import Alert, AlertTopic

Block = dict[str, Any]

_MOST_QUOTES = 6
# Characters as they are read, and as they are sent: neutral text is longer than it looks.
_QUOTE = (420, 900)
_HEADLINE = (150, 600)
_FACT = (120, 250)
_WORD = (30, 60)
_MOST_WORDS = 10

_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
# An invisible joint behind each of these keeps Slack from reading formatting, an emoji name, a
# mention or an address out of an article's text.
_MEANINGFUL = re.compile(r"([*_~`:@#])")
_JOINT = "\u200b"


def neutral(text: str) -> str:
    """Article text that pings nobody, formats nothing and links nowhere, for mrkdwn and `text`.

    Cut before, never after: an entity must not be cut in two.
    """
    folded = " ".join(text.split())
    for character, entity in _ENTITIES:
        folded = folded.replace(character, entity)
    return _MEANINGFUL.sub(r"\1" + _JOINT, folded)


def blocks(alert: Alert) -> list[Block]:
    """The message: headline, facts, and for each topic the passage that carries it."""
    found = [_section(f"*{fitted(alert.headline, _HEADLINE)}*")]
    found.append(_context(" · ".join(fitted(fact, _FACT) for fact in _facts(alert))))
    for topic in alert.topics[:_MOST_QUOTES]:
        found.append(_section(f"*{_named(topic)}*\n“{fitted(topic.passage, _QUOTE)}”"))
    rest = alert.topics[_MOST_QUOTES:]
    if rest:
        found.append(_context("also: " + ", ".join(_named(topic) for topic in rest)))
    why = ", ".join(fitted(word, _WORD) for word in _words(alert))
    if why:
        found.append(_context(f"why: {why}"))
    return found


def fallback(alert: Alert) -> str:
    """The message as plain text, complete enough for a notification or a screen reader."""
    topics = ", ".join(_named(topic) for topic in alert.topics)
    quote = fitted(alert.topics[0].passage, _QUOTE) if alert.topics else ""
    return f"{fitted(alert.headline, _HEADLINE)} — {topics}. “{quote}”"


def fitted(text: str, room: tuple[int, int]) -> str:
    """`text` neutral and cut to so many characters as it is read and as it is sent."""
    read, sent = room
    while len(found := neutral(shorten(text, read))) > sent:
        read = read * sent // len(found)
    return found


def _facts(alert: Alert) -> list[str]:
    return [fact for fact in (alert.source, alert.date, alert.language, alert.file) if fact]


def _named(topic: AlertTopic) -> str:
    passing = "" if topic.grade == "main" else " (mention)"
    return f"{fitted(topic.title, _FACT)} {topic.probability:.0%}{passing}"


def _words(alert: Alert) -> list[str]:
    """The words that counted, each once, those of the likeliest topic first."""
    return list(dict.fromkeys(word for topic in alert.topics for word in topic.words))[:_MOST_WORDS]


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack makes no links or mentions of its own out of the text.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
