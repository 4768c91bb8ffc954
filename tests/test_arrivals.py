"""Arrivals: files of the inbox as they were read, with their articles tagged."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from classifier import Reader, read_bytes
from daemon import arrivals
from daemon.arrivals import Arrival
from daemon.inbox import Candidate
from tests.builders import ENERGY_ARTICLE, small_model
from tests.newsroom import DIGEST, candidate

MODEL = small_model()
READER = Reader()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.txt"
    made.write_text(ENERGY_ARTICLE)
    return made


def arrive(seen: Candidate) -> Arrival | None:
    content = arrivals.read(seen, READER)
    if content is None:
        return None
    (arrival,) = arrivals.tag([arrivals.opened(content, content.fingerprint, READER)], MODEL)
    return arrival


def test_a_file_is_read_once_and_its_articles_tagged(path: Path) -> None:
    path.write_text(DIGEST)

    arrival = arrive(candidate(path))

    assert arrival is not None
    assert arrival.fingerprint == hashlib.sha256(DIGEST.encode()).hexdigest()
    assert [each.article.title for each in arrival.tagged] == [
        "Refinery in Atyrau restarts crude unit",
        "Striker signs for rivals",
    ]
    assert {each.model for each in arrival.tagged} == {"small"}
    assert arrival.failure is None


@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_file_written_to_since_it_was_seen_is_nothing_yet(
    path: Path, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """Before it is read, while it is read, and with its old size and date again."""
    seen, before = candidate(path), path.stat()

    def meddle(which: Path, most: int) -> bytes:
        data = read_bytes(which, most)
        path.write_text(ENERGY_ARTICLE.upper())
        if late == 2:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return data

    if late == 0:
        path.write_text(ENERGY_ARTICLE * 2)
    else:
        monkeypatch.setattr("classifier.reading.read_bytes", meddle)

    assert arrive(seen) is None


def test_a_file_that_has_gone_is_for_the_caller_to_say(path: Path) -> None:
    seen = candidate(path)
    path.unlink()

    with pytest.raises(FileNotFoundError):
        arrive(seen)


def test_a_file_that_cannot_be_read_now_is_for_the_caller_to_try_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path, most: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("classifier.reading.read_bytes", fail)

    with pytest.raises(OSError, match="Input/output error"):
        arrive(candidate(path))


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"\x89PNG\r\n\x1a\n", "a picture")])
def test_what_is_no_article_says_why_and_has_its_fingerprint(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)

    arrival = arrive(candidate(path))

    assert arrival is not None
    assert arrival.failure is not None
    assert arrival.failure.reason.endswith(reason)
    assert arrival.fingerprint == hashlib.sha256(content).hexdigest()


def test_a_sparse_file_is_not_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(path, 1 << 40)
    opened: list[Path] = []

    def open_(which: Path, most: int) -> bytes:
        opened.append(which)
        return b""

    monkeypatch.setattr("classifier.reading.read_bytes", open_)

    arrival = arrive(candidate(path))

    assert arrival is not None
    assert arrival.failure is not None
    assert (arrival.failure.reason, arrival.fingerprint) == ("a sparse file that holds next to nothing", "")
    assert opened == []


def test_an_arrival_has_a_name_to_print_and_the_bytes_of_its_name(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.txt"))
    path.write_text(ENERGY_ARTICLE)

    arrival = arrive(candidate(path))

    assert arrival is not None
    assert (arrival.name, arrival.raw_name) == ("caf\\xe9\\n.txt", b"caf\xe9\n.txt")
