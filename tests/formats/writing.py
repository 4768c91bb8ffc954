"""Articles ▶ the files that need no tool: texts, digests, Markdown, JSON."""

from __future__ import annotations

import codecs
import json
import textwrap
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.formats.table import Made
from tests.formats.texts import TEXTS, NewsText

_MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_WIDTH = 72  # characters of a hard-wrapped line


def text(made: Made, at: Path) -> bytes:
    article = TEXTS[made.articles[0]]
    paragraphs = list(article.paragraphs[: made.paragraphs or None])
    if "wrapped" in made.traits:
        paragraphs = [textwrap.fill(each, _WIDTH, break_on_hyphens=False) for each in paragraphs]
    dated = [day(article)] if "dated" in made.traits else []
    between = "\n" if "tight" in made.traits else "\n\n"
    return _encoded(between.join([article.title, *dated, *paragraphs]) + "\n", made)


def day(article: NewsText) -> str:
    """The day in the form that its readers write, which is the one that plain text is looked through for."""
    moment = datetime.fromisoformat(article.date)
    return f"{moment:%Y-%m-%d}" if article.language == "kk" else f"{moment:%d.%m.%Y}"


def press_digest(made: Made, at: Path) -> bytes:
    parts = []
    for number, article in enumerate(TEXTS[each] for each in made.articles):
        moment = datetime.fromisoformat(article.date)
        head = f"{moment:%d.%m.%Y, %H:%M} {3000 + 411 * number}"
        parts.append("\n".join([head, article.title, *article.paragraphs]))
    return _encoded("\n".join(parts) + "\n", made)


def rule_digest(made: Made, at: Path) -> bytes:
    parts = []
    for article in (TEXTS[each] for each in made.articles):
        parts.append(f"=== {article.date[:10]} | {article.title} ===")
        parts.extend(article.paragraphs)
    return _encoded("\n\n".join(parts) + "\n", made)


def star_digest(made: Made, at: Path) -> bytes:
    parts = ["\n\n".join([article.title, *article.paragraphs]) for article in _all(made)]
    return _encoded("\n\n* * *\n\n".join(parts) + "\n", made)


def front_matter(made: Made, at: Path) -> bytes:
    article = TEXTS[made.articles[0]]
    matter = f'---\ntitle: "{article.title}"\ndate: {article.date}\nauthor: {article.author}\n---\n\n'
    return _encoded(matter + "\n\n".join(article.paragraphs) + "\n", made)


def heading_markdown(made: Made, at: Path) -> bytes:
    """A title in the underlined form, a word in bold, a link."""
    article = TEXTS[made.articles[0]]
    first, second, *others = article.paragraphs
    words = first.split(" ")
    bold = " ".join([words[0], f"**{words[1]}**", *words[2:]])
    words = second.split(" ")
    linked = " ".join([f"[{' '.join(words[:3])}]({article.url})", *words[3:]])
    return _encoded("\n\n".join([f"{article.title}\n===", bold, linked, *others]) + "\n", made)


def record(made: Made, at: Path) -> bytes:
    return _json(_record(TEXTS[made.articles[0]]))


def record_list(made: Made, at: Path) -> bytes:
    return _json([_record(each) for each in _all(made)])


def record_wrapped(made: Made, at: Path) -> bytes:
    found = [_record(each) for each in _all(made)]
    return _json({"status": "ok", "total": len(found), "articles": found})


def schema_org(made: Made, at: Path) -> bytes:
    return _json(news_article(TEXTS[made.articles[0]], whole=True))


def json_feed(made: Made, at: Path) -> bytes:
    items = [
        {
            "id": each.url,
            "url": each.url,
            "title": each.title,
            "content_html": "".join(f"<p>{paragraph}</p>" for paragraph in each.paragraphs),
            "date_published": each.date,
            "authors": [{"name": each.author}],
        }
        for each in _all(made)
    ]
    head = {"version": "https://jsonfeed.org/version/1.1", "title": made.source}
    return _json(head | {"home_page_url": "https://mixed-wire.example/", "items": items})


def json_lines(made: Made, at: Path) -> bytes:
    escaped = "escaped" in made.traits
    lines = [json.dumps(_record(each), ensure_ascii=escaped) for each in _all(made)]
    return _encoded("\n".join(lines) + "\n", made)


def own_fields(made: Made, at: Path) -> bytes:
    lines = [
        json.dumps(
            {"uid": number, "fields": {"headline": each.title, "body": "\n".join(each.paragraphs)}},
            ensure_ascii=False,
        )
        for number, each in enumerate(_all(made), 1)
    ]
    return _encoded("\n".join(lines) + "\n", made)


def news_article(article: NewsText, *, whole: bool) -> dict[str, Any]:
    """The article as schema.org describes one, with its body or without."""
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": article.title,
        "datePublished": article.date,
        "inLanguage": article.language,
        "url": article.url,
        "mainEntityOfPage": {"@type": "WebPage", "@id": article.url},
        "author": [{"@type": "Person", "name": article.author}],
        "publisher": {"@type": "Organization", "name": article.source},
    }
    return found | ({"articleBody": "\n\n".join(article.paragraphs)} if whole else {})


def _record(article: NewsText) -> dict[str, Any]:
    return {
        "id": article.id,
        "title": article.title,
        "text": "\n".join(article.paragraphs),
        "date": article.date,
        "lang": article.language,
        "source": article.source,
        "author": article.author,
        "url": article.url,
    }


def _all(made: Made) -> list[NewsText]:
    return [TEXTS[each] for each in made.articles]


def _json(given: Any) -> bytes:
    return json.dumps(given, ensure_ascii=False, indent=2).encode() + b"\n"


def _encoded(text: str, made: Made) -> bytes:
    if "crlf" in made.traits:
        text = text.replace("\n", "\r\n")
    mark = _MARKS[made.encoding] if "bom" in made.traits else b""
    return mark + text.encode(made.encoding)
