"""Decisions: what people decided at the queue, so that each can be taken back and counted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),  # unsure | missed | disputed
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), nullable=False),
        # The topic that was asked of; none where the question was what it is about.
        sa.Column("topic", sa.String(80)),
        # JSON: of which topics it said what, and when; and what the person had said of them before.
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT),
    )
    op.create_index("decisions_by_person", "decisions", ["person", "undone_at", "id"])
    op.create_index("decisions_by_moment", "decisions", ["decided_at"])
    # What was said since the last training, and the newest disputes.
    op.create_index("verdicts_by_moment", "verdicts", ["said_at"])


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
