"""Files that need a parser are read by a child without rights; its keeper outlives all of them."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from classifier.errors import JailError, UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.jail import Jail
from classifier.reading import Reader
from classifier.rules import Limits, Rules
from tests.builders import ENERGY_ARTICLE

MARKDOWN = b"# Refinery restarts\n\nIt had *stood still* for a week.\n"
CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture
def jail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Jail]]:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    made: list[Jail] = []

    def make(keeper: str = "classifier.jailer", **limits: float) -> Jail:
        made.append(Jail(Rules(Limits(**limits)), keeper))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


def keeper_of(jail: Jail) -> int:
    jail.walls()
    assert jail._keeper is not None
    return jail._keeper._process.pid


def test_a_file_is_read_in_a_child_of_a_keeper_that_stays(jail: Callable[..., Jail]) -> None:
    own = jail()
    before = keeper_of(own)

    texts = [own.read(Format.MARKDOWN, MARKDOWN, "a.md").articles[0].text for _ in range(3)]

    assert texts == ["Refinery restarts\nIt had stood still for a week."] * 3
    assert keeper_of(own) == before


def test_this_machine_says_which_walls_it_has(jail: Callable[..., Jail]) -> None:
    walls = jail().walls()

    assert bool(walls.missing) == (not walls.landlock or not walls.seccomp)


@pytest.mark.parametrize("keeper", ["without_walls", "behind_a_broken_wall"])
def test_a_kernel_without_a_wall_is_warned_of_once_and_files_are_read(
    jail: Callable[..., Jail], caplog: pytest.LogCaptureFixture, keeper: str
) -> None:
    own = jail(f"tests.keepers.{keeper}")

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert own.read(Format.MARKDOWN, MARKDOWN, "a.md").articles

    missing = own.walls().missing
    assert any("seccomp" in line for line in missing)
    assert len([r for r in caplog.records if "lacks a wall" in r.message]) == len(missing)


def test_a_parser_that_cannot_be_loaded_is_no_file_s_fault_and_the_keeper_stays(
    jail: Callable[..., Jail],
) -> None:
    own = jail("tests.keepers.with_a_parser_missing")
    before = keeper_of(own)

    with pytest.raises(OSError, match=r"cannot read markdown files now: .*no module named 'markdown_it'"):
        own.read(Format.MARKDOWN, MARKDOWN, "a.md")

    assert keeper_of(own) == before


def test_a_keeper_that_was_killed_is_followed_by_another(jail: Callable[..., Jail]) -> None:
    own = jail()
    first = keeper_of(own)

    os.kill(first, signal.SIGKILL)

    assert own.read(Format.MARKDOWN, MARKDOWN, "a.md").articles
    assert keeper_of(own) != first


def test_a_closed_jail_lets_go_of_whoever_waits_for_a_file(jail: Callable[..., Jail]) -> None:
    own = jail()
    os.kill(keeper_of(own), signal.SIGSTOP)
    outcomes: list[BaseException] = []

    def read() -> None:
        try:
            own.read(Format.MARKDOWN, MARKDOWN, "a.md")
        except OSError as error:
            outcomes.append(error)

    reader = Thread(target=read)
    reader.start()
    time.sleep(0.2)
    own.close()
    reader.join(10)

    assert [type(each) for each in outcomes] == [JailError]


def test_the_keeper_ends_with_the_one_who_started_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    call = (
        "import os, sys; from classifier.jail import Jail; from classifier.rules import Rules;"
        "jail = Jail(Rules()); jail.walls(); print(jail._keeper._process.pid, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=False)
    keeper = int(done.stdout)

    for _ in range(100):
        if not Path(f"/proc/{keeper}").exists() or b"\0" not in Path(f"/proc/{keeper}/cmdline").read_bytes():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the keeper lives on")


def test_no_secret_of_ours_is_in_the_keepers_environment(
    jail: Callable[..., Jail], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")

    environment = Path(f"/proc/{keeper_of(jail())}/environ").read_bytes()

    assert b"PATH=" in environment
    assert b"xoxb" not in environment


def test_more_text_than_the_rules_allow_is_refused(jail: Callable[..., Jail]) -> None:
    with pytest.raises(UnreadableArticleError, match="longer than 1,000 characters"):
        jail(characters=1000).read(Format.MARKDOWN, b"many words " * 200, "a.md")


def test_a_reader_reads_plain_text_without_a_jail() -> None:
    reader = Reader()

    (article,) = reader.read(ENERGY_ARTICLE.encode(), "a.txt").articles

    assert article.language == "en"
    assert reader._jail is None


def test_a_keeper_that_is_stopped_is_no_file_s_fault(jail: Callable[..., Jail]) -> None:
    own = jail(seconds=1)
    own.read(Format.MARKDOWN, MARKDOWN, "a.md")
    os.kill(keeper_of(own), signal.SIGSTOP)

    with pytest.raises(JailError, match="does not answer"):
        own.read(Format.MARKDOWN, MARKDOWN, "a.md")

    assert own.read(Format.MARKDOWN, MARKDOWN, "a.md").articles
