"""Formats where it is made hard: names that lie, streams that are closed, limits of the system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from classifier import cli
from classifier.errors import JailError
from classifier.jail import Jail
from classifier.rules import Rules
from classifier.streams import pieces
from daemon.database import plainly
from tests.builders import ENERGY_ARTICLE

PDF = Path(__file__).parent / "formats" / "files" / "grain-chromium.pdf"
LINE = json.dumps({"text": ENERGY_ARTICLE}) + "\n"


def test_a_file_that_is_named_as_lines_and_is_a_pdf_is_read_as_a_pdf(
    trained_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jsonl").write_bytes(PDF.read_bytes())

    code = cli.main(["tag", "--home", str(trained_home), "--json", str(tmp_path / "x.jsonl")])

    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert json.loads(said.out)["title"].startswith("Aktau port opens")


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"{\\rtf1 a}"])
def test_what_is_surely_no_lines_is_a_file_as_a_whole(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "x.jsonl").write_bytes(start + b"a\nb\nc\n" * 100)

    (piece,) = pieces([str(tmp_path / "x.jsonl")])

    assert (piece.first_line, piece.data) == (0, None)


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n", "this line is broken\n", "[1]\n", "# a remark\n"])
def test_lines_are_read_as_lines_though_the_first_may_be_broken(tmp_path: Path, start: str) -> None:
    (tmp_path / "x.jsonl").write_text(start + LINE, encoding="utf-8")

    (piece,) = pieces([str(tmp_path / "x.jsonl")])

    assert piece.first_line == 1


def test_a_name_cannot_command_the_terminal_nor_part_a_line(
    trained_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a\x1b[2J\nb.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "c\x1b[2J\u202ed.txt").write_text(ENERGY_ARTICLE)

    cli.main(["tag", "--home", str(trained_home), str(tmp_path)])

    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert "a\\x1b[2J\\nb.pdf" in said.err
    assert not {"\x1b", "\u202e"} & set(said.out + said.err)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_articles_are_tagged_though_nobody_listens(trained_home: Path, tmp_path: Path, closed: str) -> None:
    (tmp_path / "a.md").write_text(f"# {ENERGY_ARTICLE}")
    tag = f"{sys.executable} -c 'from classifier.cli import main; raise SystemExit(main())'"
    command = f"{tag} tag --home {trained_home} --output {tmp_path}/out {tmp_path}/a.md {closed}"

    ended = subprocess.run(["sh", "-c", command], check=False)

    assert ended.returncode == 0
    assert len((tmp_path / "out").read_text().splitlines()) == 1


def test_a_jail_that_does_not_start_says_so_in_the_log() -> None:
    jail = Jail(Rules(), "no.such.keeper")

    with pytest.raises(JailError) as caught:
        jail.walls()

    assert plainly(caught.value) == "the jail for hostile files does not start"


def test_a_keeper_that_may_not_fork_says_so_in_one_line() -> None:
    limited = "import os; os.fork = lambda: (_ for _ in ()).throw(BlockingIOError(11, 'no more processes'))"
    call = f"{limited}; from classifier.jailer import main; main()"

    ended = subprocess.run(
        [sys.executable, "-c", call, json.dumps(Rules().as_json())],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr == "the jail does not start: [Errno 11] no more processes\n"
