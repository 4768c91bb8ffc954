"""Verdict labels: what desks said becomes part of the corpus, and what nobody said stays unknown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classifier import auditing
from classifier.cli import main as classifier
from classifier.corpus import MOST_STRETCHES, Corpus, Judged, load_corpus
from classifier.errors import LabelError
from classifier.verdicts import read_verdicts
from tests.builders import ENERGY_EXAMPLES, NOTHING_EXAMPLES, TRADE_EXAMPLES, write_labels

TOPICS = frozenset({"energy", "trade"})
LATE = "2026-03-06T12:00:00Z"
LATER = "2026-03-07T12:00:00Z"
BODY = "Miners blocked the road.\nA band played.\nThe road to the pit was opened again at dusk."
TEXT = f"Miners on the road\n{BODY}"


def said(topic: str = "energy", verdict: str = "right", by: str = "ana", **more: Any) -> dict[str, Any]:
    return {"topic": topic, "verdict": verdict, "by": by, "at": "2026-03-05T12:00:00Z", **more}


def row(*verdicts: dict[str, Any], text: str = TEXT, **more: Any) -> dict[str, Any]:
    title = text.split("\n", 1)[0] if "\n" in text else None
    return {"title": title, "text": text, "lang": "en", "verdicts": list(verdicts or [said()]), **more}


class Desk:
    """Folders of small shipped labels, and the labels of a desk beside them."""

    def __init__(self, folder: Path) -> None:
        self.seeds, self.own = folder / "seeds", folder / "own"
        self.seeds.mkdir()
        self.own.mkdir()
        self.labels = write_labels(folder / "labels")

    def write(self, *rows: object, name: str = "verdicts.jsonl") -> Path:
        path = self.own / name
        lines = [each if isinstance(each, str) else json.dumps(each) for each in rows]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def corpus(self) -> Corpus:
        return load_corpus(self.seeds, self.labels, self.own)

    def judged(self, text: str = TEXT) -> Judged:
        return next(judged for judged in self.corpus().articles if judged.article.text == text)

    def problems(self) -> tuple[str, ...]:
        with pytest.raises(LabelError) as caught:
            self.corpus()
        return caught.value.problems


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def stretches(judged: Judged) -> list[tuple[str, list[str], list[str]]]:
    return [(each.text, sorted(each.topics), sorted(each.unknown)) for each in judged.stretches]


def test_of_an_article_called_right_the_evidence_is_about_it_and_the_rest_is_unknown(desk: Desk) -> None:
    desk.write(row(said("energy"), evidence={"energy": ["The road to the pit was opened again at dusk."]}))

    judged = desk.judged()

    assert (set(judged.main), set(judged.right), set(judged.unknown)) == ({"energy"}, {"energy"}, {"trade"})
    assert stretches(judged) == [
        ("The road to the pit was opened again at dusk.", ["energy"], ["trade"]),
    ]


def test_where_no_passage_carried_a_tag_the_opening_is_about_what_a_desk_called_right(desk: Desk) -> None:
    desk.write(row(said("energy")))

    assert stretches(desk.judged()) == [
        ("Miners on the road", ["energy"], ["trade"]),
        ("Miners blocked the road.", ["energy"], ["trade"]),
    ]


def test_of_an_article_called_wrong_no_passage_is_about_the_topic(desk: Desk) -> None:
    desk.write(row(said("energy", "wrong"), evidence={"energy": ["A band played."]}))

    judged = desk.judged()

    assert (set(judged.main), set(judged.right), set(judged.unknown)) == (set(), set(), {"trade"})
    assert [(topics, unknown) for _, topics, unknown in stretches(judged)] == [([], ["trade"])] * 4
    weights = [stretch.weights["energy"] for stretch in judged.stretches]
    assert weights[0] == weights[1] == weights[2] > weights[3] == 1.0


def test_an_article_of_which_every_topic_is_wrong_is_about_nothing(desk: Desk) -> None:
    desk.write(row(said("energy", "wrong"), said("trade", "wrong")))

    judged = desk.judged()

    assert (judged.main, judged.unknown) == (frozenset(), frozenset())
    assert [(topics, unknown) for _, topics, unknown in stretches(judged)] == [([], [])] * 4


def test_of_a_long_article_a_bounded_number_of_passages_is_learned_from(desk: Desk) -> None:
    lines = [f"Sentence number {number} of a long report." for number in range(100)]
    text = "\n".join(["A long report", *lines])
    desk.write(row(said("energy", "wrong"), text=text, evidence={"energy": [lines[50]]}))

    texts = [stretch.text for stretch in desk.judged(text).stretches]

    assert len(texts) == MOST_STRETCHES
    assert texts[:2] == ["A long report", lines[0]]
    assert lines[50] in texts


def test_people_of_one_mind_weigh_together_three_of_them_at_most(desk: Desk) -> None:
    people = [said(by=name, weight=1.5) for name in ("ana", "ben")]
    more = [said("trade", "wrong", by=name, weight=0.5) for name in "abcdefgh"]
    desk.write(row(*people, *more))

    assert desk.judged().weights == {"energy": 3.0, "trade": 1.5}


def test_a_verdict_called_right_counts_as_one_labelled_passage(desk: Desk) -> None:
    desk.write(row(said("energy", weight=2.0)))

    assert sum(stretch.weights["energy"] for stretch in desk.judged().stretches) == pytest.approx(2.0)


def test_what_people_dispute_is_unknown_and_the_other_topics_of_the_article_are_not(desk: Desk) -> None:
    desk.write(row(said("energy"), said("energy", "wrong", "ben"), said("trade", "wrong")))

    judged = desk.judged()

    assert (set(judged.main), set(judged.unknown)) == (set(), {"energy"})
    (dispute,) = auditing.disputes(desk.corpus())
    assert (dispute.topic, dispute.right, dispute.wrong) == ("energy", ("ana",), ("ben",))
    assert str(dispute).endswith(
        "verdicts.jsonl:1: energy is right to ana and wrong to ben: Miners on the road"
    )


def test_an_article_of_which_everything_is_disputed_is_learned_from_by_nobodys_word(desk: Desk) -> None:
    desk.write(row(said("energy"), said("energy", "wrong", "ben")))

    corpus = desk.corpus()

    assert TEXT not in [judged.article.text for judged in corpus.articles]
    assert len(auditing.disputes(corpus)) == 1
    assert auditing.verdict_count(corpus) == 0


@pytest.mark.parametrize(
    ("more", "main", "disputes"),
    [
        ([said("energy", "wrong", "cy", at=LATE, settles=True)], set(), 0),
        ([said("energy", "right", "cy", at=LATE, settles=True)], {"energy"}, 0),
        ([said("energy", "right", "ben", at=LATE)], {"energy"}, 0),
        (
            [
                said("energy", "wrong", "cy", at=LATE, settles=True),
                said("energy", "right", "dee", at=LATER),
            ],
            set(),
            1,
        ),
    ],
)
def test_a_dispute_ends_when_somebody_settles_it_or_changes_their_mind_and_may_begin_again(
    desk: Desk, more: list[dict[str, Any]], main: set[str], disputes: int
) -> None:
    desk.write(row(said("trade", "wrong"), said("energy"), said("energy", "wrong", "ben"), *more))

    assert desk.judged().main == main
    assert len(auditing.disputes(desk.corpus())) == disputes


def test_what_two_files_say_of_one_article_is_joined_and_the_last_word_of_a_person_counts(
    desk: Desk,
) -> None:
    desk.write(row(said("energy", "wrong", at=LATE)), name="verdicts.jsonl")
    desk.write(row(said("energy"), said("trade", by="ben"), text=TEXT.upper()), name="exported.jsonl")

    judged = desk.corpus().articles[-1]

    assert (set(judged.main), set(judged.unknown)) == ({"trade"}, set())


def test_an_export_that_is_put_beside_the_verdicts_changes_nothing(desk: Desk) -> None:
    desk.write(row(said("energy", weight=2.0), said("trade", "wrong", "ben")))
    before = desk.corpus().fingerprint

    desk.write(row(said("energy", weight=2.0), said("trade", "wrong", "ben")), name="zzz.jsonl")

    assert desk.corpus().fingerprint == before


def test_a_verdict_on_an_article_of_a_sheet_outweighs_the_sheet_for_its_topic_alone(desk: Desk) -> None:
    text = ENERGY_EXAMPLES[0]
    desk.write(row(said("energy", "wrong"), said("trade", "right"), text=text))

    judged = desk.judged(text)

    assert (set(judged.main), set(judged.unknown)) == ({"trade"}, set())
    assert [sorted(stretch.topics) for stretch in judged.stretches] == [["trade"]]
    sheet = desk.labels / "examples" / "en" / "energy.tsv"
    place = f"{desk.own / 'verdicts.jsonl'}:1"
    assert [str(each) for each in auditing.overruled(desk.corpus())] == [
        f"{place}: energy is wrong, and {sheet}:1 names it; the verdict counts",
        f"{place}: trade is right, and {sheet}:1 does not name it; the verdict counts",
    ]


def test_a_verdict_that_says_what_the_sheet_says_contradicts_nothing(desk: Desk) -> None:
    desk.write(row(said("energy"), said("trade", "wrong", "ben"), text=ENERGY_EXAMPLES[0]))

    assert desk.judged(ENERGY_EXAMPLES[0]).main == {"energy"}
    assert auditing.overruled(desk.corpus()) == []
    assert auditing.verdict_count(desk.corpus()) == 2


def test_what_people_dispute_of_an_article_of_a_sheet_is_unknown(desk: Desk) -> None:
    desk.write(row(said("energy"), said("energy", "wrong", "ben"), text=ENERGY_EXAMPLES[0]))

    judged = desk.judged(ENERGY_EXAMPLES[0])

    assert (set(judged.main), set(judged.unknown)) == (set(), {"energy"})
    assert [sorted(stretch.unknown) for stretch in judged.stretches] == [["energy"]]


def test_the_fingerprint_covers_what_is_learned_and_not_who_said_it_when(desk: Desk) -> None:
    without = desk.corpus().fingerprint
    found = set()
    for verdicts in (
        [said("energy")],
        [said("energy", "wrong")],
        [said("energy", weight=2.0)],
        [said("trade")],
        [said("energy"), said("trade", "wrong")],
    ):
        desk.write(row(*verdicts))
        found.add(desk.corpus().fingerprint)
    desk.write(row(said("energy"), evidence={"energy": ["A band played."]}))
    found.add(desk.corpus().fingerprint)
    assert len(found | {without}) == 7

    for verdicts in (
        [said("energy", by="dee", at=LATE)],
        [said("energy", weight=1.0), said("energy", at=LATE)],
    ):
        desk.write(row(*verdicts))
        assert desk.corpus().fingerprint in found


def test_every_bad_line_is_named_with_what_is_wrong_and_all_at_once(desk: Desk) -> None:
    bad: list[tuple[object, str]] = [
        ("{not json", "not JSON: "),
        ("[" * 100_000, "not JSON"),
        ([1], "should be an object"),
        (row(text=" \u200b"), '"text" should be a text'),
        ({"verdicts": [said()]}, '"text" should be a text'),
        ({"text": TEXT}, '"verdicts" should be a list of one or more'),
        ({"text": TEXT, "verdicts": []}, '"verdicts" should be a list of one or more'),
        (row("right"), 'each of "verdicts" should be an object'),  # type: ignore[arg-type]
        (row(said("enrgy")), "no topic 'enrgy' in topics.toml"),
        (row(said(["energy"])), "no topic ['energy'] in topics.toml"),  # type: ignore[arg-type]
        (row(said(verdict="maybe")), '"verdict" should be "right" or "wrong", not \'maybe\''),
        (row(said(by=" ")), '"by" should be who says so'),
        (row(said(at="yesterday")), '"at" should be a moment'),
        (row(said(at="0001-01-01T00:00:00+14:00")), '"at" should be a moment'),
        (row(said(weight="2")), '"weight" should be a number'),
        (row(said(weight=11)), '"weight" should be from 0.1 to 10, not 11'),
        (json.dumps(row(said(weight=1))).replace('"weight": 1', '"weight": NaN'), "not nan"),
        (row(said(settles="yes")), '"settles" should be true or false'),
        (row(evidence=["x"]), '"evidence" should be an object of topics'),
        (row(evidence={"energy": "x"}), '"evidence" of a topic should be a list of passages'),
    ]
    path = desk.write(*(line for line, _ in bad))

    problems = desk.problems()

    assert len(problems) == len(bad)
    for number, ((_, what), problem) in enumerate(zip(bad, problems, strict=True), 1):
        assert problem.startswith(f"{path}:{number}: "), problem
        assert what in problem


def test_a_file_that_is_not_utf8_is_named(desk: Desk) -> None:
    path = desk.own / "verdicts.jsonl"
    path.write_bytes('{"text": "Нефть"}'.encode("cp1251"))

    (problem,) = desk.problems()

    assert problem.startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["poison.tsv", "poison.jsonl"])
def test_ten_thousand_equal_lines_are_refused_in_one_line(desk: Desk, name: str) -> None:
    line = "energy\tThe same again." if name.endswith("tsv") else json.dumps(row(text="The same again."))
    path = desk.write(*[line] * 10_000, name=name)

    (problem,) = desk.problems()

    assert problem == (
        f"{path}:1: the same text stands 10,000 times, again in {path}:2, {path}:3, {path}:4 and 9,996 more"
    )


@pytest.mark.parametrize("name", ["other.tsv", "other.jsonl"])
def test_of_a_file_of_another_kind_the_first_lines_are_named_and_the_others_counted(
    desk: Desk, name: str
) -> None:
    path = desk.write(*["Dear desk, this is no label."] * 10_000, name=name)

    problems = desk.problems()

    assert len(problems) == 21
    assert problems[0].startswith(f"{path}:1: ")
    assert problems[-1] == f"{path}: and 9,980 more"


def test_an_article_is_read_as_tagging_sees_it_whether_or_not_its_title_opens_the_text(
    tmp_path: Path,
) -> None:
    path = tmp_path / "verdicts.jsonl"
    rows = [
        row(text=TEXT),
        row(text="Another title \n" + BODY) | {"title": "Another title"},
        row(text=BODY) | {"title": "A title apart"},
        row(text="The minister went to the pit by road.") | {"title": None, "lang": None},
    ]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in rows), encoding="utf-8")

    found = [opinion.article for opinion in read_verdicts(path, TOPICS)]

    assert [(each.title, each.text.split("\n", 1)[0].strip()) for each in found] == [
        ("Miners on the road", "Miners on the road"),
        ("Another title", "Another title"),
        ("A title apart", "A title apart"),
        (None, "The minister went to the pit by road."),
    ]
    assert [each.language for each in found] == ["en", "en", "en", "en"]


def test_labels_without_verdicts_are_what_they_were(desk: Desk) -> None:
    before = desk.corpus()
    desk.write()

    assert desk.corpus() == before
    assert len(before.articles) == len(ENERGY_EXAMPLES + TRADE_EXAMPLES + NOTHING_EXAMPLES)
    assert all(replace(judged, weights={}) == judged for judged in before.articles)


def test_the_check_counts_verdicts_and_lists_what_is_disputed_and_what_contradicts_a_sheet(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    home = desk.own.parent / "home"
    home.mkdir()
    desk.own = desk.own.rename(home / "labels")
    desk.write(
        row(said("energy"), said("energy", "wrong", "ben"), said("trade", "wrong")),
        row(said("energy", "wrong"), text=ENERGY_EXAMPLES[0]),
    )
    options = ["--quick", "--home", str(home), "--labels", str(desk.labels), "--seeds", str(desk.seeds)]

    assert classifier(["check", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert classifier(["check", *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    place = home / "labels" / "verdicts.jsonl"
    assert f"disputed, and not learned from: {place}:1: energy is right to ana" in "\n".join(lines)
    assert f"verdict against sheet: {place}:2: energy is wrong, and " in "\n".join(lines)
    assert lines[-1].endswith("2 verdicts of desks")
    assert found["verdicts"] == 2
    assert [each["topic"] for each in found["disputed"]] == ["energy"]
    assert [each["right"] for each in found["overruled"]] == [False]
