"""Files and parsers that mean harm: each ends in time and as it must, and the next file is read."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from classifier.formats.kinds import Format
from classifier.jail import Jail
from classifier.rules import Limits, Rules
from tests.hostile_files import corpus, sound, trying
from tests.hostile_files.corpus import Case
from tests.hostile_files.parsers import asked, in_the_jail
from tests.hostile_files.trying import Bench, WatchedJail

FAST = [
    pytest.param(case, id=f"{part}: {case.title}")
    for part in corpus.PARTS
    for case in corpus.of_part(part)
    if not case.is_slow
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.mark.parametrize("case", FAST)
def test_a_hostile_file_costs_little_and_ends_as_it_must(bench: Bench, case: Case) -> None:
    trial = bench.try_case(case)

    assert not trial.faults


@pytest.mark.parametrize("ending", sound.FILES)
def test_the_sound_files_that_hostile_ones_are_made_of_are_read(bench: Bench, ending: str) -> None:
    contents = bench.reader.read(sound.FILES[ending](), f"a.{ending}")

    assert all(sound.WORD in article.text for article in contents.articles)
    assert not contents.left_out


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (corpus.refused("a sound page", "a.html", sound.page, "empty"), "read: "),
        (corpus.read("a sound page", "a.html", sound.page, "Aktau"), "lost: Aktau"),
        (corpus.read("nothing", "a.txt", bytes, "oil"), "refused: empty"),
        (corpus.either("nothing", "a.txt", bytes, reason="encrypted"), "refused for another reason: empty"),
    ],
)
def test_what_ends_otherwise_than_it_must_is_seen(bench: Bench, case: Case, fault: str) -> None:
    assert bench.try_case(case).faults[0].startswith(fault)


def test_a_file_that_costs_too_much_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(trying, "MOST_MIB", 1.0)

    faults = bench.try_case(corpus.read("a sound page", "a.html", sound.page)).faults

    assert [fault.partition(" ")[0] for fault in faults] == ["took", "took"]


# Parsers that mean harm


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with in_the_jail() as jail:
        yield jail


@pytest.fixture
def keeper_lives(jail: Jail) -> Iterator[None]:
    """Whatever the parser did, its keeper is the same, and reads the next file."""
    assert asked(jail, "read") == "read: read"
    before = _pid(jail)
    yield
    assert asked(jail, "read") == "read: read"
    assert _pid(jail) == before


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _pid(jail: Jail) -> int:
    assert jail._keeper is not None
    return jail._keeper._process.pid


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize(
    "deed",
    """
    open /etc/passwd, open /proc/self/environ, open /proc/self/mem, list /, list ., list /proc/self/fd,
    link x, remove /tmp/x, rename /tmp/x, fork, raw-fork, run, replace, udp, tcp 9, tcp6 9, unix /tmp/x,
    abstract x, kill-all, open-otherwise, ring, memory-file, grow, import, map
    """.replace("\n", "").split(","),
)
def test_a_parser_has_no_right_to(jail: Jail, deed: str) -> None:
    assert "refused" in asked(jail, deed.strip())


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize("deed", ["kill-parent", "stop-parent"])
def test_a_parser_does_not_harm_its_keeper(jail: Jail, deed: str) -> None:
    assert "refused" in asked(jail, deed)


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize("deed", ["kill-by-thread", "trace", "kill-by-owner"])
def test_a_parser_cannot_reach_the_keeper_by_its_number(jail: Jail, deed: str) -> None:
    came = asked(jail, f"{deed} {_pid(jail)}")

    assert "refused" in came or "unreadable" in came


@pytest.mark.usefixtures("keeper_lives")
def test_a_parser_cannot_touch_files(jail: Jail, tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.write_text("held")

    for deed in ("write", "remove", "rename", "change", "open"):
        assert "refused" in asked(jail, f"{deed} {held}")
    assert "refused" in asked(jail, f"write {tmp_path / 'new'}")

    assert [(path.name, path.read_text(), path.stat().st_mode & 0o111) for path in tmp_path.iterdir()] == [
        ("held", "held", 0)
    ]


@pytest.mark.usefixtures("keeper_lives")
def test_a_parser_cannot_call_out_even_where_somebody_listens(jail: Jail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)

        assert "refused" in asked(jail, f"tcp {listening.getsockname()[1]}")

        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("eat", "too large: needs more than 512 MiB to read"),
        ("flood", "longer than"),
        ("crash", "poison: its parser died 3 times (SIGSEGV)"),
        ("exit 0", "poison: its parser died 3 times (what it said made no sense)"),
        ("exit 1", "poison: its parser died 3 times (exit 1)"),
        ("exit 255", "poison: its parser died 3 times (exit 255)"),
        ("recurse", "not a sound pdf file: RecursionError"),
    ],
)
def test_a_parser_that_dies_is_given_up(jail: Jail, deed: str, reason: str) -> None:
    assert asked(jail, deed).startswith(f"unreadable: {reason}")


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (35, "signal 35")])
def test_a_parser_that_is_killed_by_others_is_tried_again(jail: Jail, number: int, name: str) -> None:
    """The kernel does so to one where memory is short."""
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(asked, jail, "sleep")
        killed: set[int] = set()
        while not asking.done():
            for child in set(_children(_pid(jail))) - killed:
                killed.add(child)
                with suppress(ProcessLookupError):
                    os.kill(child, number)
            time.sleep(0.01)

        assert f"poison: its parser died 3 times ({name})" in asking.result()
    assert len(killed) == 3


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize("deed", ["loop", "sleep", "linger", "say-and-linger"])
def test_a_parser_that_goes_on_is_cut_off(jail: Jail, deed: str) -> None:
    started = time.monotonic()

    assert "took longer than 3 seconds" in asked(jail, deed)

    assert time.monotonic() - started < 20.0


@pytest.mark.usefixtures("keeper_lives")
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "x",
        "{",
        '{"articles"',
        "[]",
        "7",
        "null",
        '"articles"',
        "{}",
        "\udcff\udcfe",
        '{"articles": 7, "left_out": []}',
        '{"articles": [7], "left_out": []}',
        '{"articles": [{}], "left_out": []}',
        '{"articles": [null], "left_out": []}',
        '{"articles": {"a": 1}, "left_out": []}',
        '{"articles": [{"text": 7}], "left_out": []}',
        '{"articles": [{"text": ""}], "left_out": []}',
        '{"articles": [{"text": "Oil", "title": 7, "caveats": []}], "left_out": []}',
        '{"articles": [{"text": "Oil", "title": null, "caveats": 7}], "left_out": []}',
        '{"articles": [], "left_out": [7]}',
        '{"reason": 7, "mend": 7}',
        '{"reason": "x"}',
        "[" * 100_000,
        "9" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"reason": ["x"], "mend": {}}',
    ],
)
def test_an_answer_that_makes_no_sense_is_none(jail: Jail, answer: str) -> None:
    assert asked(jail, f"say {answer}").startswith("unreadable: poison: its parser died 3 times")


@pytest.mark.usefixtures("keeper_lives")
def test_the_text_of_an_answer_is_not_believed(jail: Jail) -> None:
    fields = '"date": null, "language": null, "given_id": null, "source": null, "author": null, "url": null'
    text = r'"Oil \u202e\u0000 \ud800 rose\u001b[31m."'
    said = f'{{"articles": [{{"text": {text}, "title": null, "caveats": [], {fields}}}], "left_out": []}}'

    assert asked(jail, f"say {said}") == "Oil  \ufffd rose[31m."


@pytest.mark.usefixtures("keeper_lives")
def test_a_parser_has_no_descriptor_but_nothing_and_its_answer(jail: Jail) -> None:
    assert asked(jail, "descriptors") == "descriptors: 0 1 2 3"


def test_a_parser_does_not_see_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")

    with in_the_jail() as jail:
        named = asked(jail, "environment")

    assert "PATH" in named
    assert "TOKEN" not in named
    assert "CREDENTIALS" not in named


def test_a_keeper_that_is_killed_is_followed_by_another() -> None:
    with in_the_jail() as jail:
        assert asked(jail, "read") == "read: read"
        before = _pid(jail)
        os.kill(before, 9)

        assert asked(jail, "read") == "read: read"
        assert _pid(jail) != before


def test_no_process_is_left_behind_by_parsers_that_were_cut_off() -> None:
    with in_the_jail(Limits(seconds=1.0)) as jail:
        for deed in ("sleep", "linger", "loop", "flood", "eat"):
            assert asked(jail, deed).startswith("unreadable")

        assert _children(_pid(jail)) == []


def test_the_watch_that_these_tests_keep_sees_memory() -> None:
    jail = WatchedJail(Rules())
    jail.read(Format.HTML, sound.page(), "a.html")

    assert jail.keeper
    assert 10_000 < jail.peaks_kib[0] < 512 * 1024
    jail.close()


@pytest.mark.skipif(sys.platform != "linux", reason="walls are Linux's")
def test_there_are_two_hundred_hostile_files_at_least() -> None:
    assert len(corpus.cases()) >= 220
    assert len({(part, case.title) for part in corpus.PARTS for case in corpus.of_part(part)}) == len(
        corpus.cases()
    )
