"""From scores to tags: cuts, curves, which passages are quoted and which words are shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.articles import Article, Grade, compose
from classifier.passages import Passage, passages
from classifier.tagging import Cuts, best_passages, evidence, quotable, sigmoid
from tests.builders import make_tag, make_tagged, small_model

FINITE = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("probability", "grade"),
    [
        (1.0, Grade.MAIN),
        (0.6, Grade.MAIN),
        (0.599, Grade.MENTION),
        (0.2, Grade.MENTION),
        (0.199, None),
        (0.0, None),
    ],
)
def test_a_probability_at_a_cut_has_reached_it(probability: float, grade: Grade | None) -> None:
    assert Cuts(main=0.6, mention=0.2).grade(probability) is grade


@given(st.lists(FINITE, min_size=1))
def test_scores_of_any_size_become_probabilities(values: list[float]) -> None:
    scores = np.sort(np.array(values))

    probabilities = sigmoid(scores)

    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()
    assert (np.diff(probabilities) >= 0.0).all()


def test_a_score_of_nought_is_even_odds_and_others_are_the_logistic_curve() -> None:
    assert sigmoid(np.array([0.0]))[0] == 0.5
    assert sigmoid(np.array([2.0]))[0] == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-15)


def test_the_passages_that_speak_most_come_first_and_only_those_that_speak_for_the_topic() -> None:
    assert best_passages(np.array([-1.0, 3.0, 0.5, 4.0, 0.2])) == [3, 1, 2]
    assert best_passages(np.array([-1.0, 3.0, -0.5])) == [1]
    assert best_passages(np.array([-2.0, -1.0])) == [1]
    assert best_passages(np.array([1.0, 1.0, 1.0, 1.0])) == [0, 1, 2]


def test_the_title_is_quoted_last() -> None:
    cut_up = passages(compose("Oil rises", "Crude oil rose.\nGas fell."))

    assert quotable([0, 2], cut_up) == [2, 0]
    assert quotable([2, 1], cut_up) == [2, 1]
    assert quotable([0], cut_up) == [0]


def test_a_heading_is_quoted_after_a_sentence_that_speaks_for_the_topic_as_well() -> None:
    sentence = "Crude oil rose to a new height on Monday as refineries resumed their work, traders said."
    cut_up = passages(compose("Oil rises", f"Oil and gas\n{sentence}"))

    assert quotable([1, 2], cut_up) == [2, 1]
    assert quotable([0, 1, 2], cut_up) == [2, 1, 0]


def test_evidence_shows_the_words_that_spoke_for_the_topic_strongest_first() -> None:
    passage = Passage("Crude oil rose while the derby was won.", 10, 49)

    said = [("oil", 1.0), ("derby", -2.0), ("Crude", 2.0), ("rose", 0.0), ("gas", 1.23456), ("oil", 0.23456)]
    found = evidence(passage, 0.87654321, said)

    assert (found.passage, found.start, found.end) == (passage.text, 10, 49)
    assert found.score == 0.8765
    assert found.words == (("Crude", 2.0), ("gas", 1.2346), ("oil", 1.2346))


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.floats(-5, 5), max_size=30))
def test_evidence_never_shows_a_wall_of_words(contributions: dict[str, float]) -> None:
    words = evidence(Passage("p", 0, 1), 0.5, contributions.items()).words

    assert len(words) == min(8, sum(value > 0 for value in contributions.values()))
    assert [value for _, value in words] == sorted((value for _, value in words), reverse=True)


def test_tags_are_told_by_grade() -> None:
    tagged = make_tagged(make_tag("energy"), make_tag("trade", Grade.MENTION), make_tag("space"))

    assert tagged.topics(Grade.MAIN) == ["energy", "space"]
    assert tagged.topics(Grade.MENTION) == ["trade"]


def test_the_likeliest_topic_comes_first_and_every_topic_has_a_probability() -> None:
    model = small_model(cuts={"energy": Cuts(0.0, 0.0), "trade": Cuts(0.0, 0.0)})

    tagged = model.tag(compose("Export of wheat", "The export of wheat rose.\nOil and gas."))

    assert [tag.probability for tag in tagged.tags] == sorted(tagged.probabilities.values(), reverse=True)
    assert set(tagged.probabilities) == {"energy", "trade"}
    assert tagged.model == "small"


def test_a_retired_topic_is_never_said_but_still_has_its_probability() -> None:
    article = Article("Oil and gas and oil.", language="en")
    model, without = small_model(), small_model(retired=frozenset({"energy"}))

    assert model.tag(article).topics(Grade.MAIN) == ["energy"]
    assert not without.tag(article).tags
    assert without.tag(article).probabilities == model.tag(article).probabilities


def test_a_language_without_a_curve_of_its_own_takes_the_common_one() -> None:
    model = small_model()

    probabilities = [
        model.tag(Article("Oil and gas.", language=code)).probabilities for code in ("en", None, "kk")
    ]

    assert probabilities[0] == probabilities[1] == probabilities[2]
    assert (
        model.tag(Article("Oil and gas.", language="ru")).probabilities["energy"] < probabilities[0]["energy"]
    )


def test_each_tag_quotes_stretches_of_the_article() -> None:
    article = compose("Oil rises", "The oil rose and the gas fell. Nobody knew.\n\n Export of gas.")

    tags = small_model(cuts={"energy": Cuts(0.0, 0.0), "trade": Cuts(0.0, 0.0)}).tag(article).tags

    assert {tag.topic for tag in tags} == {"energy", "trade"}
    for tag in tags:
        assert 1 <= len(tag.evidence) <= 2
        for quoted in tag.evidence:
            assert article.text[quoted.start : quoted.end] == quoted.passage
            assert all(word in quoted.passage for word, _ in quoted.words)


def test_sums_that_differ_in_their_last_bits_are_equal() -> None:
    above = 0.1 + 0.2

    assert best_passages(np.array([0.3, above, 0.3])) == [0, 1, 2]
    said = evidence(Passage("", 0, 0), 0.5, [("b", 0.3), ("a", above), ("c", above), ("d", 0.3)])
    assert [word for word, _ in said.words] == ["a", "b", "c", "d"]
