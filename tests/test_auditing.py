"""The label audit finds what is missing, astray and doubtful."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifier.articles import Article
from classifier.auditing import doubts, term_use, too_few
from classifier.corpus import Corpus, Judged, Stretch
from classifier.evaluation import Judgements
from classifier.topics import Topic

ENERGY = Topic("energy", "Energy", "oil", {"en": ("crude oil", "blackout")})
TRADE = Topic("trade", "Trade", "exports", {"en": ("tariff",)})


def judged(text: str, *topics: str, where: str = "a.tsv:1") -> Judged:
    found = frozenset(topics)
    return Judged(Article(text, language="en"), found, frozenset(), (Stretch(text, found),), where)


def corpus(*articles: Judged) -> Corpus:
    return Corpus((ENERGY, TRADE), articles)


def test_a_topic_with_too_few_articles_is_named_with_its_language() -> None:
    found = too_few(corpus(judged("Crude oil rose.", "energy")), at_least=1)

    assert "trade: 0 main articles in en" in found
    assert not any(line.startswith("energy") and line.endswith("in en") for line in found)


def test_terms_are_counted_in_passages_of_their_topic_and_of_others() -> None:
    uses = term_use(
        corpus(
            judged("The price of crude oil rose.", "energy"),
            judged("A tariff on steel.", "energy"),
            judged("The new tariffs.", "trade"),
        )
    )

    found = {use.term: (use.own, use.others, use.rival) for use in uses}

    assert found == {"crude oil": (1, 0, None), "blackout": (0, 0, None), "tariff": (0, 1, "energy")}


def test_the_labels_that_are_contradicted_most_come_first_with_their_place() -> None:
    articles = (
        judged("Crude oil rose.", "energy", where="a.tsv:1"),
        judged("A wedding in Rome.", "trade", where="a.tsv:2"),
        judged("Exports of grain.", where="a.tsv:3"),
    )
    main = np.array([[True, False], [False, True], [False, False]])
    said = np.array([[0.9, 0.1], [0.1, 0.05], [0.1, 0.8]])
    judgements = Judgements(("energy", "trade"), ("en",) * 3, main, np.zeros_like(main), said > 0.5, said)

    found = doubts(corpus(*articles), judgements, most=2)

    assert [(doubt.where, doubt.topic, doubt.labelled) for doubt in found] == [
        ("a.tsv:2", "trade", True),
        ("a.tsv:3", "trade", False),
    ]
    assert "labelled, but 5%" in str(found[0])
    assert Path(found[0].where.rpartition(":")[0]).name == "a.tsv"
