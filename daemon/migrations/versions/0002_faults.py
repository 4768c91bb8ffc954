"""What it takes to come through faults: names as they were, stamps, deaths, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.String(27)


def upgrade() -> None:
    # The name as the file system has it; `name` is its printable form.
    op.add_column("files", sa.Column("raw_name", sa.LargeBinary))
    # The file as it was read, to tell later whether somebody went on writing to it.
    op.add_column("files", sa.Column("inode", sa.BigInteger))
    op.add_column("files", sa.Column("modified", sa.BigInteger))
    op.add_column("files", sa.Column("version_of", sa.Integer))
    # How often the same bytes came again where further files are only counted.
    op.add_column("files", sa.Column("repeats", sa.Integer, nullable=False, server_default="0"))
    op.add_column("files", sa.Column("mend", sa.Text))
    op.create_index("files_by_arrival", "files", ["arrived_at"])
    op.add_column("deliveries", sa.Column("lease_until", MOMENT))
    op.add_column("deliveries", sa.Column("generation", sa.Integer, nullable=False, server_default="0"))
    op.create_index("deliveries_by_state", "deliveries", ["state"])
    op.create_table(
        "deaths",
        sa.Column("raw_name", sa.LargeBinary, primary_key=True),
        sa.Column("stamp", sa.String(120), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("deaths")
    op.drop_index("deliveries_by_state", "deliveries")
    op.drop_column("deliveries", "generation")
    op.drop_column("deliveries", "lease_until")
    op.drop_index("files_by_arrival", "files")
    for column in ("mend", "repeats", "version_of", "modified", "inode", "raw_name"):
        op.drop_column("files", column)
