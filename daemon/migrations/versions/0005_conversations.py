"""Deliveries become messages: threads, several alerts in one, digests, and messages shown anew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)
OWED = sa.text("state IN ('pending', 'sending', 'unknown', 'parked')")
KEPT = (
    "id, alert_id, receiver, state, attempts, looks, due_at, first_sent_at, sent_at, channel, message,"
    " error, lease_until, generation"
)


def upgrade() -> None:
    for index in ("deliveries_owed", "deliveries_by_state", "deliveries_oldest"):
        op.drop_index(index, "deliveries")
    op.rename_table("deliveries", "deliveries_before")
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        # None for a digest, which is about many articles.
        sa.Column("alert_id", sa.Integer, sa.ForeignKey("alerts.id"), unique=True),
        sa.Column("receiver", sa.String(80), nullable=False),
        sa.Column("key", sa.String(40), nullable=False, unique=True),
        sa.Column("form", sa.String(10), nullable=False, server_default="alert"),
        # The delivery in whose thread it belongs; and the one that carries it, where several go as one.
        sa.Column("root_id", sa.Integer),
        sa.Column("into_id", sa.Integer),
        sa.Column("broadcast", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("body", sa.Text),
        sa.Column("picture", sa.String(80)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("first_sent_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("channel", sa.String(80)),
        sa.Column("message", sa.String(80)),
        sa.Column("error", sa.Text),
        sa.Column("lease_until", MOMENT),
        sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
        # How often what a message shows has changed since it was written, and what it shows now.
        sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
        sa.Column("shown", sa.Integer, nullable=False, server_default="0"),
        sa.Column("refresh_tries", sa.Integer, nullable=False, server_default="0"),
    )
    op.execute(
        f"INSERT INTO deliveries ({KEPT}, key)"  # noqa: S608  our own words alone
        f" SELECT {KEPT}, (SELECT key FROM alerts WHERE alerts.id = alert_id) FROM deliveries_before"
    )
    op.drop_table("deliveries_before")
    op.create_index("deliveries_owed", "deliveries", ["receiver", "state", "id"])
    op.create_index("deliveries_by_state", "deliveries", ["state"])
    op.create_index(
        "deliveries_oldest", "deliveries", ["receiver", "id"], sqlite_where=OWED, postgresql_where=OWED
    )
    stale = sa.text("revision > shown")
    by_tries = ["receiver", "refresh_tries", "id"]
    op.create_index("deliveries_stale", "deliveries", by_tries, sqlite_where=stale, postgresql_where=stale)
    groups = sa.text("form IN ('burst', 'quiet')")
    op.create_index(
        "deliveries_groups", "deliveries", ["receiver", "id"], sqlite_where=groups, postgresql_where=groups
    )
    op.create_index("deliveries_by_root", "deliveries", ["root_id"])
    op.create_index("deliveries_by_carrier", "deliveries", ["into_id"])
    op.add_column("alerts", sa.Column("story_id", sa.Integer))
    op.create_index("alerts_by_story", "alerts", ["story_id", "receiver"])
    # The name of a job may hold the name of a receiver.
    for table in ("jobs", "runs"):
        with op.batch_alter_table(table) as batch:
            batch.alter_column("name", type_=sa.String(120), existing_nullable=False)


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
