"""Scoring and tagging texts that are in memory already, one core, against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from classifier.articles import Article
from classifier.model import Model
from classifier.passages import passages
from classifier.storage import load
from tests.bench import texts
from tests.bench.page import Section, compared
from tests.measuring import Compared, compare
from tests.reference import Pipeline, PlainTagger

TITLE = "Tagging on one core"
_ABOUT = """\
The texts are in memory. *Scoring* gives a number for each text and topic: scikit-learn by a
pipeline of the same features (`tests.reference.Pipeline`: all texts of a call through a vectoriser,
then one product). *Tagging* does all of the work: articles cut into passages, these scored,
calibrated, decided, and the evidence found with its words; scikit-learn by a plain tagger that
comes to the same tags, word for word (`tests.reference.PlainTagger`: all passages of a call
together, each different word spelled in its features once a call, which the pipeline does not spare
itself).
"""
_ALONE = 60  # articles, one a call


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    model = load(home / "models")
    number, rounds = (40, 2) if small else (300, 7)
    with threadpool_limits(1):
        rows = [*_scoring(model, number, rounds), *_tagging(model, number, rounds)]
    missing = [] if texts.news() else ["real news was not here: its rows are left out"]
    return compared(TITLE, _ABOUT, ("what", "scikit-learn", "topicwire", "ratio"), rows, missing)


def _scoring(model: Model, number: int, rounds: int) -> Iterator[Compared]:
    pipeline, mixed = Pipeline(model.weights), texts.mixed_texts(number)
    alone = mixed[:_ALONE]
    yield compare(
        f"scoring {number} texts of {texts.LENGTH:,} characters, mixed of the seeds' passages",
        lambda: pipeline.scores(mixed),
        lambda: model.scores(mixed),
        rounds,
    )
    yield compare(
        f"scoring {len(alone)} of them, one a call",
        lambda: [pipeline.scores([text]) for text in alone],
        lambda: [model.scores([text]) for text in alone],
        rounds,
    )
    labelled = texts.labelled()
    cut_up = [passage.text for article in labelled for passage in passages(article)]
    yield compare(
        f"scores of passages alone, against tagging with evidence ({len(labelled)} labelled articles)",
        lambda: pipeline.scores(cut_up),
        lambda: model.tag_all(labelled),
        rounds,
    )
    if news := texts.news():
        real = [article.text for article in _of_length(news, number)]
        yield compare(
            f"scoring {len(real)} texts of {texts.LENGTH:,} characters, real news",
            lambda: pipeline.scores(real),
            lambda: model.scores(real),
            rounds,
        )


def _tagging(model: Model, number: int, rounds: int) -> Iterator[Compared]:
    plain, labelled = PlainTagger(model), texts.labelled()
    kinds = {
        f"{len(labelled)} labelled articles of four languages": labelled,
        f"the same joined to {texts.LENGTH:,} characters": texts.joined(labelled),
    }
    if news := texts.news():
        every = news[:: max(1, len(news) // number)]
        kinds |= {
            f"{len(every)} articles of real news": every,
            f"real news joined to {texts.LENGTH:,} characters": _of_length(news, number),
        }
    for what, articles in kinds.items():
        plainly, ours = partial(plain.tag_all, articles), partial(model.tag_all, articles)
        yield compare(f"tagging {what}", plainly, ours, rounds)
    alone = list(kinds.values())[-1][:_ALONE]
    yield compare(
        f"tagging {len(alone)} of the last, one a call",
        lambda: [plain.tag_all([article]) for article in alone],
        lambda: [model.tag_all([article]) for article in alone],
        rounds,
    )


def _of_length(articles: Sequence[Article], number: int) -> list[Article]:
    """Of all languages alike."""
    made = texts.joined(articles)
    return made[:: max(1, len(made) // number)]
