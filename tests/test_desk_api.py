"""The interface for programs: what is asked is answered, what is sent is never lost, what fails says why."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import resource
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from classifier import Article, Grade, Model, Reader, Tagged, tags_as_json
from daemon import clock, feedback, inbox, sayings, status, verdicts
from daemon.desk import dropping
from daemon.desk.app import app_of
from daemon.desk.keys import token
from daemon.desk.problems import Problem
from daemon.desk.queries import ArticleQuery, begins_below, cursor_of
from daemon.verdicts import Verdict
from tests import ledgers
from tests.at_the_desk import ADDRESS, ARTICLES, HERE, AtDesk
from tests.builders import ARABIC_ENERGY_ARTICLE, ENERGY_ARTICLE, make_alert, owe, small_model
from tests.newsroom import Newsroom

OIL = "Oil exports rose in March.\nThe oil went by sea, and gas went by pipe.\n"


@pytest.fixture
def newsroom(at_desk: AtDesk) -> Iterator[Newsroom]:
    """The daemon of the same home: it takes what is sent."""
    opened = Newsroom(at_desk.settings, at_desk.database, small_model())
    yield opened
    opened.intake.close()


@contextmanager
def program(at_desk: AtDesk, given: str | None = None) -> Iterator[TestClient]:
    """A program at the same desk, that signs in with each request."""
    headers = {"Authorization": f"Bearer {token(at_desk.home) if given is None else given}"}
    with TestClient(at_desk.client.app, base_url=ADDRESS, client=HERE, headers=headers) as client:
        yield client


def get(at_desk: AtDesk, path: str, **query: Any) -> Any:
    answer = at_desk.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: Response, status: int) -> Problem:
    """The problem of an answer, whose shape is as promised."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = Problem.model_validate(answer.json(), strict=True)
    assert (told.status, bool(told.title), bool(told.detail)) == (status, True, True)
    return told


def fields(answer: Response, status: int = 422) -> list[str]:
    return [each.field for each in problem(answer, status).errors]


def headlines(at_desk: AtDesk, **query: Any) -> list[str]:
    return [each["headline"] for each in get(at_desk, "/api/articles", **query)["articles"]]


# Articles


def test_articles_come_newest_first_and_a_query_leaves_those_that_pass(at_desk: AtDesk) -> None:
    assert headlines(at_desk) == [text.split("\n")[0] for _, text, _ in reversed(ARTICLES)]
    assert headlines(at_desk, topic="energy", grade="main") == [
        "Завод возобновил работу",
        "Refinery restarts",
    ]
    assert headlines(at_desk, topic="energy", language=["ar", "en"]) == [
        "استأنفت المصفاة العمل",
        "Refinery restarts",
    ]
    assert headlines(at_desk, topic=["energy", "trade"]) == []
    assert headlines(at_desk, q="экспорт заво") == ["Завод возобновил работу"]
    assert headlines(at_desk, alerted="true") == []


def test_an_article_is_of_the_time_in_which_it_was_taken_in(at_desk: AtDesk) -> None:
    moment = clock.now().isoformat()
    at_desk.write("Later\nThis came later.", {})

    assert headlines(at_desk, since=moment) == ["Later"]
    assert "Later" not in headlines(at_desk, until=moment)
    assert (
        headlines(at_desk, since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59-14:00")[0] == "Later"
    )


def test_pages_lead_through_all_articles_once(at_desk: AtDesk) -> None:
    for number in range(45):
        at_desk.write(f"Number {number}\nText of number {number}.", {"energy": Grade.MAIN})
    address, seen = "/api/articles?topic=energy&limit=7", []

    while address:
        answer = at_desk.client.get(address)
        page = answer.json()
        assert len(page["articles"]) <= 7
        seen += [each["id"] for each in page["articles"]]
        link = answer.headers.get("link", "")
        assert bool(link) == bool(page["next"])
        address = link.removeprefix("<").partition(">")[0]

    assert len(seen) == len(set(seen)) == 48


def test_every_cursor_that_looks_like_one_is_one() -> None:
    for identity in (0, 1, 35, 36, 123_456_789, 2**62):
        assert begins_below(cursor_of(identity)) == identity
    assert begins_below("z" * 13) == begins_below(None)


def test_an_article_has_its_text_and_the_tags_that_the_classifier_prints(at_desk: AtDesk) -> None:
    (row,) = get(at_desk, "/api/articles", q="Refinery")["articles"]
    whole = get(at_desk, f"/api/articles/{row['id']}")

    assert whole["text"] == ARTICLES[0][1]
    assert {**whole, "text": None} == {**row, "text": None}
    printed = tags_as_json(small_model().tag(Reader().read(b"Oil", "a.txt").articles[0]), "a.txt")
    assert list(row)[: len(printed)] == list(printed)
    assert row["evidence"]["energy"][0]["words"] == [["refinery", 1.2], ["restarted", 0.1]]
    assert get(at_desk, f"/api/articles/{whole['fingerprint']}") == whole


NOT_UNDERSTOOD = [
    ("limit=0", "query.limit"),
    ("limit=201", "query.limit"),
    (f"limit={'9' * 5000}", "query.limit"),
    ("cursor=-1", "query.cursor"),
    ("cursor=%00", "query.cursor"),
    ("grade=major", "query.grade"),
    ("since=yesterday", "query.since"),
    ("since=2026-03-05T12:00:00", "query.since"),
    ("topics=energy", "query.topics"),
    (f"q={'a' * 201}", "query.q"),
    ("&".join(["topic=energy"] * 21), "query.topic"),
]


def test_a_query_that_is_not_understood_names_the_field(at_desk: AtDesk) -> None:
    for query, field in NOT_UNDERSTOOD:
        assert fields(at_desk.client.get(f"/api/articles?{query}")) == [field], query


def test_what_is_not_there_is_not_found(at_desk: AtDesk) -> None:
    for id in ("0" * 16, "f" * 64):
        problem(at_desk.client.get(f"/api/articles/{id}"), 404)
        problem(at_desk.client.get(f"/api/articles/{id}/verdicts"), 404)
        problem(at_desk.client.get(f"/api/files/{id.ljust(64, '0')}"), 404)
    problem(at_desk.client.get("/api/nothing"), 404)
    problem(at_desk.client.delete("/api/articles"), 405)


# Into the inbox


def test_an_article_that_is_sent_goes_the_way_of_the_inbox_and_is_told_of_until_it_is_done(
    at_desk: AtDesk, newsroom: Newsroom
) -> None:
    sent = {
        "title": "Oil by sea",
        "text": OIL,
        "name": "morning",
        "date": "2026-03-05",
        "language": "en",
        "source": "Our wire",
        "author": "A. Reporter",
        "url": "https://example.org/oil",
    }

    answer = at_desk.client.post("/api/articles", json=sent)

    assert answer.status_code == 202
    told = answer.json()
    assert answer.headers["location"] == told["location"]
    assert get(at_desk, told["location"])["state"] == "waiting"
    assert newsroom.waiting() == [told["name"]]
    assert hashlib.sha256((newsroom.inbox / told["name"]).read_bytes()).hexdigest() == told["fingerprint"]

    newsroom.take_all()
    at_desk.follow()

    became = get(at_desk, told["location"])
    assert became["state"] == "done"
    whole = get(at_desk, f"/api/articles/{became['articles'][0]}")
    assert whole["text"] == f"Oil by sea\n{OIL.strip()}"
    assert {key: whole[key] for key in ("title", "date", "language", "source", "author", "url")} == {
        key: sent[key] for key in ("title", "date", "language", "source", "author", "url")
    }
    assert whole["file"].startswith("morning-")
    assert headlines(at_desk, q="pipe") == ["Oil by sea"]


def test_a_file_that_cannot_be_read_says_why(at_desk: AtDesk, newsroom: Newsroom) -> None:
    told = at_desk.client.post("/api/articles", files={"file": ("a.txt", b" \n ")}).json()

    newsroom.take_all()

    became = get(at_desk, told["location"])
    assert (became["state"], became["reason"]) == ("failed", "empty")
    assert became["mend"]


def test_a_file_that_was_not_opened_any_more_or_is_to_be_tried_again_is_told_of_too(
    at_desk: AtDesk, newsroom: Newsroom
) -> None:
    told = at_desk.client.post("/api/articles", files={"file": ("a.txt", b" ")}).json()
    newsroom.take_all()
    newsroom.execute("UPDATE files SET state = 'retried' WHERE state = 'failed'")
    assert get(at_desk, told["location"])["state"] == "waiting"

    newsroom.execute(
        "UPDATE files SET fingerprint = '' WHERE state = 'retried'"
    )  # as one that kills a parser

    became = get(at_desk, told["location"])
    assert (became["state"], became["reason"], became["name"]) == ("failed", "empty", told["name"])


def test_the_same_bytes_again_are_a_duplicate_that_leads_to_the_first(
    at_desk: AtDesk, newsroom: Newsroom
) -> None:
    first = at_desk.client.post("/api/articles", files={"file": ("a.txt", OIL.encode())}).json()
    newsroom.take_all()
    done = get(at_desk, first["location"])

    second = at_desk.client.post("/api/articles", files={"file": ("b.txt", OIL.encode())}).json()
    assert get(at_desk, second["location"])["state"] == "waiting"
    newsroom.take_all()

    assert second["location"] == first["location"]
    assert get(at_desk, second["location"]) == {**done, "state": "duplicate", "name": second["name"]}
    assert newsroom.rows("SELECT COUNT(*) FROM articles WHERE text LIKE 'Oil exports%'") == [(1,)]


def test_the_same_text_in_other_bytes_is_a_duplicate_too(at_desk: AtDesk, newsroom: Newsroom) -> None:
    at_desk.client.post("/api/articles", files={"file": ("a.txt", OIL.encode())})
    newsroom.take_all()

    told = at_desk.client.post("/api/articles", files={"file": ("a.txt", OIL.upper().encode())}).json()
    newsroom.take_all()

    assert get(at_desk, told["location"])["state"] == "duplicate"


def test_the_same_bytes_sent_by_many_at_once_are_one_article(at_desk: AtDesk, newsroom: Newsroom) -> None:
    def send(number: int) -> int:
        with program(at_desk) as client:
            file = {"file": (f"{'same' if number % 2 else number}.txt", OIL.encode())}
            return int(client.post("/api/articles", files=file).status_code)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(send, range(8))) == [202] * 8
    assert len(newsroom.waiting()) == 5

    newsroom.take_all()

    assert newsroom.waiting() == []
    assert newsroom.rows("SELECT COUNT(*) FROM articles WHERE text LIKE 'Oil exports%'") == [(1,)]


HOSTILE_NAMES = [
    "../../etc/passwd",
    "..",
    ".",
    "/",
    "a/b/c.txt",
    "..\\..\\windows\\a.txt",
    ".hidden",
    "~",
    "a~",
    "a.part",
    "a.tmp",
    "a.TMP",
    "a.crdownload",
    ".desk-0123456789abcdef",
    "tmp",
    "tmp/a.txt",
    "4913",
    "desktop.ini",
    "Thumbs.db",
    "lost+found",
    "a.txt.error.json",
    "nul\0in the name.txt",
    "line\nbreak\r.txt",
    "\u202etxt.exe",
    "\u200b",
    " ",
    "a" * 300 + ".txt",
    "я" * 300,
    "a." + "b" * 300,
    "con",
    "-rf",
    "$(reboot).txt",
    "'; DROP TABLE files; --",
    "<script>alert(1)</script>.txt",
    "%2e%2e%2fa.txt",
    "مقال.txt",
]


def test_whatever_a_file_is_called_its_name_is_one_that_the_inbox_takes(tmp_path: Path) -> None:
    for name in HOSTILE_NAMES:
        marked = dropping.marked_name(name, "0123456789abcdef" * 4)
        path = tmp_path / marked
        path.write_text(OIL)

        assert len(os.fsencode(marked)) <= 220, name
        assert [found.name for found in inbox.files_below(tmp_path)] == [marked]
        assert inbox.printable(marked) == marked
        assert "-01234567" in marked
        path.unlink()


def test_hostile_names_that_are_sent_are_taken_like_others(at_desk: AtDesk, newsroom: Newsroom) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        sent = {"file": (name or "a", f"{number}. {OIL}".encode())}
        answer = at_desk.client.post("/api/articles", files=sent)
        assert answer.status_code == 202, name
    assert at_desk.client.post("/api/articles", json={"text": OIL, "name": "../../x"}).status_code == 202

    newsroom.take_all()

    assert newsroom.waiting() == []
    assert len(newsroom.done()) == len(HOSTILE_NAMES) + 1
    assert sorted(path.name for path in at_desk.home.iterdir() if path.name in ("etc", "x", "passwd")) == []


class Breaking(io.BytesIO):
    """Content that ends with an error in the middle."""

    def __init__(self, error: Exception) -> None:
        super().__init__(OIL.encode())
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise self._error
        return super().read(10)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), dropping.FullError),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), dropping.FullError),
        (OSError(errno.EIO, "Input/output error"), dropping.NoInboxError),
        (KeyError("a fault of ours"), KeyError),
    ],
)
def test_what_breaks_off_leaves_nothing_behind(
    at_desk: AtDesk, error: Exception, kind: type[Exception]
) -> None:
    at_desk.settings.inbox.mkdir()
    content: BinaryIO = Breaking(error)

    with pytest.raises(kind):
        dropping.drop(at_desk.settings, "a.txt", content)

    assert [path for path in at_desk.settings.inbox.rglob("*") if path.is_file()] == []


def test_nothing_that_waits_is_overwritten(at_desk: AtDesk) -> None:
    at_desk.settings.inbox.mkdir()
    taken = dropping.marked_name("a.txt", hashlib.sha256(OIL.encode()).hexdigest())
    (at_desk.settings.inbox / taken).write_text("of somebody else")

    names = [dropping.drop(at_desk.settings, "a.txt", io.BytesIO(OIL.encode())).name for _ in range(2)]

    assert names[0] == names[1] != taken
    standing = [path for path in at_desk.settings.inbox.rglob("*") if path.is_file()]
    assert sorted(path.read_text() for path in standing) == sorted(["of somebody else", OIL])


def test_a_full_disk_is_said_and_nothing_is_taken(at_desk: AtDesk) -> None:
    at_desk.settings.inbox.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))  # writing more fails, as on a full disk
    try:
        answer = at_desk.client.post("/api/articles", files={"file": ("a.txt", b"oil " * 100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    problem(answer, 507)
    assert [path for path in at_desk.settings.inbox.rglob("*") if path.is_file()] == []


def test_without_an_inbox_nothing_is_taken_and_none_is_made(at_desk: AtDesk) -> None:
    answer = at_desk.client.post("/api/articles", json={"text": OIL})

    problem(answer, 503)
    assert answer.headers["retry-after"]
    assert not at_desk.settings.inbox.exists()


def test_where_nothing_is_mounted_nothing_is_taken(at_desk: AtDesk) -> None:
    at_desk.settings.inbox.mkdir()
    settings = at_desk.settings.model_copy(update={"mount_point": at_desk.home / "inbox"})

    with pytest.raises(dropping.NoInboxError):
        dropping.drop(settings, "a.txt", io.BytesIO(OIL.encode()))


def test_what_a_killed_desk_left_unfinished_is_taken_away_in_time(at_desk: AtDesk) -> None:
    workshop = at_desk.settings.inbox / "tmp"
    workshop.mkdir(parents=True)
    old, fresh, others = workshop / ".desk-old", workshop / ".desk-fresh", workshop / "of somebody else"
    for path in (old, fresh, others):
        path.write_text("half")
    long_ago = (clock.now() - timedelta(hours=2)).timestamp()
    for path in (old, others):
        os.utime(path, (long_ago, long_ago))

    at_desk.client.post("/api/articles", json={"text": OIL})

    assert sorted(path.name for path in workshop.iterdir()) == [".desk-fresh", "of somebody else"]


# Tagging


def test_a_file_is_tagged_as_the_classifier_does_and_nothing_is_kept(at_desk: AtDesk) -> None:
    at_desk.settings.inbox.mkdir()
    before = get(at_desk, "/api/status")["files"]

    answer = at_desk.client.post("/api/tag", files={"file": ("a.txt", OIL.encode())})

    model = at_desk.desk.models.served()
    (article,) = Reader().read(OIL.encode(), "a.txt").articles
    assert answer.json() == {
        "articles": [json.loads(json.dumps(tags_as_json(model.tag(article), "a.txt")))],
        "left_out": [],
    }
    assert answer.json()["articles"][0]["main"] == ["energy"]
    assert get(at_desk, "/api/status")["files"] == before
    assert list(at_desk.settings.inbox.iterdir()) == []


def test_formats_that_need_a_parser_are_read_in_the_jail_and_what_cannot_be_read_says_why(
    at_desk: AtDesk,
) -> None:
    page = f"<html><body><article><h1>Oil</h1><p>{OIL * 5}</p></article><script>oil()</script></body></html>"

    found = at_desk.client.post("/api/tag", files={"file": ("a.html", page.encode())}).json()
    given = at_desk.client.post("/api/tag", json={"id": "7", "title": "Нефть", "text": OIL, "language": "ru"})

    assert found["articles"][0]["main"] == ["energy"]
    assert "oil()" not in json.dumps(found)
    assert [given.json()["articles"][0][key] for key in ("id", "title", "language")] == ["7", "Нефть", "ru"]
    told = problem(at_desk.client.post("/api/tag", files={"file": ("a.bin", os.urandom(4096))}), 422)
    assert told.errors[0].problem


def test_without_a_model_tagging_says_so_and_the_rest_goes_on(at_desk: AtDesk) -> None:
    (at_desk.settings.models / "current").unlink()

    problem(at_desk.client.post("/api/tag", files={"file": ("a.txt", OIL.encode())}), 503)
    assert get(at_desk, "/api/topics")["model"] is None
    assert get(at_desk, "/api/models")["serves"] is None


# What is sent wrongly


NO_ARTICLES = [
    (b"", "body"),
    (b"null", "body"),
    (b"[]", "body"),
    (b"{", "body"),
    (b"{}", "body.text"),
    (b'{"text": ""}', "body.text"),
    (b'{"text": 7}', "body.text"),
    (b'{"text": "a", "txet": "b"}', "body.txet"),
    (b'{"text": "a", "language": "English"}', "body.language"),
    (b'{"text": "a", "url": "javascript:alert(1)"}', "body.url"),
    (b'{"text": "half a pair: \\ud83d"}', "body.text"),
    (b'{"text": "a", "id": ' + b"9" * 100_000 + b"}", "body"),
    (b'{"text": "a", "name": "' + b"n" * 1001 + b'"}', "body.name"),
    (b"[" * 100_000, "body"),
    (b'{"text":' * 50_000 + b"1" + b"}" * 50_000, "body"),
    ('{"text": "нефть"}'.encode("cp1251"), "body"),
    ('{"text": "oil"}'.encode("utf-16"), "body"),
    (b"\xff\xfe\x00", "body"),
]


def test_json_that_is_no_article_names_what_is_wrong(at_desk: AtDesk) -> None:
    kind = {"Content-Type": "application/json"}
    for body, field in NO_ARTICLES:
        for address in ("/api/articles", "/api/tag"):
            answer = at_desk.client.post(address, content=body, headers=kind)
            assert fields(answer) == [field], body[:80]
            assert len(answer.content) < 2000


def test_a_form_that_brings_no_file_names_what_is_wrong(at_desk: AtDesk) -> None:
    post = at_desk.client.post
    boundary = {"Content-Type": "multipart/form-data; boundary=x"}

    assert fields(post("/api/articles", files={"other": ("a.txt", b"oil")})) == ["body.other"]
    assert fields(post("/api/articles", files={"file": ("a.txt", b"")})) == ["body.file"]
    assert fields(post("/api/articles", files={"file": (None, b"oil")})) == ["body.file"]
    problem(post("/api/articles", files=[("file", ("a", b"x")), ("file", ("b", b"y"))]), 400)
    assert fields(post("/api/articles", files={"file": ("a", b"x")}, data={"name": "n"})) == ["body.name"]
    problem(post("/api/articles", files={"file": ("a", b"x")}, data={"name": "n" * 5000}), 400)
    cut_short = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'
    assert fields(post("/api/articles", content=cut_short, headers=boundary)) == ["body.file"]
    problem(post("/api/articles", content=b"no form", headers=boundary), 400)
    problem(post("/api/articles", content=b"oil", headers={"Content-Type": "multipart/form-data"}), 400)


def test_what_is_neither_json_nor_a_form_with_a_file_is_not_taken(at_desk: AtDesk) -> None:
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", ""):
        answer = at_desk.client.post("/api/articles", content=OIL.encode(), headers={"Content-Type": kind})
        problem(answer, 415)


def test_what_is_larger_than_the_configuration_allows_is_refused(at_desk: AtDesk) -> None:
    reading = at_desk.settings.reading.model_copy(update={"file_mib": 1})
    at_desk.desk.settings.inbox.mkdir()
    object.__setattr__(at_desk.desk, "settings", at_desk.settings.model_copy(update={"reading": reading}))
    much = b"oil " * (300 * 1024)

    def in_parts() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(300):
            yield b"oil " * 1024
        yield b'"}'

    json_kind = {"Content-Type": "application/json"}
    problem(at_desk.client.post("/api/articles", files={"file": ("a.txt", much)}), 413)
    problem(at_desk.client.post("/api/articles", json={"text": much.decode()}), 413)
    problem(at_desk.client.post("/api/articles", content=in_parts(), headers=json_kind), 413)
    assert [path for path in at_desk.settings.inbox.rglob("*") if path.is_file()] == []


# Verdicts


def test_a_verdict_is_written_in_the_name_of_whoever_gives_it_once(at_desk: AtDesk) -> None:
    fingerprint = at_desk.write(ENERGY_ARTICLE, {"energy": Grade.MAIN})
    said = {"article": fingerprint[:16], "topic": "energy", "verdict": "wrong"}

    answers = [at_desk.client.post("/api/verdicts", json=said).json() for _ in range(3)]

    assert answers[0] == answers[2] == said | {"person": "operator", "said_at": answers[0]["said_at"]}
    told = get(at_desk, f"/api/articles/{fingerprint}/verdicts")
    assert told["verdicts"] == [answers[0]]
    assert [(each["said"], each["person"]) for each in told["history"]] == [("wrong", "operator")]

    at_desk.client.post("/api/verdicts", json=said | {"verdict": "right"})

    told = get(at_desk, f"/api/articles/{fingerprint}/verdicts")
    assert [each["said"] for each in told["history"]] == ["wrong", "right"]
    with at_desk.database.reading() as connection:
        (record,) = verdicts.all_verdicts(connection)
    assert (record.article, record.verdict, record.person) == (fingerprint, Verdict.RIGHT, "operator")
    assert get(at_desk, "/api/verdicts")["verdicts"] == told["verdicts"]


def test_what_was_taken_back_stands_in_the_history_alone(at_desk: AtDesk) -> None:
    fingerprint = at_desk.write(ENERGY_ARTICLE, {"energy": Grade.MAIN})
    at_desk.client.post("/api/verdicts", json={"article": fingerprint, "topic": "energy", "verdict": "wrong"})
    with at_desk.database.transaction() as connection:
        article = verdicts.find_article(connection, fingerprint)
        assert article is not None
        feedback.undo(connection, article=article, topic="energy", person="operator", now=clock.now())
        expected = [each.said.value for each in sayings.history(connection, article)]

    told = get(at_desk, f"/api/articles/{fingerprint}/verdicts")

    assert told["verdicts"] == []
    assert [each["said"] for each in told["history"]] == expected


def test_a_verdict_on_nothing_is_refused(at_desk: AtDesk) -> None:
    fingerprint = at_desk.write(ENERGY_ARTICLE, {"energy": Grade.MAIN})
    said = {"article": fingerprint, "topic": "energy", "verdict": "right"}
    post = at_desk.client.post

    problem(post("/api/verdicts", json=said | {"article": "0" * 16}), 404)
    assert fields(post("/api/verdicts", json=said | {"topic": "enrgy"})) == ["body.topic"]
    assert fields(post("/api/verdicts", json=said | {"verdict": "perhaps"})) == ["body.verdict"]
    assert fields(post("/api/verdicts", json=said | {"person": "somebody else"})) == ["body.person"]
    assert fields(post("/api/verdicts", content=b"{", headers={"Content-Type": "application/json"}))
    assert get(at_desk, "/api/verdicts")["verdicts"] == []


# Lists


def test_deliveries_come_by_state_and_in_pages(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        for number in range(5):
            owe(connection, make_alert(number=number))

    first = get(at_desk, "/api/deliveries", state="pending", limit=3)
    second = get(at_desk, "/api/deliveries", state="pending", limit=3, cursor=first["next"])

    keys = [each["key"] for each in (*first["deliveries"], *second["deliveries"])]
    assert keys == [make_alert(number=number).key for number in (4, 3, 2, 1, 0)]
    assert second["next"] is None
    assert get(at_desk, "/api/deliveries", state="dead") == {"deliveries": [], "next": None}
    article = first["deliveries"][0]["article"]
    assert get(at_desk, f"/api/articles/{article}")["alerts"] == [{"receiver": "desk", "state": "pending"}]
    assert fields(at_desk.client.get("/api/deliveries?state=lost")) == ["query.state"]


def test_topics_have_the_cuts_of_the_model_that_serves(at_desk: AtDesk) -> None:
    told = get(at_desk, "/api/topics")

    cuts = {each["id"]: (each["main"], each["mention"]) for each in told["topics"]}
    assert cuts["energy"] == (0.5, 0.25)
    assert cuts["education"] == (None, None)
    assert told["model"] == get(at_desk, "/api/models")["serves"]
    assert [each["serves"] for each in get(at_desk, "/api/models")["models"]] == [True]


def test_the_status_is_that_of_the_command(at_desk: AtDesk) -> None:
    told, expected = get(at_desk, "/api/status"), status.gather(at_desk.settings, at_desk.database)

    passing = dict.fromkeys(("at", "disk", "receivers"))  # the time goes on between the two
    assert told | passing == expected | passing
    assert told.keys() == expected.keys()


# Who may


def test_a_program_comes_in_with_its_token_and_needs_no_other(at_desk: AtDesk) -> None:
    at_desk.settings.inbox.mkdir()
    with program(at_desk) as client:
        assert client.get("/api/topics").status_code == 200
        assert client.post("/api/articles", json={"text": OIL}).status_code == 202
    with program(at_desk, "wrong") as client:
        for answer in (client.get("/api/topics"), client.post("/api/articles", json={"text": OIL})):
            problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_reader_may_look_and_tag_and_change_nothing(at_desk: AtDesk) -> None:
    table = at_desk.settings.desk.model_copy(update={"login": "proxy"})
    at_desk.settings.inbox.mkdir()
    settings = at_desk.settings.model_copy(update={"desk": table})
    object.__setattr__(at_desk.desk, "settings", settings)
    named = {table.user_header: "reader@example.org"}

    with TestClient(app_of(at_desk.desk), base_url=ADDRESS, client=HERE, headers=named) as client:
        page = client.get("/api")
        csrf = page.text.partition('"X-CSRF-Token": "')[2].partition('"')[0]
        client.headers["X-CSRF-Token"] = csrf
        assert client.get("/api/articles").status_code == 200
        assert client.post("/api/tag", files={"file": ("a.txt", OIL.encode())}).status_code == 200
        problem(client.post("/api/articles", json={"text": OIL}), 403)
        said = {"article": "0" * 16, "topic": "energy", "verdict": "right"}
        problem(client.post("/api/verdicts", json=said), 403)
    assert list(at_desk.settings.inbox.iterdir()) == []


# The contract


def test_the_contract_names_every_failure_as_a_problem_and_the_page_tells_all_of_it(at_desk: AtDesk) -> None:
    contract, page = get(at_desk, "/api/openapi.json"), at_desk.client.get("/api")

    assert contract["openapi"].startswith("3.1")
    assert page.status_code == 200
    operations = [told for methods in contract["paths"].values() for told in methods.values()]
    assert len(operations) == 12
    for told in operations:
        assert f'id="{told["operationId"]}"' in page.text
        for number, answer in told["responses"].items():
            assert list(answer["content"]) == [
                "application/json" if number.startswith("2") else "application/problem+json"
            ]
    assert "<script" not in page.text.replace('<script src="/static/', "")


def test_a_ledger_that_fails_is_a_problem_that_may_pass(at_desk: AtDesk) -> None:
    ledgers.take_away(at_desk.home)

    answer = at_desk.client.get("/api/verdicts")

    assert ledgers.is_said_to_be_away(problem(answer, 503).detail)


def test_moments_that_no_calendar_can_turn_to_utc_are_understood() -> None:
    query = ArticleQuery.model_validate(
        {"since": "0001-01-01T00:00:00+23:59", "until": "9999-12-31T23:59:59-23:59"}
    )

    assert query.span.since is not None
    assert query.span.until is not None
    assert clock.to_text(query.span.since) < clock.to_text(query.span.until)


def test_an_article_in_arabic_is_tagged_in_its_language(at_desk: AtDesk) -> None:
    answer = at_desk.client.post("/api/tag", files={"file": ("مقال.txt", ARABIC_ENERGY_ARTICLE.encode())})

    (told,) = answer.json()["articles"]
    assert (told["language"], told["file"]) == ("ar", "مقال.txt")


def test_what_is_only_tagged_waits_its_turn_at_the_model(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags, begun = Model.tag_all, threading.Event()

    def tag_all(model: Model, articles: Iterable[Article]) -> list[Tagged]:
        begun.set()
        return tags(model, articles)

    monkeypatch.setattr(Model, "tag_all", tag_all)
    with ThreadPoolExecutor(1) as pool:
        with at_desk.desk.models.at_work():
            answer = pool.submit(at_desk.client.post, "/api/tag", json={"text": "oil"})
            is_early = begun.wait(0.3)

        assert answer.result().status_code == 200
    assert (is_early, begun.is_set()) == (False, True)
