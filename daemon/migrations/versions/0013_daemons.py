"""Several daemons with one ledger: who is there, what each has claimed, and whose home a file is in."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CLAIMANT = sa.String(120)
# By the server's clock, and compared by it alone.
SERVER_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    # "" where the ledger has one daemon only.
    op.add_column("files", sa.Column("daemon", sa.String(80), nullable=False, server_default=""))
    later = sa.text("version_of IS NOT NULL")
    op.create_index("files_later", "files", ["version_of"], sqlite_where=later, postgresql_where=later)
    op.create_table(
        "daemons",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("claimant", CLAIMANT, nullable=False, unique=True),
        sa.Column("machine", sa.String(255), nullable=False),
        sa.Column("home", sa.Text, nullable=False),
        sa.Column("inbox", sa.Text, nullable=False),
        sa.Column("program", sa.String(40), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("since", SERVER_TIME, nullable=False),
        sa.Column("seen_at", SERVER_TIME, nullable=False),
        sa.Column("lease_until", SERVER_TIME, nullable=False),
    )
    # What one daemon at a time does: the timetable, and sending to each receiver.
    op.create_table(
        "leases",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("claimant", CLAIMANT, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("since", SERVER_TIME, nullable=False),
    )
    # Files of an inbox that somebody is at, by the sha256 of their name.
    op.create_table(
        "arriving",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("claimant", CLAIMANT, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("since", SERVER_TIME, nullable=False),
    )
    op.create_index("arriving_by_claimant", "arriving", ["claimant"])


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
