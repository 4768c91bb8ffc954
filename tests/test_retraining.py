"""Retraining: what the gate and the rehearsal decide is done, written and reported; a failure is told."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from classifier import Finding, Gate, Made, ModelError, gate_of, load_model, model_versions
from classifier.articles import Grade
from classifier.model import Model
from classifier.storage import current, save, use
from classifier.tagging import Cuts
from daemon import clock, learning, ledger, outbox, retraining, trainings, verdicts
from daemon.app import start_up
from daemon.config import Retrain, Settings
from daemon.confining import Limits
from daemon.database import Database
from daemon.errors import DaemonError
from daemon.records import FileState
from daemon.trainings import Outcome, TrainingState
from daemon.verdicts import Verdict
from tests import schooling
from tests.builders import console_receiver, make_settings, make_tag, make_tagged, small_model
from tests.faults import planted

PASSED = Gate((Finding("folds", True, "not worse"),))
REFUSED = Gate((Finding("folds", True, "not worse"), Finding("held-out", False, "worse beyond chance: F1")))


@dataclass
class Learner:
    """Learning with a model that is there already: what it is made of is not told."""

    settings: Settings
    database: Database
    model: Model
    made: list[Made] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    may: bool = True

    def save(self, model: Model) -> str:
        return save(model, self.settings.models, probes=["The oil refinery."], made_by={}).version

    def makes(self, model: Model, gate: Gate = PASSED, before: str | None = "") -> str:
        """The next training makes this model; it is held against the one that serves."""
        served = current(self.settings.models) if before == "" else before
        version = self.save(model)
        path = self.settings.models / version / "GATE.json"
        path.write_text(json.dumps({"at": "now", **gate.as_json()}))
        self.made.append(Made(version, True, served, gate=gate))
        return version

    def learn(self) -> Outcome:
        return learning.learn(
            self.settings, self.database, if_changed=True, tell=lambda *_: None, may_serve=self._may_serve
        )

    def article(self, body: str, verdict: Verdict | None = None) -> str:
        """One of a day ago that the ledger has, tagged by the model that serves; its fingerprint."""
        tagged = make_tagged(make_tag("energy", Grade.MAIN), text=body)
        now = clock.now() - timedelta(days=1)
        with self.database.transaction() as connection:
            file = ledger.record_file(
                connection, fingerprint=body * 2, name="a.txt", size=1, state=FileState.DONE, now=now
            )
            article = ledger.record_article(connection, file, 0, tagged, now=now)
            assert article is not None
            if verdict is not None:
                verdicts.add(
                    connection, article=article, topic="energy", verdict=verdict, person="ana", now=now
                )
        return tagged.article.fingerprint

    def _may_serve(self, version: str) -> bool:
        self.asked.append(version)
        return self.may


@pytest.fixture
def learner(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Learner:
    settings = make_settings(tmp_path, receivers=(console_receiver(),))
    found = Learner(settings, database, small_model())
    use(settings.models, found.save(small_model(cuts={"energy": Cuts(0.5, 0.25), "trade": Cuts(0.6, 0.25)})))
    monkeypatch.setattr(learning, "make_model", lambda home, **_: found.made.pop())
    return found


def deaf() -> Model:
    """A model that calls nothing energy."""
    return small_model(cuts={"energy": Cuts(0.999999, 0.999998), "trade": Cuts(0.6, 0.25)})


def test_a_model_that_passes_the_gate_serves(learner: Learner) -> None:
    version = learner.makes(small_model(quality={"all": {"f1": 0.9}}))

    outcome = learner.learn()

    assert outcome.state is TrainingState.SERVED
    assert outcome.result.startswith(
        f"serving {version}, which passed the gate; alerts of the last 14 days: "
    )
    assert current(learner.settings.models) == version
    assert learner.asked == [version]


def test_a_model_that_the_gate_refuses_does_not_serve_and_its_reasons_are_told(learner: Learner) -> None:
    before = current(learner.settings.models)
    version = learner.makes(small_model(quality={"all": {"f1": 0.1}}), REFUSED)

    outcome = learner.learn()

    assert outcome.state is TrainingState.REFUSED
    assert outcome.result == (f"{version} was refused; {before} serves on: held-out: worse beyond chance: F1")
    assert outcome.lines[0] == "FAILED  held-out: worse beyond chance: F1"
    assert current(learner.settings.models) == before
    assert learner.asked == []


def test_a_model_that_would_lose_an_alert_marked_right_is_refused_and_names_it(learner: Learner) -> None:
    before = current(learner.settings.models)
    lost = learner.article("Oil and gas\nThe oil, the gas and the oil again.", Verdict.RIGHT)
    version = learner.makes(deaf())

    outcome = learner.learn()

    assert outcome.state is TrainingState.REFUSED
    assert "“Oil and gas”" in outcome.result
    assert lost[:16] in outcome.result
    assert current(learner.settings.models) == before
    kept = gate_of(learner.settings.models, version)
    assert kept is not None
    assert not kept.passed  # so that it serves only despite a reason
    assert outcome.report["rehearsal"]["lost_right"] == 1


def test_an_alert_that_nobody_marked_may_be_lost_and_is_told(learner: Learner) -> None:
    learner.article("Oil and gas\nThe oil, the gas and the oil again.")
    learner.makes(deaf())

    outcome = learner.learn()

    assert outcome.state is TrainingState.SERVED
    assert outcome.result.endswith("0 gained, 1 lost, 0 moved")
    assert any("Oil and gas" in line for line in outcome.lines)


def test_with_no_days_to_rehearse_the_gate_alone_decides(learner: Learner) -> None:
    learner.article("Oil and gas\nThe oil, the gas and the oil again.", Verdict.RIGHT)
    learner.settings = learner.settings.model_copy(update={"retrain": Retrain(rehearse_days=0.0)})
    version = learner.makes(deaf())

    outcome = learner.learn()

    assert outcome.result == f"serving {version}, which passed the gate"
    assert outcome.report["rehearsal"] is None


def test_of_very_many_articles_only_the_last_are_rehearsed_and_that_is_said(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_REHEARSED", 2)
    for number in range(4):
        learner.article(f"Oil and gas {number}\nThe oil, the gas and the oil again.")
        time.sleep(0.001)
    learner.makes(deaf())

    outcome = learner.learn()

    rehearsed = outcome.report["rehearsal"]
    assert not rehearsed["whole"]
    assert rehearsed["articles"] < 4
    assert f"alerts of the last {rehearsed['articles']} articles" in outcome.result
    assert "rehearsal: not of all 14 days" in outcome.lines


def test_the_same_labels_give_the_same_version_and_nothing_changes(learner: Learner) -> None:
    version = current(learner.settings.models)
    assert version is not None
    learner.made.append(Made(version, True, version, gate=PASSED))

    outcome = learner.learn()

    assert outcome.state is TrainingState.UNCHANGED
    assert outcome.result == f"the labels give {version} again, which serves"


def test_the_first_model_serves_without_anything_to_be_held_against(learner: Learner) -> None:
    (learner.settings.models / "current").unlink()
    version = learner.makes(small_model(quality={"all": {"f1": 0.9}}), before=None)

    outcome = learner.learn()

    assert outcome.result == f"serving {version}"


def test_a_model_that_somebody_came_to_serve_meanwhile_is_not_replaced(learner: Learner) -> None:
    before = current(learner.settings.models)
    version = learner.makes(small_model(quality={"all": {"f1": 0.9}}))
    other = learner.save(small_model(quality={"all": {"f1": 0.8}}))
    use(learner.settings.models, other)

    with pytest.raises(ModelError, match=f"{other} came to serve while {version} was held against {before}"):
        learner.learn()

    assert current(learner.settings.models) == other


def test_a_training_that_was_ended_meanwhile_serves_nothing(learner: Learner) -> None:
    before = current(learner.settings.models)
    learner.makes(small_model(quality={"all": {"f1": 0.9}}))
    learner.may = False

    with pytest.raises(DaemonError, match="was ended"):
        learner.learn()

    assert current(learner.settings.models) == before


def test_a_change_that_cannot_be_noted_in_the_history_is_a_change_all_the_same(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = learner.makes(small_model(quality={"all": {"f1": 0.9}}))

    def serve_and_fail_to_note(models: Path, version: str, **_: object) -> None:
        use(models, version)
        raise ModelError("history.jsonl: cannot be written")

    monkeypatch.setattr(learning, "use_model", serve_and_fail_to_note)

    outcome = learner.learn()

    assert outcome.state is TrainingState.SERVED
    assert outcome.version == version
    assert outcome.result.endswith("(history.jsonl: cannot be written)")


def test_a_refused_model_is_a_result_of_the_night_and_a_failure_is_tried_again(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [Outcome(TrainingState.REFUSED, "v2 was refused"), Outcome(TrainingState.FAILED, "disk full")]
    monkeypatch.setattr(retraining, "retrain", lambda *_, **__: outcomes.pop(0))
    settings = make_settings(tmp_path)

    assert retraining.nightly(settings, database) == "v2 was refused"
    with pytest.raises(DaemonError, match="disk full"):
        retraining.nightly(settings, database)


def said_by(monkeypatch: pytest.MonkeyPatch, *lines: dict[str, Any]) -> None:
    """The process that learns says this, and ends well."""

    class Child:
        def __init__(self, *given: object, **more: object) -> None:
            self.answers: list[dict[str, Any]] = []

        def said(self) -> Iterator[dict[str, Any]]:
            yield from lines

        def tell(self, line: dict[str, Any]) -> None:
            self.answers.append(line)

        def close(self) -> None:
            pass

    monkeypatch.setattr(retraining, "Confined", Child)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "the training ended and said nothing, at: starting"),
        ([{"outcome": {"state": "splendid"}}], "the training said what cannot be understood: 'lines'"),
        ([{"failed": "no room"}], "no room, at: starting"),
        ([{"step": "learning", "done": 1, "total": 5}, {"failed": "no"}], "no, at: learning, 1 of 5"),
        ([{"step": 5}, {"log": 1}, {"outcome": []}, {"x": "y"}], "the training ended and said nothing"),
    ],
)
def test_what_the_process_says_is_trusted_as_far_as_its_shape_is_right(
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[dict[str, Any]],
    expected: str,
) -> None:
    said_by(monkeypatch, *lines)

    outcome = retraining.retrain(make_settings(tmp_path), database, asked_by="timetable")

    assert outcome.state is TrainingState.FAILED
    assert outcome.result.startswith(expected)


def test_what_the_process_logs_reaches_the_log_and_cannot_pose_as_another_record(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    extra = {"topic": "energy", "name": "root", "message": "else"}
    said_by(monkeypatch, {"log": "a promise is not kept", "level": logging.WARNING, "extra": extra})

    retraining.retrain(make_settings(tmp_path), database, asked_by="timetable")

    [record] = [each for each in caplog.records if each.getMessage() == "a promise is not kept"]
    assert (record.name, record.levelno) == ("daemon.retraining", logging.WARNING)
    assert record.__dict__["topic"] == "energy"


# With the real process, on few labels


@dataclass
class School:
    """A home with a small model, and the labels that stand for the shipped ones."""

    home: Path
    shipped: Path
    database: Database
    settings: Settings

    def retrain(self, **options: Any) -> Outcome:
        return retraining.retrain(self.settings, self.database, asked_by="operator", **options)


@pytest.fixture(scope="module")
def schoolhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("school")
    schooling.write_shipped(folder / "shipped")
    schooling.found(folder / "home", folder / "shipped")
    return folder


@pytest.fixture
def school(schoolhouse: Path, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> School:
    home, shipped = tmp_path, schoolhouse / "shipped"
    shutil.copytree(schoolhouse / "home" / "models", home / "models")
    for name, value in planted.environment(tmp_path / "site", shipped=shipped).items():
        monkeypatch.setenv(name, value)
    return School(home, shipped, database, schooling.settings_of(home))


def test_without_a_new_label_nothing_is_trained(school: School) -> None:
    before = model_versions(school.settings.models)

    outcome = school.retrain()

    assert (outcome.state, outcome.result) == (TrainingState.UNCHANGED, "no label has changed")
    assert model_versions(school.settings.models) == before
    [row] = schooling.rows(school.home)
    assert (row["state"], row["result"], row["asked_by"]) == ("unchanged", "no label has changed", "operator")


def test_a_new_label_becomes_a_model_that_serves_and_the_same_labels_the_same_model(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = schooling.served(school.home)
    schooling.teach(school.home)
    steps: list[str] = []

    outcome = school.retrain(tell=lambda what, done, total: steps.append(what))
    again = school.retrain(if_changed=False)

    assert outcome.state is TrainingState.SERVED
    assert outcome.version == schooling.served(school.home) != before
    assert again.result == f"the labels give {outcome.version} again, which serves"
    assert list(dict.fromkeys(steps))[:3] == ["writing verdicts", "reading features", "learning"]
    logged = [record.__dict__.get("step") for record in caplog.records]
    assert "learning" in logged
    first, _ = schooling.rows(school.home)
    assert (first["state"], first["before"], first["version"]) == ("served", before, outcome.version)
    assert "gate" in schooling.report(first)


def test_what_came_of_it_is_owed_once_to_whom_it_is_to_be_reported(school: School) -> None:
    school.settings = school.settings.model_copy(
        update={
            "receivers": (console_receiver("operators"),),
            "retrain": Retrain(rehearse_days=0.0, report_to="operators"),
        }
    )
    schooling.teach(school.home)

    school.retrain()
    with school.database.reading() as connection:
        assert outbox.counts(connection) == {"operators": {"pending": 1}}
        [[form]] = connection.execute(text("SELECT form FROM deliveries")).all()
    assert form == "report"


def test_of_a_training_that_was_killed_before_it_could_report_the_next_start_does(
    learner: Learner,
) -> None:
    """Its model serves, and nobody would know: the change of models is in the history alone."""
    retrain = Retrain(report_to="operators")
    settings = learner.settings.model_copy(
        update={"receivers": (console_receiver("operators"),), "retrain": retrain}
    )
    with learner.database.transaction() as connection:
        row = trainings.begin(connection, asked_by="timetable", served="before", now=clock.now())
        trainings.announce(connection, row, current(settings.models) or "")
        connection.execute(text("UPDATE trainings SET claimant = '999999999 1 0123456789abcdef'"))

    for _ in range(2):
        start_up(settings, learner.database)

    with learner.database.reading() as connection:
        [[form, body]] = connection.execute(text("SELECT form, body FROM deliveries")).all()
    assert form == "report"
    assert "A new model serves" in body
    assert "ended before it could report" in body


def test_a_report_whose_number_a_restored_ledger_gives_again_is_another(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrain = Retrain(report_to="operators")
    school.settings = school.settings.model_copy(
        update={"receivers": (console_receiver("operators"),), "retrain": retrain}
    )
    monkeypatch.setattr(retraining, "_learned", lambda *_: Outcome(TrainingState.REFUSED, "worse"))
    found = []
    for _ in range(2):
        school.retrain()
        with school.database.transaction() as connection:
            found.append(
                connection.execute(text("SELECT trainings.id, key FROM trainings, deliveries")).one()
            )
            connection.execute(text("DELETE FROM deliveries"))
            connection.execute(text("DELETE FROM trainings"))

    first, second = found
    assert first.id == second.id
    assert first.key != second.key


def test_a_training_says_that_it_ended_at_the_step_that_it_was_at(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn_and_fail(
        settings: Settings, asked: object, tell: retraining.Tell, may_serve: object
    ) -> Outcome:
        for step in ("writing verdicts", "learning"):
            tell(step, 0, 5)
        raise DaemonError("killed")

    monkeypatch.setattr(retraining, "_learned", learn_and_fail)

    outcome = retraining.retrain(learner.settings, learner.database, asked_by="operator")

    assert outcome.result == "killed, at: learning, 0 of 5"


def test_labels_that_are_not_sound_are_told_in_the_words_of_the_classifier(school: School) -> None:
    before = schooling.served(school.home)
    schooling.teach(school.home, "energy The tab is missing.\n")

    outcome = school.retrain()

    assert outcome.state is TrainingState.FAILED
    assert f"{school.home / 'labels' / 'own.tsv'}:1: should be topics, one tab, text" in outcome.result
    assert "\n" not in outcome.result
    assert schooling.served(school.home) == before


def test_a_training_that_takes_too_long_is_ended_and_the_old_model_serves_on(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schooling.served(school.home)
    schooling.teach(school.home)
    monkeypatch.setattr(retraining, "Limits", lambda minutes, memory: Limits(0.001, memory))

    outcome = school.retrain()

    assert outcome.state is TrainingState.FAILED
    assert outcome.result.startswith("took longer than 0.001 minutes; raise retrain.minutes, at: ")
    assert schooling.served(school.home) == before
    assert model_versions(school.settings.models) == [before]


@pytest.mark.slow
def test_a_stop_of_the_daemon_ends_the_training_and_the_row_says_so(school: School) -> None:
    schooling.teach(school.home)

    def stop_while_learning(what: str, done: int, total: int) -> None:
        if what == "learning":
            retraining.cancel()

    outcome = school.retrain(tell=stop_while_learning)

    assert outcome.state is TrainingState.FAILED
    assert outcome.result.startswith("cut off: topicwired stopped, at: ")
    [row] = schooling.rows(school.home)
    assert (row["state"], row["result"]) == ("failed", outcome.result)


@pytest.mark.slow
def test_a_file_that_cannot_be_written_leaves_the_old_model_and_nothing_half_written(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schooling.served(school.home)
    schooling.teach(school.home)
    plants = planted.environment(tmp_path / "site", shipped=school.shipped, file_size=20_000)
    for name, value in plants.items():
        monkeypatch.setenv(name, value)

    outcome = school.retrain()

    assert outcome.state is TrainingState.FAILED
    assert "the new model cannot be kept" in outcome.result
    assert f"{before} serves on" in outcome.result
    assert schooling.served(school.home) == before
    load_model(school.settings.models)
    assert model_versions(school.settings.models) == [before]
    hidden = {path.name for path in school.settings.models.glob(".*")}
    assert hidden <= {".lock", ".serving.lock"}


@pytest.mark.slow
def test_while_it_learns_others_write_to_the_ledger_without_waiting(school: School) -> None:
    schooling.teach(school.home)
    waited: list[float] = []
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            started = time.monotonic()
            with school.database.transaction() as connection:
                connection.execute(text("UPDATE trainings SET step = step"))
            waited.append(time.monotonic() - started)
            ended.wait(0.01)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    started = time.monotonic()
    try:
        school.retrain()
    finally:
        ended.set()
    took = time.monotonic() - started
    writer.join()

    # Were the ledger held for any one step of it, a writer would wait that long.
    assert max(waited) < took / 4


@pytest.mark.slow
def test_a_training_that_needs_more_memory_than_it_may_have_leaves_the_old_model(
    home: Path, database: Database, tmp_path: Path
) -> None:
    before = schooling.served(home)
    schooling.teach(home)

    outcome = retraining.retrain(schooling.settings_of(home, memory_mib=256), database, asked_by="operator")

    assert outcome.result.startswith("needed more than 256 MiB; raise retrain.memory_mib, at: ")
    assert outcome.state is TrainingState.FAILED
    assert schooling.served(home) == before
    load_model(home / "models")
    assert model_versions(home / "models") == [before]
