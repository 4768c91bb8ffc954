"""Stories: which articles tell the same event, and by what they are known."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "stories",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
    )
    op.create_table(
        "sketches",
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), primary_key=True),
        sa.Column("story_id", sa.Integer, sa.ForeignKey("stories.id"), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("near_copy", sa.Boolean, nullable=False),
        sa.Column("sketch", sa.Text, nullable=False),
    )
    op.create_index("sketches_by_story", "sketches", ["story_id"])
    op.create_table(
        "marks",
        sa.Column("mark", sa.String(80), primary_key=True),
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), primary_key=True),
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
