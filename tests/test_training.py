"""Learning from verdicts: a like article is tagged as the desk said; the same labels, the same model."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import shipped
from classifier.articles import Article, Grade
from classifier.corpus import Corpus, load_corpus
from classifier.estimators import fit
from classifier.features import LARGE, PASSAGES, SMALL
from classifier.material import Material
from classifier.model import Model
from classifier.training import train
from tests.builders import write_labels

MISSED = (
    "Caravanserai reopens for drivers\n"
    "The old caravanserai near the crossing has beds and showers for drivers who wait in the queue.\n"
    "Its owner says that three hundred of them slept there."
)
LIKE_MISSED = (
    "Drivers sleep in a caravanserai\n"
    "A second caravanserai with showers was opened for those who wait in the queue at the crossing.\n"
    "Two hundred drivers had beds there, its owner says."
)
FALSE_ALARM = (
    "Power of oil on canvas\n"
    "The oil on canvas has the power of a gas lamp in a dark hall, wrote the critics of the gallery.\n"
    "The gallery will show the oil until winter."
)
LIKE_FALSE_ALARM = (
    "Gallery shows oil on canvas\n"
    "Oil on canvas hangs in the dark hall of the gallery until winter, by the light of a gas lamp.\n"
    "The critics wrote of its power."
)


@dataclass(frozen=True)
class Click:
    """What a desk says of one article, and an article in like words about the same."""

    topic: str
    verdict: str
    language: str
    judged: str
    like: str


CLICKS = (
    Click(
        "logistics",
        "right",
        "en",
        judged=(
            "Lighthouse keepers meet on the island\n"
            "Keepers of twenty lighthouses came to the island to show each other how they polish "
            "a lens.\n"
            "The youngest has kept her light for a winter."
        ),
        like=(
            "A keeper for the island's lighthouse\n"
            "The lighthouse on the island has a keeper again, who polishes the lens before each "
            "winter night.\n"
            "Keepers of other lights came to greet her."
        ),
    ),
    Click(
        "agriculture",
        "right",
        "ru",
        judged=(
            "Собиратели морошки ночуют на болоте\n"
            "Семьи приехали на болото за морошкой и ночуют в палатках.\n"
            "Ведро ягоды забирают перекупщики из города."
        ),
        like=(
            "Перекупщики ждут морошку\n"
            "На болоте выросли палатки: семьи ночуют там, чтобы набрать ведро ягоды.\n"
            "Из города за морошкой едут перекупщики."
        ),
    ),
    Click(
        "education",
        "right",
        "kk",
        judged=(
            "Ауыл балалары домбыра үйірмесіне жиналды\n"
            "Мәдениет үйінде домбыра үйірмесі ашылып, қырық бала күй тартуды бастады.\n"
            "Үйірмені қарт күйші тегін жүргізеді."
        ),
        like=(
            "Қарт күйші балаларға домбыра тартқызды\n"
            "Мәдениет үйіндегі үйірмеге отыз бала жазылып, күй тартады.\n"
            "Домбыраны оларға күйші тегін үлестірді."
        ),
    ),
    Click(
        "health",
        "right",
        "ar",
        judged=(
            "حمامات الرمل تجذب الزوار في سيوة\n"
            "يدفن الزوار أجسادهم في الرمل الساخن كل صيف طلبا للراحة من آلام المفاصل.\n"
            "ويقول صاحب المكان إن الحجوزات اكتملت حتى أيلول."
        ),
        like=(
            "زوار سيوة يعودون إلى الرمل الساخن\n"
            "اكتملت حجوزات حمامات الرمل هذا الصيف، ويقول أصحابها إن الزوار يأتون لآلام المفاصل.\n"
            "ويدفن كل زائر جسده في الرمل ربع ساعة."
        ),
    ),
    Click(
        "energy",
        "wrong",
        "en",
        judged=(
            "Dancer brings electric energy to the power ballad\n"
            "Her energy on stage was electric, and the band's generator of a drummer gave the "
            "ballad its power, critics said.\n"
            "The gas lamps of the theatre and an oil painting of the composer completed the "
            "evening."
        ),
        like=(
            "Electric evening at the theatre\n"
            "The dancer's energy lit the stage: under gas lamps and an oil painting of the "
            "composer she danced the power ballad.\n"
            "The drummer was a generator of rhythm, critics said of the electric evening."
        ),
    ),
    Click(
        "digital",
        "wrong",
        "ru",
        judged=(
            "Шахматист обыграл соперника на сайте\n"
            "Гроссмейстер выиграл онлайн матч на сайте, зрители следили за ним через интернет.\n"
            "Комментатор назвал его ходы компьютерными."
        ),
        like=(
            "Гроссмейстер играл как компьютер\n"
            "Зрители через интернет следили на сайте, как гроссмейстер выиграл матч.\n"
            "Ходы комментатор назвал компьютерными."
        ),
    ),
    Click(
        "minerals",
        "wrong",
        "kk",
        judged=(
            "Қазақстан құрамасы алтын медаль алды\n"
            "Балуандар әлем чемпионатында үш алтын, екі күміс және бір мыс медаль иеленді.\n"
            "Алтын кеніне тап болдық, деді бапкер."
        ),
        like=(
            "Балуандар алтын мен күміс алып қайтты\n"
            "Чемпионатта құрама алтын, күміс, мыс медаль иеленді.\n"
            "Бұл біздің алтын кеніміз, деді бапкер."
        ),
    ),
)
QUIET = "Choir sings at dusk\nThe choir sang old songs by the lake, and many wept."


def line(text: str, topic: str, verdict: str, **more: Any) -> dict[str, Any]:
    said = {"topic": topic, "verdict": verdict, "by": "ana", "at": "2026-03-05T12:00:00Z"}
    return {"title": text.split("\n", 1)[0], "text": text, "lang": "en", "verdicts": [said], **more}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    return write_labels(tmp_path / "labels")


def corpus(labels: Path, *lines: dict[str, Any]) -> Corpus:
    own = labels.parent / "home" / "labels"
    own.mkdir(parents=True, exist_ok=True)
    (own / "verdicts.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines), encoding="utf-8")
    return load_corpus(labels.parent / "seeds", labels, own)


def main_topics(model: Model, text: str, language: str = "en") -> list[str]:
    title = text.split("\n", 1)[0]
    return model.tag(Article(text, title, language=language)).topics(Grade.MAIN)


def test_an_article_like_one_that_a_desk_called_right_is_tagged_after_training(labels: Path) -> None:
    before = train(corpus(labels)).model
    assert main_topics(before, MISSED) == main_topics(before, LIKE_MISSED) == []

    after = train(corpus(labels, line(MISSED, "trade", "right"))).model

    assert main_topics(after, LIKE_MISSED) == ["trade"]
    assert main_topics(after, QUIET) == []


def test_an_article_like_one_that_a_desk_called_wrong_is_tagged_no_more(labels: Path) -> None:
    before = train(corpus(labels)).model
    assert main_topics(before, FALSE_ALARM) == main_topics(before, LIKE_FALSE_ALARM) == ["energy"]

    after = train(corpus(labels, line(FALSE_ALARM, "energy", "wrong"))).model

    assert main_topics(after, FALSE_ALARM) == main_topics(after, LIKE_FALSE_ALARM) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.thorough("an article like one that a desk called right")
def test_one_click_is_felt_beside_all_shipped_labels_in_each_language_and_costs_no_quality(
    model: Model, tmp_path: Path
) -> None:
    said = [
        line(click.judged, click.topic, click.verdict, lang=click.language, evidence=evidence(model, click))
        for click in CLICKS
    ]
    (tmp_path / "verdicts.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in said))

    after = train(load_corpus(shipped("seeds"), shipped("labels"), tmp_path)).model

    for click in CLICKS:
        right = click.verdict == "right"
        tagged = [click.topic in main_topics(each, click.like, click.language) for each in (model, after)]
        assert tagged == [not right, right], click.topic
    quality: Any = [each.quality["all"] for each in (model, after)]
    assert quality[1]["f1"] > quality[0]["f1_interval"][0]


def evidence(model: Model, click: Click) -> dict[str, list[str]]:
    """What the daemon writes of a tag: the passages that carried it."""
    title = click.judged.split("\n", 1)[0]
    tags = model.tag(Article(click.judged, title, language=click.language)).tags
    return {tag.topic: [each.passage for each in tag.evidence] for tag in tags if tag.topic == click.topic}


def test_what_nobody_judged_counts_neither_way_on_the_folds(labels: Path) -> None:
    found = train(corpus(labels, line(FALSE_ALARM, "trade", "wrong"))).folds

    assert found.unknown[-1].tolist() == [True, False]
    assert not found.unknown[:-1].any()
    judged = found.judgements([len(found.ids) - 1], found.topics)
    assert judged.mention.tolist() == [[True, False]]


def test_an_article_without_a_topic_is_a_row_of_no_other_topics_model(labels: Path) -> None:
    plain = Material(corpus(labels), PASSAGES, terms=True)
    with_one = Material(corpus(labels, line(MISSED, "trade", "right")), PASSAGES, terms=True)

    assert plain.weights is None
    assert with_one.weights is not None
    energy, trade = with_one.weights[len(plain.owner) :].T
    assert energy.tolist() == [0.0, 0.0]
    assert trade.sum() == pytest.approx(1.0)
    assert not with_one.known[len(plain.owner) :].any()


@pytest.mark.parametrize("recipe", [PASSAGES, LARGE, SMALL])
def test_a_text_that_weighs_nothing_is_as_good_as_left_out(labels: Path, recipe: Any) -> None:
    material = Material(corpus(labels), PASSAGES, terms=True)
    weights = np.ones(material.truth.shape)
    weights[::3] = 0.0
    kept = weights[:, 0] > 0

    weighed = fit(material.matrix, material.truth, recipe, weights)
    left_out = fit(material.matrix[kept], material.truth[kept], recipe)

    assert np.array_equal(weighed.coefficients, left_out.coefficients)
    assert np.array_equal(weighed.intercepts, left_out.intercepts)


def test_weights_of_one_change_no_bit(labels: Path) -> None:
    material = Material(corpus(labels), PASSAGES, terms=True)

    plain = fit(material.matrix, material.truth, PASSAGES)
    weighed = fit(material.matrix, material.truth, PASSAGES, np.ones(material.truth.shape))

    assert np.array_equal(plain.coefficients, weighed.coefficients)


PROGRAM = """
import sys, hashlib
from pathlib import Path
from classifier.corpus import load_corpus
from classifier.storage import save
from classifier.training import train
folder, models = Path(sys.argv[1]), Path(sys.argv[2])
trained = train(load_corpus(folder / "seeds", folder / "labels", folder / "home" / "labels"), version="v")
version = save(trained.model, models, probes=["Oil rises"], made_by={}).version
digest = hashlib.sha256(trained.folds.as_bytes())
for file in sorted((models / version).iterdir()):
    if file.suffix == ".npy" or file.suffix == ".npz":
        digest.update(file.read_bytes())
print(digest.hexdigest())
"""


def trained_elsewhere(folder: Path, models: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(models)],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout


def test_the_same_labels_give_the_same_model_to_the_byte_in_one_process_and_in_several(labels: Path) -> None:
    corpus(labels, line(MISSED, "trade", "right"), line(FALSE_ALARM, "energy", "wrong"))
    folder = labels.parent

    alone = trained_elsewhere(folder, folder / "a", PYTHONHASHSEED="1", LOKY_MAX_CPU_COUNT="1")
    several = trained_elsewhere(folder, folder / "b", PYTHONHASHSEED="2", LOKY_MAX_CPU_COUNT="2")

    assert alone == several
    assert len(alone.strip()) == len(hashlib.sha256().hexdigest())
