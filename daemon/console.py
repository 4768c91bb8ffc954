"""The console receiver: a message as a desk would see it, on standard output."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from daemon import wording
from daemon.errors import TemporaryDeliveryError
from daemon.messages import DigestBody, Entry, Message, Notice, QuestionBody
from daemon.neutral import Room, cleaned
from daemon.records import AlertTopic, Sent


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        # Rich would lay /dev/null over standard output and end the thread.
        raise BrokenPipeError("nobody reads it any more")


class ConsoleSender:
    """Prints messages. What is printed cannot be looked up, so a crash may print it again."""

    can_look = False
    can_thread = False
    groups = False

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Screen(highlight=False)

    def send(self, message: Message) -> Sent:
        try:
            for part in rendered(message):
                self._console.print(part, soft_wrap=True)
            self._console.file.flush()
        except (OSError, ValueError, SystemExit) as error:
            raise TemporaryDeliveryError(f"standard output: {error}") from error
        return Sent()

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        raise NotImplementedError("a console has no history")

    def take_back(self, sent: Sent) -> None:
        """What stands there stays there."""

    def update(self, message: Message, sent: Sent) -> None:
        raise NotImplementedError("what a console has shown stays as it is")

    def upload(self, png: bytes, title: str) -> str:
        raise NotImplementedError("a console shows no pictures")

    def pause(self) -> float:
        return 0.0

    def update_pause(self) -> float:
        return 0.0


def rendered(message: Message) -> list[Text]:
    """The lines of a message. Article text stands in Text, where markup has no meaning, without controls."""
    if message.digest is not None:
        return [*_digest(message.digest), Text("")]
    if message.notice is not None:
        return [*_notice(message.notice), Text("")]
    if message.question is not None:
        return [*_question(message, message.question), Text("")]
    parts = [Text(heading, style="bold")] if (heading := wording.heading(message)) else []
    for entry in message.entries:
        parts += _entry(message, entry)
    more = wording.more(message, 0)
    return [*parts, Text(more, style="dim")] if more else parts


def _entry(message: Message, entry: Entry) -> Iterator[Text]:
    alert = entry.alert
    yield Text("● ", style="bold cyan").append(_whole(wording.headline(alert)), style="bold")
    if told := wording.follow_up(message, alert, _whole):
        yield Text(f"  {told}", style="cyan")
    yield Text(f"  {wording.facts(alert, _whole)}", style="dim")
    for topic in alert.topics:
        yield from _topic(topic)
    if told := wording.also(entry, _whole):
        yield Text(f"  {told}", style="dim")
    yield Text("")


def _topic(topic: AlertTopic) -> Iterator[Text]:
    main = topic.grade == "main"
    name = Text("  ").append(_whole(topic.title), style="bold green" if main else "yellow")
    yield name.append(f"  {topic.probability:.0%}" + ("" if main else "  mention"))
    quote = Text(f"    “{_whole(topic.passage)}”", style="italic")
    quote.highlight_words([word for word in map(_whole, topic.words) if word], style="bold")
    yield quote


def _digest(body: DigestBody) -> Iterator[Text]:
    yield Text("■ ", style="bold cyan").append(wording.digest_title(body, _whole), style="bold")
    if facts := wording.digest_facts(body, _whole):
        yield Text(f"  {facts}", style="dim")
    for volume in body.volumes:
        name = Text("  ").append(wording.volume(volume, _whole), style="bold green")
        yield name.append(f"  {volume.articles:,}")
        for article in volume.leading:
            headline = _whole(article.headline) or wording.UNTITLED
            source = _whole(article.source or "")
            yield Text("    " + " — ".join(filter(None, (headline, source))))

    for line in wording.recall(body, _whole):
        yield Text(f"  {line}")


def _notice(notice: Notice) -> Iterator[Text]:
    yield Text("■ ", style="bold cyan").append(wording.notice_title(notice, _whole), style="bold")
    for part in wording.notice_parts(notice, _whole, len(notice.lines)):
        for line in part:
            yield Text(f"  {line}")


def _question(message: Message, question: QuestionBody) -> Iterator[Text]:
    headline = _whole(question.headline) or wording.UNTITLED
    yield Text("? ", style="bold cyan").append(wording.ASKED, style="bold")
    yield Text("  ").append(headline, style="bold")
    if facts := wording.asked_facts(question, _whole):
        yield Text(f"  {facts}", style="dim")
    if opening := wording.opening(question, _whole):
        yield Text(f"    {opening}", style="italic")
    if question.nearest is not None:
        yield Text(f"  {wording.nearest(question.nearest, wording.titles(message), _whole)}", style="dim")
    yield Text(f"  {wording.how_to_answer(question, _whole)}", style="dim")


def _whole(text: str, room: Room | None = None) -> str:
    """A screen has room for all of it, and takes commands in control characters."""
    return cleaned(text)
