"""Quality floors on articles that were never trained on, at the model's own cuts."""

from __future__ import annotations

import pytest

from classifier import shipped
from classifier.evaluation import by_language, quality
from classifier.archives import read
from classifier.judging import judge
from classifier.model import Model


def test_own_worded_held_out_articles_are_judged_well_in_every_language(model: Model) -> None:
    examples = read(shipped("labels") / "held-out" / "dev.jsonl")

    judged, _ = judge(model, examples, lambda what, done, steps: None)

    assert quality(judged).f1 >= 0.90
    for language, found in by_language(judged).items():
        assert found.f1 >= 0.85, language


@pytest.mark.parametrize("language", ["en", "ru", "kk", "ar"])
def test_few_articles_about_nothing_raise_an_alarm_on_folds(model: Model, language: str) -> None:
    figures = model.quality["languages"][language]  # type: ignore[index]

    assert figures["alarms"] / figures["quiet"] < 0.18
