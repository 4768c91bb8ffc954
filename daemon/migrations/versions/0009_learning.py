"""Learning: trainings, questions put to desks, verdicts that settle a dispute, and tags that changed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    # Whoever settles a dispute outweighs what was said before. (A default that is an expression would
    # have the table written anew, with its constraints in any order.)
    op.add_column("verdicts", sa.Column("settles", sa.Boolean, nullable=False, server_default="0"))
    with op.batch_alter_table("articles") as articles:
        # The likeliest of the topics that it was not said to be about, and its probability.
        articles.add_column(sa.Column("nearest", sa.String(80)))
        articles.add_column(sa.Column("nearness", sa.Float))
    op.create_index("articles_by_moment", "articles", ["tagged_at"])
    op.create_table(
        "trainings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("asked_by", sa.String(20), nullable=False),
        # pid, its start and a token: whether it lives is asked of the kernel
        sa.Column("claimant", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("version", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("report", sa.Text),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
    )
    op.create_table(
        "draws",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("drawn_at", MOMENT, nullable=False),
        # Articles with an id above the first, up to the last, were drawn from: so many without an alert.
        sa.Column("above", sa.Integer, nullable=False),
        sa.Column("up_to", sa.Integer, nullable=False),
        sa.Column("articles", sa.Integer, nullable=False),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(40), nullable=False, unique=True),
        sa.Column("draw_id", sa.Integer, sa.ForeignKey("draws.id"), nullable=False),
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), nullable=False, unique=True),
        # With which probability the article was drawn.
        sa.Column("probability", sa.Float, nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("question_id", sa.Integer, sa.ForeignKey("questions.id"), nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        # JSON: the topics that it is about; those that were asked of and are not among them it is not about.
        sa.Column("topics", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.UniqueConstraint("question_id", "person"),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("article_id", sa.Integer, sa.ForeignKey("articles.id"), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("model_before", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        # JSON: topic ▶ grade and probability, before and after.
        sa.Column("tags_before", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_index("changes_by_article", "changes", ["article_id"])


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
