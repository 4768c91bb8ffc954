"""Files that need a parser, on their whole way through the daemon."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.model import Model
from classifier.storage import load
from daemon.database import Database
from daemon.tables import Reading
from tests.builders import ENERGY_ARTICLE, QUIET_ARTICLE, make_settings
from tests.newsroom import HEADLINE, Newsroom

BODY = ENERGY_ARTICLE.partition("\n")[2]
PAGE = f"""<!doctype html><html lang="en"><head><title>{HEADLINE} | Steppe Courier</title>
<meta charset="utf-8"><meta property="og:title" content="{HEADLINE}">
<meta property="og:site_name" content="Steppe Courier">
<meta property="article:published_time" content="2026-11-21T14:05:00+05:00">
<link rel="canonical" href="https://courier.example/refinery"></head>
<body><nav><ul>{"<li><a href='/x'>Sports results</a></li>" * 20}</ul></nav>
<article><h1>{HEADLINE}</h1><p>{"</p><p>".join(BODY.strip().split(chr(10)))}</p></article></body></html>"""


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture
def newsroom(home: Path, database: Database, model: Model) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(home), database, model)
    yield opened
    opened.intake.close()


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return made.getvalue()


def keeper(newsroom: Newsroom) -> int:
    jail = newsroom.intake._batches.reader.jail
    jail.walls()
    assert jail._keeper is not None
    return jail._keeper._process.pid


def test_an_alert_of_a_web_page_names_its_outlet_and_links_to_it(newsroom: Newsroom) -> None:
    newsroom.drop("page.html", PAGE)

    newsroom.take_all()

    (alert,) = newsroom.alerts()
    assert alert.headline == HEADLINE
    assert (alert.source, alert.url) == ("Steppe Courier", "https://courier.example/refinery")
    assert newsroom.rows("SELECT title, date, language, source, url FROM articles") == [
        (HEADLINE, "2026-11-21T14:05:00+05:00", "en", "Steppe Courier", "https://courier.example/refinery")
    ]
    assert newsroom.done() == ["page.html"]


def test_the_folder_that_a_file_came_in_says_more_of_its_source_than_the_page(newsroom: Newsroom) -> None:
    newsroom.drop("wire/page.html", PAGE)

    newsroom.take_all()

    assert [alert.source for alert in newsroom.alerts()] == ["wire"]


def test_what_in_a_zip_is_no_article_is_named_and_the_rest_is_taken(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    data = zipped(a_txt=ENERGY_ARTICLE.encode(), b_png=b"\x89PNG\r\n\x1a\n", c_txt=QUIET_ARTICLE.encode())
    newsroom.drop("morning.zip", data)

    newsroom.take_all()

    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.rows("SELECT COUNT(*) FROM articles") == [(2,)]
    ((left_out,),) = newsroom.rows("SELECT left_out FROM files")
    assert left_out.startswith("b.png: ")
    assert "picture" in left_out
    assert any("left out" in record.message for record in caplog.records)
    assert newsroom.placed("morning.zip").read_bytes() == data


def test_a_guessed_encoding_is_recorded_as_a_guess(newsroom: Newsroom) -> None:
    text = "Нефтеперерабатывающий завод в Атырау возобновил работу\nЗавод снова перерабатывает нефть."
    newsroom.drop("a.txt", text.encode("cp1251"))

    newsroom.take_all()

    ((language, caveats),) = newsroom.rows("SELECT language, caveats FROM articles")
    assert language == "ru"
    assert "guessed" in caveats


def test_a_file_that_no_parser_can_read_is_set_aside_with_the_reason(newsroom: Newsroom) -> None:
    newsroom.drop("scan.pdf", b"%PDF-1.4\n" + os.urandom(2000))
    newsroom.drop("page.html", PAGE)

    newsroom.take_all()

    assert newsroom.done() == ["page.html"]
    said = json.loads((newsroom.home / "failed" / "scan.pdf.error.json").read_text())
    assert said["reason"]
    assert said["what_to_do"]


def test_a_killed_keeper_costs_no_file(newsroom: Newsroom) -> None:
    first = keeper(newsroom)
    os.kill(first, signal.SIGKILL)
    newsroom.drop("page.html", PAGE)

    newsroom.take_all()

    assert newsroom.done() == ["page.html"]
    assert keeper(newsroom) != first


def test_files_that_cannot_be_read_for_want_of_a_process_stay_in_the_inbox(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    newsroom.drop("page.html", PAGE)
    newsroom.drop("plain.txt", QUIET_ARTICLE)
    newsroom.take_all()

    assert newsroom.done() == ["plain.txt"]
    assert newsroom.waiting() == ["page.html"]


def test_the_owners_rules_say_where_the_articles_are(home: Path, database: Database, model: Model) -> None:
    reading = Reading(text_fields=("story.words",), title_fields=("story.head",), separators=("#{5,}",))
    newsroom = Newsroom(make_settings(home, reading=reading), database, model)
    record = {"story": {"head": HEADLINE, "words": BODY}, "text": "not this"}

    newsroom.drop("a.json", json.dumps(record))
    newsroom.drop("b.txt", f"{QUIET_ARTICLE}\n#####\nSecond title\nAnother text entirely.\n")
    newsroom.take_all()
    newsroom.intake.close()

    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.rows("SELECT COUNT(*) FROM articles") == [(3,)]


def test_a_file_too_large_by_the_owners_rules_is_set_aside(
    home: Path, database: Database, model: Model
) -> None:
    newsroom = Newsroom(make_settings(home, reading=Reading(file_mib=1)), database, model)
    newsroom.drop("a.txt", ENERGY_ARTICLE + "x" * 2**20)

    newsroom.take_all()
    newsroom.intake.close()

    said = json.loads((newsroom.home / "failed" / "a.txt.error.json").read_text())
    assert said["reason"] == "larger than 1 MiB"
