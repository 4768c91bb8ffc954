"""A feed becomes its entries, each an article."""

from __future__ import annotations

import time

import pytest

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.opening import open_as
from classifier.reading import Reader
from classifier.rules import Rules

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Лента новостей</title><link>https://news.example/</link>
<item><title>Нефть &amp;amp; газ</title><link>https://news.example/1</link>
<description>Коротко.</description>
<content:encoded><![CDATA[
<p>Нефть дорожает.</p><p>Газ <b>тоже</b>.</p><script>x()</script>]]></content:encoded>
<dc:creator>Анна Петрова</dc:creator><pubDate>Sat, 07 Mar 2026 12:00:00 +0500</pubDate></item>
<item><title>Зерно</title><description>&lt;p&gt;Сев начался.&lt;/p&gt;</description>
<author>desk@news.example (Отдел зерна)</author><link>/relative</link><pubDate>вчера</pubDate></item>
<item><title>Срочно: ставка снижена</title></item>
<item><link>https://news.example/4</link></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>
<entry><title type="html">Oil &lt;i&gt;up&lt;/i&gt;</title>
<link rel="alternate" href="https://wire.example/1"/><link rel="edit" href="https://wire.example/edit"/>
<author><name>A. Reporter</name></author><published>2026-03-07T12:00:00+05:00</published>
<updated>2026-03-09T12:00:00Z</updated><summary>Short.</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>Oil is up.</p><p>Gas is not.</p></div></content>
</entry></feed>"""
RDF = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Wire</title></channel>
<item><title>Oil</title><description>Oil is up.</description>
<dc:date>2026-03-07T12:00:00+05:00</dc:date></item></rdf:RDF>"""


def read(data: bytes) -> Contents:
    return open_as(Format.FEED, data, "a.rss", Rules())


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableArticleError) as raised:
        read(data)
    return raised.value.reason


def item(inner: bytes) -> bytes:
    return b'<?xml version="1.0"?><rss version="2.0"><channel><item>' + inner + b"</item></channel></rss>"


def test_an_entry_is_an_article_with_the_whole_of_its_text() -> None:
    article = read(RSS.encode()).articles[0]

    assert article.text == "Нефть & газ\nНефть дорожает.\nГаз тоже."
    assert (article.title, article.author) == ("Нефть & газ", "Анна Петрова")
    assert (article.source, article.url) == ("Лента новостей", "https://news.example/1")
    assert article.date == "2026-03-07T12:00:00+05:00"


def test_what_is_not_sound_of_an_entry_is_unknown() -> None:
    article = read(RSS.encode()).articles[1]

    assert article.text == "Зерно\nСев начался."
    assert (article.date, article.url) == (None, None)


def test_an_entry_with_a_title_alone_is_an_article_and_one_with_neither_is_none() -> None:
    found = read(RSS.encode())

    assert [each.text for each in found.articles[2:]] == ["Срочно: ставка снижена"]
    assert found.left_out == ("entry 4: no text",)


def test_an_atom_entry_has_its_first_date_and_its_own_page() -> None:
    [article] = read(ATOM.encode()).articles

    assert article.text == "Oil up\nOil is up.\nGas is not."
    assert (article.date, article.url) == ("2026-03-07T12:00:00+05:00", "https://wire.example/1")
    assert (article.author, article.source) == ("A. Reporter", "Wire")


def test_rss_1_0_is_read() -> None:
    [article] = read(RDF.encode()).articles

    assert (article.text, article.date, article.source) == (
        "Oil\nOil is up.",
        "2026-03-07T12:00:00+05:00",
        "Wire",
    )


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r", "utf-16"])
def test_a_feed_is_in_the_encoding_that_it_declares(encoding: str) -> None:
    data = RSS.replace('encoding="utf-8"', f'encoding="{encoding}"').encode(encoding)

    assert read(data).articles[0].text == "Нефть & газ\nНефть дорожает.\nГаз тоже."


@pytest.mark.parametrize(
    "data", [RSS.encode().replace(b"</channel></rss>", b""), RSS.encode().replace(b"<b>", b"&nbsp;<b")]
)
def test_a_feed_that_is_not_sound_xml_is_read_as_far_as_it_goes(data: bytes) -> None:
    assert read(data).articles[1].text == "Зерно\nСев начался."


def test_all_kinds_of_feeds_are_read_in_the_jail() -> None:
    reader = Reader()
    try:
        found = [
            reader.read(each.encode(), "a.xml").articles
            for each in (RSS, ATOM, RDF, RSS.replace("</rss>", "&"))
        ]
    finally:
        reader.close()

    assert [len(each) for each in found] == [3, 1, 1, 3]


def test_entities_reach_neither_files_nor_memory() -> None:
    bomb = b"".join(
        b'<!ENTITY a%d "%s">' % (each, b"&a%d;" % (each - 1) * 10 if each else b"lol") for each in range(12)
    )
    for declared in (bomb, b'<!ENTITY a11 SYSTEM "file:///etc/passwd">'):
        data = b"<!DOCTYPE r [" + declared + b']><rss version="2.0"><channel><item><title>A &a11; b</title>'

        [article] = read(data + b"</item></channel></rss>").articles

        assert len(article.text) < 20


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b'<rss version="2.0"><channel>' + b"<item><title>a</title></item>" * 100_000,
            "more than 5,000 entries",
        ),
        (item(b"<title>" + b"word " * 1_000_000 + b"</title>"), "longer than"),
        (item(b"<category>a</category>" * 700_000), "too large"),
        (item(b"<a " + b" ".join(b'a%d=">"' % each for each in range(30_000)) + b">"), "a tag of more than"),
        (b"<rss>" + b" " * 17 * 2**20, "too large"),
        (b"<rss><channel></channel></rss>", "no text"),
    ],
)
def test_a_feed_that_is_too_much_is_refused_at_once(data: bytes, said: str) -> None:
    started = time.process_time()

    assert reason(data).startswith(said)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "inner",
    [
        b"<description><![CDATA[" + b"<!--" * 100_000 + b"]]></description>",
        b"<description>" + b"&lt;" * 200_000 + b"</description>",
        b"<description>" + b"<a>" * 40_000,
        b"<description>" + b"<a <" * 40_000,
        b"<description " + b'a="b" ' * 1_900 + b">x</description>",
    ],
)
def test_markup_made_to_stop_a_parser_stops_nothing(inner: bytes) -> None:
    started = time.process_time()

    assert read(item(b"<title>Oil</title>" + inner)).articles[0].title == "Oil"
    assert time.process_time() - started < 20
