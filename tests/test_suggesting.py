"""Which passages people are asked to judge, and what becomes of the sheet that they fill in."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from classifier.cli import main
from classifier.corpus import load_corpus
from classifier.scouting import Pool, one_line
from classifier.sheets import write_sheet
from classifier.storage import save, use
from classifier.suggesting import DRAWN_SHARE, Candidate, Needs, choose, suggest
from tests.builders import ENERGY_EXAMPLES, small_model, write_labels

TOPICS = ("energy", "trade")
NOBODY = {topic: Counter[str]() for topic in TOPICS}
NEEDS = Needs(TOPICS, (0.5, 0.6), NOBODY, frozenset(TOPICS))


def name(number: int) -> str:
    """A word of its own for each number."""
    return f"{chr(97 + number // 26)}{chr(97 + number % 26)}zq"


def make_candidate(
    number: int, *probabilities: float, text: str = "", language: str = "en", article: str = ""
) -> Candidate:
    own = text or name(number)
    return Candidate(own, language, f"file:{number}", article or f"article {number}", probabilities)


def test_what_is_nearest_to_its_own_cut_is_asked_first() -> None:
    sure, near, nearest = (
        make_candidate(1, 0.95, 0.02),
        make_candidate(2, 0.4, 0.01),
        make_candidate(3, 0.01, 0.61),
    )

    asked = choose([sure, near, nearest], NEEDS, 3)

    assert [suggestion.candidate for suggestion in asked] == [nearest, near, sure]
    assert [suggestion.topic for suggestion in asked] == ["trade", "energy", "energy"]


def test_of_equal_doubts_the_topic_and_language_with_few_labels_come_first() -> None:
    labels = {"energy": Counter(en=90, kk=4), "trade": Counter(en=60, kk=60)}
    needs = replace(NEEDS, labels=labels)
    english, kazakh, trade = (
        make_candidate(1, 0.5, 0.01),
        make_candidate(2, 0.5, 0.01, language="kk"),
        make_candidate(3, 0.01, 0.6),
    )

    asked = choose([english, trade, kazakh], needs, 3)

    assert [suggestion.candidate for suggestion in asked] == [kazakh, trade, english]


def test_a_sheet_does_not_ask_of_the_poorest_topic_alone() -> None:
    needs = replace(NEEDS, labels={"energy": Counter(en=70), "trade": Counter(en=80)})
    candidates = [make_candidate(number, 0.5, 0.01) for number in range(10)]
    candidates += [make_candidate(number, 0.01, 0.6) for number in range(10, 20)]

    asked = Counter(suggestion.topic for suggestion in choose(candidates, needs, 10))

    assert asked == {"energy": 5, "trade": 5}


def test_two_that_say_nearly_the_same_are_one_question() -> None:
    text = "The refinery in Pavlodar stops for repairs in May and petrol comes by rail"
    twins = [make_candidate(number, 0.5, 0.01, text=f"{text} {number}") for number in range(5)]
    other = make_candidate(9, 0.3, 0.01, text="A pipeline to the southern regions was tested")

    asked = choose([*twins, other], NEEDS, 5)

    assert [suggestion.candidate for suggestion in asked] == [twins[0], other]


def test_an_article_is_asked_about_again_only_after_others() -> None:
    candidates = [make_candidate(number, 0.5, 0.01, article="long") for number in range(3)]
    candidates += [make_candidate(7, 0.35, 0.01), make_candidate(8, 0.3, 0.01)]

    asked = [suggestion.candidate.article for suggestion in choose(candidates, NEEDS, 4)]

    assert asked == ["long", "article 7", "article 8", "long"]


def test_every_fifth_is_drawn_whatever_the_model_says_of_it() -> None:
    doubted = [make_candidate(number, 0.5, 0.01) for number in range(40)]
    sure = [make_candidate(number, 0.001, 0.001) for number in range(40, 60)]

    asked = suggest(doubted, sure, NEEDS, 20)

    assert len(asked) == 20
    assert [place for place, suggestion in enumerate(asked, 1) if suggestion.drawn] == [5, 10, 15, 20]
    assert sum(suggestion.candidate in sure for suggestion in asked) == 20 * DRAWN_SHARE


def test_only_the_topics_that_are_asked_about_raise_doubts() -> None:
    needs = replace(NEEDS, asked=frozenset({"trade"}))
    energy, trade = make_candidate(1, 0.5, 0.01), make_candidate(2, 0.01, 0.3)

    asked = choose([energy, trade], needs, 1)

    assert [(suggestion.candidate, suggestion.topic) for suggestion in asked] == [(trade, "trade")]


def fill(pool: Pool, entries: Sequence[tuple[str, Candidate]]) -> Pool:
    for fingerprint, candidate in entries:
        pool.add([(fingerprint, candidate)], NEEDS.doubts(_row(candidate)))
    return pool


def _row(candidate: Candidate) -> Any:
    import numpy as np

    return np.array([candidate.probabilities])


def test_what_is_kept_of_an_archive_is_bounded_and_does_not_depend_on_its_order() -> None:
    entries = [
        (f"{number * 7919 % 10007:064x}", make_candidate(number, number / 3000, 0.01))
        for number in range(3000)
    ]
    half = Pool(10)

    forwards, backwards = fill(Pool(10), entries), fill(Pool(10), entries[::-1])
    for part in (entries[1500:], entries[:1500]):
        half.join(fill(Pool(10), part))

    assert forwards.doubted() == backwards.doubted() == half.doubted()
    assert forwards.drawn() == backwards.drawn() == half.drawn()
    assert len(forwards.drawn()) == 10
    assert len(forwards.doubted()) <= 20
    assert all(pool.held < 3 * 2 * 10 for pool in (forwards, backwards, half))
    assert {1495, 1500, 1504} <= {int(found.source.partition(":")[2]) for found in forwards.doubted()}


# ── The command, with a model made by hand of the words oil, gas and export ──────────────────────


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Labels of two topics, no seeds, and a home that serves a model of them."""
    (tmp_path / "seeds").mkdir()
    write_labels(tmp_path / "labels")
    models = tmp_path / "home" / "models"
    model = save(small_model(), models, probes=["Oil"], made_by={"from": "labels"})
    use(models, model.version)
    return tmp_path


def article(number: int, text: str = "") -> dict[str, str]:
    code = name(number)
    usual = f"{code}o oil of {code}e met gas of {code}u while export and {code}i went to {code}y and {code}a."
    own = text or usual
    return {"id": f"a{number}", "text": own, "lang": "en"}


def archive(folder: Path, articles: Sequence[dict[str, str]], name: str = "archive.jsonl") -> Path:
    path = folder / name
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in articles).encode()
    path.write_bytes(gzip.compress(lines, mtime=0) if name.endswith(".gz") else lines)
    return path


def ask(desk: Path, *arguments: object) -> int:
    shelf = ["--labels", desk / "labels", "--seeds", desk / "seeds", "--home", desk / "home"]
    return main(["suggest", *map(str, [*arguments, *shelf])])


def rows(sheet: Path) -> list[str]:
    """The passages of a sheet, all of which wait for their topics."""
    lines = [line for line in sheet.read_text(encoding="utf-8").split("\n") if line and line[:2] != "# "]
    assert all(line.startswith("?\t") for line in lines)
    return [line[2:] for line in lines]


@pytest.mark.parametrize("name", ["archive.jsonl", "archive.jsonl.gz"])
def test_a_sheet_asks_the_same_of_the_same_archive(desk: Path, name: str) -> None:
    path = archive(desk, [article(number) for number in range(40)], name)

    codes = [ask(desk, "--unlabelled", path, "--number", "10", "--output", desk / out) for out in ("a", "b")]

    assert codes == [0, 0]
    assert len(rows(desk / "a")) == 10
    assert (desk / "a").read_bytes() == (desk / "b").read_bytes()


def test_each_row_says_why_it_is_asked_and_what_the_model_would_say(desk: Path) -> None:
    path = archive(desk, [article(number) for number in range(10)])

    ask(desk, "--unlabelled", path, "--number", "5", "--output", desk / "sheet.tsv")

    lines = (desk / "sheet.tsv").read_text(encoding="utf-8").split("\n")
    reasons = [above for above, line in pairwise(lines) if line.startswith("?\t")]
    assert "# Topics: energy, trade." in lines
    assert len(reasons) == 5
    assert all(f"en, from {path}:a" in reason for reason in reasons)
    assert all("(cut 0." in reason for reason in reasons)
    assert sum(reason.startswith("# drawn at random; ") for reason in reasons) == 1


def test_nobody_is_asked_about_what_is_labelled_held_out_or_asked_already(desk: Path) -> None:
    labelled, held_out = ENERGY_EXAMPLES[1], "Oil export and gas export of a far country fell by half."
    fresh = [article(number) for number in range(6)]
    (desk / "labels" / "held-out").mkdir()
    archive(desk / "labels" / "held-out", [{"text": held_out}], "some.jsonl")
    path = archive(desk, [*fresh, article(7, labelled.upper()), article(8, f"  {held_out}")])

    codes = [ask(desk, "--unlabelled", path, "--number", "3"), ask(desk, "--unlabelled", path)]

    first, second = (rows(desk / "home" / "labels" / f"suggested-{n}.tsv") for n in (1, 2))
    assert codes == [0, 0]
    assert len(first) == 3
    assert sorted(first + second) == sorted(each["text"] for each in fresh)


def test_of_an_article_only_the_passages_that_nobody_has_judged_are_asked_about(desk: Path) -> None:
    held_out = "Oil export and gas export of a far country fell by half."
    (desk / "labels" / "held-out").mkdir()
    whole = f"Exports fall\n{held_out}\nThe ministry gave no reason."
    archive(desk / "labels" / "held-out", [{"text": whole}], "some.jsonl")
    fresh = article(1)["text"]
    path = archive(desk, [article(2, "\n".join((ENERGY_EXAMPLES[0], fresh, held_out)))])

    assert ask(desk, "--unlabelled", path) == 0

    assert rows(desk / "home" / "labels" / "suggested-1.tsv") == [fresh]


def test_a_sheet_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "suggested-1.tsv").write_text("energy\tMine.\n", encoding="utf-8")
    (tmp_path / "suggested-2.tsv").symlink_to(tmp_path / "not there yet")

    written = write_sheet(tmp_path, choose([make_candidate(1, 0.5, 0.01)], NEEDS, 1), ["why"])

    assert written == tmp_path / "suggested-3.tsv"
    assert len(rows(written)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"suggested-{number}.tsv" for number in (1, 2, 3)
    ]


def test_when_all_is_asked_or_labelled_it_is_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive(desk, [article(number) for number in range(4)])
    ask(desk, "--unlabelled", path)
    capsys.readouterr()

    assert ask(desk, "--unlabelled", path) == 1
    assert "nothing to ask about in 4 articles" in capsys.readouterr().err
    assert not (desk / "home" / "labels" / "suggested-2.tsv").exists()


def test_what_is_filled_in_is_never_written_over(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive(desk, [article(number) for number in range(4)])
    sheet = desk / "mine.tsv"
    sheet.write_text("energy\tMine.\n", encoding="utf-8")

    assert ask(desk, "--unlabelled", path, "--output", sheet) == 1
    assert "is there already" in capsys.readouterr().err
    assert sheet.read_text(encoding="utf-8") == "energy\tMine.\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "Oil\tand gas export\tof the column after the tab that parts it.",
        "Oil \u202eand gas\u202c export \u2066that turns\u2069 the line around in a terminal.",
        "Oil and gas export in a line that ends nowhere, and\u2028on\x85and\x0bon.",
        "=HYPERLINK(1) oil and gas export that a spreadsheet would run when it opens.",
        "Oil and gas\x1b[31m export\x00 in red letters, and then some more of them.",
        "?\tOil and gas export that looks as a row of its own does in such a sheet.",
        "# Oil and gas export that looks as a comment does in such a sheet of labels.",
        "Oil and gas export \ud800 with half of a character that is none by itself.",
    ],
)
def test_a_hostile_text_stays_one_harmless_row(desk: Path, hostile: str) -> None:
    lines = json.dumps({"id": "x\n?\tfake\u202e", "text": hostile, "lang": "en"})
    (desk / "hostile.jsonl").write_text(lines + "\n", encoding="utf-8")

    assert ask(desk, "--unlabelled", desk / "hostile.jsonl", "--number", "1", "--output", desk / "out") == 0

    (text,) = rows(desk / "out")
    content = (desk / "out").read_text(encoding="utf-8")
    assert text.isprintable()
    assert text[0] not in "=+-@"
    assert "\u202e" not in content
    assert "fake" not in "".join(line for line in content.split("\n") if not line.startswith("# "))
    assert one_line(text) == text


def test_a_wrong_topic_or_archive_is_named(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive(desk, [article(1)])

    assert ask(desk, "--unlabelled", path, "--topics", "energy,sport") == 1
    assert "no topic 'sport'" in capsys.readouterr().err
    assert ask(desk, "--unlabelled", desk / "gone.jsonl") == 1
    assert "gone.jsonl" in capsys.readouterr().err


def test_a_bad_line_of_an_archive_is_told_and_the_rest_asked_about(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(desk, [article(number) for number in range(3)])
    path.write_text(path.read_text(encoding="utf-8") + "{no json\n", encoding="utf-8")

    assert ask(desk, "--unlabelled", path) == 0
    assert f"{path}:4: not JSON" in capsys.readouterr().err


def test_only_languages_with_labels_are_asked_about_unless_others_are_named(desk: Path) -> None:
    foreign = [{**article(number), "lang": "fr"} for number in range(5)]
    path = archive(desk, [article(9), *foreign])

    ask(desk, "--unlabelled", path, "--output", desk / "usual")
    ask(desk, "--unlabelled", path, "--languages", "fr", "--output", desk / "french")

    assert len(rows(desk / "usual")) == 1
    assert len(rows(desk / "french")) == 5


def test_as_json_each_passage_is_a_line(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive(desk, [article(number) for number in range(8)])

    ask(desk, "--unlabelled", path, "--number", "4", "--json")

    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 4
    assert {row["text"] for row in found} == set(rows(Path(found[0]["sheet"])))
    assert all(0 <= row["probability"] <= 1 and row["topic"] in TOPICS for row in found)


# ── The sheet comes back ─────────────────────────────────────────────────────────────────────────


def test_a_half_filled_sheet_is_learned_from_as_far_as_it_is_filled_in(desk: Path) -> None:
    own = desk / "home" / "labels"
    path = archive(desk, [article(number) for number in range(6)])
    before = load_corpus(desk / "seeds", desk / "labels", own)
    ask(desk, "--unlabelled", path, "--number", "4")
    sheet = own / "suggested-1.tsv"
    first, second, *_ = rows(sheet)
    untouched = load_corpus(desk / "seeds", desk / "labels", own)
    content = sheet.read_text(encoding="utf-8")
    content = content.replace(f"?\t{first}", f"energy, trade\t{first}").replace(
        f"?\t{second}", f"-\t{second}"
    )
    sheet.write_text(content, encoding="utf-8")

    after = load_corpus(desk / "seeds", desk / "labels", own)

    assert untouched.fingerprint == before.fingerprint
    added = {judged.article.text: judged.main for judged in after.articles[len(before.articles) :]}
    assert added == {first: {"energy", "trade"}, second: frozenset()}


def check(desk: Path, *arguments: str) -> int:
    shelf = ["--labels", desk / "labels", "--seeds", desk / "seeds", "--home", desk / "home"]
    return main(["check", *arguments, *map(str, shelf)])


def test_check_says_how_far_a_sheet_is_and_what_in_it_contradicts_the_model(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = desk / "home" / "labels"
    own.mkdir()
    sheet = own / "suggested-1.tsv"
    wrong = "The oil refinery burned more coal, and crude oil output at the power plant rose by a tenth."
    sheet.write_text(
        f"trade\t{wrong}\nenergy\tA gas pipeline was tested and gas will reach homes.\n?\tA third passage.\n",
        encoding="utf-8",
    )

    assert check(desk, "--json") == 0

    found = json.loads(capsys.readouterr().out)
    assert found["sheets"] == [{"file": str(sheet), "filled": 2, "waiting": 1}]
    assert {doubt["where"] for doubt in found["filled_in_doubtful"]} == {f"{sheet}:1"}
    assert check(desk) == 0
    assert f"sheet: {sheet}: 2 filled in, 1 not yet" in capsys.readouterr().out


def test_check_names_the_line_of_a_sheet_that_is_filled_in_wrongly(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = desk / "home" / "labels"
    own.mkdir()
    (own / "suggested-1.tsv").write_text("# why\n?\tOne.\nenergie\tTwo.\nno tab\n", encoding="utf-8")

    assert check(desk, "--quick") == 1

    complaints = capsys.readouterr().err
    assert "suggested-1.tsv:3: no topic 'energie'" in complaints
    assert "suggested-1.tsv:4: should be topics, one tab, text" in complaints
    assert "suggested-1.tsv:2" not in complaints
