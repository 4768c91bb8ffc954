"""Reading: what an article says of itself, and what was guessed or left out as a file was read."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("files") as files:
        files.add_column(sa.Column("left_out", sa.Text))  # a line a part that is no article
    with op.batch_alter_table("articles") as articles:
        for name in ("source", "author", "url", "caveats"):
            articles.add_column(sa.Column(name, sa.Text))  # caveats: a line each
