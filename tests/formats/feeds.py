"""Articles ▶ feeds as content systems write them."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from html import escape
from pathlib import Path

from tests.formats.table import Made
from tests.formats.texts import TEXTS, NewsText

_SITE = "https://mixed-wire.example/"


def rss(made: Made, at: Path) -> bytes:
    """RSS 2.0: whole articles in content:encoded behind a short description, or in the description."""
    items = "\n".join(_rss_item(TEXTS[each], "encoded" in made.traits) for each in made.articles)
    return f"""<?xml version="1.0" encoding="{made.encoding}"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
<title>{made.source}</title>
<link>{_SITE}</link>
<description>News of the day</description>
<lastBuildDate>Sun, 15 Nov 2026 06:00:00 +0000</lastBuildDate>
<image><url>{_SITE}logo.png</url><title>{made.source}</title><link>{_SITE}</link></image>
{items}
</channel>
</rss>
""".encode(made.encoding)


def _rss_item(article: NewsText, in_content: bool) -> str:
    html = _html(article)
    if in_content:
        teaser = escape(article.paragraphs[0][:80]) + "…"
        said = f"<description>{teaser}</description>\n<content:encoded><![CDATA[{html}]]></content:encoded>"
    else:
        said = f"<description>{escape(html)}</description>"
    return f"""<item>
<title>{escape(article.title)}</title>
<link>{article.url}</link>
<guid isPermaLink="true">{article.url}</guid>
<dc:creator><![CDATA[{article.author}]]></dc:creator>
<pubDate>{format_datetime(datetime.fromisoformat(article.date))}</pubDate>
{said}
</item>"""


def atom(made: Made, at: Path) -> bytes:
    entries = "\n".join(_atom_entry(TEXTS[each], "xhtml" in made.traits) for each in made.articles)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>{made.source}</title>
<id>{_SITE}</id>
<link href="{_SITE}"/>
<updated>2026-11-15T06:00:00Z</updated>
{entries}
</feed>
""".encode()


def _atom_entry(article: NewsText, xhtml: bool) -> str:
    html = _html(article)
    if xhtml:
        content = f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{html}</div></content>'
    else:
        content = f'<content type="html">{escape(html)}</content>'
    return f"""<entry>
<title>{escape(article.title)}</title>
<link rel="alternate" href="{article.url}"/>
<id>{article.url}</id>
<published>{article.date}</published>
<updated>{article.date}</updated>
<author><name>{article.author}</name></author>
<summary>{escape(article.paragraphs[0][:80])}…</summary>
{content}
</entry>"""


def rdf(made: Made, at: Path) -> bytes:
    """RSS 1.0."""
    all_texts = [TEXTS[each] for each in made.articles]
    sequence = "".join(f'<rdf:li rdf:resource="{each.url}"/>' for each in all_texts)
    items = "\n".join(
        f"""<item rdf:about="{each.url}">
<title>{escape(each.title)}</title>
<link>{each.url}</link>
<dc:date>{each.date}</dc:date>
<dc:creator>{each.author}</dc:creator>
<description><![CDATA[{_html(each)}]]></description>
</item>"""
        for each in all_texts
    )
    return f"""<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="{_SITE}"><title>{made.source}</title><link>{_SITE}</link>
<description>News of the day</description><items><rdf:Seq>{sequence}</rdf:Seq></items></channel>
{items}
</rdf:RDF>
""".encode()


def _html(article: NewsText) -> str:
    return "".join(f"<p>{escape(each, quote=False)}</p>" for each in article.paragraphs)
