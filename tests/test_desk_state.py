"""What all pages know: the model that serves, and the topics that an article may be about."""

from __future__ import annotations

import os
from pathlib import Path

from daemon.desk.state import Desk
from tests.at_the_desk import AtDesk

_PAGES = ("/", "/queue", "/topics", "/model", "/health", "/api/topics", "/feeds/articles.atom")
_RETIRED = "[energy]\nretired = true\n"


def own_topics(at_desk: AtDesk, content: str) -> Path:
    """The home's topics.toml with this in it, later than the one before."""
    path = at_desk.home / "labels" / "topics.toml"
    path.parent.mkdir(exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(content, encoding="utf-8")
    if before:
        os.utime(path, ns=(before + 10**9, before + 10**9))
    return path


def started_anew(at_desk: AtDesk) -> Desk:
    return Desk(at_desk.settings, at_desk.database, at_desk.desk.index)


def test_a_topic_that_is_retired_while_the_desk_runs_is_not_said_any_more(at_desk: AtDesk) -> None:
    before = at_desk.desk.models.served().retired

    own = own_topics(at_desk, _RETIRED)
    during = at_desk.desk.models.served().retired
    own.unlink()

    assert (set(before), set(during)) == (set(), {"energy"})
    assert not at_desk.desk.models.served().retired


def test_topics_that_cannot_be_read_leave_every_page_as_it_was(at_desk: AtDesk) -> None:
    own_topics(at_desk, _RETIRED)
    titles, retired = at_desk.desk.topics(), at_desk.desk.models.served().retired

    own_topics(at_desk, "[[energy")

    assert {path: at_desk.client.get(path).status_code for path in _PAGES} == dict.fromkeys(_PAGES, 200)
    assert at_desk.desk.topics() == titles
    assert at_desk.desk.models.served().retired == retired
    assert "labels/topics.toml" in at_desk.client.get("/topics").text


def test_where_topics_could_never_be_read_those_that_the_model_knows_are_asked(at_desk: AtDesk) -> None:
    own_topics(at_desk, "[[energy")

    desk = started_anew(at_desk)

    assert dict(desk.topics()) == {"energy": "Energy", "trade": "Trade"}
    assert not desk.models.served().retired


def test_a_version_that_cannot_be_read_does_not_take_the_place_of_the_one_that_serves(
    at_desk: AtDesk,
) -> None:
    before = at_desk.desk.models.served()

    (at_desk.settings.models / "current").write_text("20300101T000000Z-00000000\n", encoding="utf-8")

    assert at_desk.desk.models.served() is before
