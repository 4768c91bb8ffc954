"""Trainings in the ledger: one at a time, and a row that says what happened whoever died."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from daemon import claims, status, trainings
from daemon.database import Database
from daemon.errors import DaemonError
from daemon.trainings import Outcome, TrainingState
from tests.builders import MINUTE, NOON, make_settings

DEAD = "999999999 1 0123456789abcdef"


def begin(connection: Connection, *, served: str | None = "v1", ours: frozenset[int] = frozenset()) -> int:
    trainings.cut_off(connection, served=served, now=NOON, ours=ours)
    return trainings.begin(connection, asked_by="operator", served=served, now=NOON, ours=ours)


def dies(connection: Connection) -> None:
    """The process that is at it ends without a word."""
    connection.execute(text("UPDATE trainings SET claimant = :dead"), {"dead": DEAD})


def last(connection: Connection) -> tuple[str, str | None]:
    found = trainings.last(connection)
    assert found is not None
    return found.state.value, found.result


def test_a_second_training_is_told_who_is_at_the_first(connection: Connection) -> None:
    first = begin(connection)
    trainings.step(connection, first, "learning", 2, 7)

    with pytest.raises(DaemonError) as caught:
        begin(connection, ours=frozenset({first}))

    process = claims.process_of(claims.claimant())
    assert str(caught.value) == (
        f"a training is in hand since 2026-03-05T12:00:00.000000Z, asked for by the operator"
        f" (process {process}: learning, 2 of 7); try again when it has ended"
    )


def test_a_training_whose_process_is_no_more_was_cut_off_and_the_next_begins(connection: Connection) -> None:
    first = begin(connection)
    trainings.step(connection, first, "learning", 2, 7)
    dies(connection)

    second = begin(connection)

    assert second != first
    found = connection.execute(text("SELECT state, result FROM trainings WHERE id = :id"), {"id": first})
    assert found.one() == ("failed", "cut off, at: learning, 2 of 7")


def test_a_training_whose_end_the_ledger_would_not_take_does_not_stand_in_the_way(
    connection: Connection,
) -> None:
    begin(connection)

    assert begin(connection, ours=frozenset()) == 2


def test_one_that_was_cut_off_after_its_model_came_to_serve_is_told_as_served(connection: Connection) -> None:
    training = begin(connection, served="v1")
    assert trainings.announce(connection, training, "v2")
    dies(connection)

    trainings.cut_off(connection, served="v2", now=NOON)

    assert last(connection) == ("served", "serving v2; it ended before it could report (cut off)")


def test_one_that_was_cut_off_before_its_model_came_to_serve_is_told_as_cut_off(
    connection: Connection,
) -> None:
    training = begin(connection, served="v1")
    assert trainings.announce(connection, training, "v2")
    dies(connection)

    trainings.cut_off(connection, served="v1", now=NOON)

    assert last(connection) == ("failed", "cut off, at: starting")


def test_a_training_that_was_written_as_ended_may_not_serve_any_more(connection: Connection) -> None:
    training = begin(connection)
    dies(connection)
    trainings.cut_off(connection, served="v1", now=NOON)

    assert not trainings.announce(connection, training, "v2")


def test_an_end_is_written_once(connection: Connection) -> None:
    training = begin(connection)
    served = Outcome(TrainingState.SERVED, "serving v2", "v2", "v1", {"verdicts": 3}, ("a line",))

    assert trainings.end(connection, training, served, now=NOON + MINUTE)
    assert not trainings.end(connection, training, Outcome(TrainingState.FAILED, "no"), now=NOON)

    assert last(connection) == ("served", "serving v2")
    assert trainings.report(connection, training) == {"verdicts": 3, "lines": ["a line"]}


def test_an_outcome_is_the_same_after_it_was_said_in_json() -> None:
    outcome = Outcome(TrainingState.REFUSED, "no", "v2", None, {"gate": {"passed": False}}, ("мақала",))

    assert Outcome.from_json(outcome.as_json()) == outcome


@pytest.mark.parametrize("change", [{"state": "splendid"}, {"lines": "one"}, {"report": [1]}])
def test_what_is_no_outcome_is_not_taken_for_one(change: dict[str, object]) -> None:
    given = Outcome(TrainingState.SERVED, "yes").as_json()

    with pytest.raises((KeyError, TypeError, ValueError)):
        Outcome.from_json(given | change)
    with pytest.raises(KeyError):
        Outcome.from_json({})


def test_status_shows_how_far_a_training_is_and_what_came_of_the_last(
    tmp_path: Path, database: Database
) -> None:
    settings = make_settings(tmp_path / "home")

    def line() -> list[str]:
        return [
            each for each in status.lines(status.gather(settings, database)) if each.startswith("training")
        ]

    assert line() == []
    with database.transaction() as connection:
        training = begin(connection)
        trainings.step(connection, training, "learning", 2, 7)
    [running] = line()
    with database.transaction() as connection:
        dies(connection)
    [cut_off] = line()
    with database.transaction() as connection:
        trainings.end(connection, training, Outcome(TrainingState.REFUSED, "v2 was refused"), now=NOON)
    [ended] = line()

    since = "2026-03-05T12:00:00.000000Z"
    assert running == f"training   running since {since}, asked for by the operator: learning, 2 of 7"
    assert cut_off == f"training   failed {since}: cut off, at: learning, 2 of 7"
    assert ended == f"training   refused {since}: v2 was refused"
    assert status.gather(settings, database)["training"]["states"] == {"refused": 1}
