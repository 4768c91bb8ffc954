"""What is true of labelled articles beside what a model says of them."""

from __future__ import annotations

import pytest

from classifier.articles import Article
from classifier.corpus import Judged
from classifier.errors import LabelError
from classifier.evaluation import quality
from classifier.judging import judge
from tests.builders import small_model


def judged(text: str, *main: str, mention: tuple[str, ...] = (), language: str | None = "en") -> Judged:
    return Judged(Article(text, language=language), frozenset(main), frozenset(mention), ())


def test_what_the_model_says_is_judged_beside_what_is_true() -> None:
    articles = [
        judged("Oil and gas rose.", "energy"),
        judged("Export of wheat.", "trade", language="ru"),
        judged("Gas, oil.", mention=("trade",), language=None),
        judged("The striker scored.", "trade"),
    ]
    told: list[tuple[str, int, int]] = []

    found, tagged = judge(small_model(), articles, lambda what, done, steps: told.append((what, done, steps)))

    assert found.languages == ("en", "ru", "?", "en")
    assert found.main.tolist() == [[True, False], [False, True], [False, False], [False, True]]
    assert found.mention.tolist() == [[False, False], [False, False], [False, True], [False, False]]
    assert found.said.tolist() == [[True, False], [False, True], [True, False], [False, False]]
    assert quality(found).f1 == pytest.approx(4 / 6)
    assert [tags.article for tags in tagged] == [article.article for article in articles]
    assert told[-1][1:] == (3, 4)


def test_a_topic_that_the_model_does_not_know_is_named_and_not_passed_over() -> None:
    articles = [judged("Oil.", "enrgy"), judged("Gas.", "energy", mention=("helth",))]

    with pytest.raises(LabelError, match="model small knows no topic 'enrgy', 'helth'"):
        judge(small_model(), articles, lambda what, done, steps: None)
