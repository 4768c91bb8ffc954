"""A record ▶ an article, by the names that the rules and news services have for its parts."""

from __future__ import annotations

import re

from classifier import dates, decoding
from classifier.articles import Article, compose
from classifier.formats import keys
from classifier.formats.keys import Record
from classifier.formats.mime.headers import moment
from classifier.formats.ways import Way
from classifier.formats.web import html

# What news services call a title and a text; asked for behind the names that the rules have.
TITLES = ("webTitle", "fields.headline", "headline_main", "headline.main", "headlines.value", "heading")
TEXTS = (
    "body_text",
    "bodyText",
    "fields.bodyText",
    "fields.body",
    "body_html",
    "body_xhtml",
    "bodies.value",
    "full_text",
    "fulltext",
    "content.rendered",
    "html",
    "description",
    "description_text",
    "summary",
    "abstract",
    "fields.trailText",
    "excerpt.rendered",
)
_DATES = (
    "date",
    "published_at",
    "publishedAt",
    "published",
    "date_published",
    "datePublished",
    "webPublicationDate",
    "pub_date",
    "pubDate",
    "versioncreated",
    "versionCreated",
    "firstcreated",
)
_URLS = ("url", "link", "webUrl", "web_url", "canonical_url", "mainEntityOfPage")
_SOURCES = ("source", "publisher", "provider", "outlet", "site_name", "publication")
_AUTHORS = ("author", "byline", "fields.byline", "authors", "creator", "by")
_LANGUAGES = ("lang", "language", "inLanguage", "language_code")
_IDS = ("id", "uri", "guid", "_id")
_MARKUP = re.compile(
    r"</?(?:p|br|div|span|a|h[1-6]|ul|ol|li|b|i|em|strong|table|img|figure|blockquote)\b[^<>]*>"
)
_CUT_SHORT = re.compile(r"(?:…|\.\.\.)?\s*\[\+\d{1,7} chars\]\s*\Z")
_TITLE_TAG = re.compile(r"<[^<>]{1,200}>")
_CODES = frozenset(
    """
    ab aa af ak sq am ar an hy as av ae ay az bm ba eu be bn bi bs br bg my ca ch ce ny zh cu cv kw co
    cr hr cs da dv nl dz en eo et ee fo fj fi fr fy ff gd gl lg ka de el kl gn gu ht ha he hz hi ho hu
    is io ig id ia ie iu ik ga it ja jv kn kr ks kk km ki rw ky kv kg ko kj ku lo la lv li ln lt lu lb
    mk mg ms ml mt gv mi mr mh mn na nv nd nr ng ne no nb nn oc oj or om os pi ps fa pl pt pa qu ro rm
    rn ru se sm sg sa sc sr sn ii sd si sk sl so st es su sw ss sv tl ty tg ta tt te th bo ti to ts tn
    tr tk tw ug uk ur uz ve vi vo wa cy wo xh yi yo za zu
    """.split()
)


def article_of(record: Record, way: Way) -> Article | None:
    """The article; None where there is no text."""
    rules = way.rules
    body = keys.first(record, (*rules.text_fields, *TEXTS), keys.prose)
    if not body:
        return None
    caveats: tuple[str, ...] = ()
    if _CUT_SHORT.search(body[-100:]):
        body = _CUT_SHORT.sub("…", body[-100:]).join((body[:-100], ""))
        caveats = ("cut short by its source",)
    if _MARKUP.search(body):
        body = html.fragment(body)
    paragraphs = [line for each in decoding.clean(body).split("\n") if (line := each.strip())]
    if not paragraphs:
        return None
    title = keys.first(record, (*rules.title_fields, *TITLES), keys.one_line)
    if title and "<" in title:
        title = " ".join(_TITLE_TAG.sub("", title).split()) or None
    if title and paragraphs[0] == title and len(paragraphs) > 1:
        del paragraphs[0]
    return compose(
        title,
        "\n".join(paragraphs),
        date=keys.first(record, _DATES, _date),
        language=keys.first(record, _LANGUAGES, _language),
        given_id=keys.first(record, _IDS, _id),
        source=keys.first(record, _SOURCES, _named),
        author=keys.first(record, _AUTHORS, _author),
        url=keys.first(record, _URLS, _url),
        caveats=caveats,
    )


def _named(given: object) -> str | None:
    """A name, or an object that has one; an address is none."""
    if isinstance(given, dict):
        given = given.get("name") or given.get("title")
    found = keys.one_line(given)
    return found if found and len(found) <= 200 and "://" not in found else None


def _author(given: object) -> str | None:
    given = given if isinstance(given, list) else [given]
    names = dict.fromkeys(name for each in given[:20] if (name := _named(each)))
    found = ", ".join(names)
    for opening in ("by ", "автор: ", "авторы: ", "автор "):
        if found.lower().startswith(opening):
            found = found[len(opening) :]
    return found or None


def _url(given: object) -> str | None:
    if isinstance(given, dict):
        given = given.get("@id") or given.get("url")
    found = keys.one_line(given)
    is_one = found and found.startswith(("http://", "https://")) and " " not in found and len(found) <= 2000
    return found if is_one else None


def _id(given: object) -> str | None:
    if isinstance(given, bool) or not isinstance(given, int | str):
        return None
    found = keys.one_line(str(given))
    return found if found and len(found) <= 500 else None


def _language(given: object) -> str | None:
    code = (keys.one_line(given) or "").lower().replace("_", "-").partition("-")[0]
    return code if code in _CODES else None


def _date(given: object) -> str | None:
    return dates.of_machine(given) or (moment(given) if isinstance(given, str) else None)
