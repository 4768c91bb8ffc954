"""Desks: what they press and type in Slack, committed before Slack hears that we have it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from daemon import clock, commands, feedback, quality
from daemon.clicks import Click, Typed
from daemon.commands import Ask, Command
from daemon.config import Settings
from daemon.database import Database
from daemon.leases import AllOurs, Leases, may_listen
from daemon.listening import Listener
from daemon.receivers import app_token
from daemon.serving import Serving

logger = logging.getLogger(__name__)


def listener(
    settings: Settings,
    database: Database,
    serving: Serving,
    wake: Callable[[], None],
    leases: Leases | None = None,
) -> Listener | None:
    """What listens to the desks of Slack receivers; None where there is no such receiver, or no app token.

    `wake` is called when a message has changed. Raises ConfigError where the token is unsafe.
    """
    if all(receiver.type != "slack" for receiver in settings.receivers):
        return None
    token = app_token(settings)
    if token is None:
        return None
    heard = _Heard(settings, database, serving, wake)
    allowed = partial(may_listen, leases or AllOurs())
    return Listener(token, settings.slack.api_url, heard.click, heard.command, may_listen=allowed)


class _Heard:
    def __init__(
        self, settings: Settings, database: Database, serving: Serving, wake: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._database = database
        self._serving = serving
        self._wake = wake

    def click(self, click: Click) -> str | None:
        """Take a click; what the person is told beside what the message shows, if anything."""
        now = clock.now()
        with self._database.transaction() as connection:
            outcome = feedback.take(connection, click, now, receivers=self._receivers_of(click.channel))
            article = feedback.asked_of(connection, click)
        told = {"person": click.person, "verb": click.action.verb.value, "outcome": outcome.value}
        about = {"article": article, "topic": click.action.topic or "", "alert": click.action.alert}
        logger.info("click taken", extra={"work": "click", **told, **about})
        self._wake()
        return commands.reply_to(click, outcome, dict(self._serving.choices()), now)

    def command(self, typed: Typed) -> str:
        # Operators hear reports alone: to follow a topic there would bring nothing.
        routed = {route.receiver for route in self._settings.routes}
        receivers = [name for name in self._receivers_of(typed.channel) if name in routed]
        command = commands.parse_command(typed.text)
        topics = dict(self._serving.choices())
        recall: tuple[str, ...] = ()
        if isinstance(command, Command) and command.ask is Ask.RECALL:
            with self._database.reading() as connection:
                recall = quality.digest_lines(connection, self._settings.sample, topics, clock.now())
        with self._database.transaction() as connection:
            said = commands.answer(
                connection,
                command,
                receivers,
                topics,
                person=typed.person,
                now=clock.now(),
                recall=recall,
            )
        told = {"work": "command", "person": typed.person, "channel": typed.channel}
        logger.info("command taken", extra=told)
        return said

    def _receivers_of(self, channel: str) -> list[str]:
        return [each.name for each in self._settings.receivers if each.channel == channel]
