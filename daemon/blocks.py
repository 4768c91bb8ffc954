"""A message as Slack's Block Kit, within Slack's limits. Article text comes into it neutral only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from daemon import buttons, plain, wording
from daemon.limits import MOST_JSON, Block, json_size, problems
from daemon.messages import (
    DigestBody,
    Entry,
    Form,
    Leading,
    Message,
    Notice,
    QuestionBody,
    TopicVolume,
)
from daemon.neutral import LONGEST_LINK, Room, cleaned, directed, fitted, linked

__all__ = ["MOST_ENTRIES", "Block", "blocks", "parts", "problems"]

MOST_ENTRIES = 8  # so many alerts fit well in one message; more are only named

_MOST_SECTIONS = 40
_LONGEST_SECTION = 2800
_LONGEST_HEADER = 150

# In one of several alerts, and in a digest, everything is shorter.
_SHORT_HEADLINE = Room(110, 300)
_SHORT_QUOTE = Room(160, 340)
_SHORT_FACT = Room(40, 100)

# What a request holds besides: names of its fields, channel, moment, the metadata with the alerts' keys.
_ENVELOPE, _KEY = 700, 34


@dataclass(frozen=True, slots=True)
class _Size:
    """How much of a message there is room for: the share of each text, and how many of what is listed."""

    share: float = 1.0
    choices: int = 100
    menu: int = 5
    leading: int = 3
    lines: int = 60  # of a notice
    said: int = wording.MOST_NAMED  # topics of a person
    bare: bool = False  # of several alerts, the headlines alone

    def fit(self, text: str, room: Room) -> str:
        return directed(fitted(text, room.part(self.share)))

    def link(self, url: str | None, text: str, room: Room) -> str:
        return linked(url, text, room.part(self.share), int(LONGEST_LINK * self.share))


_SIZES = (
    _Size(),
    _Size(0.8, menu=4, lines=50),
    _Size(0.6, 80, 3, 3, 40),
    _Size(0.5, 60, 3, 2, 30, 9),
    _Size(0.4, 40, 2, 2, 25, 6),
    _Size(0.3, 25, 2, 1, 20, 4),
    _Size(0.2, 15, 0, 1, 15, 3),
    _Size(0.6, 0, 0, 0, 8, 4, bare=True),
    _Size(0.3, 0, 0, 0, 8, 3, bare=True),
    _Size(0.1, 0, 0, 0, 8, 2, bare=True),
)


def blocks(message: Message, *, interactive: bool = True) -> list[Block]:
    """The blocks of a message, with buttons if it is `interactive`; shortened until Slack takes them."""
    envelope = _ENVELOPE + _KEY * len(message.entries)
    text = plain.fallback(message)
    for size in _SIZES:
        found = list(_written(message, size, interactive))
        if _fits({"blocks": found, "text": text}, envelope):
            break
    return found


def parts(body: DigestBody) -> tuple[DigestBody, ...]:
    """A digest as one or more that each fit in a message with all they have to say.

    What it says of recall stands behind its last topic.
    """
    volumes: list[list[TopicVolume]] = [[]]
    for volume in body.volumes:
        if volumes[-1] and not _in_one(replace(body, volumes=(*volumes[-1], volume))):
            volumes.append([])
        volumes[-1].append(volume)
    last = len(volumes)
    return tuple(
        replace(
            body, volumes=tuple(some), part=number, parts=last, recall=body.recall if number == last else ()
        )
        for number, some in enumerate(volumes, start=1)
    )


def _in_one(body: DigestBody) -> bool:
    message = Message(key="", receiver="", form=Form.DIGEST, digest=replace(body, parts=99), picture="F" * 20)
    found = list(_written(message, _SIZES[0], interactive=False))
    return len(body.volumes) <= _MOST_SECTIONS and _fits(
        {"blocks": found, "text": plain.fallback(message)}, _ENVELOPE
    )


def _fits(body: Block, envelope: int) -> bool:
    return json_size(body) + envelope <= MOST_JSON and not problems(body)


def _written(message: Message, size: _Size, interactive: bool) -> Iterator[Block]:
    if message.digest is not None:
        yield from _digest(message, message.digest, size)
    elif message.notice is not None:
        yield from _notice(message.notice, size)
    elif message.question is not None:
        yield from _question(message, message.question, size, interactive)
    elif message.form is Form.ALERT and len(message.entries) == 1:
        yield from _alert(message, message.entries[0], size, interactive)
    else:
        yield from _several(message, size, interactive)


def _alert(message: Message, entry: Entry, size: _Size, interactive: bool) -> Iterator[Block]:
    alert = entry.alert
    if told := wording.follow_up(message, alert, size.fit):
        yield _context(told)
    yield _section(f"*{size.link(alert.url, wording.headline(alert), wording.HEADLINE)}*")
    if facts := wording.facts(alert, size.fit):
        yield _context(facts)
    for topic in alert.topics[: wording.MOST_QUOTES]:
        head = f"*{wording.named(topic, size.fit)}*"
        yield _section("\n".join(filter(None, (head, wording.quote(topic, size.fit)))))
    rest = (
        wording.rest_of_topics(alert, size.fit),
        wording.why(alert, size.fit),
        wording.also(entry, size.fit),
    )
    yield from map(_context, filter(None, rest))
    yield from _remarks(message, entry, size)
    if interactive:
        yield buttons.row(entry, 0, message.choices[: size.choices])


def _several(message: Message, size: _Size, interactive: bool) -> Iterator[Block]:
    if heading := wording.heading(message):
        yield _header(heading)
    entries = message.entries[: plain.MOST_ENTRIES]
    if size.bare:
        yield from _packed([_title(entry, size) for entry in entries], together=True)
    for number, entry in enumerate(() if size.bare else entries):
        section = _section(_entry(message, entry, size))
        accessory = buttons.overflow(entry, number, size.menu) if interactive and size.menu else None
        yield section | ({"accessory": accessory} if accessory else {})
        yield from _remarks(message, entry, size)
    if more := wording.more(message, len(message.entries) - len(entries), wording.IN_THREAD):
        yield _context(more)


def _title(entry: Entry, size: _Size) -> str:
    return f"*{size.link(entry.alert.url, wording.headline(entry.alert), _SHORT_HEADLINE)}*"


def _entry(message: Message, entry: Entry, size: _Size) -> str:
    """One of several alerts: its headline, what it is about, who says so, and a sentence."""
    alert = entry.alert
    named = [wording.named(topic, size.fit, _SHORT_FACT) for topic in alert.topics]
    facts = [size.fit(fact, _SHORT_FACT) for fact in (alert.source, wording.dated(alert)) if fact]
    about = [wording.some(named, wording.MOST_TOGETHER), *facts, wording.also(entry, size.fit)]
    told = wording.follow_up(message, alert, size.fit, _SHORT_HEADLINE)
    quote = [wording.quote(topic, size.fit, _SHORT_QUOTE) for topic in alert.topics[:1]]
    return "\n".join(filter(None, (_title(entry, size), " · ".join(filter(None, about)), told, *quote)))


def _digest(message: Message, body: DigestBody, size: _Size) -> Iterator[Block]:
    yield _header(wording.digest_title(body, lambda text, _: cleaned(text)))
    for said in (wording.digest_facts(body, size.fit), wording.digest_held(body, wording.IN_THREAD)):
        if said:
            yield _context(said)
    yield from _packed([_volume(volume, size) for volume in body.volumes[: plain.MOST_VOLUMES]])
    if more := wording.more_topics(body, plain.MOST_VOLUMES):
        yield _context(more)
    yield from _packed(wording.recall(body, size.fit), together=True)
    if message.picture:
        picture = {"id": message.picture}
        yield {"type": "image", "slack_file": picture, "alt_text": wording.volumes_in_words(body)}


def _notice(notice: Notice, size: _Size) -> Iterator[Block]:
    yield _header(wording.notice_title(notice, lambda text, _: cleaned(text)))
    for part in wording.notice_parts(notice, size.fit, size.lines):
        yield from _packed(part, together=True)


def _question(message: Message, question: QuestionBody, size: _Size, interactive: bool) -> Iterator[Block]:
    headline = question.headline if cleaned(question.headline) else wording.UNTITLED
    yield _context(wording.ASKED)
    yield _section(f"*{size.link(question.url, headline, wording.HEADLINE)}*")
    if facts := wording.asked_facts(question, size.fit):
        yield _context(facts)
    if opening := wording.opening(question, size.fit):
        yield _section(opening)
    if question.nearest is not None:
        yield _context(wording.nearest(question.nearest, wording.titles(message), size.fit))
    if lines := wording.answers(message, size.fit, size.said):
        yield _context("\n".join(lines))
    yield (
        buttons.answers(message, question)
        if interactive
        else _context(wording.how_to_answer(question, size.fit))
    )


def _volume(volume: TopicVolume, size: _Size) -> str:
    head = f"*{wording.volume(volume, size.fit)}* · {wording.counted(volume.articles, 'article')}"
    return "\n".join([head, *(_leading(article, size) for article in volume.leading[: size.leading])])


def _leading(article: Leading, size: _Size) -> str:
    said = f"• {size.link(article.url, article.headline, _SHORT_HEADLINE) or wording.UNTITLED}"
    source = size.fit(article.source, _SHORT_FACT) if article.source else ""
    return f"{said} — {source}" if source else said


def _packed(texts: list[str], *, together: bool = False) -> Iterator[Block]:
    """A section for each text, or for several `together`, as where there are too many."""
    if len(texts) <= _MOST_SECTIONS and not together:
        yield from map(_section, texts)
        return
    section = ""
    for text in texts:
        if section and len(section) + len(text) >= _LONGEST_SECTION:
            yield _section(section)
            section = ""
        section = f"{section}\n{text}" if section else text
    if section:
        yield _section(section)


def _remarks(message: Message, entry: Entry, size: _Size) -> Iterator[Block]:
    lines = wording.said_by(entry, wording.titles(message), size.fit, size.said)
    if lines:
        yield _context("\n".join(lines))


def _header(text: str) -> Block:
    return {"type": "header", "text": buttons.plain_text(text, _LONGEST_HEADER)}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack makes no links or mentions of its own out of the text.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
