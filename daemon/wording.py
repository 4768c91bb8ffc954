"""What a message says, in words that all receivers share. How article text is made harmless is for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from classifier import shorten
from daemon.messages import (
    Answered,
    DigestBody,
    Entry,
    Form,
    Message,
    Nearest,
    Notice,
    QuestionBody,
    Remark,
    TopicVolume,
)
from daemon.neutral import Room, cleaned, quoted
from daemon.records import Alert, AlertTopic

# Article text as a receiver may have it, no longer than there is room.
Fit = Callable[[str, Room], str]

HEADLINE = Room(150, 600)
QUOTE = Room(420, 900)
FACT = Room(120, 250)
TITLE = Room(60, 150)
WORD = Room(30, 80)
PERSON = Room(40, 100)
LINE = Room(300, 700)

MOST_QUOTES = 6
MOST_NAMED = 12  # topics that are only named
MOST_TOGETHER = 4  # topics of one of several alerts
MOST_WORDS = 10
MOST_NEWS = 8
MOST_SOURCES = 4
MOST_PERSONS = 8
MOST_RECALL = 12

UNTITLED = "(no title)"
IN_THREAD = " in this thread"  # where there are threads
ASKED = "Did we miss this? No alert was sent."
NONE_OF_THESE = "about none of these"

RIGHT, WRONG = "right", "wrong"
_SIGNS = {RIGHT: "✓", WRONG: "✗"}
_LONGEST_ALT = 1000
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_COLUMNS = re.compile(r" {2,}")
_MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def headline(alert: Alert) -> str:
    """The headline, or what stands for one that has no letters."""
    return alert.headline if cleaned(alert.headline) else UNTITLED


def facts(alert: Alert, fit: Fit) -> str:
    """Source, date, language and file, as far as they are known."""
    known = (alert.source, dated(alert), alert.language, alert.file)
    return " · ".join(filter(None, (fit(fact, FACT) for fact in known if fact)))


def dated(alert: Alert) -> str | None:
    """When the article was published, as exactly as it says, to the minute: "2026-11-21 14:05 +05:00"."""
    return _dated(alert.date)


def _dated(date: str | None) -> str | None:
    found = _MOMENT.fullmatch(date or "")
    return " ".join(filter(None, found.groups())) if found else date


def named(topic: AlertTopic, fit: Fit, room: Room = TITLE) -> str:
    """A topic with its probability."""
    passing = "" if topic.grade == "main" else " (mention)"
    return f"{fit(topic.title, room) or fit(topic.id, room)} {topic.probability:.0%}{passing}"


def quote(topic: AlertTopic, fit: Fit, room: Room = QUOTE) -> str:
    """The sentence that carries a topic, if there is one."""
    said = fit(topic.passage, room)
    return quoted(said) if said else ""


def why(alert: Alert, fit: Fit) -> str:
    """The words that counted, each once, those of the likeliest topic first."""
    words = dict.fromkeys(cleaned(word) for topic in alert.topics for word in topic.words)
    said = [fit(word, WORD) for word in list(filter(None, words))[:MOST_WORDS]]
    return f"why: {', '.join(said)}" if said else ""


def rest_of_topics(alert: Alert, fit: Fit) -> str:
    """The topics that there is no room to quote for."""
    rest = [named(topic, fit) for topic in alert.topics[MOST_QUOTES:]]
    return f"also: {some(rest, MOST_NAMED)}" if rest else ""


def some(names: list[str], most: int) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def follow_up(message: Message, alert: Alert, fit: Fit, room: Room = HEADLINE) -> str:
    """That an article follows up on another, and what it has that the story had not; empty if it does not.

    In the story's own thread the story needs no name.
    """
    in_its_thread = message.thread is not None and message.form is Form.ALERT
    story = alert.follows or (message.follows if message.form is Form.ALERT else None)
    if story is None and not in_its_thread:
        return ""
    said = "↳ follow-up" if in_its_thread or not story else f"↳ follow-up of {quoted(fit(story, room))}"
    return f"{said} · {told}" if (told := news(alert, fit)) else said


def news(alert: Alert, fit: Fit) -> str:
    found = [fact for fact in (fit(fact, FACT) for fact in alert.news) if fact]
    return f"new: {some(found, MOST_NEWS)}" if found else ""


def also(entry: Entry, fit: Fit) -> str:
    """Who else tells the story; empty where nobody does."""
    sources = [name for name in (fit(source, TITLE) for source in entry.also_in) if name]
    further = entry.further - len(sources)
    if not sources:
        return counted(entry.further, "further article") if entry.further > 0 else ""
    said = f"also in: {counted(len(sources), 'source')}"
    if len(sources) <= MOST_SOURCES:
        said += f" ({', '.join(sources)})"
    return f"{said} · {counted(entry.further, 'further article')}" if further > 0 else said


def titles(message: Message) -> dict[str, str]:
    """The titles of the topics that people may have spoken of."""
    found = dict(message.choices)
    if message.question is not None:
        found |= dict(message.question.topics)
    for entry in message.entries:
        found |= {topic.id: topic.title for topic in entry.alert.topics}
    return found


def said_by(entry: Entry, known: Mapping[str, str], fit: Fit, most: int = MOST_NAMED) -> list[str]:
    """What people said of an alert, a line for each, after the topics that they do not agree on.

    At most so many topics a line.
    """
    own = {topic.id for topic in entry.alert.topics}
    by_person: dict[str, list[Remark]] = {}
    for remark in entry.remarks:
        by_person.setdefault(remark.person, []).append(remark)
    lines = [_not_agreed(entry.remarks, known, fit, most)]
    for person, remarks in list(by_person.items())[:MOST_PERSONS]:
        said = [_remark(remark, own, known, fit) for remark in remarks[:most]]
        more = f" and {len(remarks) - most:,} more" if len(remarks) > most else ""
        lines.append(f"{' · '.join(said)}{more} — {person_of(person, fit)}")
    rest = list(by_person.items())[MOST_PERSONS:]
    if rest:
        lines.append(f"and {counted(len(rest), 'more person')}: {tally(r for _, rs in rest for r in rs)}")
    return [line for line in lines if line]


def tally(remarks: Iterable[Remark]) -> str:
    """How many verdicts there are, without names; empty where there is none."""
    said = Counter(remark.verdict for remark in remarks)
    return " ".join(f"{said[verdict]} {_SIGNS[verdict]}" for verdict in (RIGHT, WRONG) if said[verdict])


def heading(message: Message) -> str:
    """What several alerts at once have in common; empty where they only go on."""
    articles = counted(len(message.entries) + message.more, "article")
    match message.form:
        case Form.BURST:
            return f"{articles} at once"
        case Form.QUIET:
            return f"While it was quiet: {articles}"
        case _:
            return "" if message.entries else articles


def more(message: Message, left_out: int, where: str = "") -> str:
    number = message.more + left_out
    return f"and {number:,} more{where}" if number > 0 else ""


def digest_title(body: DigestBody, fit: Fit) -> str:
    title = fit(body.title, HEADLINE) or "Digest"
    return f"{title} ({body.part} of {body.parts})" if body.parts > 1 else title


def digest_facts(body: DigestBody, fit: Fit) -> str:
    """How many articles, of how many topics, between when; empty where an earlier part has said so."""
    if body.part > 1:
        return ""
    topics = counted(len(body.volumes), "topic") if body.parts == 1 else ""
    span = " – ".join(dict.fromkeys(filter(None, (fit(body.since, FACT), fit(body.until, FACT)))))
    return " · ".join(filter(None, (counted(body.articles, "article"), topics, span)))


def digest_held(body: DigestBody, where: str = "") -> str:
    return f"Each of these articles follows{where}." if body.held and body.part == 1 else ""


def more_topics(body: DigestBody, shown: int) -> str:
    more = len(body.volumes) - shown
    return f"and {counted(more, 'more topic')}" if more > 0 else ""


def recall(body: DigestBody, fit: Fit, most: int = MOST_RECALL) -> list[str]:
    """What a digest says of the articles that nobody was told of, in at most so many lines and one more."""
    lines = list(filter(None, (fit(line, LINE) for line in body.recall)))
    more = len(lines) - most
    return [*lines[:most], *([f"and {counted(more, 'more line')}"] if more > 0 else [])]


def notice_title(notice: Notice, fit: Fit) -> str:
    return fit(notice.title, HEADLINE) or "Report"


def notice_parts(notice: Notice, fit: Fit, most: int) -> list[list[str]]:
    """The lines of a notice by its parts, at most so many; those that belong to another are marked.

    What stands in columns has a dot between them: few receivers have letters of one width.
    """
    parts: list[list[str]] = [[]]
    for line in notice.lines[:most]:
        said = fit(_COLUMNS.sub(" · ", line.strip()), LINE)
        if said:
            parts[-1].append(f"• {said}" if line[:1].isspace() else said)
        else:
            parts.append([])
    if more := sum(bool(cleaned(line)) for line in notice.lines[most:]):
        parts.append([f"and {more:,} more"])
    return [part for part in parts if part]


def asked_facts(question: QuestionBody, fit: Fit) -> str:
    """Source, date and language of what is asked of, as far as they are known."""
    known = (question.source, _dated(question.date), question.language)
    return " · ".join(filter(None, (fit(fact, FACT) for fact in known if fact)))


def opening(question: QuestionBody, fit: Fit) -> str:
    """How the text of an article begins that is asked of."""
    said = fit(question.opening, QUOTE)
    return quoted(said) if said else ""


def nearest(found: Nearest, known: Mapping[str, str], fit: Fit) -> str:
    """Which topic came nearest."""
    return f"nearest: {fit(known.get(found.topic, found.topic), TITLE)} {found.probability:.0%}"


def answers(message: Message, fit: Fit, most: int = MOST_NAMED) -> list[str]:
    """What people said to a question, a line each with at most so many topics."""
    known = titles(message)
    lines = [_answer(each, known, fit, most) for each in message.answers[:MOST_PERSONS]]
    more = len(message.answers) - MOST_PERSONS
    return [*lines, *([f"and {counted(more, 'more person')}"] if more > 0 else [])]


def how_to_answer(question: QuestionBody, fit: Fit) -> str:
    """For who cannot press anything."""
    return f"to answer: topicwired sample answer {fit(question.name, WORD)} TOPIC, or none"


def volume(topic: TopicVolume, fit: Fit, room: Room = TITLE) -> str:
    return fit(topic.title, room) or fit(topic.topic, room)


def volumes_in_words(body: DigestBody) -> str:
    """What the chart of a digest shows, for who cannot see it."""
    said = []
    for topic in body.volumes:
        days = zip(body.days, topic.by_day, strict=False)
        by_day = (
            ", ".join(f"{cleaned(day)} {articles}" for day, articles in days) if len(body.days) > 1 else ""
        )
        said.append(f"{cleaned(topic.title)} {topic.articles}" + (f" ({by_day})" if by_day else ""))
    return shorten(f"Articles by topic: {'; '.join(said)}." if said else "No articles.", _LONGEST_ALT)


def _not_agreed(remarks: Iterable[Remark], known: Mapping[str, str], fit: Fit, most: int) -> str:
    by_topic: dict[str, list[Remark]] = {}
    for remark in remarks:
        by_topic.setdefault(remark.topic, []).append(remark)
    split = [
        f"{fit(known.get(topic, topic), TITLE)} ({tally(said)})"
        for topic, said in by_topic.items()
        if len({remark.verdict for remark in said}) > 1
    ]
    return f"not agreed: {some(split, most)}" if split else ""


def _remark(remark: Remark, own: set[str], known: Mapping[str, str], fit: Fit) -> str:
    title = fit(known.get(remark.topic, remark.topic), TITLE)
    if remark.verdict == RIGHT and remark.topic not in own:
        return f"+ {title}"
    return f"{_SIGNS.get(remark.verdict, '·')} {title}"


def _answer(answered: Answered, known: Mapping[str, str], fit: Fit, most: int) -> str:
    about = some([fit(known.get(topic, topic), TITLE) for topic in answered.topics], most)
    said = f"about {about}" if about else NONE_OF_THESE
    return f"{said} — {person_of(answered.person, fit)}"


def person_of(person: str, fit: Fit) -> str:
    """A person of Slack by their own id, the only mention we ever make; others by what they are called."""
    return f"<@{person}>" if _MEMBER.fullmatch(person) else fit(person, PERSON) or "somebody"
