"""The benchmark measures what its page says: ratios, texts that are alike in every run, sections kept."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent

from classifier.articles import Article
from classifier.languages import detect
from tests.bench import naive, page, processes, texts
from tests.bench.page import Section
from tests.builders import small_model
from tests.measuring import Compared, compare, process

ARTICLES = [
    Article(
        "The ministry of energy opened a pipeline in Atyrau on 5 May 2026. " * 8 + "It was late. It rained."
    ),
    Article("Министерство открыло нефтепровод в Атырау. Это было 5 мая. Шёл дождь, и все разошлись. " * 8),
]


def test_a_ratio_is_the_median_of_the_rounds_and_not_of_the_times() -> None:
    compared = Compared("it", slow=(1.0, 10.0, 9.0), fast=(1.0, 2.0, 1.0))

    assert compared.ratios == [1.0, 5.0, 9.0]
    assert compared.cells == ("it", "9 s", "1 s", "5 ×", "1–9")


def test_two_ways_are_measured_by_turns_after_each_was_tried_once() -> None:
    calls: list[str] = []

    compared = compare("it", lambda: calls.append("slow"), lambda: calls.append("fast"), 3)

    assert calls == ["slow", "fast"] * 4
    assert len(compared.slow) == len(compared.fast) == 3


def test_a_process_is_measured_from_start_to_end_with_the_memory_of_the_largest_it_came_to() -> None:
    idle = "import time; time.sleep(0.3)"
    large = "x = bytearray(80 << 20)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {large!r}])"

    seconds, small = process(["-c", idle])
    _, with_child = process(["-c", parent])

    assert seconds >= 0.3
    assert with_child > small + 70


def test_memory_and_children_of_a_process_are_seen_while_it_lives() -> None:
    # Memory that is asked for and never touched is nobody's.
    child = (
        "import mmap, sys; y = mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "x = bytearray(60 << 20); print('ready', flush=True); sys.stdin.read()"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    command = [sys.executable, "-c", parent]

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        [found] = processes.children(started.pid)

        assert 500 > processes.resident(found) > processes.resident(started.pid) + 50 > 50
        started.communicate()

    assert processes.resident(found) == 0.0


def test_the_work_of_a_process_is_told_and_its_idleness_is_not() -> None:
    busy = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\ntime.sleep(60)"

    with subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        time.sleep(0.5)
        worked = processes.processor_time(started.pid)
        started.kill()

    assert 0.35 <= worked < 0.6


def test_what_a_process_does_by_itself_is_timed_by_its_work_and_not_by_its_waiting() -> None:
    compared = compare("it", lambda: time.sleep(0.1), lambda: time.sleep(0.1), 1)

    assert max(*compared.slow, *compared.fast) < 0.05


def test_a_part_that_was_not_measured_stays_on_the_page_and_is_marked_once() -> None:
    titles, parts = ("First", "Second"), ("one", "two")
    row = ("x", "1 s")
    before = page.written(
        [
            Section("First", "Of one.", ("what", "time"), [row]),
            Section("Second", "Of two.", ("what",), [("y",)]),
        ],
        titles,
        parts,
        "Here: a slow one.",
        "",
    )

    after = before
    for took in ("2 s", "3 s"):
        section = Section("First", "Of one.", ("what", "time"), [("x", took)], ["a note"])
        after = page.written([section], titles, parts, "Here: a fast one.", after)

    assert "another run" not in before
    assert after.count("*Of another run than the rest.*") == 1
    assert (
        after.index("3 s")
        < after.index("- a note")
        < after.index("## Second")
        < after.index("Of another run")
    )
    assert "| y |" in after
    assert "1 s" not in after
    assert "2 s" not in after
    assert "a slow one" not in after


def test_a_backlog_is_the_same_each_time_and_its_files_are_of_one_size_in_four_languages() -> None:
    files = list(texts.backlog(60, 0.5))

    assert files == list(texts.backlog(60, 0.5))
    assert len(set(files)) == 60
    assert all(2900 < len(text.encode()) <= texts.FILE_SIZE for text in files)
    assert {detect(text) for text in files} >= set(texts.LANGUAGES)


def test_names_and_figures_of_a_text_are_made_up_anew_and_nothing_else() -> None:
    text = "The minister Aitov met 25 people.\nOil from Atyrau rose."

    renamed = [texts.Rewriter(number).renamed(text) for number in (1, 2)]

    assert all(
        re.fullmatch(r"The minister [A-Z]\w+ met \d\d people\.\nOil from [A-Z]\w+ rose\.", t) for t in renamed
    )
    assert len({*renamed, text}) == 3
    assert not all("met 25 people" in each for each in renamed)
    assert not any(name in each for name in ("Aitov", "Atyrau") for each in renamed)


def test_an_archive_repeats_its_articles_and_never_ends_to_bring_new_words() -> None:
    rows = [json.loads(line) for line in texts.archive(ARTICLES, 400)]
    vocabulary = [{word for row in some for word in row["text"].split()} for some in (rows[:200], rows)]

    assert [row["id"] for row in rows] == [str(number) for number in range(400)]
    assert len({row["text"] for row in rows}) == 400
    assert len(vocabulary[1]) > 1.3 * len(vocabulary[0])
    assert list(islice(texts.archive(ARTICLES, 400), 5)) == list(texts.archive(ARTICLES, 5))


def test_articles_are_joined_to_one_length_within_a_language() -> None:
    articles = [Article("a" * 900, language="en"), Article("б" * 900, language="ru")] * 10

    made = texts.joined(articles, 2000)

    assert [len(article.text) for article in made] == [2000] * 6
    assert all(set(article.text) - {"\n"} == {"a" if article.language == "en" else "б"} for article in made)


def test_the_naive_loop_takes_each_file_once_whatever_events_name_it(tmp_path: Path) -> None:
    handler = naive.Handler(small_model(), tmp_path)
    loud, quiet = tmp_path / "loud.txt", tmp_path / "quiet.txt"
    loud.write_text("Oil\nOil and gas.", encoding="utf-8")
    quiet.write_text("Nothing\nNothing of it.", encoding="utf-8")

    handler.on_created(FileCreatedEvent(str(loud)))
    handler.on_closed(FileClosedEvent(str(loud)))
    handler.on_moved(FileMovedEvent(str(tmp_path / "quiet.part"), str(quiet)))

    with closing(sqlite3.connect(tmp_path / "naive.db")) as ledger:
        assert ledger.execute("SELECT file FROM articles").fetchall() == [("loud.txt",), ("quiet.txt",)]
        grades = ledger.execute("SELECT article_id, topic, grade FROM tags").fetchall()
        assert grades == [(1, "energy", "main"), (2, "energy", "mention")]
        assert ledger.execute("SELECT article_id, state FROM outbox").fetchall() == [(1, "pending")]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["loud.txt", "quiet.txt"]
