"""Why a topic was said of an article: sums that add up to what tagging said."""

from __future__ import annotations

import json

import pytest

from classifier.articles import Article, compose
from classifier.explaining import explain, spoken
from classifier.passages import passages
from classifier.tagging import Cuts
from tests.builders import small_model

ARTICLE = compose(
    "Oil rises", "Oil and gas rose again.\nThe derby was won.\nExport of oilfield gas.", language="ru"
)


@pytest.mark.parametrize("topic", ["energy", "trade"])
@pytest.mark.parametrize(
    "article", [ARTICLE, Article("Oil."), Article("2026"), Article("مصفاة", language="ar")]
)
def test_an_explanation_says_what_the_tag_said(article: Article, topic: str) -> None:
    model = small_model()
    tagged = model.tag(article)
    grades = {tag.topic: tag.grade for tag in tagged.tags}

    found = explain(model, article, topic)

    assert round(found.probability, 4) == tagged.probabilities[topic]
    assert found.grade == grades.get(topic)
    assert found.cuts == model.cuts[topic]


@pytest.mark.parametrize("topic", ["energy", "trade"])
def test_the_words_of_each_passage_and_the_intercept_sum_to_its_score(topic: str) -> None:
    model = small_model()

    found = explain(model, ARTICLE, topic)

    cut_up = passages(ARTICLE)
    assert [(p.passage, p.start, p.end) for p in found.passages] == [(p.text, p.start, p.end) for p in cut_up]
    for passage in found.passages:
        assert sum(passage.words.values()) + found.intercept == pytest.approx(passage.score, abs=1e-9)


def test_the_passages_that_speak_most_are_marked() -> None:
    found = explain(small_model(), ARTICLE, "trade")

    best = max(found.passages, key=lambda passage: passage.score)
    assert best.passage == "Export of oilfield gas."
    assert best.counted
    assert not next(p for p in found.passages if p.passage == "The derby was won.").counted


def test_the_strongest_words_for_and_against_come_first() -> None:
    found = explain(small_model(), Article("Export of oil and gas export."), "trade")

    helped, hindered = found.strongest()

    assert [word for word, _ in helped] == ["Export", "export"]
    assert [word for word, _ in hindered] == ["oil", "gas"]
    assert all(value > 0 for _, value in helped)
    assert hindered[0][1] < hindered[1][1] < 0


def test_a_topic_that_was_not_said_is_explained_too() -> None:
    found = explain(
        small_model(cuts={"energy": Cuts(0.999, 0.998), "trade": Cuts(0.5, 0.2)}), ARTICLE, "energy"
    )

    assert found.grade is None
    assert 0.0 < found.probability < 0.998


def test_an_explanation_is_plain_json() -> None:
    found = explain(small_model(), ARTICLE, "energy")

    row = json.loads(json.dumps(found.as_json(), allow_nan=False))

    assert row["topic"] == "energy"
    assert row["grade"] == "main"
    assert row["probability"] == found.probability
    assert row["cuts"] == {"main": 0.5, "mention": 0.25}
    assert [passage["score"] for passage in row["passages"]] == [p.score for p in found.passages]
    assert set(row["passages"][0]) == {"passage", "start", "end", "score", "counted", "words"}


@pytest.mark.parametrize("topic", ["energy", "trade"])
@pytest.mark.parametrize(
    "article",
    [
        ARTICLE,
        Article("Oil. OIL, gas: oil!"),
        Article("استأنفت gas النفط", language="ar"),
        Article("2026"),
    ],
)
def test_each_word_is_told_where_it_stands_and_together_they_sum_to_the_score(
    article: Article, topic: str
) -> None:
    model = small_model()

    found = spoken(model, article, topic)

    explained = explain(model, article, topic)
    assert [(p.start, p.end, p.counted) for p in found.passages] == [
        (p.start, p.end, p.counted) for p in explained.passages
    ]
    for passage, other in zip(found.passages, explained.passages, strict=True):
        assert passage.score == pytest.approx(other.score, abs=1e-9)
        assert sum(word.value for word in passage.words) + found.intercept == pytest.approx(
            passage.score, abs=1e-9
        )
        written = [article.text[word.start : word.end] for word in passage.words if word.value]
        assert set(written) == set(other.words)


def test_of_a_long_article_the_words_are_told_where_they_are_asked_for_and_where_they_counted() -> None:
    article = Article("\n".join(["Oil and gas rose again."] * 2 + ["The derby was won."] * 50))
    start = article.text.index("The derby", 700)

    found = spoken(small_model(), article, "energy", start=start)

    told = [passage for passage in found.passages if passage.words]
    assert [passage.start >= start or passage.counted for passage in told] == [True] * len(told)
    assert sum(passage.counted for passage in told) == 2
    assert len(told) < len(found.passages) / 2
