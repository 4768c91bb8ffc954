"""What stands behind the PATHs of `classifier tag`: which files, in which order, in which pieces."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from classifier import streams
from classifier.streams import BEGINNING, InputChangedError, Mark, Piece, batches, pieces


def write(folder: Path, *names: str, text: str = "Oil rose.") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def files(*paths: str | Path) -> list[str]:
    return [piece.file for piece in pieces([str(path) for path in paths]) if not piece.problem]


def problems(*paths: str | Path) -> list[str]:
    found = pieces([str(path) for path in paths])
    return [f"{piece.file}: {piece.problem}" for piece in found if piece.problem]


def test_a_folder_is_walked_in_the_order_of_its_sorted_paths(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a/z", "a/b/c.md", "a.txt", "a-b.txt", "é.txt", "B.TXT", "p.png", ".h.txt")
    (tmp_path / "link").symlink_to(tmp_path / "a")

    found = files(tmp_path)

    taken = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".png"]
    assert found == [str(path) for path in sorted(taken)]
    assert len(found) == 8


@pytest.mark.parametrize("held", [1, 2, 3, 1000])
def test_a_folder_with_more_names_than_are_held_is_walked_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr(streams, "_MOST_NAMES", held)
    write(tmp_path, *(f"{number}.txt" for number in range(6)), "3/a.txt", "3/b.txt")

    assert files(tmp_path) == [str(path) for path in sorted(tmp_path.rglob("*.txt"))]


def test_files_of_the_working_folder_have_no_dot_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.txt", "b/c.txt")
    monkeypatch.chdir(tmp_path)

    assert files(".") == files("./a.txt", "b//") == ["a.txt", "b/c.txt"]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*.txt", ["a.txt"]),
        ("*.log", ["a.log"]),
        ("*/c.txt", ["x/c.txt"]),
        ("**/c.txt", ["x/c.txt", "x/y/c.txt"]),
        ("x/**", ["x/c.txt", "x/y/c.txt"]),
        ("**/[xz]/*", ["x/c.txt", "x/y/c.txt"]),
        ("x/**/y/*.txt", ["x/y/c.txt"]),
        ("?", ["x/c.txt", "x/y/c.txt"]),
    ],
)
def test_a_pattern_is_every_file_and_folder_that_fits(tmp_path: Path, pattern: str, fits: list[str]) -> None:
    write(tmp_path, "a.txt", "a.log", "x/c.txt", "x/y/c.txt")

    assert files(f"{tmp_path}/{pattern}") == [str(tmp_path / name) for name in fits]


def test_a_name_with_the_letters_of_a_pattern_is_that_file(tmp_path: Path) -> None:
    write(tmp_path, "a[1].txt", "a1.txt")

    assert files(tmp_path / "a[1].txt") == [str(tmp_path / "a[1].txt")]


def test_a_pattern_that_nothing_fits_is_said(tmp_path: Path) -> None:
    assert problems(tmp_path / "*.txt", tmp_path / "no" / "*") == [
        f"{tmp_path}/*.txt: no file fits this pattern",
        f"{tmp_path}/no/*: no file fits this pattern",
    ]


def test_the_output_is_no_input(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", "b.jsonl")

    found = pieces([str(tmp_path)], without=tmp_path / "b.jsonl")

    assert [piece.file for piece in found] == [str(tmp_path / "a.jsonl")]


def lines_of(path: Path, start: Mark = BEGINNING) -> list[Piece]:
    return list(pieces([str(path)], start))


def test_lines_come_whole_and_numbered_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    content = b"".join(b"%d\n" % number for number in range(300)) + b"x" * streams.MOST_BYTES + b"\nlast"
    path.write_bytes(content)

    found = lines_of(path)

    assert b"".join(piece.data or b"" for piece in found) == content
    assert [(piece.first_line, (piece.data or b"").count(b"\n")) for piece in found] == [
        (1, 128), (129, 128), (257, 45), (302, 0)
    ]  # fmt: skip
    assert all(piece.articles >= len((piece.data or b"").splitlines()) for piece in found)


def test_lines_that_end_in_other_ways_are_numbered_as_in_a_text_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_ARTICLES", 1)
    (tmp_path / "a.jsonl").write_bytes(b"a\r\nb\rc\nd\n")

    assert [(piece.data, piece.first_line) for piece in lines_of(tmp_path / "a.jsonl")] == [
        (b"a\r\n", 1), (b"b\rc\n", 2), (b"d\n", 4)
    ]  # fmt: skip


def test_a_line_too_long_is_a_problem_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LARGEST_FILE", 10)
    (tmp_path / "a.jsonl").write_bytes(b"one\n" + b"x" * 25 + b"\nthree\n")

    first, second, third = lines_of(tmp_path / "a.jsonl")

    assert (first.data, third.data, third.first_line) == (b"one\n", b"three\n", 3)
    assert second.file == f"{tmp_path / 'a.jsonl'}:2"
    assert second.problem.startswith("a line longer than ")


def test_from_each_mark_on_the_rest_is_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_ARTICLES", 2)
    write(tmp_path, "a.txt", "c/d.txt", "e.txt")
    write(tmp_path, "b.jsonl", "z.jsonl", text="one\ntwo\nthree\nfour\nfive\n")
    write(tmp_path, "y.jsonl", text="")
    paths = [str(tmp_path / "a.txt"), str(tmp_path), str(tmp_path / "gone.txt"), str(tmp_path / "a.txt")]

    whole = list(pieces(paths))

    assert len(whole) == 12
    for number, piece in enumerate(whole, 1):
        assert list(pieces(paths, piece.after)) == whole[number:]


@pytest.mark.parametrize("change", ["grown", "touched", "gone", "added"])
def test_nobody_goes_on_where_the_input_before_has_changed(tmp_path: Path, change: str) -> None:
    write(tmp_path, "a.txt", "b.txt", "c.txt")
    mark = [piece.after for piece in pieces([str(tmp_path)])][1]
    begun_at = (tmp_path / "c.txt").stat().st_ctime_ns
    victim = tmp_path / "b.txt"
    time.sleep(0.02)  # a file system's clock has ticks
    match change:
        case "grown":
            write(tmp_path, "b.txt", text="Oil rose again.")
        case "touched":
            os.utime(victim)
        case "gone":
            victim.unlink()
        case "added":
            write(tmp_path, victim.with_name("aa.txt").name)

    with pytest.raises(InputChangedError) as refused:
        list(pieces([str(tmp_path)], mark, begun_at=begun_at))

    named = {"added": tmp_path / "aa.txt", "gone": "a file that was tagged already"}.get(change, victim)
    assert str(refused.value) == f"{named}: changed, added or gone since; begin again with --overwrite"


def test_what_stands_behind_a_mark_may_change(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    mark = next(iter(pieces([str(tmp_path)]))).after
    write(tmp_path, "b.txt", "c.txt", text="Gas fell.")

    names = [Path(piece.file).name for piece in pieces([str(tmp_path)], mark)]

    assert names == ["b.txt", "c.txt"]


def test_batches_are_bounded_by_articles_and_by_bytes() -> None:
    def piece(size: int, articles: int) -> Piece:
        return Piece("a", BEGINNING, size, articles=articles)

    many = [piece(1, 1)] * 300
    large = [piece(streams.MOST_BYTES // 2, 1)] * 3 + [piece(10 * streams.MOST_BYTES, 1)]

    assert [len(batch) for batch in batches(many)] == [128, 128, 44]
    assert [len(batch) for batch in batches(large)] == [2, 2]
    assert list(batches([])) == []


def packed(path: Path, lines: int) -> Path:
    text = "".join(json.dumps({"text": f"Oil rose by {number} tenths."}) + "\n" for number in range(lines))
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_a_packed_archive_comes_in_the_pieces_of_the_archive_itself(tmp_path: Path) -> None:
    path = packed(tmp_path / "archive.jsonl.gz", 300)
    plain = tmp_path / "archive.jsonl"
    plain.write_bytes(gzip.decompress(path.read_bytes()))

    found = lines_of(path)

    assert [(piece.data, piece.first_line) for piece in found] == [
        (piece.data, piece.first_line) for piece in lines_of(plain)
    ]
    assert lines_of(path, found[0].after) == found[1:]
    assert sum(piece.size for piece in found) <= path.stat().st_size
    assert set(files(tmp_path)) == {str(plain), str(path)}


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_packed_archive_that_is_cut_short_is_a_problem(tmp_path: Path, kept: float) -> None:
    path = packed(tmp_path / "archive.jsonl.gz", 300)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    assert any("end" in problem or "damaged" in problem for problem in problems(path))


def test_a_packed_archive_that_is_none_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl.gz"
    path.write_text('{"text": "Oil rose."}\n', encoding="utf-8")

    (problem,) = problems(path)
    assert "gzip" in problem.lower()
