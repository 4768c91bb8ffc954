"""Feeds: what a feed reader is told of a topic or a query, and that it is Atom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import feedparser
import pytest
from atoma import parse_atom_bytes
from fastapi import FastAPI
from lxml import etree, html
from sqlalchemy import text
from starlette.testclient import TestClient

from classifier import Grade
from daemon.desk.articles import ArticleShown, TagShown
from daemon.desk.feeds import Feed, atom
from daemon.desk.people import Person, Role
from tests.at_the_desk import ADDRESS, HERE, AtDesk
from tests.atom.faults import faults

ENERGY = "/feeds/topics/energy.atom"
NAMES = {"a": "http://www.w3.org/2005/Atom"}
NOW = "2026-03-05T12:00:00.000000Z"


def read(at_desk: AtDesk, address: str) -> Any:
    answer = at_desk.client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert faults(answer.content) == []
    # Two readers that others wrote: a strict one, which raises, and a lenient one.
    parse_atom_bytes(answer.content)
    found = feedparser.parse(answer.content)
    assert not found.bozo
    return found


def links(found: Any) -> Mapping[str, str]:
    return {each.rel: each.href for each in found.links}


def shown(**changes: Any) -> ArticleShown:
    given: dict[str, Any] = {
        "identity": 1, "fingerprint": "ab" * 32, "title": "A title", "text": "A title\nA text.",
        "language": "en", "date": None, "source": None, "author": None, "url": None, "caveats": None,
        "model": "model-1", "tagged_at": NOW, "tags": (), "alerts": (), "verdicts": (), "story": None,
    }  # fmt: skip
    return ArticleShown(**(given | changes))


def entry_of(article: ArticleShown, topic: str | None = None) -> Any:
    """The one entry of a feed with this article, which is valid."""
    document = atom(Feed("A feed", "http://desk", "/feeds/x", "/", topic), [article], {}, following=None)
    assert faults(document) == []
    (entry,) = etree.fromstring(document).findall("a:entry", NAMES)
    return entry


def told(entry: Any, path: str) -> list[str]:
    return [str(each) for each in entry.xpath(path, namespaces=NAMES)]


def test_a_topic_has_a_feed_of_its_articles_newest_first(at_desk: AtDesk) -> None:
    found = read(at_desk, ENERGY)

    assert found.feed.title == "Energy · topicwire"
    assert [entry.title for entry in found.entries] == [
        "استأنفت المصفاة العمل",
        "Завод возобновил работу",
        "Refinery restarts",
    ]
    entry = found.entries[2]
    assert entry.links[0].href.startswith(f"{ADDRESS}/articles/")
    assert at_desk.client.get(entry.links[0].href).status_code == 200
    assert [(tag.term, tag.label) for tag in entry.tags] == [("energy", "Energy")]
    assert entry.summary == "The refinery restarted."
    assert links(found.feed)["alternate"] == f"{ADDRESS}/?topic=energy"
    languages = [entry.title_detail.language for entry in found.entries]
    assert languages == ["ar", "ru", "en"]


def test_any_query_of_today_is_a_feed_also_as_a_form_sends_it(at_desk: AtDesk) -> None:
    query = "topic=&grade=&language=en&source=&q=refinery&since=&until=&alerted=&sort=anyhow"

    found = read(at_desk, f"/feeds/articles.atom?{query}")

    assert [entry.title for entry in found.entries] == ["Refinery restarts"]
    assert links(found.feed)["self"] == f"{ADDRESS}/feeds/articles.atom?q=refinery&language=en"
    assert len(read(at_desk, "/feeds/articles.atom").entries) == 5
    assert read(at_desk, "/feeds/articles.atom?q=nothing-like-it").entries == []
    assert len(read(at_desk, "/feeds/articles.atom?since=2020-01-01&alerted=no").entries) == 5
    answer = at_desk.client.get("/feeds/articles.atom?cursor=-")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_ids_stay_wherever_the_desk_is_reached_and_however_often_it_is_tagged(at_desk: AtDesk) -> None:
    before = read(at_desk, ENERGY)
    with at_desk.database.transaction() as connection:
        connection.execute(text("UPDATE articles SET tagged_at = '2030-01-01T00:00:00.000000Z' WHERE id = 1"))

    at_desk.client.headers["Host"] = "localhost:8460"
    after = read(at_desk, ENERGY)

    assert [entry.id for entry in after.entries] == [entry.id for entry in before.entries]
    assert after.feed.id == before.feed.id
    assert links(after.feed)["self"] == f"http://localhost:8460{ENERGY}"
    assert after.entries[2].updated == after.feed.updated == "2030-01-01T00:00:00Z"
    assert before.entries[2].updated < after.entries[2].updated
    assert read(at_desk, "/feeds/articles.atom").feed.id != after.feed.id


def test_who_has_a_feed_as_it_is_gets_it_no_second_time(at_desk: AtDesk) -> None:
    first = at_desk.client.get(ENERGY)
    known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    seen = {"If-Modified-Since": first.headers["last-modified"]}

    for headers in (known, seen, {"If-None-Match": "*"}):
        again = at_desk.client.get(ENERGY, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert at_desk.client.head(ENERGY).headers["etag"] == first.headers["etag"]
    for headers in ({"If-None-Match": '"other"'} | seen, {"If-Modified-Since": "some day"}):
        assert at_desk.client.get(ENERGY, headers=headers).status_code == 200

    at_desk.write("Another refinery\nIt restarted as well.", {"energy": Grade.MAIN})

    assert at_desk.client.get(ENERGY, headers=known).status_code == 200


def test_a_feed_reader_comes_in_by_the_key_in_the_address_and_its_pages_lead_through_all_articles_once(
    at_desk: AtDesk,
) -> None:
    for number in range(51):
        at_desk.write(f"Number {number}\nText of number {number}.", {"energy": Grade.MAIN})
    app = at_desk.client.app
    assert isinstance(app, FastAPI)
    key = app.state.admission.feed_key(Person("operator", Role.EDITOR))
    reader = TestClient(app, base_url=ADDRESS, client=HERE)
    address, pages = f"{ADDRESS}{ENERGY}?key={key}", []

    while address:
        answer = reader.get(address)
        assert (answer.status_code, faults(answer.content)) == (200, [])
        found = feedparser.parse(answer.content)
        assert links(found.feed)["first"] == f"{ADDRESS}{ENERGY}?key={key}"
        assert reader.get(links(found.feed)["self"]).content == answer.content
        pages.append([entry.id for entry in found.entries])
        address = links(found.feed).get("next", "")

    assert [len(page) for page in pages] == [50, 4]
    assert len({identity for page in pages for identity in page}) == 54
    assert found.feed.id == read(at_desk, ENERGY).feed.id
    for refused in (ENERGY, f"{ENERGY}?key=wrong", f"{ENERGY}?key={key}x"):
        assert reader.get(refused).status_code == 401
    assert reader.get("/api/articles", params={"key": key}).status_code == 401


def test_pages_lead_to_the_feed_of_what_they_show_with_the_key_of_whoever_looks(at_desk: AtDesk) -> None:
    app = at_desk.client.app
    reader = TestClient(app, base_url=ADDRESS, client=HERE)
    for shown_at, path in (
        ("/", "/feeds/articles.atom?key="),
        ("/?topic=energy&q=refinery", "/feeds/articles.atom?q=refinery&topic=energy&key="),
        ("/topics/energy", "/feeds/topics/energy.atom?key="),
    ):
        page = html.fromstring(at_desk.client.get(shown_at).text)
        (told,) = page.xpath("//link[@rel='alternate']/@href")
        (link,) = page.xpath("//a[contains(@href, '/subscribe')]/@href")
        (address,) = html.fromstring(at_desk.client.get(link).text).xpath("//input[@id='address']/@value")

        assert address.startswith(f"{ADDRESS}{path}")
        answer = reader.get(address)
        assert faults(answer.content) == []
        entries = feedparser.parse(answer.content).entries
        assert [entry.id for entry in entries] == [entry.id for entry in read(at_desk, told).entries] != []


def test_a_topic_that_is_not_there_has_no_feed(at_desk: AtDesk) -> None:
    for topic in ("enrgy", "%2e%2e%2fenergy", "<script>"):
        answer = at_desk.client.get(f"/feeds/topics/{topic}.atom")
        assert answer.status_code in (400, 404)
        assert "script" not in answer.text


def test_an_entry_tells_the_passage_of_the_topic_it_is_there_for() -> None:
    tags = (
        TagShown("energy", "main", 0.9, ({"passage": "The refinery restarted."},)),
        TagShown("trade", "mention", 0.4, ({"passage": "Exports went on."},)),
    )

    assert told(entry_of(shown(tags=tags), "trade"), "a:summary/text()") == ["Exports went on."]
    assert told(entry_of(shown(tags=tags)), "a:summary/text()") == ["The refinery restarted."]
    assert told(entry_of(shown()), "a:summary/text()") == ["A text."]
    assert told(entry_of(shown(title=None, text="A text alone.")), "a:summary/text()") == ["A text alone."]
    assert told(entry_of(shown(tags=tags)), "a:category/@term") == ["energy", "trade"]


def test_an_entry_says_who_published_it_where_and_when_as_far_as_that_is_known() -> None:
    known = entry_of(
        shown(
            source="Our wire",
            author="A. Reporter",
            url="https://example.org/a?b=1&c=2",
            date="2026-03-05T09:00+05:00",
        )
    )
    unknown = entry_of(shown(author="A. Reporter", url="javascript:alert(1)", date="2026-03-05"))

    assert told(known, "a:author/a:name/text()") == ["Our wire"]
    assert told(known, "a:link[@rel='via']/@href") == ["https://example.org/a?b=1&c=2"]
    assert told(known, "a:published/text()") == ["2026-03-05T04:00:00Z"]
    assert told(unknown, "a:author/a:name/text()") == ["A. Reporter"]
    assert told(unknown, "a:link[@rel='via'] | a:published") == []


HOSTILE = [
    "",
    " \n\t ",
    "<script>alert(1)</script>",
    "]]><x/>",
    "&lt;b&gt; &amp; &nosuch; <!-- -->",
    "".join(map(chr, range(32))) + "controls\x7f\x85\x9f",
    "not characters \ufffe\uffff \U0001ffff",
    "half a pair \ud83d",
    "turned \u202e round \u2066 and \u200f on",
    "\ufeff\u200b\u2028\u2029",
    "نص من اليمين",
    "😀" * 500,
    "long " * 100_000,
    '"><link rel="self" href="http://evil"/>',
]


@pytest.mark.parametrize("field", ["title", "text", "language", "date", "source", "author", "url", "passage"])
def test_whatever_an_article_holds_its_feed_is_valid_and_its_text_is_text(field: str) -> None:
    for hostile in HOSTILE:
        tags = (TagShown("energy", "main", 0.9, ({"passage": hostile},)),) if field == "passage" else ()
        changes = {} if field == "passage" else {field: hostile}

        entry = entry_of(shown(tags=tags, **changes))

        assert told(entry, ".//*[local-name() = 'script' or local-name() = 'x']") == []
        assert all(len(each) <= 2000 for each in told(entry, ".//text() | .//@*"))


def test_the_validator_finds_what_is_wrong() -> None:
    """Else that it finds nothing would say nothing."""
    sound = atom(
        Feed("A feed", "http://desk", "/feeds/x", "/"),
        [shown(), shown(fingerprint="cd" * 32)],
        {},
        following="7",
    ).decode()
    assert faults(sound.encode()) == []
    for before, after in (
        ("<updated>2026-03-05T12:00:00Z</updated>", ""),
        ("2026-03-05T12:00:00Z", "2026-03-05"),
        ("2026-03-05T12:00:00Z", "2026-03-05 12:00:00Z"),
        ("<title>A title</title>", ""),
        ("<name>topicwire</name>", "<name> </name>"),
        ("<name>topicwire</name>", ""),
        ('type="text">', 'type="markdown">'),
        ("<entry ", "<entry class='x' "),
        ("<summary", "<description"),
        ('rel="alternate"', 'rel="related"'),
        ('rel="self"', 'rel="related"'),
        ("http://desk/feeds/x", "/feeds/x"),
        ("urn:uuid:", ""),
        ('xml:lang="en"', 'xml:lang="a language"'),
        ("A title", "A \x01 title"),
        ("A title", "A <b>title</b>"),
        ("A title", "A &nbsp; title"),
    ):
        broken = sound.replace(before, after).replace(
            "</summary>", "</description>" if "<desc" in after else "</summary>"
        )
        assert broken != sound
        assert faults(broken.encode()) != [], (before, after)
    first, second = (etree.fromstring(sound.encode()).findall("a:entry/a:id", NAMES)[n].text for n in (0, 1))
    assert faults(sound.replace(str(second), str(first)).encode()) != []
