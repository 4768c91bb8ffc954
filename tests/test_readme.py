"""The README shows nothing that is not there; `python -m tests.readme` runs its commands."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from classifier.cli import main as classifier
from daemon.cli import main as topicwired
from daemon.configfile import parse
from tests.readme.blocks import Block, blocks_of, inline
from tests.readme.plan import WAYS, way_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks_of(README)
INLINE = [(page, each) for page in PAGES for each in inline((ROOT / page).read_text(encoding="utf-8"))]


def inline_with(*programs: str) -> list[str]:
    return sorted({each for _, each in INLINE if each.split(" ")[0] in programs and " " in each})


def test_it_is_said_of_each_block_of_commands_how_it_is_run() -> None:
    unsaid = [
        f"line {b.line}: {b.commands[0]}" for b in BLOCKS if b.kind == "sh" and not way_of(b.commands[0])
    ]

    assert unsaid == []


def test_nothing_is_said_of_a_block_that_is_not_there() -> None:
    firsts = [block.commands[0] for block in BLOCKS if block.kind == "sh"]

    assert [begin for begin in WAYS if not any(each.startswith(begin) for each in firsts)] == []


def test_what_runs_a_block_elsewhere_is_there() -> None:
    named = {way.elsewhere for way in WAYS.values() if way.elsewhere}

    assert [name for name in named if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "toml"], ids=lambda b: f"line-{b.line}")
def test_a_configuration_that_is_shown_is_one_that_is_taken(block: Block, tmp_path: Path) -> None:
    if "terms." in block.text:
        pytest.skip("topics of a home; tests/test_topics.py")
    file = tmp_path / "topicwire.toml"
    file.write_text(block.text, encoding="utf-8")

    parse(file)


@pytest.mark.parametrize("said", inline_with("topicwired", "classifier", ".venv/bin/topicwired"))
def test_a_command_that_is_named_can_be_called(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(re.sub(r"[\[\]…|]", " ", said))
    program, command = (
        words[0].removeprefix(".venv/bin/"),
        [w for w in words[1:] if not w.startswith("-")][:1],
    )

    with pytest.raises(SystemExit) as ended:
        (topicwired if program == "topicwired" else classifier)([*command, "--help"])

    help_ = capsys.readouterr().out
    assert ended.value.code == 0
    missing = [
        w.partition("=")[0] for w in words[1:] if w.startswith("--") and w.partition("=")[0] not in help_
    ]
    inner = f" {words[2]} " if len(words) > 2 and words[2].isalpha() and words[2].islower() else ""
    assert missing == [] or inner in help_


@pytest.mark.parametrize("said", sorted({m for p in PAGES for m in re.findall(
    r"python -m\s+(tests[\w.]*)", (ROOT / p).read_text(encoding="utf-8"))}))  # fmt: skip
def test_a_program_that_a_figure_is_from_is_there(said: str) -> None:
    found = importlib.util.find_spec(said)

    assert found is not None
    assert found.submodule_search_locations is None or importlib.util.find_spec(f"{said}.__main__")


@pytest.mark.parametrize("said", inline_with("make"))
def test_a_target_that_is_named_is_in_the_makefile(said: str) -> None:
    target = said.split(" ")[1]

    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_a_picture_and_a_place_that_a_page_leads_to_are_there() -> None:
    lost = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w\- ]", "", line.lstrip("# ")).strip().lower().replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith("#"):
                lost += [f"{page}: {target}"] if target[1:] not in headings else []
            elif "://" not in target and not (ROOT / target).exists():
                lost.append(f"{page}: {target}")

    assert lost == []
