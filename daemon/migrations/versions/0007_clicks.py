"""Clicks: what people pressed in Slack, each once; and topics that a desk muted or follows for a time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "clicks",
        sa.Column("id", sa.Integer, primary_key=True),
        # Team, channel, message, person, action and its moment: an envelope that comes again has the same.
        sa.Column("key", sa.String(500), nullable=False, unique=True),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("verb", sa.String(10), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        # None where we do not know the alert.
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id")),
        sa.Column("clicked_at", MOMENT, nullable=False),  # by Slack's clock
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
    )
    op.create_index("clicks_by_article", "clicks", ["article_id", "person"])
    op.create_table(
        "wishes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("receiver", sa.String(80), nullable=False),
        sa.Column("topic", sa.String(80), nullable=False),
        sa.Column("wish", sa.String(10), nullable=False),  # mute | follow
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("wished_at", MOMENT, nullable=False),
        sa.UniqueConstraint("receiver", "topic"),
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
