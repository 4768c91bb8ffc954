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
        sa.Column("first_article", sa.Integer, nullable=False),
        # What it is known by is still there, so that it can be found.
        sa.Column("open", sa.Boolean, nullable=False, server_default=sa.true()),
    )
    still_open = sa.text("open")
    op.create_index(
        "stories_open", "stories", ["last_at"], sqlite_where=still_open, postgresql_where=still_open
    )
    op.create_table(
        "sketches",
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), primary_key=True),
        sa.Column("story_id", sa.Integer, sa.ForeignKey("stories.id"), nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("near_copy", sa.Boolean, nullable=False),
        sa.Column("news", sa.Text, nullable=False),
        # What it is known by, of those that new articles are compared with: the first and the last few.
        sa.Column("sketch", sa.Text),
    )
    op.create_index("sketches_by_story", "sketches", ["story_id"])
    compared = sa.text("sketch IS NOT NULL")
    op.create_index(
        "sketches_compared", "sketches", ["story_id"], sqlite_where=compared, postgresql_where=compared
    )
    op.create_table(
        "marks",
        sa.Column("mark", sa.String(20), primary_key=True),
        sa.Column("story_id", sa.Integer, sa.ForeignKey("stories.id"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("marks_by_story", "marks", ["story_id"])


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
