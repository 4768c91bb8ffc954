"""Articles ▶ what browsers print and save: PDF, the page as it stands after its scripts, MHTML."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.formats.devtools import CHROMIUM, browser
from tests.formats.pages import cms_page, plain_page
from tests.formats.table import RUNNING_HEADER, Made
from tests.formats.texts import TEXTS

_A4 = {"paperWidth": 8.27, "paperHeight": 11.69}
_COLUMNS = "body { column-count: 2; font: 11pt 'Noto Serif'; text-align: justify } h1 { column-span: all }"
_LARGE = "body { font: 22pt/1.7 'Noto Sans'; margin: 0 } p { margin: 0 0 14pt }"
_FONT = "body { font: 12pt 'Noto Sans', 'Noto Naskh Arabic' }"
# Roughly, and never within a tag: between a vowel and a consonant that a vowel follows.
_SYLLABLE_ENDS = re.compile(
    r"(?<=\w\w)([aeiouаеиоуыэюя])(?=[bcdfglmnprstvбвгджзклмнпрст][aeiouаеиоуыэюя]\w[^<>]*</p>)"
)
_RUNNING = '<div style="font-size: 9px; width: 100%; text-align: center">{}</div>'


def chromium_pdf(made: Made, at: Path) -> bytes:
    article = TEXTS[made.articles[0]]
    wanted: dict[str, Any] = {**_A4}
    if "running" in made.traits:
        numbers = 'Page <span class="pageNumber"></span> of <span class="totalPages"></span>'
        wanted |= {
            "displayHeaderFooter": True,
            "headerTemplate": _RUNNING.format(RUNNING_HEADER),
            "footerTemplate": _RUNNING.format(numbers),
            **dict.fromkeys(["marginTop", "marginBottom", "marginLeft", "marginRight"], 1.2),
        }
    with browser(at) as opened:
        opened.open(_for_print(made), article.url)
        answer = opened.ask("Page.printToPDF", **wanted)
    return base64.b64decode(answer["data"])


def chromium_dom(made: Made, at: Path) -> bytes:
    source = at / "page.html"
    source.write_text(cms_page(TEXTS[made.articles[0]], made), encoding="utf-8")
    return _run([*CHROMIUM, f"--user-data-dir={at / 'profile'}", "--dump-dom", source.as_uri()], at)


def mhtml(made: Made, at: Path) -> bytes:
    article = TEXTS[made.articles[0]]
    with browser(at) as opened:
        opened.open(cms_page(article, made), article.url)
        answer = opened.ask("Page.captureSnapshot", format="mhtml")
    return str(answer["data"]).encode()


def wkhtmltopdf(made: Made, at: Path) -> bytes:
    source, target = at / "print.html", at / "made.pdf"
    source.write_text(_for_print(made), encoding="utf-8")
    _run(["wkhtmltopdf", "--quiet", "--encoding", "utf-8", str(source), str(target)], at)
    return target.read_bytes()


def _for_print(made: Made) -> str:
    style = _COLUMNS if "columns" in made.traits else _LARGE if "running" in made.traits else _FONT
    page = plain_page(TEXTS[made.articles[0]], style, dated="dated" in made.traits)
    return _SYLLABLE_ENDS.sub("\\1&shy;", page) if "hyphens" in made.traits else page


def _run(command: list[str], at: Path) -> bytes:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(at)}
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, timeout=120, check=True)
    return done.stdout
