"""Seeds and labels are joined, and where they do not fit each other every place is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from classifier import shipped
from classifier.articles import Article
from classifier.corpus import Corpus, load_corpus
from classifier.errors import LabelError
from classifier.languages import SHIPPED
from classifier.reading import read_articles, read_bytes
from tests.builders import ENERGY_EXAMPLES, NOTHING_EXAMPLES, TRADE_EXAMPLES, write_labels

SOURCE = "Oil rises\nCrude oil rose on Monday. Gas fell.\n\nA reader's letter.\n"
SHEET = (
    "article\tOil rises\nmain\tenergy\nmention\ttrade\n"
    "energy\tOil rises\n"
    "energy\tCrude oil rose on Monday.\n"
    "energy\tGas fell.\n"
    "-\tA reader's letter.\n"
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus(shipped("seeds"), shipped("labels"))


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "one.txt").write_text(SOURCE, encoding="utf-8")
    return folder


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = write_labels(tmp_path / "labels")
    (folder / "seeds").mkdir()
    (folder / "seeds" / "one.tsv").write_text(SHEET, encoding="utf-8")
    return folder


def problems_of(seeds: Path, labels: Path, own: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(LabelError) as caught:
        load_corpus(seeds, labels, own)
    return caught.value.problems


def test_the_shipped_corpus_is_sound_and_has_every_seed_article(corpus: Corpus) -> None:
    in_files = [
        article
        for path in sorted(shipped("seeds").iterdir())
        for article in read_articles(read_bytes(path), path.name)
    ]

    labelled = {judged.article.fingerprint for judged in corpus.articles}

    assert len(in_files) == 13
    assert {article.fingerprint for article in in_files} <= labelled
    assert [judged.article for judged in corpus.articles[:13]] == in_files


def test_the_shipped_corpus_has_each_topic_in_each_language_and_articles_about_nothing(
    corpus: Corpus,
) -> None:
    for topic, count in corpus.counts().items():
        assert all(count[language] >= 10 for language in SHIPPED), topic
    for language in SHIPPED:
        nothing = [
            j for j in corpus.articles if j.article.language == language and not j.main and not j.mention
        ]
        assert len(nothing) >= 100, language


def test_no_held_out_article_is_trained_on(corpus: Corpus) -> None:
    trained = {judged.article.fingerprint for judged in corpus.articles}
    trained |= {
        Article(stretch.text).fingerprint for judged in corpus.articles for stretch in judged.stretches
    }
    lines = (shipped("labels") / "held-out" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    held_out = [json.loads(line) for line in lines]

    texts = [
        part for row in held_out for part in (row["title"], row["text"], f"{row['title']}\n{row['text']}")
    ]
    texts += [paragraph for row in held_out for paragraph in row["text"].split("\n") if paragraph]

    assert len(held_out) > 100
    assert not [text for text in texts if Article(text).fingerprint in trained]


def test_articles_are_joined_with_their_labels(seeds: Path, labels: Path) -> None:
    judged = load_corpus(seeds, labels).articles[0]

    assert judged.article.text == SOURCE.strip()
    assert judged.main == {"energy"}
    assert judged.mention == {"trade"}
    assert [(stretch.text, sorted(stretch.topics)) for stretch in judged.stretches] == [
        ("Oil rises", ["energy"]),
        ("Crude oil rose on Monday.", ["energy"]),
        ("Gas fell.", ["energy"]),
        ("A reader's letter.", []),
    ]
    assert [passage.text for passage in judged.passages] == [
        "Oil rises",
        "Crude oil rose on Monday. Gas fell.",
        "A reader's letter.",
    ]


def test_an_example_is_an_article_of_one_passage(seeds: Path, labels: Path) -> None:
    corpus = load_corpus(seeds, labels)

    examples = {judged.article.text: judged for judged in corpus.articles[1:]}

    assert set(examples) == {*ENERGY_EXAMPLES, *TRADE_EXAMPLES, *NOTHING_EXAMPLES}
    assert examples[TRADE_EXAMPLES[0]].main == {"trade"}
    assert examples[TRADE_EXAMPLES[0]].article.language == "en"
    assert examples[NOTHING_EXAMPLES[0]].main == frozenset()


def test_each_term_is_a_passage_about_its_topic(seeds: Path, labels: Path) -> None:
    terms = {term.text: term.topics for term in load_corpus(seeds, labels).terms()}

    assert terms == {
        "crude oil": {"energy"},
        "power plant": {"energy"},
        "exports": {"trade"},
        "import duty": {"trade"},
    }


def test_a_desk_adds_topics_and_examples_of_its_own(seeds: Path, labels: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "topics.toml").write_text('[chess]\ntitle = "Chess"\ncovers = "matches"\n', encoding="utf-8")
    (own / "desk.tsv").write_text(
        "chess\tThe grandmaster drew with black.\nenergy\tМинистерство энергетики сообщило о росте добычи.\n"
        "trade\t12 %\n",
        encoding="utf-8",
    )

    corpus = load_corpus(seeds, labels, own)

    assert corpus.topic_ids == ("energy", "trade", "chess")
    assert [judged.where for judged in corpus.articles[-3:]] == [f"{own / 'desk.tsv'}:{n}" for n in (1, 2, 3)]
    assert corpus.counts()["energy"] == {"en": len(ENERGY_EXAMPLES), "?": 1, "ru": 1}
    assert corpus.counts()["trade"]["?"] == 1


def test_a_desk_without_labels_of_its_own_has_the_shipped_ones(
    seeds: Path, labels: Path, tmp_path: Path
) -> None:
    assert load_corpus(seeds, labels, tmp_path / "nowhere") == load_corpus(seeds, labels)


def test_a_passage_that_stands_twice_is_labelled_twice(seeds: Path, labels: Path) -> None:
    (seeds / "one.txt").write_text("Oil rises\nGas fell.\nOil rises\n", encoding="utf-8")
    (labels / "seeds" / "one.tsv").write_text(
        "article\tOil rises\nmain\tenergy\nmention\t-\n-\tOil rises\nenergy\tGas fell.\nenergy\tOil rises\n",
        encoding="utf-8",
    )

    stretches = load_corpus(seeds, labels).articles[0].stretches

    assert [len(stretch.topics) for stretch in stretches] == [0, 1, 1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Gas fell", "Gas rose", "{sheet}:6: no longer in the article's text: 'Gas fell.'"),
        ("Oil rises\n", "Oil falls\n", "{sheet}:1: the article does not open with 'Oil rises'"),
        (
            "Crude",
            "Yesterday crude",
            "{sheet}:5: no longer in the article's text: 'Crude oil rose on Monday.'",
        ),
        ("Gas fell.", "Gas fell. Coal?", "{sheet}:7: nothing labels the text before it: 'Coal?'"),
        ("letter.\n", "letter. The end.\n", "{sheet}:1: nothing labels its end: 'The end.'"),
    ],
)
def test_a_label_that_no_longer_fits_its_text_is_named(
    seeds: Path, labels: Path, old: str, new: str, said: str
) -> None:
    (seeds / "one.txt").write_text(SOURCE.replace(old, new, 1), encoding="utf-8")

    problems = problems_of(seeds, labels)

    assert said.format(sheet=labels / "seeds" / "one.tsv") in problems


def test_a_sheet_whose_source_is_gone_or_unreadable_is_named(seeds: Path, labels: Path) -> None:
    source, sheet = seeds / "one.txt", labels / "seeds" / "one.tsv"
    source.unlink()
    (gone,) = problems_of(seeds, labels)
    source.write_bytes(b"MZ\x90\0")

    (unreadable,) = problems_of(seeds, labels)

    assert gone.startswith(f"{sheet}:1: its source {source} cannot be read: ")
    assert unreadable.startswith(f"{sheet}:1: its source {source} cannot be read: not text but a program")


def test_a_source_with_more_articles_than_its_sheet_is_named(seeds: Path, labels: Path) -> None:
    source = seeds / "one.txt"
    source.write_text(f"{SOURCE}05.03.2026, 15:20 4496\nDerby won\nThe visitors won.\n", encoding="utf-8")

    assert problems_of(seeds, labels) == (
        f"{labels / 'seeds' / 'one.tsv'}:1: labels 1 articles, but {source} holds 2",
    )


def test_the_problems_of_all_sheets_come_at_once(seeds: Path, labels: Path, tmp_path: Path) -> None:
    (seeds / "one.txt").write_text(SOURCE.replace("Gas fell", "Gas rose"), encoding="utf-8")
    bad = labels / "examples" / "en" / "more.tsv"
    bad.write_text("enrgy\tCoal rose.\nno tab\n", encoding="utf-8")
    own = tmp_path / "own"
    own.mkdir()
    desk = own / "desk.tsv"
    desk.write_text("sport\tThe derby was won.\n", encoding="utf-8")
    again = labels / "examples" / "en" / "repeated.tsv"
    again.write_text(f"energy\t{ENERGY_EXAMPLES[0]}\ntrade\t{ENERGY_EXAMPLES[1].upper()}\n", encoding="utf-8")

    problems = "\n".join(problems_of(seeds, labels, own))

    assert f"{labels / 'seeds' / 'one.tsv'}:6: no longer in the article's text" in problems
    assert f"{bad}:1: no topic 'enrgy'" in problems
    assert f"{bad}:2: should be topics, one tab, text" in problems
    assert f"{desk}:1: no topic 'sport'" in problems
    energy = labels / "examples" / "en" / "energy.tsv"
    assert f"{again}:1: the same text as in {energy}:1, with the same topics" in problems
    assert f"{again}:2: the same text as in {energy}:2, with other topics" in problems


def test_bad_topics_are_told_before_anything_else(seeds: Path, labels: Path) -> None:
    (labels / "topics.toml").write_text('[energy]\ntitle = "Energy"\n', encoding="utf-8")

    assert problems_of(seeds, labels) == (f"{labels / 'topics.toml'}:1: topic 'energy': 'covers' is missing",)


def test_the_fingerprint_changes_with_each_thing_that_training_reads(seeds: Path, labels: Path) -> None:
    topics, sheet = labels / "topics.toml", labels / "seeds" / "one.tsv"
    seen = {load_corpus(seeds, labels).fingerprint}

    for path, old, new in (
        (topics, '"import duty"', '"import tariff"'),
        (topics, 'title = "Trade"', 'title = "Commerce"'),
        (topics, 'title = "Energy"', 'title = "Energy"\nretired = true'),
        (sheet, "-\tA reader's", "trade\tA reader's"),
        (sheet, "mention\ttrade", "mention\t-"),
        (labels / "examples" / "en" / "energy.tsv", "in May", "in June"),
    ):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        seen.add(load_corpus(seeds, labels).fingerprint)

    assert len(seen) == 7


def test_comments_and_places_do_not_change_the_fingerprint(seeds: Path, labels: Path, tmp_path: Path) -> None:
    before = load_corpus(seeds, labels).fingerprint
    sheet = labels / "seeds" / "one.tsv"
    sheet.write_text("# judged again\n\n" + sheet.read_text(encoding="utf-8"), encoding="utf-8")
    moved = shutil.copytree(labels, tmp_path / "elsewhere")

    assert load_corpus(seeds, moved).fingerprint == before
