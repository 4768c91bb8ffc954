"""Models on disk: a folder a version, verified before it serves. Nothing in it can run code.

`models/<version>/` holds `weights.npy`, `model.json`, what serving does not read (`folds.json`) and
`MANIFEST.json` (sha256 of the others); what the gate found of it is beside these, not in the manifest.
`models/current` is a file with the name of the version that serves.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelError, NoModelError
from classifier.features import RECIPES
from classifier.model import Model
from classifier.names import Names
from classifier.table import Weights
from classifier.tagging import FEATURES, Calibration, Cuts

FORMAT = 4
PROBE_TOLERANCE = 1e-6

_CURRENT = "current"
_FILES = ("weights.npy", "model.json")
_MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_LEFTOVER = re.compile(rf"\.({_VERSION.pattern})\.[0-9]+")
_PROBED = 5  # passages whose scores are stored and checked again at each load


def save(
    model: Model,
    models: Path,
    *,
    probes: Sequence[str],
    made_by: Mapping[str, str],
    extras: Mapping[str, bytes] | None = None,
    now: datetime | None = None,
) -> Model:
    """Write a new version, not yet served; a model that is there already is not written twice.

    `probes` are texts whose scores are stored, to be checked at each load; `extras` are files that
    serving does not read, by name. The content depends on the model and them alone; only the
    version's name has the day in it.
    """
    files = {
        "weights.npy": _weights_bytes(model.weights),
        "model.json": _card_bytes(model, probes, made_by),
        **(extras or {}),
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["MANIFEST.json"] = _json_bytes({"format": FORMAT, "sha256": sums})
    mark = hashlib.sha256(files["MANIFEST.json"]).hexdigest()[:8]
    for version in versions(models):
        if version.endswith(f"-{mark}") and _is_sound(models, version):
            return replace(model, version=version)
    day = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    version = f"{day}-{mark}"
    _write_folder(models, version, files)
    return replace(model, version=version)


def load(models: Path, version: str | None = None) -> Model:
    """A version, by default the current one, checked before it is used.

    Raises NoModelError where there is none, ModelError where it cannot be trusted: a checksum
    that differs, a file that others may write, a probe text with another score than it had.
    """
    name = current(models) if version is None else version
    if name is None:
        raise NoModelError(f"{models}: no model yet; make one with `classifier train`")
    if not _VERSION.fullmatch(name):
        where = models / _CURRENT if version is None else models
        raise ModelError(f"{where}: {name[:80]!r} is not the name of a version")
    folder = models / name
    files = _verified(folder)
    try:
        card = json.loads(files["model.json"])
        model = _model(name, card, _weights(files["weights.npy"]))
        _check(model, card, folder)
    except _MISSHAPEN as error:
        raise ModelError(f"{folder}: not a model of this version: {error}") from error
    return model


def current(models: Path) -> str | None:
    """The version that serves, or None."""
    try:
        return (models / _CURRENT).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{models / _CURRENT}: cannot be read: {error}") from error


def use(models: Path, version: str) -> None:
    """Serve a version from now on. It is loaded first, so what cannot serve is refused."""
    load(models, version)
    write_anew(models / _CURRENT, f"{version}\n".encode())


def packed(models: Path, version: str) -> dict[str, bytes]:
    """The files that serving reads, verified, to be put elsewhere with `put`. Raises ModelError."""
    folder = models / version
    files = _verified(folder)
    with _readable(folder):
        return {**files, "MANIFEST.json": (folder / "MANIFEST.json").read_bytes()}


def put(models: Path, version: str, files: Mapping[str, bytes]) -> None:
    """Make what `packed` gave a version of these models; one that is there and sound stays as it is."""
    if not _VERSION.fullmatch(version) or set(files) != {*_FILES, "MANIFEST.json"}:
        raise ModelError(f"{version[:80]!r}: not the files of a version")
    if (models / version).exists() and _is_sound(models, version):
        return
    _write_folder(models, version, files)
    load(models, version)


def retire_old(models: Path, *, keep: int, spare: Collection[str]) -> tuple[str, ...]:
    """Delete all versions but the `keep` newest, those in `spare` and the one that serves.

    Returns what was deleted. What an interrupted writer left is deleted as well, so no other may
    be writing. Raises ModelError, deleting nothing, where it cannot be read which version serves.
    """
    needed = {current(models), *spare}
    found = versions(models)
    old = tuple(version for version in found[: max(len(found) - keep, 0)] if version not in needed)
    for version in old:
        # Out of sight by one rename: a version is there as a whole or not at all.
        os.rename(models / version, models / f".{version}.{os.getpid()}")
    for leftover in models.glob(".*.*"):
        if _LEFTOVER.fullmatch(leftover.name):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    for leftover in models.glob("[!.]*/.GATE.json.*"):
        leftover.unlink()
    return old


def versions(models: Path) -> list[str]:
    """All versions, oldest first."""
    if not models.is_dir():
        return []
    return sorted(folder.parent.name for folder in models.glob("[!.]*/MANIFEST.json"))


def card(models: Path, version: str) -> dict[str, Any]:
    """What a version says of itself (model.json), its checksums verified."""
    try:
        found = json.loads(_verified(models / version)["model.json"])
    except ValueError as error:
        raise ModelError(f"{models / version}: model.json is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{models / version}: model.json is not an object")
    return found


def described(models: Path, version: str) -> dict[str, Any]:
    """The same as `card`, for pages: its weights, which serving verifies, are not read."""
    content = more(models, version, "model.json")
    try:
        found = json.loads(content or b"")
    except ValueError as error:
        raise ModelError(f"{models / version}: model.json is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{models / version}: model.json is not an object")
    return found


def more(models: Path, version: str, name: str) -> bytes | None:
    """A file of a version that serving does not read; None where the manifest names no such."""
    folder = models / version
    sums = _manifest(folder)
    return _content(folder, name, sums) if name in sums else None


def served_topics(models: Path) -> tuple[str, ...]:
    """The topics of the current version; none where there is none that can be read."""
    try:
        version = current(models)
        return tuple(topic["id"] for topic in card(models, version)["topics"]) if version else ()
    except (ModelError, KeyError, TypeError, ValueError):
        return ()


def serves_examples(models: Path) -> bool:
    """Whether the current version was made from examples: its topics are then all there are."""
    try:
        version = current(models)
        return version is not None and card(models, version)["made_by"]["from"] == "examples"
    except (ModelError, KeyError, TypeError, ValueError):
        return False


def _is_sound(models: Path, version: str) -> bool:
    """Whether a version can serve; a damaged one makes room for the same one written anew."""
    try:
        load(models, version)
    except ModelError:
        shutil.rmtree(models / version, ignore_errors=True)
        return False
    return True


def _weights_bytes(weights: Weights) -> bytes:
    """An .npy file of one record, whose fields are the arrays."""
    # Those of the largest numbers come first, so that each lies where its numbers may lie.
    arrays: dict[str, NDArray[Any]] = {
        "word_rows": weights.word_rows,
        "run_idf": weights.run_idf,
        "intercepts": weights.intercepts,
        "run_coefficients": weights.run_coefficients,
        "runs": weights.runs.encoded,
        "words": weights.words.encoded,
    }
    record = np.zeros((), [(name, array.dtype, array.shape) for name, array in arrays.items()])
    for name, array in arrays.items():
        record[name] = array
    content = io.BytesIO()
    np.save(content, record, allow_pickle=False)
    return content.getvalue()


def _weights(content: bytes) -> Weights:
    """The arrays where they lie in the file's bytes: nothing is copied."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("weights.npy: not of version 1.0")
    _, _, fields = np.lib.format.read_array_header_1_0(file)
    record = np.frombuffer(content, fields, offset=file.tell()).reshape(())
    return Weights(
        words=Names(record["words"]),
        word_rows=record["word_rows"],
        runs=Names(record["runs"]),
        run_coefficients=record["run_coefficients"],
        run_idf=record["run_idf"],
        intercepts=record["intercepts"],
    )


def _card_bytes(model: Model, probes: Sequence[str], made_by: Mapping[str, str]) -> bytes:
    chosen = list(probes)[:_PROBED]
    scores = model.scores(chosen).tolist() if chosen else []
    return _json_bytes(
        {
            "format": FORMAT,
            "recipe": model.recipe.name,
            "topics": [
                {"id": topic, "title": model.titles[topic], "retired": topic in model.retired}
                for topic in model.topics
            ],
            "cuts": {
                topic: {"main": cuts.main, "mention": cuts.mention} for topic, cuts in model.cuts.items()
            },
            "calibration": {
                language: {"weights": curve.weights, "offset": curve.offset}
                for language, curve in model.calibration.items()
            },
            "labels": model.labels_fingerprint,
            "made_by": dict(made_by),
            "quality": model.quality,
            "probes": [{"text": text, "scores": found} for text, found in zip(chosen, scores, strict=True)],
        }
    )


def _model(version: str, card: dict[str, Any], weights: Weights) -> Model:
    if card["format"] != FORMAT:
        raise ValueError(f"format {card['format']}, and this program reads {FORMAT}")
    topics = tuple(str(topic["id"]) for topic in card["topics"])
    return Model(
        version=version,
        topics=topics,
        titles={topic["id"]: str(topic["title"]) for topic in card["topics"]},
        cuts={topic: Cuts(**card["cuts"][topic]) for topic in topics},
        calibration={
            key: Calibration(tuple(curve["weights"]), curve["offset"])
            for key, curve in card["calibration"].items()
        },
        weights=weights,
        labels_fingerprint=str(card["labels"]),
        quality=dict(card["quality"]),
        recipe=RECIPES[card["recipe"]],
        retired=frozenset(topic["id"] for topic in card["topics"] if topic["retired"]),
    )


def _check(model: Model, card: dict[str, Any], folder: Path) -> None:
    weights, columns = model.weights, len(model.topics)
    shapes = (
        weights.word_rows.shape == (len(weights.words), columns + 1)
        and weights.run_coefficients.shape == (len(weights.runs), columns)
        and weights.run_idf.shape == (len(weights.runs),)
        and weights.intercepts.shape == (columns,)
        and all(len(curve.weights) == len(FEATURES) for curve in model.calibration.values())
    )
    numbers = [float(n) for cuts in model.cuts.values() for n in (cuts.main, cuts.mention)]
    numbers += [float(n) for curve in model.calibration.values() for n in (*curve.weights, curve.offset)]
    if not all(map(math.isfinite, numbers)):
        raise ModelError(f"{folder}: a cut or a curve is not a finite number")
    if not shapes or "" not in model.calibration:
        raise ModelError(f"{folder}: its parts do not fit together")
    arrays = (weights.word_rows, weights.run_coefficients, weights.run_idf, weights.intercepts)
    extremes = [extreme for array in arrays for extreme in (array.min(initial=0), array.max(initial=0))]
    if not np.isfinite(extremes).all():
        raise ModelError(f"{folder}: a weight is not a finite number")
    for probe in card["probes"]:
        found = model.scores([str(probe["text"])])[0]
        if not np.allclose(found, probe["scores"], rtol=0, atol=PROBE_TOLERANCE):
            raise ModelError(f"{folder}: a probe text no longer has the score it had")


def _verified(folder: Path) -> dict[str, bytes]:
    """The files of a version that serve, each with the checksum that the manifest says."""
    sums = _manifest(folder)
    return {name: _content(folder, name, sums) for name in _FILES}


def _manifest(folder: Path) -> dict[str, str]:
    """The checksum of each file of a version."""
    with _readable(folder):
        _refuse_if_others_write(folder)
        manifest = json.loads((folder / "MANIFEST.json").read_bytes())
        if manifest["format"] != FORMAT:
            raise ModelError(
                f"{folder}: made by another topicwire, in format {manifest['format']!r} and not {FORMAT};"
                " train again with `classifier train`"
            )
        return dict(manifest["sha256"])


def _content(folder: Path, name: str, sums: Mapping[str, str]) -> bytes:
    with _readable(folder):
        _refuse_if_others_write(folder / name)
        content = (folder / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != sums[name]:
            raise ModelError(
                f"{folder / name}: damaged, its checksum is not the manifest's; serve another"
                " version with `classifier models use`, or train again"
            )
        return content


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """What is wrong with a file of a version is a ModelError."""
    try:
        yield
    except FileNotFoundError as error:
        raise ModelError(f"{error.filename}: missing") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder}: cannot be read: {error}") from error


def _refuse_if_others_write(path: Path) -> None:
    status = path.stat()
    if status.st_mode & 0o022:
        raise ModelError(f"{path}: others may write it; `chmod go-w` it if you trust it")
    if status.st_uid not in (0, os.geteuid()):
        raise ModelError(f"{path}: belongs to another user")


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _write_folder(models: Path, version: str, files: Mapping[str, bytes]) -> None:
    """All files of a version appear at once, by one rename, and are on the disk by then."""
    fresh = models / f".{version}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True, mode=0o755)
        fresh.chmod(0o755)
        for name, content in files.items():
            _write(fresh / name, content)
        _sync_folder(fresh)
        os.rename(fresh, models / version)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _sync_folder(models)


def write_anew(path: Path, content: bytes) -> None:
    """A small file, replaced as a whole: by one rename, and on the disk by then."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(fresh, content)
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
