"""Tags ▶ routing ▶ alerts: who should hear of an article. Pure decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from classifier import Grade, Tag, Tagged
from daemon.config import Route
from daemon.records import Alert, AlertTopic, alert_key
from daemon.wishes import Wishes

_MOST_WORDS = 5
NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Match:
    """What a route makes of an article: the topics it carries, or why it carries none."""

    route: Route
    topics: tuple[str, ...]
    reason: str


def alerts(
    tagged: Tagged,
    routes: Sequence[Route],
    titles: Mapping[str, str],
    *,
    file: str,
    source: str | None = None,
    url: str | None = None,
    wishes: Wishes = NO_WISHES,
) -> list[Alert]:
    """One alert for each receiver that a route leads to, with all topics its routes carry.

    `wishes` are what desks mute and follow at present.
    """
    carried: dict[str, set[str]] = {}
    for route in routes:
        carried.setdefault(route.receiver, set()).update(match(tagged, route).topics)
    main = [tag.topic for tag in tagged.tags if tag.grade is Grade.MAIN]
    heard = wishes.adjust(carried, main, carried)
    return [_alert(tagged, receiver, topics, titles, file, source, url) for receiver, topics in heard.items()]


def match(tagged: Tagged, route: Route) -> Match:
    """Which of an article's tags a route carries, and if none, why."""
    if not tagged.tags:
        return Match(route, (), "the article is about none of the topics")
    language = tagged.article.language
    if route.languages is not None and language not in route.languages:
        said = language or "unknown"
        return Match(route, (), f"its language is {said}, not {' or '.join(route.languages)}")
    wanted = [tag for tag in tagged.tags if route.topics is None or tag.topic in route.topics]
    if not wanted:
        return Match(route, (), f"it is not about {' or '.join(route.topics or ())}")
    graded = [tag for tag in wanted if _has_grade(tag, route)]
    if not graded:
        return Match(route, (), "it only mentions them in passing, and the route asks for main")
    sure = [tag for tag in graded if tag.probability >= route.min_probability]
    if not sure:
        best = max(tag.probability for tag in graded)
        return Match(route, (), f"probability {best:.2f} is below {route.min_probability:.2f}")
    return Match(route, tuple(tag.topic for tag in sure), "")


def _has_grade(tag: Tag, route: Route) -> bool:
    return tag.grade is Grade.MAIN or route.grade == "mention"


def _alert(
    tagged: Tagged,
    receiver: str,
    topics: Collection[str],
    titles: Mapping[str, str],
    file: str,
    source: str | None,
    url: str | None,
) -> Alert:
    article = tagged.article
    return Alert(
        key=alert_key(receiver, article.fingerprint),
        receiver=receiver,
        headline=article.headline,
        language=article.language,
        date=article.date,
        source=source,
        file=file,
        topics=tuple(
            AlertTopic(
                id=tag.topic,
                title=titles.get(tag.topic, tag.topic),
                grade=tag.grade,
                probability=tag.probability,
                passage=tag.evidence[0].passage,
                words=tuple(word for word, _ in tag.evidence[0].words[:_MOST_WORDS]),
            )
            for tag in tagged.tags
            if tag.topic in topics
        ),
        model=tagged.model,
        url=url,
    )
