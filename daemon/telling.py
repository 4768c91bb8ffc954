"""Telling: what receivers are to hear of an article that was just recorded, and in which thread.

Not every alert of the routes is told: what a receiver has had of the same story without anything
new is recorded only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from classifier import Tagged
from daemon import deliveries, links, outbox, routing, showing, sketches, stories
from daemon.config import Settings
from daemon.records import Alert
from daemon.sketches import Sketch
from daemon.stories import Place
from daemon.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Telling:
    """An alert that is to be owed: in which story, in whose thread, shown in the channel as well, held."""

    alert: Alert
    story: int | None = None
    root: int | None = None
    broadcast: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Teller:
    """Knows who follows what: the settings' routes, what desks wish, and the titles of the model's topics."""

    settings: Settings
    titles: Mapping[str, str]
    wishes: Wishes = routing.NO_WISHES

    def tellings(
        self,
        connection: Connection,
        tagged: Tagged,
        *,
        article: int,
        file: str,
        told: Mapping[str, Collection[str]],
        now: datetime,
        sketch: Sketch | None = None,
    ) -> list[Telling]:
        """What is to be told of an article.

        `told`: topics that receivers had of earlier versions of it; `sketch`: what it is known by,
        where that was found before.
        """
        source = file.rpartition("/")[0] or tagged.article.source
        alerts = [
            alert
            for alert in self._alerts(tagged, file, source)
            if not {topic.id for topic in alert.topics} <= set(told.get(alert.receiver, ()))
        ]
        if not alerts or self.settings.story.window_hours == 0:
            return [self._plainly(alert) for alert in alerts]
        place = stories.join(
            connection,
            article=article,
            sketch=sketch or sketches.of(tagged.article),
            source=source,
            now=now,
            window=timedelta(hours=self.settings.story.window_hours),
        )
        found = [self._in_story(connection, alert, place) for alert in alerts]
        return [telling for telling in found if telling is not None]

    def _alerts(self, tagged: Tagged, file: str, source: str | None) -> list[Alert]:
        return routing.alerts(
            tagged,
            self.settings.routes,
            self.titles,
            file=file,
            source=source,
            url=links.sound(tagged.article.url) or links.address(tagged.article.text),
            wishes=self.wishes,
        )

    def _plainly(self, alert: Alert, story: int | None = None) -> Telling:
        return Telling(alert, story, held=self._hears_in_digests(alert.receiver))

    def _in_story(self, connection: Connection, alert: Alert, place: Place) -> Telling | None:
        """None where the receiver had the same already."""
        told = None
        if not place.is_first:
            told = deliveries.told_of_story(connection, place.story, alert.receiver)
        if told is None:
            return self._plainly(alert, place.story)
        showing.touch(connection, told.carrier)
        topics = tuple(f"topic {topic.title}" for topic in alert.topics if topic.id not in told.topics)
        if place.near_copy and not topics:
            return None
        reply = replace(alert, follows=told.headline, news=(*topics, *place.news))
        if self._hears_in_digests(alert.receiver):
            return Telling(reply, place.story, held=True)
        loud = self.settings.story.broadcast == "news" and bool(reply.news)
        return Telling(reply, place.story, told.root, loud)

    def _hears_in_digests(self, receiver: str) -> bool:
        return any(each.name == receiver and each.alerts == "in digests" for each in self.settings.receivers)


def owe(connection: Connection, telling: Telling, *, article: int, now: datetime) -> bool:
    """Owe what is to be told; False where it was owed before."""
    return outbox.add(
        connection,
        telling.alert,
        article=article,
        now=now,
        story=telling.story,
        root=telling.root,
        broadcast=telling.broadcast,
        held=telling.held,
    )
