"""The console receiver: the alert as a desk would see it, on standard output."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from daemon.errors import TemporaryDeliveryError
from daemon.records import Alert, AlertTopic, Sent


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        # Rich would lay /dev/null over standard output and end the thread.
        raise BrokenPipeError("nobody reads it any more")


class ConsoleSender:
    """Prints alerts. What is printed cannot be looked up, so a crash may print it again."""

    can_look = False

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Screen(highlight=False)

    def send(self, alert: Alert) -> Sent:
        try:
            for part in rendered(alert):
                self._console.print(part, soft_wrap=True)
            self._console.file.flush()
        except (OSError, ValueError, SystemExit) as error:
            raise TemporaryDeliveryError(f"standard output: {error}") from error
        return Sent()

    def find(self, alert: Alert, since: float) -> Sent | None:
        raise NotImplementedError("a console has no history")

    def pause(self) -> float:
        return 0.0


def rendered(alert: Alert) -> list[Text]:
    """The lines of an alert. Article text stands in Text, where markup has no meaning."""
    facts = [fact for fact in (alert.source, alert.date, alert.language, alert.file) if fact]
    head = Text("● ", style="bold cyan").append(alert.headline, style="bold")
    parts = [head, Text("  " + " · ".join(facts), style="dim")]
    for topic in alert.topics:
        parts += _topic(topic)
    return [*parts, Text("")]


def _topic(topic: AlertTopic) -> list[Text]:
    name = Text("  ").append(topic.title, style="bold green" if topic.grade == "main" else "yellow")
    name.append(f"  {topic.probability:.0%}" + ("" if topic.grade == "main" else "  mention"))
    quote = Text(f"    “{topic.passage}”", style="italic")
    quote.highlight_words(topic.words, style="bold")
    return [name, quote]
