"""A message as plain text: Slack's fallback, and what chats without blocks are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifier import shorten
from daemon import wording
from daemon.messages import DigestBody, Entry, Form, Message
from daemon.neutral import DOT, JOINT, Room, address, cleaned, directed, fitted
from daemon.wording import Fit

MOST = 3_500  # characters of `text`
MOST_ENTRIES = 40
MOST_VOLUMES = 60
_MOST_FALLBACK = 3_000  # bytes of `fallback`, so that blocks have room beside it

_SHORT_HEADLINE = Room(110, 250)
_SHORT_QUOTE = Room(200, 420)
_SHORT_FACT = Room(40, 100)
_SHARES = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)

# Other chats' signs of markup and of mentions: of Markdown, HTML, Discord, Mattermost, Telegram, Matrix.
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})
_MEANINGFUL = re.compile(
    r"[*~`@#|\\]|:(?!\s)|_(?![^\W_])|(?<![^\W_])_|\$(?=\w)|!(?=\[)|\](?=[(\[:])|&(?=[#\w])|(?<!\S)/(?=\w)"
)
_LISTED = re.compile(r"[-+=]|\d+[.)]")  # at the start of a line it makes a list, or a heading above


@dataclass(frozen=True, slots=True)
class _Voice:
    """How a message is said: `whole` with addresses and all quotes, which beside blocks are in these."""

    fit: Fit
    whole: bool
    leading: int  # articles of each topic of a digest


def fallback(message: Message) -> str:
    """The message for Slack's `text`: for notifications and screen readers, complete, on one line."""
    for share in _SHARES:
        said = " ".join(_lines(message, _voice(fitted, share, whole=False)))
        if len(said.encode()) <= _MOST_FALLBACK:
            break
    return said


def text(message: Message) -> str:
    """The message for chats that have no blocks, and for Slack where it refuses them: complete, no markup."""
    for share in _SHARES:
        said = "\n".join(_lines(message, _voice(_defused, share, whole=True)))
        if len(said) <= MOST:
            break
    return said


def defused(text: str) -> str:
    """`text` such that no chat we know makes a mention, a link, an emoji or markup of it.

    It has no entities, so that it reads the same in chats that take HTML and in those that do not.
    """
    found = cleaned(text).translate(_BRACKETS)
    found = DOT.sub(f".{JOINT}", _MEANINGFUL.sub(rf"\g<0>{JOINT}", found))
    return JOINT + found if _LISTED.match(found) else found


def _defused(text: str, room: Room) -> str:
    return defused(shorten(cleaned(text), room.read))


def _voice(fit: Fit, share: float, *, whole: bool) -> _Voice:
    leading = int(share * (3 if whole else 1))
    return _Voice(lambda text, room: directed(fit(text, room.part(share))), whole, leading)


def _lines(message: Message, voice: _Voice) -> Iterator[str]:
    if message.digest is not None:
        found = _digest(message.digest, voice)
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
        yield address(alert.url) or ""
        for topic in alert.topics[: wording.MOST_QUOTES]:
            yield ": ".join(filter(None, (wording.named(topic, fit), wording.quote(topic, fit))))
        yield wording.rest_of_topics(alert, fit)
    else:
        topics = [wording.named(topic, fit) for topic in alert.topics]
        yield f"{headline} — {wording.some(topics, wording.MOST_NAMED)}."
        yield from (wording.quote(topic, fit) for topic in alert.topics[:1])
    yield wording.facts(alert, fit)
    yield wording.why(alert, fit)
    yield wording.also(entry, fit)
    yield wording.tally(entry.remarks)


def _several(message: Message, voice: _Voice) -> Iterator[str]:
    fit = voice.fit
    yield wording.heading(message)
    for entry in message.entries[:MOST_ENTRIES]:
        alert = entry.alert
        topics = [wording.named(topic, fit, _SHORT_FACT) for topic in alert.topics]
        about = (
            wording.some(topics, wording.MOST_TOGETHER),
            wording.also(entry, fit),
            wording.tally(entry.remarks),
        )
        yield " · ".join(filter(None, (f"● {fit(wording.headline(alert), _SHORT_HEADLINE)}", *about)))
        yield wording.follow_up(message, alert, fit, _SHORT_HEADLINE)
        if voice.whole:
            yield address(alert.url) or ""
            yield from (wording.quote(topic, fit, _SHORT_QUOTE) for topic in alert.topics[:1])
    yield wording.more_in_thread(message, max(0, len(message.entries) - MOST_ENTRIES))
    if not message.entries:
        yield wording.counted(0, "article")


def _digest(body: DigestBody, voice: _Voice) -> Iterator[str]:
    end = "" if voice.whole else "."
    yield (
        ": ".join(
            filter(None, (wording.digest_title(body, voice.fit), wording.digest_facts(body, voice.fit)))
        )
        + end
    )
    yield wording.digest_held(body)
    for volume in body.volumes[:MOST_VOLUMES]:
        yield f"{wording.volume(volume, voice.fit)}: {volume.articles:,}{end}"
        for article in volume.leading[: voice.leading]:
            source = voice.fit(article.source, _SHORT_FACT) if article.source else ""
            headline = voice.fit(article.headline, _SHORT_HEADLINE) or wording.UNTITLED
            yield " — ".join(filter(None, (f"• {headline}", source)))
            if voice.whole:
                yield address(article.url) or ""
    yield wording.more_topics(body, MOST_VOLUMES)
