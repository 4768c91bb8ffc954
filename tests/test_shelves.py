"""Where files go when they leave the inbox: nothing is overwritten, nothing lost on the way."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import shelves
from tests.builders import NOON

PRINT = "0123456789abcdef" * 4
NAMES = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="a.ж/\\ \n\x1b\udcff\u202e", max_size=300),
    st.sampled_from(["..", ".", "/", "../../etc/passwd", "a/..", "...txt", ".error.json", "con.txt"]),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    path = tmp_path / "inbox" / "a.txt"
    path.write_text("the article")
    return path


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """As if done/ were on another file system, or on one that has no links."""

    def link(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


def test_a_file_goes_to_the_folder_of_the_day_it_was_taken(tmp_path: Path) -> None:
    assert shelves.done_target(tmp_path, "a.txt", PRINT, NOON) == "done/2026/03/05/a.txt"


def test_a_file_of_a_sub_folder_goes_by_its_own_name(tmp_path: Path) -> None:
    assert shelves.done_target(tmp_path, "wire/asia/a.txt", PRINT, NOON) == "done/2026/03/05/a.txt"
    assert shelves.failed_target(tmp_path, "wire/a.txt", PRINT) == "failed/a.txt"


def test_a_name_that_is_taken_gets_a_mark_of_the_content_and_then_a_number(tmp_path: Path) -> None:
    targets = []
    for _ in range(4):
        targets.append(shelves.failed_target(tmp_path, "a.txt", PRINT))
        (tmp_path / targets[-1]).parent.mkdir(exist_ok=True)
        (tmp_path / targets[-1]).touch()

    assert targets == [
        "failed/a.txt",
        "failed/a-01234567.txt",
        "failed/a-01234567-2.txt",
        "failed/a-01234567-3.txt",
    ]


def test_a_link_that_leads_nowhere_takes_a_name_as_well(tmp_path: Path) -> None:
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "a.txt").symlink_to("/nowhere")

    assert shelves.failed_target(tmp_path, "a.txt", PRINT) == "failed/a-01234567.txt"


def test_a_file_is_moved_with_its_bytes_and_its_date(tmp_path: Path, source: Path) -> None:
    os.utime(source, (1_000_000_000, 1_000_000_000))

    shelves.move(source, tmp_path, "done/2026/03/05/a.txt")

    place = tmp_path / "done/2026/03/05/a.txt"
    assert place.read_text() == "the article"
    assert place.stat().st_mtime == 1_000_000_000
    assert not source.exists()
    assert place.stat().st_nlink == 1


def test_what_stands_there_is_never_overwritten(tmp_path: Path, source: Path) -> None:
    place = tmp_path / "done" / "a.txt"
    place.parent.mkdir()
    place.write_text("what was there")

    with pytest.raises(FileExistsError):
        shelves.move(source, tmp_path, "done/a.txt")

    assert place.read_text() == "what was there"
    assert source.read_text() == "the article"


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_where_no_link_can_be_made_the_file_is_copied_whole(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    os.utime(source, (1_000_000_000, 1_000_000_000))
    refuse_links(monkeypatch, number)

    shelves.move(source, tmp_path, "done/a.txt")

    place = tmp_path / "done" / "a.txt"
    assert place.read_text() == "the article"
    assert place.stat().st_mtime == 1_000_000_000
    assert not source.exists()
    assert [path.name for path in place.parent.iterdir()] == ["a.txt"]


def test_on_another_file_system_nothing_is_overwritten_either(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "done" / "a.txt"
    place.parent.mkdir()
    place.write_text("what was there")
    refuse_links(monkeypatch, errno.EXDEV)

    with pytest.raises(FileExistsError):
        shelves.move(source, tmp_path, "done/a.txt")

    assert place.read_text() == "what was there"
    assert source.read_text() == "the article"
    assert [path.name for path in place.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_where_the_disk_does_not_let_us_the_file_stays_in_the_inbox(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_links(monkeypatch, number)

    with pytest.raises(OSError, match=os.strerror(number)):
        shelves.move(source, tmp_path, "done/a.txt")

    assert source.read_text() == "the article"


def test_a_file_that_has_gone_leaves_nothing_behind(tmp_path: Path, source: Path) -> None:
    source.unlink()

    with pytest.raises(FileNotFoundError):
        shelves.move(source, tmp_path, "done/a.txt")

    assert list((tmp_path / "done").iterdir()) == []


def test_a_failed_file_has_the_reason_beside_it(tmp_path: Path) -> None:
    shelves.explain_failure(tmp_path, "failed/мақала.txt", reason="empty", mend="drop it again", now=NOON)

    place = tmp_path / "failed" / "мақала.txt.error.json"
    assert json.loads(place.read_text(encoding="utf-8")) == {
        "file": "мақала.txt",
        "reason": "empty",
        "what_to_do": "drop it again; or `topicwired retry мақала.txt`",
        "at": "2026-03-05T12:00:00+00:00",
    }
    assert [path.name for path in place.parent.iterdir()] == ["мақала.txt.error.json"]


def test_a_reason_written_again_says_the_newer_one(tmp_path: Path) -> None:
    for reason in ("empty", "not text"):
        shelves.explain_failure(tmp_path, "failed/a.txt", reason=reason, mend="mend it", now=NOON)

    said = json.loads((tmp_path / "failed" / "a.txt.error.json").read_text(encoding="utf-8"))
    assert said["reason"] == "not text"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.txt", "a.txt"),
        ("Мақала 1 (түпнұсқа).txt", "Мақала 1 (түпнұсқа).txt"),
        ("-rf", "-rf"),
        ("..hidden", "hidden"),
        ("..", "article"),
        ("", "article"),
        ("desk/a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\x1b[31m.txt", "a_b_[31m.txt"),
        ('a:b*c?d"e<f>g|h\\i.txt', "a_b_c_d_e_f_g_h_i.txt"),
        ("a\udcff.txt", "a_.txt"),
        ("a" * 255, "a" * 199),
        ("ж" * 120 + ".txt", "ж" * 98 + ".txt"),
        ("a." + "b" * 250, "a." + "b" * 197),
    ],
)
def test_a_name_stays_as_like_itself_as_may_be(name: str, safe: str) -> None:
    assert shelves.safe_name(name) == safe


@given(NAMES)
def test_any_name_becomes_one_that_every_file_system_takes(name: str) -> None:
    safe = shelves.safe_name(name)

    assert safe
    assert safe.isprintable()
    assert not set(safe) & set('/\\:*?"<>|\0')
    assert not safe.startswith(".")
    assert len(safe.encode("utf-8")) <= 200


def test_the_longest_name_leaves_room_for_its_marks_and_its_reason(tmp_path: Path) -> None:
    name = "ж" * 127 + ".txt"
    for number in range(3):
        (tmp_path / "inbox").mkdir(exist_ok=True)
        source = tmp_path / "inbox" / "x"
        source.write_text(str(number))
        target = shelves.failed_target(tmp_path, name, PRINT)

        shelves.move(source, tmp_path, target)
        shelves.explain_failure(tmp_path, target, reason="empty", mend="mend it", now=NOON)

    assert len(list((tmp_path / "failed").iterdir())) == 6
