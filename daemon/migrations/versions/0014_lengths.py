"""Lengths: what SQLite never minded and PostgreSQL does is the same on both.

Texts have no length and sort by their bytes, whatever the locale of the server; whole numbers have 64 bits;
JSON, which we write and read ourselves, is a text.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BY_BYTES = sa.Text(collation="C")


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    found = sa.inspect(connection)
    for table in found.get_table_names():
        if table == "alembic_version":
            continue
        for column in found.get_columns(table):
            name, kind = column["name"], column["type"]
            if isinstance(kind, sa.String | sa.JSON):
                op.alter_column(table, name, type_=BY_BYTES, postgresql_using=f'"{name}"::text')
            elif isinstance(kind, sa.Integer):
                op.alter_column(table, name, type_=sa.BigInteger)
    for sequence in found.get_sequence_names():
        op.execute(f'ALTER SEQUENCE "{sequence}" AS bigint')


def downgrade() -> None:
    raise NotImplementedError("a ledger does not go back; restore the backup from before")
