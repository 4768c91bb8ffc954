"""Articles ▶ the files of word processors: LibreOffice, pandoc, python-docx."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from datetime import datetime
from html import escape
from pathlib import Path

from tests.formats.table import FOOTNOTE, LIST_ROWS, RUNNING_HEADER, TABLE_ROWS, TEXT_BOX, Made
from tests.formats.texts import TEXTS, NewsText
from tests.formats.writing import day

_FILTERS = {"html": "html:HTML (StarWriter)", "docx": "docx:MS Word 2007 XML"}
_NAMESPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in (
        ("office", "office"),
        ("text", "text"),
        ("style", "style"),
        ("table", "table"),
        ("draw", "drawing"),
        ("meta", "meta"),
        ("fo", "xsl-fo-compatible"),
        ("svg", "svg-compatible"),
    )
)
_NAMESPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'


def soffice(made: Made, at: Path) -> bytes:
    """A flat OpenDocument text of ours, saved by LibreOffice in the format asked for."""
    ending = made.traits[0]
    source = at / "article.fodt"
    source.write_text(_flat(TEXTS[made.articles[0]], made), encoding="utf-8")
    profile = Path(tempfile.gettempdir()) / f"formats-office-{os.getuid()}"
    command = ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}"]
    command += ["--convert-to", _FILTERS.get(ending, ending), "--outdir", str(at), str(source)]
    subprocess.run(command, cwd=at, capture_output=True, timeout=180, check=True)
    return (at / f"article.{ending}").read_bytes()


def pandoc(made: Made, at: Path) -> bytes:
    """Markdown of ours, written by pandoc in the format asked for."""
    article, ending = TEXTS[made.articles[0]], made.traits[0]
    target = at / "made"
    command = ["pandoc", "-f", "markdown-smart", "-t", ending, "--wrap=auto", "-o", str(target)]
    source = _markdown(article, made)
    if "heading" in made.traits:
        source = f"# {article.title}\n\n{source}"
    else:
        command += ["-M", f"title={article.title}", "-M", f"lang={article.language}"]
        command += ["-M", "dir=rtl"] if article.right_to_left else []
    command += ["-s"] if "standalone" in made.traits else []
    subprocess.run(command, input=source.encode(), cwd=at, capture_output=True, timeout=60, check=True)
    return target.read_bytes()


def python_docx(made: Made, at: Path) -> bytes:
    import docx

    article = TEXTS[made.articles[0]]
    document = docx.Document()
    if "properties" in made.traits:
        properties = document.core_properties
        properties.title, properties.author = article.title, article.author
        properties.created = datetime.fromisoformat(article.date).replace(tzinfo=None)
    document.add_heading(article.title, level=0)
    if "dated" in made.traits:
        document.add_paragraph(day(article))
    for paragraph in article.paragraphs:
        first, blank, rest = paragraph.partition(" ")
        written = document.add_paragraph()
        written.add_run(first + blank).bold = True  # a word in several runs, as writers leave them
        written.add_run(rest[:40])
        written.add_run(rest[40:])
    if "rich" in made.traits:
        table = document.add_table(rows=0, cols=2)
        for row in TABLE_ROWS:
            cells = table.add_row().cells
            cells[0].text, cells[1].text = row
        for row_of_list in LIST_ROWS:
            document.add_paragraph(row_of_list, style="List Bullet")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _markdown(article: NewsText, made: Made) -> str:
    paragraphs = list(article.paragraphs)
    if "rich" not in made.traits:
        return "\n\n".join(paragraphs) + "\n"
    paragraphs[3] += "[^1]"
    head, *rows = TABLE_ROWS
    table = "\n".join(f"| {left} | {right} |" for left, right in (head, ("---", "---"), *rows))
    points = "\n".join(f"- {each}" for each in LIST_ROWS)
    return "\n\n".join([*paragraphs, table, points, f"[^1]: {FOOTNOTE}"]) + "\n"


def _flat(article: NewsText, made: Made) -> str:
    """A text document as LibreOffice itself saves one in a single XML file."""
    right = article.right_to_left
    direction = 'style:writing-mode="rl-tb" fo:text-align="end"' if right else 'style:writing-mode="lr-tb"'
    size = "24pt" if "large" in made.traits else "12pt"
    body = [_line(each) for each in article.paragraphs]
    if "rich" in made.traits:
        body[3] = body[3].removesuffix("</text:p>\n") + _note() + "</text:p>"
        body += [_table(), _list()]
    if "box" in made.traits:
        body.insert(2, _box())
    dated = [_line(day(article))] if "dated" in made.traits else []
    if "changes" in made.traits:
        body = [_CHANGES, *body]
        body[2] = _after_first_word(body[2], _STRUCK_OUT)
        body[3] = _after_first_word(body[3], _REMARK)
    if "links" in made.traits:
        body[1] = _linked(article.paragraphs[1], article.url)
    running = _RUNNING if "running" in made.traits else ""
    font = "Noto Naskh Arabic" if right else "Noto Sans"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {_NAMESPACES} office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.text">
<office:font-face-decls><style:font-face style:name="F" svg:font-family="'{font}'"/></office:font-face-decls>
<office:styles>
<style:style style:name="Standard" style:family="paragraph"><style:paragraph-properties {direction}
 fo:margin-bottom="0.3cm"/><style:text-properties style:font-name="F" style:font-name-complex="F"
 fo:font-size="{size}" style:font-size-complex="{size}"/></style:style>
<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="paragraph"
 style:parent-style-name="Standard" style:default-outline-level="1"><style:text-properties
 fo:font-size="18pt" fo:font-weight="bold"/></style:style>
<style:style style:name="Graphics" style:family="graphic"/>
</office:styles>
<office:automatic-styles><style:page-layout style:name="A4"><style:page-layout-properties
 fo:page-width="21cm" fo:page-height="29.7cm" fo:margin="2.5cm"/>
<style:header-style/><style:footer-style/></style:page-layout></office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="A4">{running}
</style:master-page></office:master-styles>
<office:body><office:text>
<text:h text:style-name="Heading_20_1" text:outline-level="1">{escape(article.title, quote=False)}</text:h>
{"".join([*dated, *body])}
</office:text></office:body></office:document>
"""


_RUNNING = (
    f'<style:header><text:p text:style-name="Standard">{RUNNING_HEADER}</text:p></style:header>'
    '<style:footer><text:p text:style-name="Standard">– <text:page-number>1</text:page-number> –</text:p>'
    "</style:footer>"
)


_WHO = "<dc:creator>Editor</dc:creator><dc:date>2026-09-15T10:00:00</dc:date>"
_CHANGES = (
    '<text:tracked-changes><text:changed-region xml:id="c1" text:id="c1"><text:deletion>'
    f"<office:change-info>{_WHO}</office:change-info>"
    '<text:p text:style-name="Standard">вычеркнутая редактором фраза</text:p>'
    "</text:deletion></text:changed-region></text:tracked-changes>"
)
_STRUCK_OUT = '<text:change text:change-id="c1"/>'
_REMARK = (
    f'<office:annotation office:name="n1">{_WHO}<text:p>Проверить цифру у пресс-службы</text:p>'
    "</office:annotation>"
)


def _after_first_word(line: str, element: str) -> str:
    tag, _, words = line.partition(">")
    return f"{tag}>{words.replace(' ', f' {element}', 1)}"


def _linked(words: str, url: str) -> str:
    """A paragraph whose first words are a link."""
    first, second, rest = words.split(" ", 2)
    link = f'<text:a xlink:type="simple" xlink:href="{url}">{first} {second}</text:a>'
    return f'<text:p text:style-name="Standard">{link} {escape(rest, quote=False)}</text:p>\n'


def wordpad(made: Made, at: Path) -> bytes:
    """RTF as the oldest programs write it: bytes of a code page, each escaped."""
    article = TEXTS[made.articles[0]]
    page, language = {"cp1251": (1251, 1049), "cp1256": (1256, 1025)}[made.encoding]
    right = "\\rtlpar" if article.right_to_left else ""
    lines = [_escaped(each, made.encoding) for each in (article.title, *article.paragraphs)]
    body = "\\par\r\n".join(lines)
    head = f"{{\\rtf1\\ansi\\ansicpg{page}\\deff0\\deflang{language}"
    fonts = (
        "{\\fonttbl{\\f0\\fswiss\\fcharset204 Arial;}}"
        if page == 1251
        else "{\\fonttbl{\\f0\\fcharset178 Arial;}}"
    )
    return f"{head}{fonts}\r\n\\viewkind4\\uc1\\pard{right}\\f0\\fs24 {body}\\par\r\n}}\r\n".encode("ascii")


def _escaped(words: str, encoding: str) -> str:
    return "".join(chr(each) if each < 128 else f"\\'{each:02x}" for each in words.encode(encoding))


def _line(words: str) -> str:
    return f'<text:p text:style-name="Standard">{escape(words, quote=False)}</text:p>\n'


def _note() -> str:
    return (
        '<text:note text:id="ftn1" text:note-class="footnote"><text:note-citation>1</text:note-citation>'
        f"<text:note-body>{_line(FOOTNOTE)}</text:note-body></text:note>"
    )


def _table() -> str:
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string">{_line(cell)}</table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in TABLE_ROWS
    )
    return (
        '<table:table table:name="T"><table:table-column table:number-columns-repeated="2"/>'
        f"{rows}</table:table>"
    )


def _list() -> str:
    points = "".join(f"<text:list-item>{_line(each)}</text:list-item>" for each in LIST_ROWS)
    return f"<text:list>{points}</text:list>"


def _box() -> str:
    return (
        '<text:p text:style-name="Standard"><draw:frame draw:style-name="Graphics" draw:name="Box"'
        ' text:anchor-type="paragraph" svg:width="6cm" svg:height="2cm"><draw:text-box>'
        f"{_line(TEXT_BOX)}</draw:text-box></draw:frame></text:p>\n"
    )
