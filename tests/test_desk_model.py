"""Model: which versions there are, how they differ, and what an editor does about it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.datastructures import State

from classifier import Finding, Gate, gate_of, load_model, model_history
from classifier.model import Model
from classifier.storage import current, save, use
from classifier.tagging import Cuts
from daemon import clock, interventions, retraining, trainings
from daemon.desk import comparing, teaching
from daemon.desk.comparing import Comparisons
from daemon.desk.learningcurve import Learned, curve
from daemon.desk.people import Person
from daemon.desk.teaching import Teaching
from daemon.interventions import Deed
from daemon.serving import Serving
from daemon.trainings import Outcome, TrainingState
from tests import schooling
from tests.at_the_desk import AtDesk
from tests.builders import small_model
from tests.faults import planted

REFUSED = Gate((Finding("folds", True, "not worse"), Finding("held-out", False, "worse beyond <chance>: F1")))


def state_of(at_desk: AtDesk) -> State:
    """What the application keeps for its pages."""
    app = at_desk.client.app
    assert isinstance(app, FastAPI)
    return app.state


def figures(f1: float, articles: int = 100) -> dict[str, Any]:
    return {
        "articles": articles,
        "positives": 40,
        "precision": 0.8,
        "recall": 0.7,
        "f1": f1,
        "f1_interval": [f1 - 0.05, f1 + 0.05],
        "alarms": 3,
        "quiet": 60,
    }


def quality(f1: float, articles: int = 100) -> dict[str, Any]:
    return {
        "all": figures(f1, articles),
        "topics": {"energy": figures(f1, articles)},
        "languages": {"kk": figures(f1, articles)},
    }


def keep(at_desk: AtDesk, model: Model, gate: Gate | None = None) -> str:
    """One more version, with what the gate found of it; its name."""
    models = at_desk.settings.models
    version = save(model, models, probes=["Oil"], made_by={"from": "labels"}).version
    if gate is not None:
        content = json.dumps({"at": "now", **gate.as_json()})
        (models / version / "GATE.json").write_text(content)
    return version


def other(at_desk: AtDesk, gate: Gate | None = None, **changes: Any) -> str:
    return keep(at_desk, small_model(**{"quality": quality(0.6), **changes}), gate)


def deaf(at_desk: AtDesk) -> str:
    """One that calls nothing energy."""
    return other(at_desk, cuts={"energy": Cuts(0.999999, 0.999998), "trade": Cuts(0.6, 0.25)})


def served(at_desk: AtDesk) -> str:
    version = current(at_desk.settings.models)
    assert version is not None
    return version


def choose(at_desk: AtDesk, version: str, *, instead_of: str | None = None, reason: str = "") -> int:
    given = {
        "version": version,
        "instead_of": served(at_desk) if instead_of is None else instead_of,
        "reason": reason,
    }
    return at_desk.client.post("/model/use", data=given).status_code


def deeds(at_desk: AtDesk) -> list[tuple[Deed, str, str]]:
    with at_desk.database.reading() as connection:
        return [(each.what, each.person, each.reason) for each in interventions.last(connection, 9)]


@pytest.fixture
def a_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, whoever is in is a reader."""
    return lambda: monkeypatch.setattr(Person, "may_change", property(lambda _: False))


# What there is


def test_a_home_without_a_model_says_so(at_desk: AtDesk) -> None:
    shutil.rmtree(at_desk.settings.models)

    found = at_desk.client.get("/model")

    assert found.status_code == 200
    assert "There is no model yet." in found.text
    assert "Retrain now" not in found.text


def test_versions_stand_with_their_quality_and_the_gate_s_reasons_as_text(at_desk: AtDesk) -> None:
    good = other(at_desk)
    refused = other(at_desk, REFUSED, quality=quality(0.3))
    (at_desk.settings.models / good / "model.json").chmod(0o644)

    page = at_desk.client.get("/model").text

    assert page.index(refused) > 0
    assert "held-out: worse beyond &lt;chance&gt;: F1" in page
    assert "refused by the gate" in page
    assert "0.6<br><small>0.55–0.65</small>" in page
    assert f"/model/versions/{refused}" in page


def test_a_damaged_version_says_so_and_the_others_are_shown(at_desk: AtDesk) -> None:
    damaged, good = other(at_desk), other(at_desk, quality=quality(0.7))
    (at_desk.settings.models / damaged / "model.json").write_text("{}")

    page = at_desk.client.get("/model").text

    assert "cannot be read" in page
    assert "0.7<br>" in page
    assert at_desk.client.get(f"/model/versions/{damaged}").status_code == 200
    assert "Have it serve" in at_desk.client.get(f"/model/versions/{good}").text
    assert "Have it serve" not in at_desk.client.get(f"/model/versions/{damaged}").text


def test_a_version_that_there_is_not_is_no_fault_of_ours(at_desk: AtDesk) -> None:
    for name in ("nothing", "..%2f..%2fetc", ".lock", "%00", "a" * 200):
        assert 400 <= at_desk.client.get(f"/model/versions/{name}").status_code < 500
        assert 400 <= at_desk.client.post("/model/use", data={"version": name}).status_code < 500


def test_the_curve_goes_from_fewer_labels_to_more_and_up_with_quality() -> None:
    found = curve([Learned("a", 100, 0.5, 0.4, 0.6), Learned("b", 900, 0.8)])

    assert found is not None
    first, second = found.points
    assert first.x < second.x
    assert first.y > second.y  # up is less in SVG
    assert first.high is not None and first.low is not None
    assert first.high < first.y < first.low
    assert second.low is None
    assert found.across[0].number <= 100 and found.across[-1].number >= 900
    assert found.up[0].number <= 40 and found.up[-1].number >= 80
    assert all(found.left <= point.x <= found.right and 0 <= point.y <= found.base for point in found.points)


@pytest.mark.parametrize("given", [[Learned("a", 0, 0.0)], [Learned("a", 5, 1.0, 1.0, 1.0)] * 3])
def test_a_curve_of_one_point_or_of_equal_ones_has_an_axis(given: list[Learned]) -> None:
    found = curve(given)

    assert found is not None
    assert len(found.up) > 1 and len(found.across) > 1
    assert curve([]) is None


def test_the_curve_is_drawn_of_the_versions_that_say_how_good_they_are(at_desk: AtDesk) -> None:
    for number in (1, 2):
        other(at_desk, quality=quality(0.5 + number / 10, 100 * number))

    page = at_desk.client.get("/model").text

    assert page.count("<circle") == 2
    assert 'role="img"' in page


# Use and roll back


def test_a_version_that_is_chosen_serves_and_the_daemon_takes_it_up(at_desk: AtDesk) -> None:
    before, version = served(at_desk), other(at_desk)
    serving = Serving(at_desk.settings.models, load_model(at_desk.settings.models))

    assert choose(at_desk, version) == 303

    serving.refresh()
    assert serving.model.version == version
    assert at_desk.desk.models.served().version == version
    last = model_history(at_desk.settings.models)[-1]
    assert (last.version, last.before, last.by) == (version, before, "operator")
    assert last.because == "chosen at the desk"
    assert deeds(at_desk) == [(Deed.USE, "operator", "")]


def test_back_is_the_one_that_served_before(at_desk: AtDesk) -> None:
    before, version = served(at_desk), other(at_desk)
    choose(at_desk, version)
    assert f"Roll back to {before}" in at_desk.client.get("/model").text

    assert choose(at_desk, before) == 303

    assert served(at_desk) == before
    assert model_history(at_desk.settings.models)[-1].because == "rolled back at the desk"


def test_a_refused_version_does_not_serve_without_a_reason(at_desk: AtDesk) -> None:
    before, version = served(at_desk), other(at_desk, REFUSED)

    for nothing in ("", "   "):
        found = at_desk.client.post(
            "/model/use", data={"version": version, "instead_of": before, "reason": nothing}
        )
        assert found.status_code == 422
        assert "say which" in found.text

    assert served(at_desk) == before
    assert deeds(at_desk) == []


def test_a_refused_version_serves_despite_a_reason_which_is_kept(at_desk: AtDesk) -> None:
    version = other(at_desk, REFUSED)

    assert choose(at_desk, version, reason=" the held-out \n articles are old ") == 303

    assert served(at_desk) == version
    assert model_history(at_desk.settings.models)[-1].despite == "the held-out articles are old"
    assert deeds(at_desk) == [(Deed.USE, "operator", "the held-out articles are old")]
    gate = gate_of(at_desk.settings.models, version)
    assert gate is not None and not gate.passed
    assert "despite the gate: the held-out articles are old" in at_desk.client.get("/model").text


def test_what_somebody_chose_against_another_version_does_not_serve_in_place_of_a_newer_one(
    at_desk: AtDesk,
) -> None:
    before, version, newer = served(at_desk), other(at_desk), other(at_desk, quality=quality(0.7))
    use(at_desk.settings.models, newer)

    assert choose(at_desk, version, instead_of=before) == 409

    assert served(at_desk) == newer


def test_a_version_that_cannot_be_trusted_does_not_serve(at_desk: AtDesk) -> None:
    before, version = served(at_desk), other(at_desk)
    (at_desk.settings.models / version / "weights.npy").write_bytes(b"changed")

    found = at_desk.client.post("/model/use", data={"version": version, "instead_of": before})

    assert found.status_code == 409
    assert "damaged" in found.text
    assert served(at_desk) == before


def test_a_reader_changes_no_model(at_desk: AtDesk, a_reader: Callable[[], None]) -> None:
    before, version = served(at_desk), other(at_desk)
    a_reader()

    for path in ("/model/use", "/model/retrain"):
        found = at_desk.client.post(path, data={"version": version, "instead_of": before})
        assert found.status_code == 403

    assert deeds(at_desk) == []
    assert served(at_desk) == before
    page = at_desk.client.get("/model").text
    assert "Retrain now" not in page
    assert "Have it serve" not in at_desk.client.get(f"/model/versions/{version}").text


# Two versions


def compared(at_desk: AtDesk, before: str, after: str, **more: str) -> str:
    """The page, when all is found."""
    comparisons = state_of(at_desk).comparisons
    assert isinstance(comparisons, Comparisons)
    asked = {"before": before, "after": after}
    first = at_desk.client.get("/model/diff", params={**asked, **more})
    assert first.status_code in (200, 303)
    for _ in range(2):
        at_desk.client.get("/model/diff", params=asked)
        comparisons.settle(20.0)
    return at_desk.client.get("/model/diff", params=asked).text


def test_two_versions_are_compared_on_labelled_articles_and_on_the_last_days(at_desk: AtDesk) -> None:
    at_desk.write("Oil and gas\nThe oil, the gas and the oil again.", {})
    before = served(at_desk)

    page = compared(at_desk, before, deaf(at_desk))

    assert "alerts of a topic 0 gained, 2 lost, 0 moved" in page
    assert "Oil and gas" in page
    assert "On 155 held-out articles" in page


def test_the_labels_say_which_of_two_is_right(at_desk: AtDesk) -> None:
    held_out = at_desk.home / "held-out"
    held_out.mkdir()
    lines = [
        {"id": "1", "text": "Oil and gas\nOil, gas and oil.", "main": ["energy"], "mention": []},
        {"id": "2", "text": "Gas and oil\nGas and oil, and gas.", "main": [], "mention": ["energy"]},
    ]
    (held_out / "own.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    models = at_desk.settings.models
    sides = [load_model(models, each) for each in (served(at_desk), deaf(at_desk))]

    found = comparing.on_labels(at_desk.desk, sides[0], sides[1], lambda *_: None)

    said = {differing.article.headline: shown[0].right for differing, shown in found.strongest}
    assert said["Oil and gas"] == "before"
    assert said["Gas and oil"] is None  # a mention speaks for neither


def test_while_one_comparison_is_at_work_another_waits_and_is_made_when_it_is_asked_for_next(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(comparing, "_compared", lambda *_: go_on.wait(20.0) and None)
    comparisons = Comparisons(at_desk.desk)

    comparisons.ask("a", "b")
    waiting = comparisons.ask("a", "c")
    assert not waiting.has_ended and waiting.what.startswith("waiting")
    go_on.set()
    comparisons.settle(20.0)

    assert not comparisons.ask("a", "c").what.startswith("waiting")


def test_versions_that_cannot_be_compared_say_why(at_desk: AtDesk) -> None:
    before, damaged = served(at_desk), other(at_desk)
    (at_desk.settings.models / damaged / "weights.npy").write_bytes(b"changed")

    assert "damaged" in compared(at_desk, before, damaged)
    (at_desk.settings.models / damaged / "weights.npy").unlink()
    assert "missing" in compared(at_desk, before, damaged, anew="yes")
    assert at_desk.client.get("/model/diff", params={"before": before, "after": "nothing"}).status_code == 404


# Retraining


@pytest.fixture
def school(at_desk: AtDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtDesk:
    """With few labels to learn from, so that a training takes a second or two."""
    shipped = schooling.write_shipped(tmp_path / "shipped")
    for name, value in planted.environment(tmp_path / "site", shipped=shipped).items():
        monkeypatch.setenv(name, value)
    return at_desk


def the_teaching(at_desk: AtDesk) -> Teaching:
    found = state_of(at_desk).teaching
    assert isinstance(found, Teaching)
    return found


def test_a_training_that_an_editor_asks_for_is_followed_to_its_end(school: AtDesk) -> None:
    before = served(school)
    schooling.teach(school.home)

    assert school.client.post("/model/retrain").status_code == 303
    during = school.client.get("/model/training", params={"was": "idle"})
    assert "every 2s" in during.text
    assert "<progress" in during.text
    assert the_teaching(school).settle(60.0)
    after = school.client.get("/model/training", params={"was": "running"})

    assert served(school) != before
    assert after.headers["HX-Refresh"] == "true"
    page = school.client.get("/model").text
    assert "A new model serves" in page
    assert "What the gate found" in page
    assert deeds(school) == [(Deed.RETRAIN, "operator", "")]


def test_a_training_ends_with_the_process_and_the_ledger_says_so(school: AtDesk) -> None:
    before = served(school)
    schooling.teach(school.home)
    school.client.post("/model/retrain")
    until = time.monotonic() + 30.0
    while not retraining._children and time.monotonic() < until:
        time.sleep(0.01)

    teaching.stop(20.0)

    assert not the_teaching(school).is_at_work
    [row] = schooling.rows(school.home)
    assert row["state"] == "failed"
    assert "topicwired stopped" in str(row["result"])
    assert served(school) == before


def test_while_another_training_is_in_hand_there_is_no_second(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of the timetable is, in the daemon: another process that lives."""
    with at_desk.database.transaction() as connection:
        row = trainings.begin(connection, asked_by="timetable", served=None, now=clock.now())
        trainings.step(connection, row, "learning", 3, 8)
    monkeypatch.setattr("daemon.claims.is_ours", lambda claimant: False)

    found = at_desk.client.post("/model/retrain")

    assert found.status_code == 409
    assert "in hand" in found.text
    assert deeds(at_desk) == []
    page = at_desk.client.get("/model").text
    assert "asked for by the timetable" in page
    assert 'max="8" value="3"' in page


def test_two_clicks_are_one_training(at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    go_on = threading.Event()

    def retrain(*_: object, **__: object) -> Outcome:
        begun.append(1)
        go_on.wait(20.0)
        return Outcome(TrainingState.UNCHANGED, "")

    monkeypatch.setattr(retraining, "retrain", retrain)
    first = at_desk.client.post("/model/retrain").status_code
    second = at_desk.client.post("/model/retrain").status_code
    go_on.set()

    assert the_teaching(at_desk).settle(20.0)
    assert (first, second, len(begun)) == (303, 409, 1)


def test_a_training_that_was_cut_off_is_told_as_that(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        trainings.begin(connection, asked_by="timetable", served=None, now=clock.now())
        connection.execute(text("UPDATE trainings SET claimant = '999999999 1 0123456789abcdef'"))

    page = at_desk.client.get("/model").text

    assert "The training failed" in page
    assert "cut off" in page
    assert "every 20s" in page
