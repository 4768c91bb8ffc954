"""Every run of a job by its period, so that a period is run once whatever the clock does."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)
PERIOD = sa.String(16)


def upgrade() -> None:
    # Empty until the daemon's next start, which knows the zone that the job's due_at was meant in.
    op.add_column("jobs", sa.Column("planned_period", PERIOD))
    op.create_table(
        "runs",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("period", PERIOD, primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("claimant", sa.String(80), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("result", sa.Text),
    )
    op.create_index("runs_by_state", "runs", ["name", "state"])


def downgrade() -> None:
    op.drop_index("runs_by_state", "runs")
    op.drop_table("runs")
    op.drop_column("jobs", "planned_period")
