"""The manual pages: made from the help, committed as they are made, and clean for those who read roff."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from classifier import cli as classifier_cli
from classifier.helping import Program, parsers_of
from daemon import cli as daemon_cli
from daemon import roff
from daemon.cli import main

PAGES = Path(__file__).resolve().parents[1] / "systemd" / "man"
NAMES = ("man1/classifier.1", "man1/topicwired.1", "man5/topicwire.toml.5")


def shown(page: Path) -> str:
    """A page as man shows it, in one line; nothing may be wrong with it."""
    surroundings = {
        **os.environ,
        "MANWIDTH": "80",
        "LC_ALL": "C.UTF-8",
        "MANROFFSEQ": "",
        "GROFF_NO_SGR": "1",
    }
    done = subprocess.run(
        ["man", "--warnings", "--local-file", str(page)],
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return " ".join(done.stdout.split())


def test_the_pages_are_what_the_help_says_today(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manual", str(tmp_path)]) == 0

    assert capsys.readouterr().out.split() == [
        str(tmp_path / name) for name in ("man1/topicwired.1", "man1/classifier.1", "man5/topicwire.toml.5")
    ]
    stale = [name for name in NAMES if (tmp_path / name).read_bytes() != (PAGES / name).read_bytes()]
    assert stale == [], "help or configuration has changed: `make man` writes the pages anew"


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not here")
@pytest.mark.parametrize("name", NAMES)
def test_man_shows_every_page_without_a_warning(name: str) -> None:
    text = shown(PAGES / name)

    assert all(heading in text for heading in ("NAME", "DESCRIPTION", "SEE ALSO"))


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not here")
@pytest.mark.parametrize("name", NAMES)
def test_mandoc_finds_nothing_wrong_with_any_page(name: str) -> None:
    done = subprocess.run(
        ["mandoc", "-Tlint", str(PAGES / name)], capture_output=True, text=True, check=False
    )

    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("program", [classifier_cli.program(), daemon_cli.program()], ids=str)
def test_every_command_and_option_of_a_program_stands_in_its_page(program: object) -> None:
    assert isinstance(program, Program)
    page = (PAGES / "man1" / f"{program.prog}.1").read_text(encoding="utf-8")

    for parser in parsers_of(program):
        assert f".SS {roff.literal(parser.prog)}\n" in page
        for action in parser._actions:
            assert all(f"\\fB{roff.literal(name)}\\fP" in page for name in action.option_strings)


def test_every_key_of_the_shipped_configuration_stands_in_its_page() -> None:
    page = (PAGES / "man5" / "topicwire.toml.5").read_text(encoding="utf-8")
    shipped = (PAGES.parent / "topicwire.toml").read_text(encoding="utf-8")
    keys = {line.removeprefix("# ").partition(" = ")[0] for line in shipped.splitlines() if " = " in line}
    named = {key for key in keys if key.isidentifier()}

    assert len(named) > 60
    assert [key for key in sorted(named) if f"\\fB{key} = " not in page] == []


def test_what_roff_takes_for_its_own_is_shown_as_it_is_written(tmp_path: Path) -> None:
    said = ".SH is no heading 'nor this' \\fB and \\(bu stay, as `--do-it 'x' ^~ \"y\"` does, and back\\slash"
    page = tmp_path / "page.1"
    page.write_text(f".TH X 1 2026-11-22 x x\n.SH NAME\nx \\- y\n.SH TEXT\n{roff.text(said)}\n")

    assert said.replace("`", "") in shown(page)
