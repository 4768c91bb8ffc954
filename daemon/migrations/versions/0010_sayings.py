"""Sayings: all that people ever said of tags, one under the other; verdicts are the last of them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "sayings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), nullable=False),
        sa.Column("topic", sa.String(80), nullable=False),
        sa.Column("said", sa.String(10), nullable=False),  # right | wrong | withdrawn
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("settles", sa.Boolean, nullable=False, server_default="0"),
        # The saying that this one takes back; what it says is what holds again.
        sa.Column("undoes", sa.Integer, sa.ForeignKey("sayings.id")),
    )
    op.create_index("sayings_by_article", "sayings", ["article_id", "topic", "person"])
    op.execute(
        """
        INSERT INTO sayings (article_id, topic, said, person, said_at, settles)
        SELECT article_id, topic, verdict, person, said_at, settles
        FROM verdicts
        ORDER BY said_at, id
        """
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
