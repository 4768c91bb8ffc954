"""Which version serves: taken up only through the gate or for a reason, and never half."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import history, making, storage, training
from classifier.cli import main
from classifier.errors import ModelError
from classifier.folds import Folds
from classifier.gate import Finding, Gate
from classifier.history import Served, use_model
from classifier.making import make_model
from tests.builders import NOON, small_model, write_labels

BETTER = Gate((Finding("folds", True, "F1 0.8 → 0.9"),), "first")
WORSE = Gate((Finding("folds", False, "F1 0.9 → 0.5"), Finding("topics", True, "all")), "first")


def keep(models: Path, number: int = 1) -> str:
    """A version, which no gate has judged yet."""
    model = small_model(labels_fingerprint=f"{number:064d}")
    return storage.save(model, models, probes=["Oil"], made_by={"numpy": "2"}).version


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """With one version, that serves."""
    models = tmp_path / "home" / "models"
    use_model_of_new_home(models)
    return models


def use_model_of_new_home(models: Path) -> None:
    version = keep(models, 0)
    use_model(models, version, because="trained", by="ana")


def current(models: Path) -> str:
    version = storage.current(models)
    assert version is not None
    return version


def refused_candidate(models: Path, number: int = 1) -> str:
    version = keep(models, number)
    history.write_gate(models, version, WORSE)
    return version


def test_what_comes_to_serve_is_noted_with_what_served_before_and_who_said_so(models: Path) -> None:
    first, second = current(models), keep(models)
    history.write_gate(models, second, BETTER)

    use_model(models, second, because="retrained", by="topicwired")

    *_, last = history.history(models)
    assert replace(last, at="") == Served("", second, first, "retrained", None, "topicwired")
    assert history.previous(models) == first
    assert history.have_served(models) == (second, first)


def test_what_was_used_is_noted_as_the_users_who_said_nothing(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "aigerim")

    use_model(models, keep(models), because="asked for")

    assert history.history(models)[-1].by == "aigerim"


def test_a_refused_candidate_serves_only_for_a_reason_and_the_reason_is_kept(models: Path) -> None:
    first, candidate = current(models), refused_candidate(models)

    with pytest.raises(ModelError) as refused:
        use_model(models, candidate, because="asked for")
    with pytest.raises(ModelError, match="say why"):
        use_model(models, candidate, because="asked for", despite=" ")
    assert current(models) == first
    use_model(models, candidate, because="asked for", despite="the old labels\nwere wrong")

    assert str(refused.value) == (
        f"{candidate}: refused by the gate: folds: F1 0.9 → 0.5. Serve it all the same with"
        f" `classifier models use {candidate} --despite REASON`"
    )
    assert current(models) == candidate
    assert history.history(models)[-1].despite == "the old labels were wrong"


def test_what_has_served_serves_again_freely(models: Path) -> None:
    first, candidate = current(models), refused_candidate(models)
    use_model(models, candidate, because="asked for", despite="a trial")

    use_model(models, first, because="asked for")
    use_model(models, candidate, because="asked for")

    assert current(models) == candidate
    assert [entry.despite for entry in history.history(models)] == [None, "a trial", None, None]


def test_to_use_what_serves_already_changes_nothing(models: Path) -> None:
    before = history.history(models)

    use_model(models, current(models), because="again")

    assert history.history(models) == before


def test_a_line_that_was_cut_short_costs_that_line_alone(models: Path) -> None:
    path = models / "history.jsonl"
    path.write_bytes(path.read_bytes() + b'{"at": "2026-')

    use_model(models, keep(models), because="retrained")

    assert [entry.because for entry in history.history(models)] == ["trained", "retrained"]
    assert len(path.read_bytes().splitlines()) == 3


def test_a_version_that_came_to_serve_past_us_is_noted_by_the_next(models: Path) -> None:
    other, third = keep(models, 1), keep(models, 2)
    storage.use(models, other)

    use_model(models, third, because="retrained")

    assert [(entry.version, entry.because) for entry in history.history(models)][1:] == [
        (other, "found serving"),
        (third, "retrained"),
    ]
    assert history.previous(models) == other


def test_where_the_current_version_cannot_serve_those_that_did_come_first_and_a_refused_one_never(
    models: Path,
) -> None:
    first, second = current(models), keep(models, 2)
    use_model(models, second, because="retrained")
    third, refused = keep(models, 3), refused_candidate(models, 4)

    assert history.fallbacks(models) == (second, first, third)
    (models / "current").write_bytes(b"\xff")
    assert history.fallbacks(models) == (second, first, third)
    assert refused in storage.versions(models)


class Killed(BaseException):
    """What no handler of an error sees, as nothing sees a SIGKILL."""


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A home whose training takes no time; a number tells its labels apart."""
    (tmp_path / "seeds").mkdir()

    def train(corpus: Any, **options: Any) -> training.Trained:
        model = small_model(labels_fingerprint=corpus.fingerprint)
        nothing = np.zeros((0, 2), dtype=bool)
        none = Folds(model.topics, (), (), nothing, nothing, nothing, nothing, nothing.astype(float))
        return training.Trained(model, {}, (), none)

    def learn(given: int) -> Path:
        write_labels(tmp_path / "labels", sheet=f"energy\tOil from well {given} is refined\n")
        return tmp_path / "home"

    monkeypatch.setattr(training, "train", train)
    yield learn


def make(home: Path, **options: Any) -> making.Made:
    return make_model(home, seeds=home.parent / "seeds", labels=home.parent / "labels", **options)


def steps(monkeypatch: pytest.MonkeyPatch, at: int, failure: Callable[[], BaseException]) -> list[str]:
    """Let the writes, renames and syncs before number `at` be, and fail that one and all that follow."""
    done: list[str] = []

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **more: Any) -> Any:
            done.append(name)
            if len(done) > at:
                raise failure()
            return real(*given, **more)

        return step

    for name in ("rename", "replace", "fsync"):
        monkeypatch.setattr(os, name, failing(name, getattr(os, name)))
    return done


def hidden(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name.startswith(".")}


def make_and_use(home: Path) -> None:
    made = make(home)
    use_model(home / "models", made.version, because="retrained")


def test_killed_at_any_step_the_served_model_is_whole_and_the_next_training_clears_up(
    fake_training: Callable[[int], Path],
) -> None:
    make_and_use(fake_training(0))
    home = fake_training(1)
    models = home / "models"
    first = current(models)
    for at in range(100):
        with pytest.MonkeyPatch.context() as patch:
            done = steps(patch, at, Killed)
            try:
                make_and_use(home)
            except Killed:
                pass
            else:
                break
        served = storage.load(models)
        assert served.version == current(models)
        make(home)
        assert hidden(models) <= {".lock", ".serving.lock"}
        assert not [path for version in storage.versions(models) for path in (models / version).glob(".*")]
        second = next(version for version in storage.versions(models) if version != first)
        use_model(models, second, because="retrained")
        assert history.previous(models) == first
        use_model(models, first, because="back")
        os.rename(models / second, home / f"gone-{at}")

    assert at > 8
    assert len(done) == at
    assert current(models) != first


@pytest.mark.parametrize("at", range(18))
def test_on_a_full_disk_one_line_says_so_and_the_old_model_serves(
    fake_training: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    make_and_use(fake_training(0))
    home = fake_training(1)
    first = current(home / "models")
    done = steps(monkeypatch, at, lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    try:
        make_and_use(home)
    except ModelError as error:
        assert "\n" not in str(error)
        assert "No space left on device" in str(error)
        assert ("serves on" in str(error)) == (current(home / "models") == first)
    else:
        assert len(done) <= at
    assert storage.load(home / "models").version == current(home / "models")
    assert hidden(home / "models") <= {".lock", ".serving.lock"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system that is soon full, at home/."""
    place = tmp_path / "home"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("left", [0, 4096, 8192, 12288, 20480])
def test_on_a_disk_that_is_really_full_the_old_model_serves_and_leaves_nothing_behind(
    small_disk: Path, fake_training: Callable[[int], Path], left: int
) -> None:
    make_and_use(fake_training(0))
    home = fake_training(1)
    first = current(home / "models")
    filler = home / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    os.truncate(filler, filler.stat().st_size - left)

    with pytest.raises(ModelError, match=f"No space left on device.*{first} serves on"):
        make_and_use(home)

    assert storage.load(home / "models").version == first
    assert hidden(home / "models") == {".lock", ".serving.lock"}
    filler.unlink()
    make_and_use(home)
    assert history.previous(home / "models") == first


def test_a_rehearsal_can_refuse_what_the_gate_let_through(models: Path) -> None:
    candidate = keep(models)
    history.write_gate(models, candidate, BETTER)

    history.refuse(models, candidate, ["“Derby” would be lost"])

    with pytest.raises(ModelError, match="rehearsal: “Derby” would be lost"):
        use_model(models, candidate, because="retrained")
    assert current(models) != candidate


def test_a_second_training_waits_for_the_first_and_says_so(fake_training: Callable[[int], Path]) -> None:
    home = fake_training(0)
    make(home)
    told: list[str] = []
    waits, made = threading.Event(), []

    def tell(what: str, done: int, steps: int) -> None:
        told.append(what)
        waits.set()

    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(home / "models" / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    second = threading.Thread(target=lambda: made.append(make(home, progress=tell)))
    second.start()

    assert waits.wait(20)
    assert (told, made) == ([making.WAITING], [])
    holder.communicate(b"\n")
    second.join(20)
    assert len(made) == 1


_HOLD = (
    "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX);"
    "print('held', flush=True); sys.stdin.readline()"
)


def test_a_roll_back_does_not_wait_for_a_training(models: Path) -> None:
    other = keep(models)
    with (models / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        use_model(models, other, because="asked for")

    assert current(models) == other


def test_the_newest_stay_and_what_serves_and_what_served_before(models: Path) -> None:
    first = current(models)
    others = [keep_on_day(models, day) for day in range(1, 8)]
    use_model(models, others[0], because="retrained")

    gone = history.tidy(models, keep=2)

    assert set(storage.versions(models)) == {first, others[0], *others[-2:]} | ({first} & set(gone))
    assert set(gone) == set(others[1:-2])
    assert history.previous(models) == first
    use_model(models, first, because="asked for")


def keep_on_day(models: Path, day: int) -> str:
    model = small_model(labels_fingerprint=f"{day:064d}")
    now = NOON.replace(year=2035, day=day)
    return storage.save(model, models, probes=["Oil"], made_by={}, now=now).version


def test_nothing_is_deleted_where_it_cannot_be_read_what_serves(models: Path) -> None:
    for number in range(4):
        keep(models, number)
    there = storage.versions(models)
    (models / "current").write_bytes(b"\xff")

    with pytest.raises(ModelError):
        history.tidy(models, keep=1)

    assert storage.versions(models) == there


def test_a_refused_candidate_is_not_made_anew_while_nothing_changed(
    fake_training: Callable[[int], Path],
) -> None:
    home = fake_training(0)
    make_and_use(home)
    first = current(home / "models")
    fake_training(1)
    candidate = make(home).version
    history.write_gate(home / "models", candidate, replace(WORSE, against=first))

    again = make(home, if_changed=True)

    assert (again.trained, again.version, again.gate) == (False, first, None)
    assert again.note == f"no label has changed since candidate {candidate} was refused"
    history.write_gate(home / "models", candidate, replace(WORSE, against="another"))
    assert make(home, if_changed=True).trained


def test_a_model_that_was_put_aside_does_not_come_back_while_nothing_changed(
    fake_training: Callable[[int], Path],
) -> None:
    home = fake_training(0)
    make_and_use(home)
    first = current(home / "models")
    fake_training(1)
    second = make(home).version
    use_model(home / "models", second, because="retrained")
    assert make(home, if_changed=True).note == "no label has changed"

    use_model(home / "models", first, because="asked for")

    again = make(home, if_changed=True)
    assert (again.trained, again.version) == (False, first)
    assert again.note == f"no label has changed since candidate {second} was put aside"


def test_a_candidate_that_was_damaged_on_the_way_to_the_disk_is_refused(
    fake_training: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_and_use(fake_training(0))
    home = fake_training(1)
    real = storage.save

    def save(*given: Any, **more: Any) -> Any:
        saved = real(*given, **more)
        os.truncate(home / "models" / saved.version / "weights.npy", 10)
        return saved

    monkeypatch.setattr(storage, "save", save)

    made = make(home)

    assert made.refused
    assert made.gate is not None
    assert made.gate.reasons[0].startswith("manifest: ")
    assert "damaged" in made.gate.reasons[0]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_training_keeps_what_the_gate_refuses_and_says_how_to_serve_it_all_the_same(
    fake_training: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = fake_training(0)
    labels = [
        "--home",
        str(home),
        "--labels",
        str(home.parent / "labels"),
        "--seeds",
        str(home.parent / "seeds"),
    ]
    monkeypatch.setattr("classifier.display.quality_table", lambda figures, title: None)
    make_and_use(home)
    first = current(home / "models")
    fake_training(1)
    monkeypatch.setattr(making, "_judged", lambda *given: WORSE)

    code, out, err = told(capsys, "train", *labels)
    _, row, _ = told(capsys, "train", "--json", *labels)
    given = json.loads(row)

    candidate = given["version"]
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "refused: folds: F1 0.9 → 0.5",
        f"kept as candidate {candidate}; serve it all the same with"
        f" `classifier models use {candidate} --despite REASON`",
        f"{first} serves on",
    ]
    assert (given["trained"], given["served"]) == (True, False)
    assert given["reasons"] == ["folds: F1 0.9 → 0.5"]
    assert current(home / "models") == first


def test_what_the_gate_found_and_when_it_served_is_shown(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("classifier.display.quality_table", lambda figures, title: None)
    candidate, first = refused_candidate(models), current(models)
    use_model(models, candidate, because="asked for", by="ana", despite="labels were wrong")

    _, out, _ = told(capsys, "models", "show", candidate, "--home", str(models.parent))

    *_, refused, passed, served = out.splitlines()
    assert refused == "gate refused: folds: F1 0.9 → 0.5"
    assert passed == "gate passed: topics: all"
    assert f", after {first}: asked for, by ana, despite the gate: labels were wrong" in served


def test_the_list_tells_what_serves_since_when_and_why_a_candidate_does_not(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, first, candidate = str(models.parent), current(models), refused_candidate(models)

    _, before, _ = told(capsys, "models", "list", "--home", home)
    code, _, refused = told(capsys, "models", "use", candidate, "--home", home)
    used, _, _ = told(capsys, "models", "use", candidate, "--despite", "labels were wrong", "--home", home)
    _, rows, _ = told(capsys, "models", "list", "--json", "--home", home)
    _, shown, _ = told(capsys, "models", "show", candidate, "--json", "--home", home)

    assert f"* {first}  F1 0.500  served from 20" in before
    assert f"  {candidate}  F1 0.500  candidate, refused: folds: F1 0.9 → 0.5" in before
    assert (code, used) == (1, 0)
    assert refused.count("\n") == 1
    assert {row["version"]: row["served"] for row in map(json.loads, rows.splitlines())} == {
        first: False,
        candidate: True,
    }
    found = json.loads(shown)
    assert found["gate"]["passed"] is False
    assert found["history"][0]["despite"] == "labels were wrong"
    assert found["history"][0]["before"] == first


def test_a_candidate_does_not_push_aside_what_came_to_serve_while_it_was_judged(models: Path) -> None:
    first, other, candidate = current(models), keep(models, 1), keep(models, 2)
    use_model(models, other, because="rolled back")

    with pytest.raises(ModelError, match=f"{other} came to serve while {candidate} was held against {first}"):
        use_model(models, candidate, because="trained", instead_of=first)

    assert current(models) == other
    use_model(models, candidate, because="trained", instead_of=other)
    use_model(models, candidate, because="trained", instead_of=other)
    assert current(models) == candidate
