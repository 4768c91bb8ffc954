"""The model that serves now: changed over when another is named, kept when that one is no good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier import storage
from classifier.articles import Article
from classifier.model import Model
from daemon.serving import Serving
from tests.builders import ENERGY_ARTICLE


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return storage.load(trained_home / "models")


@pytest.fixture
def models(home: Path) -> Path:
    return home / "models"


@pytest.fixture
def serving(models: Path, model: Model) -> Serving:
    return Serving(models, model)


def save_another(models: Path, model: Model, quality: str = "another") -> str:
    """A second version beside the first, not yet served."""
    other = replace(model, quality={"made": quality})
    return storage.save(other, models, probes=["The oil refinery restarted."], made_by={}).version


def damage(models: Path, version: str) -> None:
    weights = models / version / "weights.npy"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)


def test_while_the_same_version_is_named_it_serves_on(serving: Serving) -> None:
    before = serving.model

    serving.refresh()
    serving.refresh()

    assert serving.model.version == before.version
    assert serving.model.topics == before.topics


def test_it_changes_over_when_another_version_is_named(
    serving: Serving, models: Path, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    fresh = save_another(models, model)
    serving.refresh()
    assert serving.model.version == model.version

    storage.use(models, fresh)
    serving.refresh()

    assert serving.model.version == fresh
    (said,) = caplog.records
    assert (said.message, vars(said)["model"], vars(said)["before"]) == (
        "model changed",
        fresh,
        model.version,
    )


def test_a_damaged_new_model_is_refused_once_and_the_old_one_serves_on(
    serving: Serving, models: Path, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    fresh = save_another(models, model)
    storage.use(models, fresh)
    damage(models, fresh)

    for _ in range(3):
        serving.refresh()

    assert serving.model.version == model.version
    (said,) = caplog.records
    assert (said.levelname, said.message, vars(said)["serving"]) == ("ERROR", "model refused", model.version)
    assert "weights.npy" in vars(said)["error"]
    assert "\n" not in vars(said)["error"]


def test_after_a_refusal_the_next_good_version_serves(serving: Serving, models: Path, model: Model) -> None:
    bad = save_another(models, model, "bad")
    storage.use(models, bad)
    damage(models, bad)
    serving.refresh()

    good = save_another(models, model, "good")
    storage.use(models, good)
    serving.refresh()

    assert serving.model.version == good


@pytest.mark.parametrize("named", ["no-such-version", "../../etc", "x" * 300])
def test_a_name_that_is_no_version_is_refused_once(
    serving: Serving, models: Path, model: Model, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    (models / "current").write_text(named)

    for _ in range(3):
        serving.refresh()

    assert serving.model.version == model.version
    assert [record.message for record in caplog.records] == ["model refused"]


def test_a_pointer_that_cannot_be_read_is_refused_once(
    serving: Serving, models: Path, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    (models / "current").unlink()
    (models / "current").mkdir()

    for _ in range(3):
        serving.refresh()

    assert serving.model.version == model.version
    assert [record.message for record in caplog.records] == ["model refused"]


def test_where_no_version_is_named_the_old_one_serves_on(
    serving: Serving, models: Path, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    (models / "current").unlink()

    serving.refresh()

    assert serving.model.version == model.version
    assert caplog.records == []


def test_a_topic_that_the_user_retires_is_not_said_any_more_at_once(models: Path, model: Model) -> None:
    own = models.parent / "topics.toml"
    serving = Serving(models, model, own)
    serving.refresh()
    assert says_energy(serving)

    own.write_text("[energy]\nretired = true\n")
    serving.refresh()

    assert not says_energy(serving)


def test_a_topic_that_the_user_takes_up_again_is_said_again(models: Path, model: Model) -> None:
    own = models.parent / "topics.toml"
    own.write_text("[energy]\nretired = true\n")
    serving = Serving(models, model, own)
    serving.refresh()

    own.unlink()
    serving.refresh()

    assert says_energy(serving)


def test_a_retired_topic_stays_retired_when_another_version_serves(models: Path, model: Model) -> None:
    own = models.parent / "topics.toml"
    own.write_text("[energy]\nretired = true\n")
    serving = Serving(models, model, own)
    serving.refresh()

    storage.use(models, save_another(models, model))
    serving.refresh()

    assert serving.model.version != model.version
    assert not says_energy(serving)


def test_topics_that_cannot_be_read_are_refused_once_and_what_was_said_before_is_said(
    models: Path, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    own = models.parent / "topics.toml"
    own.write_text("[energy]\nretired = true\n")
    serving = Serving(models, model, own)
    serving.refresh()

    own.write_text("[energy\n")
    for _ in range(3):
        serving.refresh()

    assert not says_energy(serving)
    (said,) = caplog.records
    assert (said.levelname, said.message) == ("ERROR", "topics refused")
    assert vars(said)["error"].startswith(f"{own}: ")


def says_energy(serving: Serving) -> bool:
    article = Article(ENERGY_ARTICLE, title=ENERGY_ARTICLE.split("\n", 1)[0], language="en")
    return "energy" in [tag.topic for tag in serving.model.tag(article).tags]
