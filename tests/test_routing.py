"""Routing: who hears of an article, in one alert each, and why somebody does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.articles import Grade
from classifier.tagging import Tag, Tagged
from daemon import routing
from daemon.config import Route
from daemon.records import Alert, AlertTopic
from tests.builders import make_route, make_tag, make_tagged

TITLES = {"energy": "Energy", "trade": "Trade", "health": "Health"}
TOPICS = sorted(TITLES)
ROUTES = st.lists(
    st.builds(
        Route,
        receiver=st.sampled_from(["desk", "embassy"]),
        topics=st.none() | st.lists(st.sampled_from(TOPICS), max_size=3).map(tuple),
        grade=st.sampled_from(["main", "mention"]),
        languages=st.none() | st.lists(st.sampled_from(["en", "ru"]), max_size=2).map(tuple),
        min_probability=st.sampled_from([0.0, 0.5, 0.9]),
    ),
    max_size=6,
)
TAGS = st.lists(
    st.builds(
        make_tag,
        topic=st.sampled_from(TOPICS),
        grade=st.sampled_from(Grade),
        probability=st.sampled_from([0.3, 0.5, 0.95]),
    ),
    unique_by=lambda tag: tag.topic,
)


def alerts(tagged: Tagged, *routes: Route, source: str | None = None) -> list[Alert]:
    return routing.alerts(tagged, routes, TITLES, file="a.txt", source=source)


def reason(tagged: Tagged, route: Route) -> str:
    match = routing.match(tagged, route)
    assert match.topics == ()
    return match.reason


def test_a_route_without_conditions_carries_every_main_topic() -> None:
    tagged = make_tagged(make_tag("energy"), make_tag("trade"))

    match = routing.match(tagged, make_route())

    assert match.topics == ("energy", "trade")
    assert match.reason == ""


def test_a_route_carries_only_its_topics() -> None:
    tagged = make_tagged(make_tag("energy"), make_tag("trade"))

    assert routing.match(tagged, make_route(topics=("trade", "health"))).topics == ("trade",)


def test_a_passing_mention_is_carried_only_where_mentions_are_asked_for() -> None:
    tagged = make_tagged(make_tag("energy"), make_tag("trade", Grade.MENTION))

    assert routing.match(tagged, make_route()).topics == ("energy",)
    assert routing.match(tagged, make_route(grade="mention")).topics == ("energy", "trade")


def test_a_route_carries_only_its_languages() -> None:
    route = make_route(languages=("ru", "kk"))

    assert routing.match(make_tagged(make_tag(), language="kk"), route).topics == ("energy",)
    assert routing.match(make_tagged(make_tag(), language="en"), route).topics == ()


def test_a_route_carries_what_is_as_probable_as_it_asks_or_more() -> None:
    tagged = make_tagged(make_tag("energy", probability=0.8), make_tag("trade", probability=0.79))

    assert routing.match(tagged, make_route(min_probability=0.8)).topics == ("energy",)


@pytest.mark.parametrize(
    ("tagged", "route", "said"),
    [
        (make_tagged(), make_route(), "the article is about none of the topics"),
        (
            make_tagged(make_tag(), language="ar"),
            make_route(languages=("en", "ru")),
            "its language is ar, not en or ru",
        ),
        (
            make_tagged(make_tag(), language=None),
            make_route(languages=("en",)),
            "its language is unknown, not en",
        ),
        (make_tagged(make_tag()), make_route(topics=("health", "trade")), "it is not about health or trade"),
        (
            make_tagged(make_tag(grade=Grade.MENTION)),
            make_route(topics=("energy",)),
            "it only mentions them in passing, and the route asks for main",
        ),
        (
            make_tagged(make_tag(probability=0.712)),
            make_route(min_probability=0.9),
            "probability 0.71 is below 0.90",
        ),
        (
            make_tagged(make_tag("energy", probability=0.3), make_tag("trade", probability=0.6)),
            make_route(min_probability=0.9),
            "probability 0.60 is below 0.90",
        ),
    ],
)
def test_every_refusal_has_its_reason(tagged: Tagged, route: Route, said: str) -> None:
    assert reason(tagged, route) == said


def test_an_alert_says_all_that_the_receiver_needs() -> None:
    tagged = make_tagged(
        make_tag("energy", probability=0.93, passage="The refinery restarted."),
        make_tag("space", Grade.MENTION, 0.5, "A rocket."),
        text="A title\nA text.",
    )

    (alert,) = alerts(tagged, make_route(grade="mention"), source="wire/asia")

    assert alert == Alert(
        key=alert.key,
        receiver="desk",
        headline="A title",
        language="en",
        date=None,
        source="wire/asia",
        file="a.txt",
        topics=(
            AlertTopic(
                "energy", "Energy", "main", 0.93, "The refinery restarted.", ("refinery", "restarted")
            ),
            AlertTopic("space", "space", "mention", 0.5, "A rocket.", ("refinery", "restarted")),
        ),
        model="model-1",
    )


def test_several_routes_to_one_receiver_make_one_alert_with_all_their_topics() -> None:
    tagged = make_tagged(make_tag("energy"), make_tag("trade"), make_tag("health"))

    found = alerts(
        tagged, make_route(topics=("health",)), make_route(topics=("energy",)), make_route(topics=("energy",))
    )

    assert [[topic.id for topic in alert.topics] for alert in found] == [["energy", "health"]]


def test_each_receiver_hears_of_its_own_topics() -> None:
    tagged = make_tagged(make_tag("energy"), make_tag("trade"))

    found = alerts(
        tagged, make_route(topics=("trade",)), make_route(receiver="embassy"), make_route(topics=("space",))
    )

    assert [(alert.receiver, [topic.id for topic in alert.topics]) for alert in found] == [
        ("desk", ["trade"]),
        ("embassy", ["energy", "trade"]),
    ]


def test_the_same_article_has_the_same_key_for_a_receiver_and_another_for_another() -> None:
    tagged, spaced = make_tagged(make_tag()), make_tagged(make_tag("trade"), text="A  title\n\nA text.")

    (desk,), (again,) = alerts(tagged, make_route()), alerts(spaced, make_route())
    (embassy,) = alerts(tagged, make_route(receiver="embassy"))
    (other,) = alerts(make_tagged(make_tag(), text="Another\nText."), make_route())

    assert desk.key == again.key
    assert len({desk.key, embassy.key, other.key}) == 3


@given(TAGS, ROUTES)
def test_a_receiver_hears_exactly_of_what_one_of_its_routes_carries(
    tags: list[Tag], routes: list[Route]
) -> None:
    tagged = make_tagged(*tags)

    found = alerts(tagged, *routes)

    carried: dict[str, set[str]] = {}
    for route in routes:
        carried.setdefault(route.receiver, set()).update(routing.match(tagged, route).topics)
    assert {a.receiver: {t.id for t in a.topics} for a in found} == {r: t for r, t in carried.items() if t}
    assert len({alert.receiver for alert in found}) == len(found)


@given(TAGS, ROUTES)
def test_a_route_carries_something_or_says_why_not(tags: list[Tag], routes: list[Route]) -> None:
    for route in routes:
        match = routing.match(make_tagged(*tags), route)

        assert bool(match.topics) != bool(match.reason)
