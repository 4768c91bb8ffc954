"""Web pages: the article's text without menus, what a page says of itself, and pages made to do harm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.formats.web import html
from classifier.formats.web.html import ALL_TAKEN
from classifier.reading import Reader
from tests.formats.texts import TEXTS, NewsText

LANGUAGES = {"en": "grain-en", "ru": "tyres-ru", "kk": "water-kk", "ar": "ammonia-ar"}

Page = Callable[[NewsText], str]


# Pages as content systems make them. The words around an article are of one kind: menu words, other
# stories, what readers say, a cookie banner. None of them may come into its text.

AROUND = ["Menuword", "Otherstory", "Readersays", "Cookieword"]
MENU = "".join(f'<li class="menu-item"><a href="/{n}">Menuword {n}</a></li>' for n in range(40))
LINKS = "".join(f'<a class="l" href="/{n}">Menuword {n}</a> | ' for n in range(40))
STORIES = "".join(f'<li><a href="/r">Otherstory {n} about a bridge in the north</a></li>' for n in range(5))
COMMENTS = "".join(
    f'<li class="comment"><article><footer>Name <time datetime="2026-09-0{n}T10:00:00Z">x</time></footer>'
    f"<div><p>Readersays {n} that all of this has been known for a long time to everybody.</p></div>"
    "</article></li>"
    for n in range(1, 6)
)
COOKIES = "<p>Cookieword: this site uses them to be better, and by going on you agree to that.</p>"


def wordpress(text: NewsText) -> str:
    body = "".join(f"<p>{each}</p>" for each in text.paragraphs)
    return f"""<!DOCTYPE html><html lang="{text.language}" dir="{_direction(text)}"><head>
<meta charset="utf-8"><title>{text.title} - {text.source}</title>
<meta property="og:site_name" content="{text.source}">
<link rel="canonical" href="{text.url}"><style>.a{{color:red}}</style>
<meta property="article:published_time" content="{text.date}">
<meta property="article:modified_time" content="2026-12-01T10:00:00+00:00"></head>
<body class="single single-post has-sidebar"><div id="page" class="site"><header class="site-header">
<nav class="main-navigation"><ul class="menu">{MENU}</ul></nav></header><div class="site-content has-sidebar">
<main class="site-main"><article class="post type-post hentry"><header class="entry-header">
<h1 class="entry-title">{text.title}</h1></header><div class="entry-content">{body}
<div class="related-posts"><h3>Otherstory</h3><ul>{STORIES}</ul></div></div></article>
<div id="comments" class="comments-area"><ol class="comment-list">{COMMENTS}</ol></div></main>
<aside class="widget-area"><ul>{STORIES}</ul></aside></div>
<footer class="site-footer">Menuword</footer></div>
<div id="cookie-notice" class="cookie-notice">{COOKIES}<button>Cookieword</button></div></body></html>"""


def line_breaks(text: NewsText) -> str:
    """As Bitrix does it: no paragraphs, menus in lists of no name, a column of news with their dates."""
    body = "<br>\n<br>\n".join(text.paragraphs)
    column = "".join(
        f'<div class="item"><span>0{n}.03.2026</span> <a href="/r">Otherstory {n}</a></div>'
        for n in range(1, 6)
    )
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "x"><html><head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" /><title>{text.title}</title></head><body>
<div id="wrap"><div class="top"><ul class="topmenu">{MENU}</ul></div><div class="left-col">{column}</div>
<div class="center"><h1>{text.title}</h1><div class="news-detail"><div class="detail_text">{body}</div></div>
<div class="also"><b>Otherstory:</b><p><a href="/r">Otherstory one</a></p>
<p><a href="/r">Otherstory two</a></p><p><a href="/r">Otherstory three</a></p></div>
</div></div></body></html>"""


def blocks_of_no_name(text: NewsText) -> str:
    """As programs build it: div in div, classes that say nothing."""
    body = "".join(
        f'<div class="x{n}a"><div class="k7">{each}</div></div>' for n, each in enumerate(text.paragraphs)
    )
    return f"""<!doctype html><html><head><meta charset=utf-8><title>{text.title}</title></head><body>
<div id="root"><div class="c1"><div class="c2">{LINKS}</div><div class="c3"><div class="c4">
<h1 class="t9">{text.title}</h1><div class="z1">{body}</div></div>
<div class="c5"><ul>{STORIES}</ul></div></div></div>
</div><script>window.__STATE__ = {{"a": "<p>Otherstory</p>"}}</script></body></html>"""


def tables(text: NewsText) -> str:
    body = "".join(f"<p>{each}" for each in text.paragraphs)
    return f"""<html><head><meta charset="utf-8"><title>{text.title}</title></head><body bgcolor="#ffffff">
<table width="100%"><tr><td width=150>{LINKS}</td><td><h2>{text.title}</h2>{body}</td>
<td><ul>{STORIES}</ul></td>
</tr></table></body></html>"""


def whole_page_form(text: NewsText) -> str:
    body = "".join(
        f'<div class="s"><span style="font-size:14px">{each}</span></div>' for each in text.paragraphs
    )
    return f"""<html><head><meta charset="utf-8"><title>{text.title}</title></head><body>
<form id="aspnetForm" method="post"><input type="hidden" name="__VIEWSTATE" value="{"A" * 5000}">
<div id="hdr"><table><tr><td>{LINKS}</td></tr></table></div>
<div id="ctl00_Main"><h1>{text.title}</h1>{body}</div>
</form></body></html>"""


def properties(text: NewsText) -> str:
    """As portals mark it up, with inserts between the paragraphs."""
    first, *others = text.paragraphs
    insert = '<div class="article__inline related"><a href="/r">Otherstory</a></div>'
    body = insert.join(f"<p>{each}</p>" for each in others)
    return f"""<!doctype html><html dir="{_direction(text)}"><head><meta charset="utf-8">
<title>{text.title}</title></head><body><div class="header"><div class="header__nav">{LINKS}</div></div>
<div class="layout">
<div itemscope itemtype="http://schema.org/NewsArticle"><h1 itemprop="headline">{text.title}</h1>
<meta itemprop="datePublished" content="{text.date}"><div itemprop="articleBody" class="article__text">
<div class="article__overview"><span>{first}</span></div>{body}</div></div>
<div class="side"><div class="feed">{STORIES}</div></div></div>
<div class="cookie-banner">{COOKIES}</div></body></html>"""


def _direction(text: NewsText) -> str:
    return "rtl" if text.language == "ar" else "ltr"


SYSTEMS: list[Page] = [wordpress, line_breaks, blocks_of_no_name, tables, whole_page_form, properties]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_of_a_page_of_a_content_system_the_article_is_left_and_nothing_else(
    reader: Reader, system: Page, language: str
) -> None:
    text = TEXTS[LANGUAGES[language]]

    article = read_one(reader, system(text))

    assert recalled(text.paragraphs, article) == 1
    assert not [word for word in AROUND if word in article.text]
    assert article.title == text.title
    assert article.text.split("\n") == [text.title, *text.paragraphs]
    assert article.language == language
    assert article.caveats == ()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_short_article_is_not_drowned_by_what_stands_around_it(reader: Reader, system: Page) -> None:
    text = TEXTS["tyres-ru"]
    short = NewsText(**{**_fields(text), "paragraphs": text.paragraphs[:1]})

    article = read_one(reader, system(short))

    assert recalled(short.paragraphs, article) == 1
    assert not [word for word in AROUND if word in article.text]


@pytest.mark.parametrize(
    ("tool", "language"),
    [*(("pandoc", each) for each in LANGUAGES), ("soffice", "ru"), ("chromium", "ar")],
)
def test_of_a_page_without_menus_all_of_the_text_is_the_article(
    reader: Reader, tmp_path: Path, tool: str, language: str
) -> None:
    for program in (tool, "pandoc"):  # which writes what the others convert
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    text = TEXTS[LANGUAGES[language]]

    article = read_one(reader, made_by(tool, text, tmp_path))

    assert recalled([text.title, *text.paragraphs], article) >= 0.98
    assert article.title == text.title
    assert article.caveats == ()


def test_lists_tables_quotes_and_headings_are_text_as_well(reader: Reader) -> None:
    inside = (
        "<h2>What was repaired</h2><ul><li>two furnaces</li><li>forty kilometres of pipe</li></ul>"
        "<blockquote><p>Nobody should have to queue for petrol.</p></blockquote>"
        "<table><tr><th>Year</th><th>Tonnes</th></tr><tr><td>2025</td><td>8.8</td></tr></table>"
    )
    page = wordpress(TEXTS["grain-en"]).replace(
        '<div class="related-posts">', f"{inside}<p>The end of it.</p><div>"
    )

    lines = read_one(reader, page).text.split("\n")

    assert lines[8:15] == [
        "What was repaired",
        "two furnaces",
        "forty kilometres of pipe",
        "Nobody should have to queue for petrol.",
        "Year Tonnes",
        "2025 8.8",
        "The end of it.",
    ]


def test_a_line_that_is_a_link_to_another_story_is_left_out_and_a_link_in_a_line_is_not() -> None:
    story = '<div class="insert"><a href="/r"><span>Otherstory of a bridge in the north</span></a></div>'
    page = (
        f"<html><head><title>Grain</title></head><body><nav>{LINKS}</nav><h1>Grain</h1>"
        '<div itemprop="articleBody"><p>The <a href="/port">port of Aktau</a> took grain on Monday from ten'
        f" trains that came at once.</p>{story}<p>It was a short day.</p></div></body></html>"
    )

    assert html.page(page).text.split("\n") == [
        "Grain",
        "The port of Aktau took grain on Monday from ten trains that came at once.",
        "It was a short day.",
    ]


def test_text_with_comments_in_it_is_whole() -> None:
    text = TEXTS["grain-en"]
    page = blocks_of_no_name(text).replace(" the ", " <!-- -->the <!-- b -->")

    article = html.page(page)

    assert article.text.split("\n") == [text.title, *text.paragraphs]
    assert article.caveats == ()


def test_what_is_hidden_is_no_text() -> None:
    text = TEXTS["grain-en"]
    hidden = "<p style='display: none'>Otherstory " + "and what nobody is shown of it " * 5 + "</p>"
    page = wordpress(text).replace("<p>", f"{hidden}<p>", 2)

    assert "Otherstory" not in html.page(page).text


def test_soft_hyphens_go_and_a_title_does_not_stand_twice() -> None:
    page = "<title>Oil &amp; gas</title><h1>Oil &amp;&nbsp;gas</h1><p>The re&shy;finery re\xadstarts.</p>"

    assert html.page(page).text == "Oil & gas\nThe refinery restarts."


# What a page says of itself


def told(head: str = "", body: str = "", title: str = "Refinery in Atyrau restarts") -> Article:
    paragraphs = "".join(f"<p>{each}</p>" for each in TEXTS["grain-en"].paragraphs)
    return html.page(
        f"<html><head><title>{title}</title>{head}</head>"
        f"<body><nav>{LINKS}</nav><article>{body}{paragraphs}</article></body></html>"
    )


def linked_data(given: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps(given)}</script>'


NEWS = {
    "@type": "NewsArticle",
    "headline": "Refinery restarts",
    "datePublished": "2026-03-05T15:20:00+05:00",
    "dateModified": "2026-03-06T10:00:00+05:00",
    "author": [{"@type": "Person", "name": "Dana Whitfield"}, {"@type": "Person", "name": "Marat Ospanov"}],
    "publisher": {"@type": "Organization", "name": "Steppe Courier"},
    "url": "https://news.example/a/1",
}


@pytest.mark.parametrize(
    "given",
    [NEWS, [NEWS], {"@graph": [{"@type": "WebPage"}, NEWS]}, {"@type": "WebPage", "mainEntity": NEWS}],
)
def test_linked_data_is_found_however_it_is_packed(given: Any) -> None:
    article = told(linked_data(given))

    assert article.title == "Refinery restarts"
    assert article.date == "2026-03-05T15:20:00+05:00"
    assert article.author == "Dana Whitfield, Marat Ospanov"
    assert article.source == "Steppe Courier"
    assert article.url == "https://news.example/a/1"


def test_linked_data_of_other_stories_is_not_taken_for_the_pages_own() -> None:
    others = [
        NEWS,
        {**NEWS, "headline": "Other", "datePublished": "2026-01-01", "url": "https://news.example/b"},
    ]

    alone = told(linked_data(others))
    undated = told(linked_data([{"@type": "Article", "headline": each} for each in ("One", "Two")]))
    named = told(linked_data(others) + '<link rel="canonical" href="https://news.example/b">')

    assert undated.title == "Refinery in Atyrau restarts"
    assert (alone.title, alone.date) == ("Refinery in Atyrau restarts", None)
    assert (named.title, named.date) == ("Other", "2026-01-01")


def test_an_items_date_deep_in_linked_data_is_not_the_pages() -> None:
    given = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": NEWS}]}

    assert told(linked_data(given)).date is None


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 100_000,
        '{"@graph":[' * 20_000,
        "{",
        "null",
        "[[[[1]]]]",
        '{"@type": 1, "headline": 2, "author": {}}',
    ],
)
def test_linked_data_that_is_none_says_nothing(hostile: str) -> None:
    article = told(f'<script type="application/ld+json">{hostile}</script>')

    assert article.title == "Refinery in Atyrau restarts"
    assert article.date is None


@pytest.mark.parametrize(
    ("head", "body", "date"),
    [
        (
            '<meta property="article:published_time" content="2026-03-05T10:20:00+02:00">',
            "",
            "2026-03-05T10:20:00+02:00",
        ),
        ('<meta name="DC.date.issued" content="2026-03-05">', "", "2026-03-05"),
        ('<meta name="pubdate" content="Thu, 05 Mar 2026 15:20:00 +0500">', "", "2026-03-05T15:20:00+05:00"),
        (
            "",
            '<span itemprop="datePublished" content="2026-03-05T15:20+05:00">5</span>',
            "2026-03-05T15:20+05:00",
        ),
        ("", '<time itemprop="datePublished" datetime="2026-03-05">5 March</time>', "2026-03-05"),
        ("", '<time datetime="2026-03-05T15:20+05:00">5 March</time>', "2026-03-05T15:20+05:00"),
        (
            "",
            '<time datetime="2026-03-05">5</time> <time datetime="2026-03-04" pubdate>4</time>',
            "2026-03-04",
        ),
        (
            "",
            '<time datetime="2026-03-05">5</time> <time class="updated" datetime="2026-03-07">7</time>',
            "2026-03-05",
        ),
        ("", '<time datetime="2026-03-05">5</time> <time datetime="2026-03-07">7</time>', None),
        ("", f'<div class="comments"><ol>{COMMENTS}</ol></div>', None),
        ("", '<aside><time datetime="2026-03-05">5</time></aside>', None),
        ('<meta property="article:modified_time" content="2026-03-05T10:20:00Z">', "", None),
        ('<meta name="created" content="2026-03-05T10:20:00Z">', "", None),
        ('<meta name="date" content="yesterday">', "", None),
        ('<meta name="date" content="1970-01-01T00:00:00Z">', "", None),
        ('<meta name="date" content="2090-01-01">', "", None),
    ],
)
def test_a_date_is_the_one_clear_moment_of_publishing(head: str, body: str, date: str | None) -> None:
    assert told(head, body).date == date


@pytest.mark.parametrize(
    ("title", "head", "body", "found"),
    [
        ("Oil is dear | Courier", "", "", "Oil is dear | Courier"),
        ("Oil is dear again today | Steppe Courier", "", "", "Oil is dear again today"),
        ("Courier :: Oil is dear again today", "", "", "Oil is dear again today"),
        ("Oil - Courier", '<meta property="og:site_name" content="Courier">', "", "Oil"),
        ("Oil — дорога - Courier", '<meta property="og:site_name" content="COURIER">', "", "Oil — дорога"),
        ("Нефть — дорога", "", "", "Нефть — дорога"),
        ("Oil - courier.kz", '<link rel="canonical" href="https://www.courier.kz/1">', "", "Oil"),
        ("Oil is dear – Courier and more", "", "<h1>Oil is dear</h1>", "Oil is dear"),
        ("x", '<meta property="og:title" content="Oil is dearer - News">',
         "<h1>Oil is dearer</h1>", "Oil is dearer"),
        ("x", '<meta property="og:title" content="The oil of the steppe is…">',
         "<h1>The oil of the steppe is dear</h1>", "The oil of the steppe is dear"),
        ("Oil &amp; gas", "", "", "Oil & gas"),
        ("News", '<meta property="og:site_name" content="News">', "<h1>News</h1><h1>Oil is dear</h1>", None),
        ("", "", "<form><h1>Oil is dear</h1></form>", "Oil is dear"),
        ("", "", "<aside><h1>Oil is dear</h1></aside>", None),
        ("", "", "", None),
    ],
)  # fmt: skip
def test_a_title_is_the_articles_without_the_outlets_name(
    title: str, head: str, body: str, found: str | None
) -> None:
    assert told(head, body, title).title == found


@pytest.mark.parametrize(
    ("head", "author"),
    [
        ('<meta name="author" content="Dana Whitfield">', "Dana Whitfield"),
        ('<meta name="author" content="By Dana Whitfield">', "Dana Whitfield"),
        ('<meta name="author" content="Автор: Дарья Полякова">', "Дарья Полякова"),
        ('<meta property="article:author" content="https://social.example/dana">', None),
        ('<meta name="author" content="STEPPE COURIER">', None),
        ('<meta name="author" content="admin">', None),
        ('<meta name="author" content="dana@news.example">', None),
        ('<meta name="author" content="">', None),
    ],
)
def test_an_author_is_a_person_and_not_an_address_nor_the_outlet(head: str, author: str | None) -> None:
    assert told(head + '<meta property="og:site_name" content="Steppe Courier">').author == author


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href="https://news.example/a?x=1">', "https://news.example/a?x=1"),
        ('<meta property="og:url" content="http://news.example/a">', "http://news.example/a"),
        ('<link rel="canonical" href="/a"><meta property="og:url" content="https://news.example/b">',
         "https://news.example/a"),
        ('<!-- saved from url=(0022)https://news.example/a -->', "https://news.example/a"),
        ('<link rel="canonical" href="/a">', None),
        ('<link rel="canonical" href="https://news.example/">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        ('<link rel="canonical" href="file:///etc/passwd">', None),
        ('<link rel="canonical" href="http://[::1">', None),
    ],
)  # fmt: skip
def test_an_address_is_one_of_the_web_and_not_a_front_page(head: str, url: str | None) -> None:
    assert told(head).url == url


def test_an_address_known_from_elsewhere_counts_where_the_page_has_none() -> None:
    paragraph = "<p>The refinery restarts.</p>"

    assert html.page(paragraph, url="https://news.example/a").url == "https://news.example/a"
    assert (
        html.page(f'<link rel=canonical href="/b">{paragraph}', url="https://news.example/a").url
        == "https://news.example/b"
    )


# Encodings


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp1251", "windows-1251"), ("koi8_r", "KOI8-R"), ("cp1256", "windows-1256")]
)
def test_the_encoding_that_a_page_says_it_is_in_is_believed(reader: Reader, encoding: str, name: str) -> None:
    text = TEXTS["ammonia-ar" if encoding == "cp1256" else "tyres-ru"]
    page = line_breaks(text).replace("charset=utf-8", f"charset={name}").encode(encoding, "xmlcharrefreplace")

    (article,) = reader.read(page, "page.html").articles

    assert recalled(text.paragraphs, article) == 1
    assert article.caveats == ()


def test_valid_utf8_is_utf8_whatever_a_page_says(reader: Reader) -> None:
    text = TEXTS["tyres-ru"]
    page = line_breaks(text).replace("charset=utf-8", "charset=windows-1251").encode()

    (article,) = reader.read(page, "page.html").articles

    assert recalled(text.paragraphs, article) == 1


def test_a_page_of_xml_says_its_encoding_before_all_else(reader: Reader) -> None:
    text = TEXTS["tyres-ru"]
    page = '<?xml version="1.0" encoding="windows-1251"?>\n' + line_breaks(text).replace("charset=utf-8", "")

    (article,) = reader.read(page.encode("cp1251", "xmlcharrefreplace"), "page.xhtml").articles

    assert recalled(text.paragraphs, article) == 1
    assert article.caveats == ()


# Small pieces


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("<p>One &amp; two</p><p>three</p>", "One & two\nthree"),
        ("One\nline\n\nafter the other, 3 < 4 &amp; 5", "One\nline\nafter the other, 3 < 4 & 5"),
        ("<b>One\nline</b>", "One line"),
        ("<![CDATA[<p>One</p>]]>", "One"),
        ("", ""),
        ("<img src=x>", ""),
    ],
)
def test_a_fragment_is_its_text_with_paragraphs_as_lines(given: str, found: str) -> None:
    assert html.fragment(given) == found


# Where the extractor fails


def test_text_that_the_parser_loses_is_taken_by_the_strip_and_said_so(reader: Reader) -> None:
    text = TEXTS["grain-en"]
    paragraphs = "".join(f"<p>{each}</p>" for each in text.paragraphs)

    article = read_one(reader, "<html><body>" + "<div>" * 2000 + paragraphs + "</div>" * 2000)

    assert recalled(text.paragraphs, article) == 1
    assert article.caveats == (ALL_TAKEN,)


def test_where_the_extractor_finds_next_to_nothing_all_of_the_text_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = TEXTS["grain-en"]
    monkeypatch.setattr("classifier.formats.web.extraction.main_text", lambda tree: text.paragraphs[0][:40])

    article = html.page(wordpress(text))

    assert recalled(text.paragraphs, article) == 1
    assert article.caveats == (ALL_TAKEN,)
    assert article.date == text.date


def test_the_simple_way_takes_all_of_the_text_and_the_title() -> None:
    text = TEXTS["grain-en"]

    article = html.page(wordpress(text), simply=True)

    assert recalled(text.paragraphs, article) == 1
    assert "Readersays" in article.text
    assert article.caveats == (ALL_TAKEN,)


def test_a_tag_of_hundreds_of_attributes_is_not_given_to_the_parser() -> None:
    tag = f"<a {' '.join(f'attribute{n}=value' for n in range(250))}>x</a>"
    text = TEXTS["grain-en"]

    assert html.page(wordpress(text) + tag).caveats == (ALL_TAKEN,)
    assert html.page(wordpress(text) + f"<script>{tag}</script>").caveats == ()


def test_a_list_of_links_alone_is_not_cut_to_nothing() -> None:
    article = html.page(f"<html><body><nav>x</nav><ul>{STORIES}</ul></body></html>")

    assert article.text.count("Otherstory") == 5


@pytest.mark.parametrize(
    "page", ["<html><body></body></html>", "<script>text</script>", "<p> &nbsp; </p>", "<"]
)
def test_a_page_without_text_is_empty(reader: Reader, page: str) -> None:
    if page == "<":
        assert read_one(reader, page).text == "<"
        return
    with pytest.raises(UnreadableArticleError) as failure:
        read_one(reader, page)

    assert failure.value.reason == "empty"


def test_a_page_that_a_program_would_write_has_no_text_and_its_title_is_not_taken_for_one() -> None:
    with pytest.raises(UnreadableArticleError) as failure:
        html.page(
            "<title>Grain</title><div id=root></div><noscript>Turn it on.</noscript><script>go()</script>"
        )

    assert failure.value.reason == "no text"
    assert html.page("<title>Grain</title><h1>Grain</h1>").text.strip() == "Grain"


PARAGRAPHS = "".join(f"<p>{each}</p>" for each in TEXTS["grain-en"].paragraphs)
HOSTILE = {
    "attributes": f"{PARAGRAPHS}<a {' '.join(f'a{n}=x' for n in range(300_000))}>x</a>",
    "attributes behind a bracket": f"{PARAGRAPHS}<a b='>' {' '.join(f'a{n}' for n in range(99_999))}>x",
    "open comments": PARAGRAPHS + "<!--" * 500_000,
    "open comments before all": "<!--" * 500_000 + PARAGRAPHS,
    "nested": "<div>" * 200_000 + PARAGRAPHS,
    "tags that nobody closes": PARAGRAPHS + "<b><i><font><a>" * 8000,
    "tables in tables": PARAGRAPHS + "<table><tr><td>" * 20_000,
    "blanks": PARAGRAPHS + " " * 1_000_000,
    "entities of entities": "<!DOCTYPE html [<!ENTITY a0 'aa'>"
    + "".join(f"<!ENTITY a{n} '&a{n - 1};&a{n - 1};'>" for n in range(1, 40))
    + f"]><html>{PARAGRAPHS}&a39;",
    "a file of ours": f"<!DOCTYPE html [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><html>{PARAGRAPHS}<b>&a;</b>",
    "marks": PARAGRAPHS + "<" * 1_000_000,
    "large": f"<html><!-- {'x' * 5_000_000} -->{PARAGRAPHS}",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_page_made_to_do_harm_gives_its_text_all_the_same(reader: Reader, kind: str) -> None:
    article = read_one(reader, f"<html><body>{HOSTILE[kind]}")

    assert recalled(TEXTS["grain-en"].paragraphs, article) >= 0.98
    assert "root:" not in article.text


def read_one(reader: Reader, page: str) -> Article:
    (article,) = reader.read(page.encode(), "page.html").articles
    return article


def recalled(wanted: tuple[str, ...] | list[str], article: Article) -> float:
    words = Counter(" ".join(wanted).split())
    return (words & Counter(article.text.split())).total() / words.total()


def made_by(tool: str, text: NewsText, folder: Path) -> str:
    """The page that a tool makes of a text without anything around it."""
    markdown = f"---\ntitle: '{text.title}'\nlang: {text.language}\n---\n\n" + "\n\n".join(text.paragraphs)
    page = _ran("pandoc", "-s", "-f", "markdown-smart", "-t", "html", given=markdown)
    (folder / "page.html").write_text(page, encoding="utf-8")
    if tool == "soffice":
        profile = f"-env:UserInstallation=file://{folder}/profile"
        out = folder / "out"
        _ran(
            "soffice",
            profile,
            "--headless",
            "--convert-to",
            "html",
            "--outdir",
            str(out),
            str(folder / "page.html"),
        )
        return (out / "page.html").read_text(encoding="utf-8")
    if tool == "chromium":
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        return _ran("chromium", *options, "--dump-dom", f"file://{folder}/page.html")
    return page


def _ran(*command: str, given: str = "") -> str:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60).stdout


def _fields(text: NewsText) -> dict[str, Any]:
    return {name: getattr(text, name) for name in NewsText.__slots__}
