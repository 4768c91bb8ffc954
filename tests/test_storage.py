"""Models on disk: what was saved is what serves, and what cannot be trusted never serves."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.errors import ModelError, NoModelError
from classifier.model import Model
from classifier.names import Names
from classifier.storage import FORMAT, card, current, load, save, use, versions
from tests.builders import NOON, small_model

PROBES = ["Oil and gas", "Export of wheat", "Нефть и газ"]
MADE_BY = {"numpy": "2"}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def saved(models: Path) -> Path:
    """The folder of a version that serves."""
    version = keep(models).version
    use(models, version)
    return models / version


def keep(models: Path, **changes: Any) -> Model:
    return save(small_model(**changes), models, probes=PROBES, made_by=MADE_BY, now=NOON)


def edit_card(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "model.json"
    found = json.loads(path.read_bytes())
    edit(found)
    path.write_text(json.dumps(found), encoding="utf-8")
    seal(folder)


def edit_weights(folder: Path, **arrays: Any) -> None:
    found = np.load(folder / "weights.npy")
    content = {name: arrays.get(name, found[name]) for name in found.dtype.names}
    record = np.zeros((), [(name, array.dtype, array.shape) for name, array in content.items()])
    for name, array in content.items():
        record[name] = array
    np.save(folder / "weights.npy", record, allow_pickle=True)
    seal(folder)


def seal(folder: Path, format: int = FORMAT) -> None:
    """A manifest that fits the files: what is refused then is refused for what is in them."""
    names = ("weights.npy", "model.json")
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    (folder / "MANIFEST.json").write_text(json.dumps({"format": format, "sha256": sums}), encoding="utf-8")


def refusal(models: Path, version: str | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        load(models, version)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_loaded_is_what_was_saved(models: Path, saved: Path) -> None:
    model, loaded = small_model(retired=frozenset({"trade"})), load(models)
    kept = keep(models, retired=frozenset({"trade"}))
    again = load(models, kept.version)

    assert loaded.version == saved.name
    assert again.retired == {"trade"}
    for name in ("topics", "titles", "cuts", "calibration", "labels_fingerprint", "quality"):
        assert getattr(again, name) == getattr(model, name), name
    for name in ("word_rows", "run_coefficients", "run_idf", "intercepts"):
        assert np.array_equal(getattr(again.weights, name), getattr(model.weights, name)), name
    assert list(again.weights.words) == list(model.weights.words)
    assert list(again.weights.runs) == list(model.weights.runs)
    assert again.scores(PROBES).tolist() == model.scores(PROBES).tolist()


def test_a_model_without_words_or_runs_keeps_its_shape(models: Path) -> None:
    weights = small_model().weights
    bare = replace(
        weights, runs=Names.of([]), run_coefficients=np.zeros((0, 2), np.float32), run_idf=np.zeros(0)
    )

    version = keep(models, weights=bare).version

    assert load(models, version).scores(["oil", "unseen"]).shape == (2, 2)


def test_the_same_model_saved_twice_is_one_version(models: Path) -> None:
    first = save(small_model(), models, probes=PROBES, made_by=MADE_BY, now=NOON)
    second = save(small_model(), models, probes=PROBES, made_by=MADE_BY, now=NOON + timedelta(days=1))
    other = keep(models, labels_fingerprint="1" * 64)

    assert first.version == second.version != other.version
    assert versions(models) == sorted([first.version, other.version])


def test_what_is_saved_depends_on_the_model_alone(tmp_path: Path) -> None:
    first = save(small_model(), tmp_path / "a", probes=PROBES, made_by=MADE_BY, now=NOON)
    second = save(small_model(), tmp_path / "b", probes=PROBES, made_by=MADE_BY, now=NOON + timedelta(days=1))

    for name in ("weights.npy", "model.json", "MANIFEST.json"):
        one, other = tmp_path / "a" / first.version / name, tmp_path / "b" / second.version / name
        assert one.read_bytes() == other.read_bytes(), name


def test_saving_leaves_nothing_but_the_version_and_serves_nothing_new(models: Path, saved: Path) -> None:
    keep(models, labels_fingerprint="1" * 64)

    assert current(models) == saved.name
    assert sorted(path.name for path in models.iterdir()) == sorted(["current", *versions(models)])


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_model_is_for_all_to_read_and_for_its_owner_to_write_whatever_the_umask(
    models: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        version = keep(models).version
    finally:
        os.umask(before)

    folder = models / version
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert load(models, version).version == version


def test_a_home_without_a_model_says_how_to_make_one(models: Path) -> None:
    with pytest.raises(NoModelError, match=r"models: no model yet; make one with `classifier train`"):
        load(models)

    assert current(models) is None
    assert versions(models) == []


@pytest.mark.parametrize("name", ["weights.npy", "model.json"])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.999])
def test_a_flipped_bit_is_noticed(models: Path, saved: Path, name: str, place: float) -> None:
    content = bytearray((saved / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (saved / name).write_bytes(content)

    assert refusal(models).startswith(f"{saved / name}: damaged, its checksum is not the manifest's")


@pytest.mark.parametrize("name", ["weights.npy", "model.json"])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_noticed(models: Path, saved: Path, name: str, kept: float) -> None:
    os.truncate(saved / name, int(kept * (saved / name).stat().st_size))

    assert refusal(models).startswith(f"{saved / name}: damaged")


@pytest.mark.parametrize("name", ["weights.npy", "model.json", "MANIFEST.json"])
def test_a_missing_file_is_named(models: Path, saved: Path, name: str) -> None:
    (saved / name).unlink()

    assert refusal(models) == f"{saved / name}: missing"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"sha256": []}', b'{"sha256": {}}']
)
def test_a_manifest_that_says_nothing_is_refused(models: Path, saved: Path, content: bytes) -> None:
    (saved / "MANIFEST.json").write_bytes(content)

    assert refusal(models).startswith(f"{saved}: cannot be read: ")


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
@pytest.mark.parametrize("name", ["weights.npy", "model.json"])
def test_a_file_that_others_may_write_is_refused(models: Path, saved: Path, name: str, mode: int) -> None:
    (saved / name).chmod(mode)

    assert refusal(models) == f"{saved / name}: others may write it; `chmod go-w` it if you trust it"


def test_a_folder_that_others_may_write_is_refused(models: Path, saved: Path) -> None:
    saved.chmod(0o775)

    assert refusal(models) == f"{saved}: others may write it; `chmod go-w` it if you trust it"


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.sprung),)


@pytest.mark.parametrize("name", ["words", "word_rows", "run_coefficients", "intercepts"])
def test_a_pickled_object_in_the_weights_is_refused_and_does_not_run(
    models: Path, saved: Path, tmp_path: Path, name: str
) -> None:
    sprung = tmp_path / "sprung"
    edit_weights(saved, **{name: np.array([Trap(sprung)], dtype=object)})

    reason = refusal(models)

    assert reason.startswith(f"{saved}: not a model of this version: ")
    assert "OBJECT" in reason
    assert not sprung.exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["word_rows", "run_coefficients", "run_idf", "intercepts"])
def test_a_weight_that_is_no_finite_number_is_refused(
    models: Path, saved: Path, name: str, bad: float
) -> None:
    array = getattr(small_model().weights, name).copy()
    array.flat[-1] = bad
    edit_weights(saved, **{name: array})

    assert refusal(models) == f"{saved}: a weight is not a finite number"


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("word_rows", (3, 2)),
        ("word_rows", (2, 3)),
        ("word_rows", (9,)),
        ("run_coefficients", (6, 3)),
        ("run_coefficients", (5, 2)),
        ("run_idf", (5,)),
        ("run_idf", (6, 1)),
        ("intercepts", (3,)),
        ("intercepts", (2, 1)),
    ],
)
def test_weights_of_another_shape_are_refused(
    models: Path, saved: Path, name: str, shape: tuple[int, ...]
) -> None:
    edit_weights(saved, **{name: np.zeros(shape)})

    assert refusal(models) == f"{saved}: its parts do not fit together"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda card: card.update(format=99), "not a model of this version: format 99"),
        (lambda card: card.pop("format"), "not a model of this version"),
        (lambda card: card.pop("topics"), "not a model of this version"),
        (lambda card: card["cuts"].pop("trade"), "not a model of this version"),
        (lambda card: card.update(topics=5), "not a model of this version"),
        (lambda card: card["topics"].pop(), "its parts do not fit together"),
        (lambda card: card["calibration"].pop(""), "its parts do not fit together"),
        (lambda card: card["probes"][0]["scores"].reverse(), "a probe text no longer has the score it had"),
        (lambda card: card["probes"][1].update(text="Gas"), "a probe text no longer has the score it had"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    models: Path, saved: Path, edit: Callable[[dict[str, Any]], object], said: str
) -> None:
    edit_card(saved, edit)

    assert refusal(models).startswith(f"{saved}: {said}")


@pytest.mark.parametrize(
    "content", [b"", b"not an array", b"PK\x03\x04broken", b"\x93NUMPY", b"\x93NUMPY\x02\x00"]
)
def test_weights_that_are_no_array_file_are_refused(models: Path, saved: Path, content: bytes) -> None:
    (saved / "weights.npy").write_bytes(content)
    seal(saved)

    assert refusal(models).startswith(f"{saved}: not a model of this version")


def test_a_version_in_another_format_is_refused_before_its_files_are_looked_for(
    models: Path, saved: Path
) -> None:
    seal(saved, format=3)
    (saved / "weights.npy").rename(saved / "weights.npz")

    assert refusal(models) == (
        f"{saved}: made by another topicwire, in format 3 and not {FORMAT};"
        " train again with `classifier train`"
    )


def test_the_weights_are_not_copied_out_of_their_file(models: Path, saved: Path) -> None:
    weights = load(models).weights

    for array in (weights.run_coefficients, weights.run_idf, weights.runs.encoded, weights.words.encoded):
        assert array.flags.aligned
        assert not array.flags.owndata
        assert not array.flags.writeable


def test_a_version_that_cannot_serve_is_refused_and_the_old_one_stays(models: Path, saved: Path) -> None:
    damaged = models / keep(models, labels_fingerprint="1" * 64).version
    os.truncate(damaged / "weights.npy", 100)

    for version in (damaged.name, "20260101T000000Z-nothing", "../models", "a b", "/etc"):
        with pytest.raises(ModelError):
            use(models, version)

    assert current(models) == saved.name
    assert load(models).version == saved.name
    assert not [path for path in models.iterdir() if path.name.startswith(".")]


def test_another_version_can_be_served_and_the_first_again(models: Path, saved: Path) -> None:
    other = keep(models, labels_fingerprint="1" * 64).version

    use(models, other)
    assert load(models).version == other

    use(models, saved.name)
    assert load(models).version == saved.name


@pytest.mark.parametrize(
    "content", [b"../../etc", b"..", b"a b", b"one\ntwo", b"/tmp", b"x" * 5000, b".hidden", "модель".encode()]
)
def test_what_is_no_name_of_a_version_is_not_followed(models: Path, saved: Path, content: bytes) -> None:
    (models / "current").write_bytes(content)

    reason = refusal(models)

    assert reason.startswith(f"{models / 'current'}: ")
    assert reason.endswith("is not the name of a version")
    assert len(reason) < len(str(models)) + 200


def test_a_pointer_to_a_version_that_is_gone_names_it(models: Path, saved: Path) -> None:
    (models / "current").write_text("20260101T000000Z-gone\n")

    assert refusal(models) == f"{models / '20260101T000000Z-gone'}: missing"


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n"])
def test_an_empty_pointer_is_no_model(models: Path, saved: Path, content: bytes) -> None:
    (models / "current").write_bytes(content)

    with pytest.raises(NoModelError):
        load(models)


def test_a_pointer_that_cannot_be_read_is_named(models: Path, saved: Path) -> None:
    (models / "current").write_bytes(b"\xff\xfe\x00")
    undecodable = refusal(models)
    (models / "current").unlink()
    (models / "current").mkdir()

    assert undecodable.startswith(f"{models / 'current'}: cannot be read: ")
    assert refusal(models).startswith(f"{models / 'current'}: cannot be read: ")


def test_a_version_tells_of_itself_only_while_it_is_whole(models: Path, saved: Path) -> None:
    assert card(models, saved.name)["made_by"] == MADE_BY

    (saved / "model.json").write_text("{}")

    with pytest.raises(ModelError, match="damaged"):
        card(models, saved.name)
