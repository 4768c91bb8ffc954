"""Holds: receivers that somebody has stopped; and what people did by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("receiver", sa.String(80), primary_key=True),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
    )
    op.create_table(
        "interventions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        # A receiver, a file, a version: whatever it was done to; and to how many of what stands there.
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
