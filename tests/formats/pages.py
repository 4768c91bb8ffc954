"""Articles ▶ web pages as the systems of newsrooms make them, with all that stands around the article."""

from __future__ import annotations

import codecs
import json
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from tests.formats.around import AROUND
from tests.formats.table import LIST_ROWS, SUBHEADING, TABLE_ROWS, Made
from tests.formats.texts import TEXTS, NewsText
from tests.formats.writing import news_article

_NO_PAGE_CHARSET = {"utf-16-le": "utf-16", "utf-16-be": "utf-16"}


def page(made: Made, at: Path) -> bytes:
    return encoded(cms_page(TEXTS[made.articles[0]], made), made)


def encoded(text: str, made: Made) -> bytes:
    mark = codecs.BOM_UTF16_LE if "bom" in made.traits else b""
    return mark + text.encode(made.encoding or "utf-8")


def cms_page(article: NewsText, made: Made) -> str:
    """A page of a content system: menus, the article, related stories, a cookie banner, a footer."""
    around = AROUND[article.language]
    charset = "utf-8" if "told-utf8" in made.traits else _told_charset(made)
    told_charset = "" if "no-charset" in made.traits else f'<meta charset="{charset}">'
    direction = "rtl" if article.right_to_left else "ltr"
    menu = "".join(f'<li><a href="/{n}/">{word}</a></li>' for n, word in enumerate(around.menu))
    others = "".join(f'<li><a href="/old/{n}">{word}</a></li>' for n, word in enumerate(around.others))
    return f"""<!DOCTYPE html>
<html lang="{article.language}" dir="{direction}">
<head>
{told_charset}
<title>{escape(article.title)} | {article.source}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{_told(article, made)}
<link rel="stylesheet" href="/static/site.css">
<style>.banner {{ position: fixed; bottom: 0 }} .menu li {{ display: inline }}</style>
<script>window.dataLayer = window.dataLayer || []; var page = {{"kind": "article", "views": 1843}};</script>
</head>
<body class="article-page">
<div class="banner cookie-consent" role="dialog"><p>{around.cookies}</p><button>{around.agree}</button></div>
<header><a class="logo" href="/">{article.source}</a><nav class="menu"><ul>{menu}</ul></nav></header>
<main>
<article>
<h1>{escape(article.title, quote=False)}</h1>
{_byline(article, made)}
<div class="share-buttons social">{around.share}</div>
<div class="article-body" id="body">
{_body(article, made)}
</div>
</article>
{_teasers(article, made)}<aside class="related"><h3>{around.related}</h3><ul>{others}</ul></aside>
<div class="newsletter"><p>{around.subscribe}</p><form action="/subscribe"><input type="email"></form></div>
</main>
<footer><ul>{menu}</ul><p>© 2026 {article.source}. {around.footer}</p></footer>
<script src="/static/counter.js"></script>
</body>
</html>
"""


def _told_charset(made: Made) -> str:
    return _NO_PAGE_CHARSET.get(made.encoding, made.encoding or "utf-8")


def visible_date(article: NewsText) -> str:
    return f"{datetime.fromisoformat(article.date):%d.%m.%Y, %H:%M}"


def old_page(made: Made, at: Path) -> bytes:
    """A page of the nineties' manner: tables, no landmarks, nothing told to machines but the charset."""
    article = TEXTS[made.articles[0]]
    around = AROUND[article.language]
    menu = "<br>".join(f'<a href="{n}.htm">{word}</a>' for n, word in enumerate(around.menu))
    body = "\n".join(f"<p align=justify>{escape(each, quote=False)}" for each in article.paragraphs)
    return f"""<HTML><HEAD>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=windows-1251">
<TITLE>{escape(article.title)}</TITLE></HEAD>
<BODY BGCOLOR=white><TABLE WIDTH=100%><TR><TD VALIGN=top WIDTH=150>{menu}</TD><TD>
<H1>{escape(article.title)}</H1>
{body}
</TD></TR><TR><TD COLSPAN=2><FONT SIZE=1>{around.footer}</FONT></TD></TR></TABLE>
</BODY></HTML>
""".encode(made.encoding)


def div_page(made: Made, at: Path) -> bytes:
    """A page without a landmark or a paragraph: divisions, and text that was pasted from a word processor."""
    article = TEXTS[made.articles[0]]
    around = AROUND[article.language]
    menu = "".join(
        f'<div class="m-item"><a href="/{n}">{word}</a></div>' for n, word in enumerate(around.menu)
    )
    style = 'style="font-size:14pt;line-height:115%;font-family:&quot;Times New Roman&quot;"'
    body = "\n".join(
        f"<div><span {style}>{_pasted(each)}<o:p></o:p></span></div><div><br></div>"
        for each in article.paragraphs
    )
    others = "".join(
        f'<div class="n-link"><a href="/n/{n}">{word}</a></div>' for n, word in enumerate(around.others)
    )
    direction = "rtl" if article.right_to_left else "ltr"
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" dir="{direction}"><head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<title>{escape(article.title)}</title></head><body>
<div id="top"><div class="logo"><img src="/logo.gif" alt="" /></div>{menu}</div>
<div id="mid"><div class="news-title">{escape(article.title, quote=False)}</div>
<div class="news-text">
{body}
</div>
<div class="n-links">{others}</div></div>
<div id="bottom">© 2026. {around.footer}</div>
</body></html>
""".encode()


def _pasted(words: str) -> str:
    return escape(words, quote=False).replace(" ", "&nbsp;", 1)


def plain_page(article: NewsText, style: str = "", *, dated: bool = False) -> str:
    """A page with the article and nothing around it, for printing."""
    direction = "rtl" if article.right_to_left else "ltr"
    day = f"<p>{datetime.fromisoformat(article.date):%d.%m.%Y}</p>" if dated else ""
    body = "\n".join(f"<p>{escape(each, quote=False)}</p>" for each in article.paragraphs)
    return f"""<!DOCTYPE html>
<html lang="{article.language}" dir="{direction}"><head><meta charset="utf-8">
<title>{escape(article.title)}</title><style>{style}</style></head>
<body><h1>{escape(article.title, quote=False)}</h1>{day}
{body}
</body></html>
"""


def _told(article: NewsText, made: Made) -> str:
    """What the page tells machines."""
    if "meta" in made.traits:
        return f"""<meta property="og:type" content="article">
<meta property="og:title" content="{escape(article.title)}">
<meta property="og:site_name" content="{article.source}">
<meta property="og:url" content="{article.url}">
<meta property="article:published_time" content="{article.date}">
<meta name="author" content="{article.author}">
<link rel="canonical" href="{article.url}">"""
    if "jsonld" in made.traits:
        told = json.dumps(news_article(article, whole=False), ensure_ascii=False)
        return f'<script type="application/ld+json">{told}</script>'
    if "graph" in made.traits:
        return (
            f'<script type="application/ld+json">{json.dumps(_graph(article), ensure_ascii=False)}</script>'
        )
    return ""


def _graph(article: NewsText) -> dict[str, Any]:
    """All that an SEO plugin tells: the site, the way to the page, the article and when it was changed."""
    site = article.url.split("/")[2]
    later = datetime.fromisoformat(article.date) + timedelta(hours=30)
    told = news_article(article, whole=False) | {"dateModified": later.isoformat()}
    told["publisher"] = {"@id": f"https://{site}/#organization"}
    told["author"] = {"@id": f"https://{site}/#person", "name": article.author}
    return {
        "@context": "https://schema.org",
        "@graph": [
            {
                "@type": "WebSite",
                "@id": f"https://{site}/#website",
                "url": f"https://{site}/",
                "name": article.source,
            },
            {"@type": "Organization", "@id": f"https://{site}/#organization", "name": article.source},
            {
                "@type": "WebPage",
                "@id": article.url,
                "url": article.url,
                "name": f"{article.title} - {article.source}",
                "datePublished": article.date,
            },
            {
                "@type": "BreadcrumbList",
                "itemListElement": [{"@type": "ListItem", "position": 1, "name": article.source}],
            },
            {"@type": "Person", "@id": f"https://{site}/#person", "name": article.author},
            told,
        ],
    }


def _teasers(article: NewsText, made: Made) -> str:
    """Openings of other articles, and what readers said."""
    if "teasers" not in made.traits:
        return ""
    around = AROUND[article.language]
    known = [each for each in TEXTS.values() if each.language == article.language and each is not article]
    cards = [(each.title, paragraph) for each in known for paragraph in each.paragraphs[:3]]
    shown = "".join(
        f'<div class="card"><a href="/c/{n}"><h3>{escape(title)}</h3></a><p>{escape(words[:120])}…</p></div>'
        for n, (title, words) in enumerate(cards)
    )
    said = "".join(
        f'<li class="comment"><b>user{n}</b><p>{each}!</p></li>' for n, each in enumerate(around.others)
    )
    return (
        f'<section class="latest-news"><h2>{around.related}</h2>{shown}</section>'
        f'<div id="comments"><ul class="comment-list">{said}</ul></div>\n'
    )


def _byline(article: NewsText, made: Made) -> str:
    said = f'<time datetime="{article.date}" pubdate>{visible_date(article)}</time>'
    return (
        f'<div class="meta">{said}</div>'
        if "time" in made.traits
        else (f'<div class="meta">{said} <span class="author">{article.author}</span></div>')
    )


def _body(article: NewsText, made: Made) -> str:
    if "scripted" in made.traits:
        told = json.dumps(list(article.paragraphs), ensure_ascii=False)
        return f"""<script>
for (const words of {told}) {{
  const paragraph = document.createElement("p");
  paragraph.textContent = words;
  document.getElementById("body").append(paragraph);
}}
</script>"""
    paragraphs = [escape(each, quote=False) for each in article.paragraphs[: made.paragraphs or None]]
    if "breaks" in made.traits:
        return "<br><br>\n".join(paragraphs)
    lines = [f"<p>{each}</p>" for each in paragraphs]
    if "between" in made.traits:
        around = AROUND[article.language]
        other = f'<a href="/old/1">{around.others[0]}</a>'
        lines.insert(2, f'<div class="related-inline"><b>{around.related}:</b> {other}</div>')
        lines.insert(5, '<div class="ad-slot" id="ad-2"><script>showAd("ad-2")</script></div>')
    if "rich" in made.traits:
        lines[2] = f"<blockquote>{lines[2]}</blockquote>"
        points = "".join(f"<li>{each}</li>" for each in LIST_ROWS)
        rows = "".join(f"<tr><td>{left}</td><td>{right}</td></tr>" for left, right in TABLE_ROWS)
        lines += [f"<h2>{SUBHEADING}</h2>", f"<ul>{points}</ul>", f"<table>{rows}</table>"]
    return "\n".join(lines)
