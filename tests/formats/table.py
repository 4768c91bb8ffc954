"""The files of the corpus: what is in each, the tool that makes it, and what of it a reader must find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Exactness = Literal["zoned", "minute", "day", ""]


@dataclass(frozen=True, slots=True)
class Made:
    """One file.

    `tool` names the function that makes it, `traits` what that function should do otherwise than
    usual. `date` is how exactly the file tells the dates of its articles, `carries` which other fields.
    `adds` is text that the file has beyond its articles and a reader must find, `may` such that it may
    (a byline, a caption). `source` is the outlet where it is not the article's own. `left_out` are parts
    that are no articles. `paragraphs`, where it is not 0: only so many of the article.
    `by_rules`: to be read by the rules of an owner (`OWNERS_RULES`).
    """

    name: str
    articles: tuple[str, ...]
    format: str
    tool: str
    encoding: str = "utf-8"
    traits: tuple[str, ...] = ()
    date: Exactness = ""
    carries: tuple[str, ...] = ("title",)
    adds: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    source: str | None = None
    left_out: tuple[str, ...] = ()
    by_rules: bool = False
    paragraphs: int = 0


OWNERS_RULES = {
    "title_fields": ("fields.headline", "title", "headline"),
    "text_fields": ("fields.body", "text"),
    "separators": (r"=== (?P<date>\d{4}-\d{2}-\d{2}) \| (?P<title>.+) ===", r"\* \* \*"),
}

_ALL_FIELDS = ("title", "source", "author", "url")
_EN, _RU, _KK, _AR = "grain-en", "tyres-ru", "water-kk", "ammonia-ar"
_EN2, _RU2, _KK2, _AR2 = "ferries-en", "rail-ru", "wind-kk", "dates-ar"
FOUR = (_EN, _RU, _KK, _AR)

TABLE_ROWS = (("Year", "Million tonnes"), ("2024", "7.9"), ("2025", "8.8"), ("2026 forecast", "9.1"))
LIST_ROWS = ("two berths for ships of 7,000 tonnes", "twelve silos", "a laboratory for protein and moisture")
SUBHEADING = "What the terminal has"
FOOTNOTE = "The union counts farms of more than five hundred hectares."
TEXT_BOX = "Key figure: 42 billion tenge"
SIGNATURE = "Пресс-служба. Телефон: +7 000 000-00-00"
FROM_LINE = "From Aktau the ships go to Baku and Amirabad."
RUNNING_HEADER = "Bulletin of the port press office"
LONG = (_EN, _EN2)
_TABLE_WORDS = tuple(cell for row in TABLE_ROWS for cell in row)


def _texts() -> list[Made]:
    def text(name: str, article: str, encoding: str, *traits: str, **more: object) -> Made:
        dated = "day" if "dated" in traits else ""
        return Made(name, (article,), "txt", "text", encoding, traits, dated, **more)  # type: ignore[arg-type]

    return [
        text("grain-utf8.txt", _EN, "utf-8", "dated"),
        text("tyres-utf8-bom-crlf.txt", _RU, "utf-8-sig", "dated", "crlf"),
        text("water-utf8.txt", _KK, "utf-8", "dated"),
        text("ammonia-utf8.txt", _AR, "utf-8", "dated"),
        text("tyres-utf16le-bom.txt", _RU, "utf-16-le", "bom", "crlf", "dated"),
        text("ammonia-utf16be-bom.txt", _AR, "utf-16-be", "bom"),
        text("water-utf16le.txt", _KK, "utf-16-le"),
        text("dates-utf16be.txt", _AR2, "utf-16-be"),
        text("ferries-utf16le.txt", _EN2, "utf-16-le", "crlf"),
        text("tyres-cp1251.txt", _RU, "cp1251", "dated", "crlf"),
        text("rail-koi8r.txt", _RU2, "koi8-r"),
        text("rail-cp1251-one-line-break.txt", _RU2, "cp1251", "tight", "dated"),
        text("ammonia-cp1256.txt", _AR, "cp1256", "crlf"),
        text("dates-cp1256.txt", _AR2, "cp1256", "dated"),
        text("dates-iso8859-6.txt", _AR2, "iso8859-6"),
        text("ferries-latin1.txt", _EN2, "latin-1", "dated"),
        text("grain-cp1252.txt", _EN, "cp1252", "crlf"),
        text("water-kz1048.txt", _KK, "kz1048"),
        text("wind-kz1048.txt", _KK2, "kz1048", "dated"),
        text("grain-wrapped.txt", _EN, "utf-8", "wrapped", "dated"),
        text("tyres-wrapped.txt", _RU, "utf-8", "wrapped"),
        text("dates-wrapped.txt", _AR2, "utf-8", "wrapped"),
        text("library-kk-arab.txt", "library-kk-arab", "utf-8"),
        text("school-ky.txt", "school-ky", "utf-8"),
        text("theatre-uz.txt", "theatre-uz", "utf-8"),
        text("sewing-tg.txt", "sewing-tg", "utf-8"),
        text("qanat-fa.txt", "qanat-fa", "utf-8"),
        text("tram-tr.txt", "tram-tr", "utf-8"),
        text("brief-tyres-cp1251.txt", _RU, "cp1251", paragraphs=1),
        text("brief-rail-koi8r.txt", _RU2, "koi8-r", paragraphs=1),
        text("brief-ammonia-cp1256.txt", _AR, "cp1256", paragraphs=1),
        text("brief-dates-iso8859-6.txt", _AR2, "iso8859-6", paragraphs=1),
        text("brief-ferries-latin1.txt", _EN2, "latin-1", paragraphs=1),
        text("brief-water-utf16le.txt", _KK, "utf-16-le", paragraphs=1),
        text("brief-water-kz1048.txt", _KK, "kz1048", paragraphs=2),
        Made("digest-press-service.txt", (_EN, _EN2), "txt", "press_digest", date="minute"),
        Made("digest-press-service-ru-kk.txt", (_RU, _KK, _RU2), "txt", "press_digest", date="minute"),
        Made("digest-rule.txt", (_RU, _EN, _AR), "txt", "rule_digest", date="day", by_rules=True),
        Made("digest-stars.txt", (_KK, _KK2), "txt", "star_digest", by_rules=True),
    ]


def _markdown() -> list[Made]:
    front = ("title", "author")
    return [
        Made("grain-front-matter.md", (_EN,), "md", "front_matter", date="zoned", carries=front),
        Made("water-front-matter.md", (_KK,), "md", "front_matter", date="zoned", carries=front),
        Made("tyres-heading.md", (_RU,), "md", "heading_markdown"),
        Made("ammonia-heading.md", (_AR,), "md", "heading_markdown"),
        Made("ferries-pandoc.md", (_EN2,), "md", "pandoc", traits=("markdown", "heading")),
        Made("rail-pandoc-gfm.md", (_RU2,), "md", "pandoc", traits=("gfm", "heading")),
    ]


def _pages() -> list[Made]:
    def page(name: str, article: str, tool: str, *traits: str, **more: object) -> Made:
        told = {"date": "zoned", "carries": _ALL_FIELDS, "traits": traits} | more
        return Made(name, (article,), "html", tool, **told)  # type: ignore[arg-type]

    bare = {"date": "", "carries": ("title",)}
    return [
        page("grain-meta.html", _EN, "page", "meta"),
        page("tyres-meta.html", _RU, "page", "meta"),
        page("water-meta.html", _KK, "page", "meta"),
        page("ammonia-meta.html", _AR, "page", "meta"),
        page("ferries-jsonld.html", _EN2, "page", "jsonld"),
        page("rail-jsonld.html", _RU2, "page", "jsonld"),
        page("wind-jsonld.html", _KK2, "page", "jsonld"),
        page("dates-jsonld.html", _AR2, "page", "jsonld"),
        page("tyres-cp1251.html", _RU, "page", "meta", encoding="cp1251"),
        page("ammonia-cp1256.html", _AR, "page", "meta", encoding="cp1256"),
        page("grain-utf16.html", _EN, "page", "meta", "bom", encoding="utf-16-le"),
        page("rail-old-cp1251.htm", _RU2, "old_page", encoding="cp1251", date="", carries=("title",)),
        page("wind-time.html", _KK2, "page", "time", date="zoned", carries=("title",)),
        page("qanat-meta.html", "qanat-fa", "page", "meta"),
        page("tram-meta.html", "tram-tr", "page", "meta"),
        page("ferries-breaks.html", _EN2, "page", "meta", "breaks"),
        page("dates-breaks.html", _AR2, "page", "time", "breaks", date="zoned", carries=("title",)),
        page("tyres-graph.html", _RU, "page", "graph", "teasers"),
        page("grain-teasers.html", _EN, "page", "meta", "teasers"),
        page("brief-rail-teasers.html", _RU2, "page", "meta", "teasers", paragraphs=2),
        page("brief-dates-teasers.html", _AR2, "page", "jsonld", "teasers", paragraphs=2),
        page("brief-wind-meta.html", _KK2, "page", "meta", paragraphs=1),
        page("tyres-divs.html", _RU, "div_page", **bare),
        page("water-divs.html", _KK, "div_page", **bare),
        page("ammonia-divs.html", _AR, "div_page", **bare),
        page("tyres-between.html", _RU, "page", "meta", "between"),
        page("grain-rich.html", _EN, "page", "jsonld", "rich", adds=(SUBHEADING, *LIST_ROWS, *_TABLE_WORDS)),
        page("tyres-cp1251-untold.html", _RU, "page", "meta", "no-charset", encoding="cp1251"),
        page("rail-cp1251-told-utf8.html", _RU2, "page", "meta", "told-utf8", encoding="cp1251"),
        page("ferries-pandoc.html", _EN2, "pandoc", "html", "standalone", **bare),
        page("dates-pandoc.html", _AR2, "pandoc", "html", "standalone", **bare),
        page("water-soffice.html", _KK, "soffice", "html", **bare),
        page("tyres-soffice.html", _RU, "soffice", "html", **bare),
        page("grain-chromium-dom.html", _EN, "chromium_dom", "meta"),
        page("ammonia-chromium-dom.html", _AR, "chromium_dom", "jsonld"),
        page("tyres-scripted-dom.html", _RU, "chromium_dom", "meta", "scripted"),
        Made("grain-saved.mhtml", (_EN,), "mhtml", "mhtml", "", ("meta",), "zoned", _ALL_FIELDS),
        # Without the page's scripts, so without what they told.
        Made("water-saved.mhtml", (_KK,), "mhtml", "mhtml", "", ("jsonld",), "zoned", ("title", "url")),
    ]


def _pdfs() -> list[Made]:
    def pdf(name: str, articles: tuple[str, ...], tool: str, *traits: str, **more: object) -> Made:
        dated = "day" if "dated" in traits else ""
        return Made(name, articles, "pdf", tool, "", traits, dated, **more)  # type: ignore[arg-type]

    made = []
    for article in FOUR:
        short = article.split("-")[0]
        made.append(pdf(f"{short}-chromium.pdf", (article,), "chromium_pdf", "dated"))
        made.append(pdf(f"{short}-soffice.pdf", (article,), "soffice", "pdf", "dated"))
    # wkhtmltopdf's old engine measures Arabic wrongly and sets it beyond the edge of the page.
    for article in (_EN, _RU, _KK, "tram-tr"):
        made.append(pdf(f"{article.split('-')[0]}-wkhtmltopdf.pdf", (article,), "wkhtmltopdf", "dated"))
    return [
        *made,
        pdf("ferries-two-columns.pdf", (_EN2,), "chromium_pdf", "columns"),
        pdf("rail-two-columns.pdf", (_RU2,), "chromium_pdf", "columns"),
        pdf("qanat-chromium.pdf", ("qanat-fa",), "chromium_pdf", "dated"),
        pdf("library-soffice.pdf", ("library-kk-arab",), "soffice", "pdf"),
        pdf("sewing-chromium.pdf", ("sewing-tg",), "chromium_pdf"),
        pdf("ferries-hyphens.pdf", (_EN2,), "chromium_pdf", "columns", "hyphens"),
        pdf("tyres-hyphens.pdf", (_RU,), "chromium_pdf", "columns", "hyphens"),
        pdf("dates-two-columns.pdf", (_AR2,), "chromium_pdf", "columns"),
        pdf("grain-three-pages.pdf", (_EN,), "chromium_pdf", "running"),
        pdf("tyres-three-pages-soffice.pdf", (_RU,), "soffice", "pdf", "running", "large"),
    ]


def _documents() -> list[Made]:
    def written(name: str, article: str, tool: str, *traits: str, **more: object) -> Made:
        dated = "day" if "dated" in traits else ""
        return Made(name, (article,), name.rpartition(".")[2], tool, traits=traits, date=dated, **more)  # type: ignore[arg-type]

    made = [written(f"{a.split('-')[0]}-soffice.docx", a, "soffice", "docx", "dated") for a in FOUR]
    made += [written(f"{a.split('-')[0]}-soffice.odt", a, "soffice", "odt", "dated") for a in FOUR]
    made += [written(f"{a.split('-')[0]}-soffice.rtf", a, "soffice", "rtf", "dated") for a in FOUR]
    rich = (*_TABLE_WORDS, *LIST_ROWS)
    return [
        *made,
        written("ferries-pandoc.docx", _EN2, "pandoc", "docx"),
        written("rail-pandoc.docx", _RU2, "pandoc", "docx"),
        written("grain-footnote-pandoc.docx", _EN, "pandoc", "docx", "rich", adds=(*rich, FOOTNOTE)),
        written("grain-table-list.docx", _EN, "python_docx", "rich", adds=rich),
        written("wind-python-docx.docx", _KK2, "python_docx", "dated"),
        written("dates-python-docx.docx", _AR2, "python_docx", "dated", "properties"),
        written("grain-text-box-soffice.docx", _EN, "soffice", "docx", "box", adds=(TEXT_BOX,)),
        written("grain-rich-soffice.odt", _EN, "soffice", "odt", "rich", adds=(*rich, FOOTNOTE)),
        written("qanat-soffice.docx", "qanat-fa", "soffice", "docx"),
        written("library-pandoc.docx", "library-kk-arab", "pandoc", "docx"),
        written("school-soffice.odt", "school-ky", "soffice", "odt", "dated"),
        written("sewing-soffice.rtf", "sewing-tg", "soffice", "rtf"),
        written("qanat-pandoc.rtf", "qanat-fa", "pandoc", "rtf", "standalone"),
        written("tyres-changes-soffice.docx", _RU, "soffice", "docx", "changes"),
        written("tyres-changes-soffice.odt", _RU, "soffice", "odt", "changes"),
        written("water-links-soffice.docx", _KK, "soffice", "docx", "links", "running"),
        written("rail-wordpad.rtf", _RU2, "wordpad", encoding="cp1251"),
        written("dates-wordpad.rtf", _AR2, "wordpad", encoding="cp1256"),
        written("ferries-pandoc.odt", _EN2, "pandoc", "odt"),
        written("ferries-pandoc.rtf", _EN2, "pandoc", "rtf", "standalone"),
        written("wind-pandoc.rtf", _KK2, "pandoc", "rtf", "standalone"),
        written("dates-pandoc.rtf", _AR2, "pandoc", "rtf", "standalone"),
    ]


def _mails() -> list[Made]:
    told = ("title", "source")

    def mail(name: str, articles: tuple[str, ...], tool: str, *traits: str, **more: object) -> Made:
        given = {"encoding": "utf-8", "carries": told} | more
        return Made(name, articles, "eml", tool, traits=traits, date="zoned", **given)  # type: ignore[arg-type]

    return [
        mail("grain-s-nail.eml", (_EN,), "s_nail"),
        mail("tyres-s-nail-quoted.eml", (_RU,), "s_nail", "quoted-printable"),
        mail("rail-s-nail-koi8r.eml", (_RU2,), "s_nail", "base64", encoding="koi8-r"),
        mail("ferries-s-nail-latin1.eml", (_EN2,), "s_nail", "quoted-printable", encoding="iso-8859-1"),
        mail("dates-s-nail-html.eml", (_AR2,), "s_nail", "html"),
        mail("water-mutt.eml", (_KK,), "mutt"),
        mail("ammonia-mutt.eml", (_AR,), "mutt"),
        mail("tyres-mutt-cp1251.eml", (_RU,), "mutt", "signed", encoding="windows-1251", may=(SIGNATURE,)),
        mail("wind-mutt-alternative.eml", (_KK2,), "mutt", "alternative"),
        mail(
            "tyres-mutt-docx.eml",
            (_RU, _RU2),
            "mutt",
            "attach:rail-pandoc.docx",
            "attach:photo.png",
            left_out=("photo.png",),
        ),
        mail("grain-mutt-pdf.eml", (_EN, _EN2), "mutt", "attach:ferries-two-columns.pdf"),
        mail("water-s-nail-html.eml", (_KK, _KK2), "s_nail", "attach:wind-time.html"),
        mail("rail-mutt-txt.eml", (_RU2, _RU), "mutt", "attach:tyres-cp1251.txt"),
        mail("grain-mutt-flowed.eml", (_EN,), "mutt", "flowed"),
        mail("theatre-mutt.eml", ("theatre-uz",), "mutt"),
        mail("library-s-nail.eml", ("library-kk-arab",), "s_nail"),
        mail("grain-forwarded.eml", (_EN,), "forwarded", carries=("title",)),
        mail("dates-outlook.eml", (_AR2,), "outlook", encoding="windows-1256"),
        mail("rail-outlook.eml", (_RU2,), "outlook", encoding="koi8-r"),
        mail("rail-raw-headers.eml", (_RU2,), "raw_headers", encoding="cp1251"),
        mail("water-enclosed.eml", (_EN2, _KK), "mutt", "attach:water-mutt.eml"),
        Made("from-line.mbox", (_EN, _RU2), "mbox", "mbox", "", ("from",), "zoned", told, adds=(FROM_LINE,)),
        Made("three.mbox", (_EN, _RU, _AR), "mbox", "mbox", date="zoned", carries=told),
    ]


def _records() -> list[Made]:
    def records(name: str, articles: tuple[str, ...], tool: str, **more: object) -> Made:
        told = {"date": "zoned", "carries": _ALL_FIELDS} | more
        return Made(name, articles, name.rpartition(".")[2], tool, **told)  # type: ignore[arg-type]

    return [
        records("grain-record.json", (_EN,), "record"),
        records("four-list.json", FOUR, "record_list"),
        records("two-wrapped.json", (_RU2, _KK2), "record_wrapped"),
        records("ferries-schema-org.json", (_EN2,), "schema_org"),
        records("feed-1.1.json", (_EN, _AR2), "json_feed", source="Steppe Mixed Wire"),
        records("four.jsonl", FOUR, "json_lines"),
        records("escaped.jsonl", (_KK, _AR), "json_lines", traits=("escaped",)),
        records("own-fields.jsonl", (_RU, _EN2), "own_fields", date="", carries=("title",), by_rules=True),
    ]


def _feeds() -> list[Made]:
    def feed(name: str, articles: tuple[str, ...], tool: str, *traits: str, **more: object) -> Made:
        given = {"carries": _ALL_FIELDS, "source": "Steppe Mixed Wire"} | more
        return Made(name, articles, "feed", tool, traits=traits, date="zoned", **given)  # type: ignore[arg-type]

    return [
        feed("mixed.rss", FOUR, "rss", "encoded"),
        feed("descriptions.xml", (_RU2, _AR2), "rss", "description"),
        feed("cp1251.rss", (_RU, _RU2), "rss", "encoded", encoding="windows-1251"),
        feed("mixed.atom", (_EN2, _KK2, _AR2), "atom", "html"),
        feed("xhtml.atom", (_KK, "theatre-uz"), "atom", "xhtml"),
        feed("mixed.rdf", (_KK, _EN, "tram-tr"), "rdf"),
    ]


def _packed() -> list[Made]:
    def packed(name: str, articles: tuple[str, ...], *files: str, **more: object) -> Made:
        return Made(name, articles, "zip", "zipped", "", files, **more)  # type: ignore[arg-type]

    return [
        packed("two-texts.zip", (_EN, _KK), "grain-utf8.txt", "water-utf8.txt", date="day"),
        packed(
            "mixed.zip",
            (_EN, _RU, _AR),
            "grain-soffice.docx",
            "tyres-soffice.rtf",
            "ammonia-chromium.pdf",
            "photo.png",
            date="day",
            left_out=("photo.png",),
        ),
        Made(
            "windows-names.zip",
            (_RU, _AR2),
            "zip",
            "windows_zip",
            "",
            ("tyres-cp1251.txt", "dates-iso8859-6.txt"),
        ),
        packed("mail-and-page.zip", (_KK, _RU), "water-mutt.eml", "tyres-meta.html", date="zoned"),
        packed("zip-in-zip.zip", (_EN, _KK, _AR2), "two-texts.zip", "dates-cp1256.txt", date="day"),
    ]


FILES = (
    *_texts(),
    *_markdown(),
    *_pages(),
    *_pdfs(),
    *_documents(),
    *_mails(),
    *_records(),
    *_feeds(),
    *_packed(),
)
