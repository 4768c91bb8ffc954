"""Migrations: what an older topicwire wrote, the newer one reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from daemon import database as database_module
from daemon import deliveries, outbox
from daemon.clock import to_text
from daemon.database import open_database
from daemon.records import DeliveryState, alert_to_json
from tests.builders import MINUTE, NOON, make_alert

pytestmark = pytest.mark.sqlite("what older versions wrote, which knew no other")

STATES = ("sent", "unknown", "parked", "pending", "dead")


def written_by(path: Path, revision: str, states: Sequence[str] = STATES) -> None:
    """A ledger of this revision, with an alert in each of these states.

    They were written as the fourth had it, and came through every migration up to this one.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, min(revision, "0004"))
        now = to_text(NOON)
        for number, state in enumerate(states, 1):
            alert = make_alert(number=number)
            row = {"n": number, "now": now, "key": alert.key, "state": state, "payload": alert_to_json(alert)}
            for statement in (
                "INSERT INTO files (id, fingerprint, name, size, state, target, arrived_at)"
                " VALUES (:n, :key, 'a', 1, 'done', 'done/2026/03/05/a', :now)",
                "INSERT INTO articles (file_id, fingerprint, position, text, model, tagged_at)"
                " VALUES (:n, :key, :n, 'text', 'm', :now)",
                "INSERT INTO alerts (key, article_id, receiver, payload, created_at)"
                " VALUES (:key, :n, 'desk', :payload, :now)",
                "INSERT INTO deliveries (alert_id, receiver, state, attempts, looks, due_at, message)"
                " VALUES (:n, 'desk', :state, 1, 0, :now, 'ts')",
            ):
                connection.execute(text(statement), row)
        command.upgrade(config, revision)
    engine.dispose()


def test_alerts_written_before_messages_had_forms_are_seen_through_as_before(tmp_path: Path) -> None:
    written_by(tmp_path / "ledger.db", "0004")

    database = open_database(f"sqlite:///{tmp_path}/ledger.db")

    with database.transaction() as connection:
        found = [deliveries.one(connection, number) for number in range(1, len(STATES) + 1)]
        assert [(each.key, each.state.value) for each in found if each] == [
            (make_alert(number=number).key, state) for number, state in enumerate(STATES, 1)
        ]
        oldest = deliveries.oldest(connection, "desk")
        assert oldest is not None and oldest[0].state is DeliveryState.UNKNOWN
        assert oldest[0].alert == make_alert(number=2)
        assert outbox.start_sending(connection, oldest[0], now=NOON, lease=MINUTE) is not None
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id FROM deliveries WHERE receiver = 'desk' AND"
                " state IN ('pending', 'sending', 'unknown', 'parked') ORDER BY id LIMIT 1"
            )
        ).all()
        assert "deliveries_oldest" in str(plan)
    database.close()
