"""JSON and JSON Lines ▶ articles, of news services and of an owner's own files, by their keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from classifier import dates, decoding
from classifier.articles import Article, Contents, compose
from classifier.errors import UnreadableArticleError
from classifier.formats import keys
from classifier.formats.keys import Record
from classifier.formats.mime import parting
from classifier.formats.mime.headers import moment
from classifier.formats.ways import Way
from classifier.formats.web import html
from classifier.rules import Rules

_MEND = "mend the file, or name its keys in the configuration"

# What news services call a title and a text; asked for behind the names that the rules have.
_TITLES = ("webTitle", "fields.headline", "headline_main", "headline.main", "headlines.value", "heading")
_TEXTS = (
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
_LISTS = ("articles", "items", "results", "data", "entries", "records", "docs", "news", "hits", "@graph")

_MOST_RECORDS = 50_000
_MOST_LOOKED_AT = 2_000  # values in which a list of records is looked for
_DEEPEST = 4  # objects in objects
_MOST_LEFT_OUT = 1_000  # lines; who has more of them has named the wrong keys
_LONGEST_NUMBER = 300  # digits
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


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of the records, in order; at least one. Raises UnreadableArticleError."""
    text, caveats = _text(data)
    lines = _lines(text) if _is_of_lines(text, name) else None
    found = _Found(way, caveats)
    if lines is not None:
        for number, line in lines:
            found.take_line(number, line)
    else:
        whole = _parsed(text)
        outlet = _outlet(whole)
        for number, record in enumerate(_records(whole, way.rules), 1):
            found.take_record(number, record, outlet)
    return found.contents()


def warm() -> None:
    """Load what reads the markup of a text."""
    html.warm()
    parting.warm()
    _text("Цена на нефть выросла сегодня".encode("cp1251"))


class _Found:
    """Articles and what is none, while a file is read."""

    def __init__(self, way: Way, caveats: tuple[str, ...]) -> None:
        self._way = way
        self._caveats = caveats
        self._articles: list[Article] = []
        self._left_out: list[str] = []
        self._keys: dict[str, None] = {}
        self._room = way.rules.limits.characters
        self._number = 0

    def take_line(self, number: int, line: str) -> None:
        self._count()
        try:
            record = _parsed(line, at=number)
        except UnreadableArticleError as failure:
            self._leave_out(f"line {number}: {failure.reason}")
            return
        self._take(f"line {number}", record, None)

    def take_record(self, number: int, record: object, outlet: str | None) -> None:
        self._count()
        self._take(f"record {number}", record, outlet)

    def _count(self) -> None:
        self._number += 1
        if self._number > _MOST_RECORDS:
            raise UnreadableArticleError(f"more than {_MOST_RECORDS:,} records", "part it into smaller files")

    def _take(self, place: str, given: object, outlet: str | None) -> None:
        record = _unwrapped(given)
        if record is None:
            self._leave_out(f"{place}: not an object")
            return
        if len(self._keys) < 20:
            self._keys.update(dict.fromkeys(key[:40] for key in record))
        article = _article(record, self._way)
        if article is None:
            self._leave_out(f"{place}: no text")
            return
        self._room -= len(article.text)
        if self._room < 0:
            most = self._way.rules.limits.characters
            raise UnreadableArticleError(f"longer than {most:,} characters", "part it into smaller files")
        self._articles.append(
            replace(article, source=article.source or outlet, caveats=self._caveats + article.caveats)
        )

    def contents(self) -> Contents:
        if not self._articles:
            raise self._nothing()
        return Contents(tuple(self._articles), tuple(self._left_out))

    def _leave_out(self, line: str) -> None:
        if len(self._left_out) < _MOST_LEFT_OUT:
            self._left_out.append(line)
        elif len(self._left_out) == _MOST_LEFT_OUT:
            self._left_out.append("and more")

    def _nothing(self) -> UnreadableArticleError:
        if self._keys:
            wanted = ", ".join(self._way.rules.text_fields)
            there = ", ".join(list(self._keys)[:20])
            return UnreadableArticleError(f"no text: looked for {wanted}; there are {there}", _MEND)
        if self._left_out:
            return UnreadableArticleError(self._left_out[0], _MEND)
        return UnreadableArticleError("no text", "drop it again when there are articles in it")


# Bytes ▶ JSON


def _text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The file's characters. Not cleaned yet: a line break that is data must not part a line."""
    if not data.strip(b" \t\r\n\0"):
        raise UnreadableArticleError("empty", "drop it again when there is text in it")
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        decoded = decoding.decode(data)
        return decoded.text, decoded.caveats


def _parsed(text: str, at: int | None = None) -> object:
    """JSON ▶ what it says. NaN is nothing; of a key that comes twice the last counts."""
    try:
        return json.loads(text, strict=False, parse_int=_integer, parse_constant=_nothing_of)
    except json.JSONDecodeError as error:
        where = "" if at else f" at line {error.lineno}"
        if error.pos >= len(text.rstrip()):
            where += ", where it ends too early"
        raise UnreadableArticleError(f"not JSON: {error.msg.removesuffix(' at')}{where}", _MEND) from error
    except RecursionError as error:
        raise UnreadableArticleError("not JSON that we read: nested too deep", _MEND) from error


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _nothing_of(constant: str) -> None:
    return None


def _is_of_lines(text: str, name: str) -> bool:
    """By its name, or because its first line is an object and another follows."""
    if name.lower().endswith((".jsonl", ".ndjson")):
        return not text.lstrip("\ufeff \t\r\n").startswith("[")
    first, _, rest = text.strip().partition("\n")
    if not (
        first.lstrip().startswith("{") and first.rstrip().endswith("}") and rest.lstrip().startswith("{")
    ):
        return False
    try:
        _parsed(first)
    except UnreadableArticleError:
        return False
    return True


def _lines(text: str) -> Iterator[tuple[int, str]]:
    place, number = 0, 0
    while place < len(text):
        number += 1
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line = text[place:end].strip("\ufeff \t\r")
        if line:
            yield number, line
        place = end + 1


# JSON ▶ records


def _records(whole: object, rules: Rules) -> list[object]:
    """The records of a file: it is one, a list of them, or has such a list somewhere."""
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        raise UnreadableArticleError("no text: neither an object nor a list of them", _MEND)
    if keys.first(whole, rules.text_fields, keys.prose):
        return [whole]
    return _list_in(whole, rules) or [whole]


def _list_in(whole: Record, rules: Rules) -> list[object] | None:
    """The first list of records with a title or a text, those of a likely name first, the nearest first."""
    level: list[object] = [whole]
    looked_at = 0
    for _ in range(_DEEPEST):
        below: list[object] = []
        for each in level:
            if not isinstance(each, dict):
                continue
            likely = [each[key] for key in _LISTS if key in each]
            for value in [*likely, *each.values()]:
                looked_at += 1
                if looked_at > _MOST_LOOKED_AT:
                    return None
                if isinstance(value, list) and _is_of_records(value, rules):
                    return value
                if isinstance(value, dict):
                    below.append(value)
        level = below
    return None


def _is_of_records(values: list[object], rules: Rules) -> bool:
    for each in values[:20]:
        record = _unwrapped(each)
        if record is not None and (
            keys.first(record, (*rules.text_fields, *_TEXTS), keys.prose)
            and keys.first(record, (*rules.title_fields, *_TITLES), keys.prose)
        ):
            return True
    return False


def _unwrapped(given: object) -> Record | None:
    """The record itself; search engines put it into another."""
    if not isinstance(given, dict):
        return None
    inner = given.get("_source")
    return inner if isinstance(inner, dict) else given


def _outlet(whole: object) -> str | None:
    """The name of a JSON Feed."""
    if not isinstance(whole, dict):
        return None
    version = whole.get("version")
    is_feed = isinstance(version, str) and "jsonfeed.org/version" in version
    return keys.one_line(whole.get("title")) if is_feed else None


# A record ▶ an article


def _article(record: Record, way: Way) -> Article | None:
    rules = way.rules
    body = keys.first(record, (*rules.text_fields, *_TEXTS), keys.prose)
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
    title = keys.first(record, (*rules.title_fields, *_TITLES), keys.one_line)
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
