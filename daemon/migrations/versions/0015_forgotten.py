"""Forgetting: articles whose text is no longer kept, and files that are to leave done/ for good."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    # Since when its text, the passages of its tags and of its alerts are no longer kept.
    kind = sa.Text(collation="C") if op.get_bind().dialect.name == "postgresql" else MOMENT
    op.add_column("articles", sa.Column("forgotten_at", kind))
    forgotten = sa.text("forgotten_at IS NOT NULL")
    op.create_index(
        "articles_forgotten", "articles", ["id"], sqlite_where=forgotten, postgresql_where=forgotten
    )
    # The few that still stand in done/.
    leaving = sa.text("state = 'forgotten' AND target IS NOT NULL")
    columns = ["daemon", "id"]
    op.create_index("files_leaving", "files", columns, sqlite_where=leaving, postgresql_where=leaving)


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
