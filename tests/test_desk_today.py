"""Today: what came in, newest first, what a filter leaves of it, and what comes while somebody reads."""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape

import pytest

from classifier import Grade
from daemon import feedback, outbox
from daemon.clock import now
from daemon.desk import today
from daemon.verdicts import Verdict
from tests.at_the_desk import AtDesk
from tests.builders import make_alert

ENERGY = {"energy": Grade.MAIN}


def headlines(page: str) -> list[str]:
    found = re.findall(r'<h[23] dir="\w+"[^>]*><a [^>]*>(.*?)</a>', page)
    return [unescape(each) for each in found]


def ids(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'<li class="article" id="a(\d+)"', page)]


def shown(at_desk: AtDesk, address: str) -> list[str]:
    found = at_desk.client.get(address)
    assert found.status_code == 200
    return headlines(found.text)


def newest(at_desk: AtDesk) -> int:
    return ids(at_desk.client.get("/").text)[0]


def told(at_desk: AtDesk, article: int) -> None:
    with at_desk.database.transaction() as connection:
        outbox.add(connection, make_alert("energy-desk"), article=article, now=now())
    at_desk.follow()


def test_the_newest_article_stands_first_with_its_topics(at_desk: AtDesk) -> None:
    found = at_desk.client.get("/")

    assert found.status_code == 200
    assert found.text.index("Striker scores twice") < found.text.index("Refinery restarts")
    assert "Energy" in found.text


def test_an_article_in_arabic_runs_from_right_to_left(at_desk: AtDesk) -> None:
    assert '<h2 dir="rtl" lang="ar">' in at_desk.client.get("/?language=ar").text


def test_a_passing_mention_says_so_in_words(at_desk: AtDesk) -> None:
    assert "mention</span>" in at_desk.client.get("/?language=ar").text
    assert "mention</span>" not in at_desk.client.get("/?language=kk").text


FILTERED: tuple[tuple[str, list[str]], ...] = (
    ("/?topic=energy", ["استأنفت المصفاة العمل", "Завод возобновил работу", "Refinery restarts"]),
    ("/?topic=energy&grade=main", ["Завод возобновил работу", "Refinery restarts"]),
    ("/?grade=main&language=kk", ["Зауыт жұмысын жалғастырды"]),
    ("/?topic=energy&topic=trade", []),
    ("/?language=kk&language=ru", ["Зауыт жұмысын жалғастырды", "Завод возобновил работу"]),
    ("/?q=refinery", ["Refinery restarts"]),
    ("/?q=зауыт", ["Зауыт жұмысын жалғастырды"]),
    ("/?q=نفط", ["استأنفت المصفاة العمل"]),
    ('/?q="oil refinery"', ["Refinery restarts"]),
    ("/?q=refinery&topic=trade", []),
    ("/?alerted=yes", []),
    ("/?since=2999-01-01", []),
    ("/?until=1999-01-01", []),
    ("/?story=77", []),
    ("/?source=wire.example", []),
)


def test_a_filter_leaves_what_passes_it(at_desk: AtDesk) -> None:
    for address, expected in FILTERED:
        assert shown(at_desk, address) == expected, address


HOSTILE = (
    "q=", "q=%22", "q=%00", "q=AND", f"q={'x' * 5_000}", "topic=%27", "since=x", "since=0001-01-01",
    "until=9999-12-31", "until=-1", "story=x", "story=-1", f"story={'9' * 50}", "before=x", "before=-1",
    "before=99999999999999999999", "before=٣", "alerted=maybe", "grade=all", "language=../../x", "%ff=%ff",
    "q=%ff%fe", "&".join(f"topic={number}" for number in range(500)),
)  # fmt: skip


def test_whatever_an_address_asks_is_no_error(at_desk: AtDesk) -> None:
    for query in HOSTILE:
        assert at_desk.client.get(f"/?{query}").status_code == 200, query
        assert at_desk.client.get(f"/today/new?after=0&{query}").status_code in (200, 204), query


def test_days_are_those_of_this_machine_the_last_one_included(at_desk: AtDesk) -> None:
    here = datetime.now().astimezone().date().isoformat()

    assert len(shown(at_desk, f"/?since={here}&until={here}")) == 5


def test_a_filter_can_be_taken_away_chip_by_chip(at_desk: AtDesk) -> None:
    page = at_desk.client.get("/?topic=energy&language=ru&q=завод").text

    chips = [unescape(each) for each in re.findall(r'<li><a class="chip" href="([^"]*)">', page)]
    assert len(chips) == 4
    assert len(shown(at_desk, chips[0])) == 1  # without the text
    assert shown(at_desk, chips[1]) == ["Завод возобновил работу"]  # without the topic
    assert chips[3] == "/"


def test_a_form_says_what_is_filtered_by(at_desk: AtDesk) -> None:
    page = at_desk.client.get("/?q=oil+refinery&topic=energy&language=en&alerted=no&topic=gone").text

    assert 'name="q" value="oil refinery"' in page
    assert re.search(r'name="topic" value="energy" checked', page)
    assert re.search(r'name="topic" value="gone" checked', page)
    assert re.search(r'name="language" value="en" checked', page)
    assert re.search(r'<option value="no" selected', page)


def test_older_articles_follow_without_a_gap(at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "_MOST", 2)
    address, seen = "/", []

    while True:
        page = at_desk.client.get(address).text
        seen += ids(page)
        older = re.search(r'id="older" href="([^"]*)"', page)
        if older is None:
            break
        address = unescape(older[1])

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5


def test_what_somebody_was_told_of_says_to_whom_and_how_it_went(at_desk: AtDesk) -> None:
    told(at_desk, newest(at_desk))

    page = at_desk.client.get("/?alerted=yes").text

    assert headlines(page) == ["Striker scores twice"]
    assert re.search(r"<bdi>energy-desk</bdi>: owed", page)
    assert len(shown(at_desk, "/?alerted=no")) == 4


def test_what_desks_said_stands_at_the_article(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        for person, verdict in (("a", Verdict.RIGHT), ("b", Verdict.RIGHT), ("c", Verdict.WRONG)):
            feedback.judge(connection, article=1, topic="energy", verdict=verdict, person=person, now=now())

    page = at_desk.client.get("/?q=refinery").text

    assert "2 people said right" in page
    assert "1 person said wrong" in page


def test_a_story_leads_to_the_others_that_tell_it(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO stories (id, opened_at, last_at, first_article) VALUES (3, '', '', 1)"
        )
        for article in (1, 2, 4):
            connection.exec_driver_sql(
                "INSERT INTO sketches (article_id, story_id, near_copy, news)"
                f" VALUES ({article}, 3, FALSE, '[]')"
            )
    at_desk.desk.index.begin_anew()
    at_desk.follow()

    page = at_desk.client.get("/").text

    assert page.count('href="/?story=3">2 others of its story') == 3
    assert len(shown(at_desk, "/?story=3")) == 3


def live(page: str) -> str:
    found = re.search(r'id="arrivals" hx-get="([^"]*)"', page)
    assert found
    return unescape(found[1])


def test_what_comes_while_somebody_reads_is_put_above(at_desk: AtDesk) -> None:
    address = live(at_desk.client.get("/").text)
    assert at_desk.client.get(address).status_code == 204

    at_desk.write("Pipeline opened\nThe gas pipeline was opened.", ENERGY)
    found = at_desk.client.get(address)

    assert found.status_code == 200
    assert headlines(found.text) == ["Pipeline opened"]
    assert 'hx-swap-oob="afterbegin"' in found.text
    assert '<p id="announced" hx-swap-oob="innerHTML">1 new article</p>' in found.text
    assert at_desk.client.get(live(found.text)).status_code == 204


def test_only_what_passes_the_filter_is_put_above(at_desk: AtDesk) -> None:
    address = live(at_desk.client.get("/?topic=trade&q=export").text)

    at_desk.write("Pipeline opened\nThe gas pipeline was opened.", ENERGY)
    assert at_desk.client.get(address).status_code == 204
    at_desk.write("Exports rose\nExports rose.", {"trade": Grade.MAIN})

    assert headlines(at_desk.client.get(address).text) == ["Exports rose"]


def test_what_the_index_has_not_taken_up_when_a_page_is_shown_comes_later(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = at_desk.follow
    monkeypatch.setattr(AtDesk, "follow", lambda _: None)
    at_desk.write("Pipeline opened\nThe gas pipeline was opened.", ENERGY)
    page = at_desk.client.get("/?topic=energy").text
    assert "Pipeline opened" not in page

    follow()

    assert headlines(at_desk.client.get(live(page)).text) == ["Pipeline opened"]


def test_a_reader_further_down_is_told_how_many_once(at_desk: AtDesk) -> None:
    address = live(at_desk.client.get("/").text) + "&waiting=1"
    at_desk.write("Pipeline opened\nThe gas pipeline was opened.", ENERGY)

    first = at_desk.client.get(f"{address}&told=0")

    assert headlines(first.text) == []
    assert 'data-told="1"' in first.text and "1 new article" in first.text
    assert at_desk.client.get(f"{address}&told=1").status_code == 204
    at_desk.write("Pipeline closed\nThe gas pipeline was closed.", ENERGY)
    second = at_desk.client.get(f"{address}&told=1")
    assert "2 new articles" in second.text
    assert headlines(at_desk.client.get(live(second.text)).text) == ["Pipeline closed", "Pipeline opened"]


def test_a_flood_is_told_as_a_number_and_no_gap_is_left(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(today, "_MOST", 2)
    address = live(at_desk.client.get("/").text)
    for number in range(3):
        at_desk.write(f"Pipeline {number} opened\nThe gas pipeline {number} was opened.", ENERGY)

    found = at_desk.client.get(address)

    assert headlines(found.text) == []
    assert "More than 2 new articles" in found.text


def test_a_page_that_nothing_new_can_come_into_does_not_look_for_it(at_desk: AtDesk) -> None:
    for address in ("/?before=3", "/?until=2020-01-01"):
        assert "hx-get" not in at_desk.client.get(address).text


def test_an_index_that_is_behind_says_how_far_it_is(at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "_BEHIND", 3)
    assert "index is being made" not in at_desk.client.get("/").text

    at_desk.desk.index.begin_anew()

    page = at_desk.client.get("/?topic=energy")
    assert page.status_code == 200
    assert "it has 0 of 5 articles" in page.text
    assert len(shown(at_desk, "/")) == 5


def test_an_index_that_cannot_be_used_says_why_and_reading_goes_on(at_desk: AtDesk) -> None:
    index = at_desk.home / "desk.db"
    at_desk.desk.index.close()
    index.unlink()
    index.mkdir()

    filtered = at_desk.client.get("/?topic=energy")

    assert filtered.status_code == 503
    assert "desk.db: " in filtered.text and 'name="topic"' in filtered.text
    assert len(shown(at_desk, "/")) == 5


def test_a_home_without_articles_says_where_to_put_them(at_desk: AtDesk) -> None:
    empty(at_desk)

    page = at_desk.client.get("/").text

    assert "Nothing has come in yet" in page
    assert str(at_desk.settings.inbox) in page
    assert 'id="arrivals"' in page


def test_a_home_without_a_model_says_how_one_is_made(at_desk: AtDesk) -> None:
    empty(at_desk)
    (at_desk.settings.models / "current").unlink()

    page = at_desk.client.get("/")

    assert page.status_code == 200
    assert f"classifier train --home {at_desk.home}" in page.text


def empty(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        for table in ("tags", "articles"):
            connection.exec_driver_sql(f"DELETE FROM {table}")


MARKUP = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "%(num)s %s")


def test_nothing_of_an_article_or_an_address_is_markup(at_desk: AtDesk) -> None:
    for hostile in MARKUP:
        at_desk.write(f"{hostile}\nA text with {hostile}.", {hostile: Grade.MAIN}, language="en")

        found = at_desk.client.get("/", params={"topic": hostile, "q": hostile, "source": hostile})

        assert found.status_code == 200
        assert hostile not in found.text or "<" not in hostile
        for address in ("/", "/today/new?after=0"):
            page = at_desk.client.get(address).text
            assert "<script>alert" not in page and "<img" not in page
            assert hostile in headlines(page)[0]
