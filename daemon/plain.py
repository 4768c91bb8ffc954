"""A message as plain text: Slack's fallback, and what chats without blocks are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifier import shorten
from daemon import wording
from daemon.messages import DigestBody, Entry, Form, Message, Notice, QuestionBody
from daemon.neutral import JOINT, LONGEST_LINK, Room, address, cleaned, directed, fitted, unmarked
from daemon.wording import Fit

MOST = 3_500  # characters of `text`
MOST_ENTRIES = 40
MOST_VOLUMES = 60
_FEWEST_VOLUMES = 50  # that are told where room is short
MOST_LINES = 60  # of a notice
_MOST_FALLBACK = 3_000  # bytes of `fallback`, so that blocks have room beside it

_SHORT_HEADLINE = Room(110, 250)
_SHORT_QUOTE = Room(200, 420)
_SHORT_FACT = Room(40, 100)
# Shares of each text, and whether of several alerts only the headlines are told.
_SIZES = (
    (1.0, False),
    (0.75, False),
    (0.5, False),
    (0.35, False),
    (0.25, False),
    (0.5, True),
    (0.2, True),
    (0.05, True),
)

# Of a line that needs no full stop; a quote from right to left ends in PDI.
_ENDS = (".", ":", "…", "”", "\u2069")

# Other chats' signs of markup and of mentions: of Markdown, HTML, Discord, Mattermost, Telegram, Matrix.
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})
_MEANINGFUL = re.compile(r"\||\$(?=\w)|!(?=\[)|\](?=[(\[:])|&(?=[#\w])|(?<!\S)/(?=\w)")
_LISTED = re.compile(r"[-+=#]|\d+[.)]")  # at the start of a line it makes a list, or a heading above


@dataclass(frozen=True, slots=True)
class _Voice:
    """How a message is said: `whole` with addresses and all quotes, which beside blocks are in these."""

    fit: Fit
    whole: bool
    bare: bool  # of several alerts, the headlines alone
    leading: int  # articles of each topic of a digest
    lines: int  # of a notice
    longest: int  # of an address

    @property
    def where(self) -> str:
        return "" if self.whole else wording.IN_THREAD

    def address(self, url: str | None) -> str:
        return (address(url, self.longest) if self.whole else None) or ""


def fallback(message: Message) -> str:
    """The message for Slack's `text`: for notifications and screen readers, complete, on one line."""
    for share, bare in _SIZES:
        lines = _lines(message, _voice(fitted, share, bare=bare, whole=False))
        said = " ".join(line if line.endswith(_ENDS) else f"{line}." for line in lines)
        if len(said.encode()) <= _MOST_FALLBACK:
            break
    return said


def text(message: Message) -> str:
    """The message for chats that have no blocks, and for Slack where it refuses them: complete, no markup."""
    for share, bare in _SIZES:
        said = "\n".join(_lines(message, _voice(_defused, share, bare=bare, whole=True)))
        if len(said) <= MOST:
            break
    return said


def defused(text: str) -> str:
    """`text` such that no chat we know makes a mention, a link, an emoji or markup of it.

    It has no entities, so that it reads the same in chats that take HTML and in those that do not.
    """
    found = unmarked(cleaned(text).translate(_BRACKETS))
    found = _MEANINGFUL.sub(rf"\g<0>{JOINT}", found)
    return JOINT + found if _LISTED.match(found) else found


def _defused(text: str, room: Room) -> str:
    return defused(shorten(cleaned(text), room.read))


def _voice(fit: Fit, share: float, *, bare: bool, whole: bool) -> _Voice:
    leading = 0 if bare else int(share * (3 if whole else 1))
    longest = int(LONGEST_LINK * share)
    return _Voice(
        fit=lambda text, room: directed(fit(text, room.part(share))),
        whole=whole,
        bare=bare,
        leading=leading,
        lines=int(share * (MOST_LINES if whole else MOST_LINES / 4)),
        longest=longest,
    )


def _lines(message: Message, voice: _Voice) -> Iterator[str]:
    if message.digest is not None:
        found = _digest(message.digest, voice)
    elif message.notice is not None:
        found = _notice(message.notice, voice)
    elif message.question is not None:
        found = _question(message, message.question, voice)
    elif message.form is Form.ALERT and len(message.entries) == 1:
        found = _alert(message, message.entries[0], voice)
    else:
        found = _several(message, voice)
    yield from filter(None, found)


def _alert(message: Message, entry: Entry, voice: _Voice) -> Iterator[str]:
    alert, fit = entry.alert, voice.fit
    yield wording.follow_up(message, alert, fit)
    headline = fit(wording.headline(alert), wording.HEADLINE)
    if voice.whole:
        yield headline
        yield voice.address(alert.url)
        for topic in alert.topics[: wording.MOST_QUOTES]:
            yield ": ".join(filter(None, (wording.named(topic, fit), wording.quote(topic, fit))))
        yield wording.rest_of_topics(alert, fit)
    else:
        topics = [wording.named(topic, fit) for topic in alert.topics]
        yield f"{headline} — {wording.some(topics, wording.MOST_NAMED)}"
        yield from (wording.quote(topic, fit) for topic in alert.topics[:1])
    yield wording.facts(alert, fit)
    yield wording.why(alert, fit)
    yield wording.also(entry, fit)
    yield wording.tally(entry.remarks)


def _several(message: Message, voice: _Voice) -> Iterator[str]:
    yield wording.heading(message)
    for entry in message.entries[:MOST_ENTRIES]:
        if voice.bare:
            yield f"● {voice.fit(wording.headline(entry.alert), _SHORT_HEADLINE)}"
        else:
            yield from _entry(message, entry, voice)
    yield wording.more(message, max(0, len(message.entries) - MOST_ENTRIES), voice.where)


def _entry(message: Message, entry: Entry, voice: _Voice) -> Iterator[str]:
    alert, fit = entry.alert, voice.fit
    topics = [wording.named(topic, fit, _SHORT_FACT) for topic in alert.topics]
    headline = fit(wording.headline(alert), _SHORT_HEADLINE)
    about = (wording.some(topics, wording.MOST_TOGETHER), wording.also(entry, fit))
    yield " · ".join(filter(None, (f"● {headline}", *about, wording.tally(entry.remarks))))
    yield wording.follow_up(message, alert, fit, _SHORT_HEADLINE)
    if voice.whole:
        yield voice.address(alert.url)
        yield from (wording.quote(topic, fit, _SHORT_QUOTE) for topic in alert.topics[:1])


def _digest(body: DigestBody, voice: _Voice) -> Iterator[str]:
    title, facts = wording.digest_title(body, voice.fit), wording.digest_facts(body, voice.fit)
    yield " — ".join(filter(None, (title, facts)))
    yield wording.digest_held(body, voice.where)
    most = _FEWEST_VOLUMES if voice.bare else MOST_VOLUMES
    for volume in body.volumes[:most]:
        yield f"{wording.volume(volume, voice.fit)} · {volume.articles:,}"
        for article in volume.leading[: voice.leading]:
            source = voice.fit(article.source, _SHORT_FACT) if article.source else ""
            headline = voice.fit(article.headline, _SHORT_HEADLINE) or wording.UNTITLED
            yield " — ".join(filter(None, (f"• {headline}", source)))
            yield voice.address(article.url)
    yield wording.more_topics(body, most)
    yield from wording.recall(body, voice.fit, min(voice.lines, wording.MOST_RECALL))


def _notice(notice: Notice, voice: _Voice) -> Iterator[str]:
    yield wording.notice_title(notice, voice.fit)
    for part in wording.notice_parts(notice, voice.fit, voice.lines):
        yield from part


def _question(message: Message, question: QuestionBody, voice: _Voice) -> Iterator[str]:
    yield wording.ASKED
    yield voice.fit(question.headline, wording.HEADLINE) or wording.UNTITLED
    yield voice.address(question.url)
    yield wording.asked_facts(question, voice.fit)
    if question.nearest is not None:
        yield wording.nearest(question.nearest, wording.titles(message), voice.fit)
    if message.answers:
        yield wording.counted(len(message.answers), "answer")
    if voice.whole:
        yield wording.how_to_answer(question, voice.fit)
    # Last, for a chat that takes little cuts off the end.
    yield wording.opening(question, voice.fit)
