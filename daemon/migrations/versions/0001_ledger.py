"""The first ledger: files, articles, tags, alerts, deliveries, verdicts, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Moments are UTC in ISO 8601 with microseconds, which sort as text.
MOMENT = sa.String(27)
FINGERPRINT = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("fingerprint", FINGERPRINT, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("duplicate_of", sa.Integer, sa.ForeignKey("files.id")),
        sa.Column("reason", sa.Text),
        sa.Column("arrived_at", MOMENT, nullable=False),
    )
    op.create_index("files_by_fingerprint", "files", ["fingerprint"])
    op.create_index("files_by_state", "files", ["state"])
    op.create_table(
        "articles",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("file_id", sa.Integer, sa.ForeignKey("files.id"), nullable=False),
        sa.Column("fingerprint", FINGERPRINT, nullable=False, unique=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.String(8)),
        sa.Column("date", sa.String(32)),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("tagged_at", MOMENT, nullable=False),
    )
    op.create_table(
        "tags",
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), primary_key=True),
        sa.Column("topic", sa.String(80), primary_key=True),
        sa.Column("grade", sa.String(10), nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), nullable=False),
        sa.Column("receiver", sa.String(80), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("alert_id", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False, unique=True),
        sa.Column("receiver", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("first_sent_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("channel", sa.String(80)),
        sa.Column("message", sa.String(80)),
        sa.Column("error", sa.Text),
    )
    op.create_index("deliveries_owed", "deliveries", ["receiver", "state", "id"])
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), nullable=False),
        sa.Column("topic", sa.String(80), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.UniqueConstraint("article_id", "topic", "person"),
    )
    op.create_table(
        "jobs",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("schedule", sa.String(80), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("result", sa.Text),
    )


def downgrade() -> None:
    for table in ("jobs", "verdicts", "deliveries", "alerts", "tags", "articles", "files"):
        op.drop_table(table)
