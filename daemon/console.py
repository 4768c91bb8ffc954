"""The console receiver: the alert as a desk would see it, on standard output."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from daemon.errors import TemporaryDeliveryError
from daemon.records import Alert, AlertTopic, Sent


class ConsoleSender:
    """Prints alerts. What is printed cannot be looked up, so a crash may print it again."""

    can_look = False

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def send(self, alert: Alert) -> Sent:
        try:
            for part in rendered(alert):
                self._console.print(part, soft_wrap=not self._console.is_terminal)
            self._console.file.flush()
        except OSError as error:
            raise TemporaryDeliveryError(f"standard output: {error}") from error
        return Sent()

    def find(self, alert: Alert, since: str) -> Sent | None:
        raise NotImplementedError("a console has no history")

    def pause(self) -> float:
        return 0.0


def rendered(alert: Alert) -> list[Text | Padding]:
    """The lines of an alert. Article text stands in Text, where markup has no meaning."""
    facts = [fact for fact in (alert.source, alert.date, alert.language, alert.file) if fact]
    head = Text("● ", style="bold cyan").append(alert.headline, style="bold")
    parts: list[Text | Padding] = [head, Padding(Text(" · ".join(facts), style="dim"), (0, 0, 0, 2))]
    for topic in alert.topics:
        parts.append(Padding(_topic(topic), (0, 0, 0, 2)))
    parts.append(Text(""))
    return parts


def _topic(topic: AlertTopic) -> Text:
    text = Text(topic.title, style="bold green" if topic.grade == "main" else "yellow")
    text.append(f"  {topic.probability:.0%}" + ("" if topic.grade == "main" else "  mention"))
    quote = Text(f"\n  “{topic.passage}”", style="italic")
    quote.highlight_words(topic.words, style="bold")
    return text.append_text(quote)
