"""Create oma_poller_history: how far each job was, over time."""

import sqlalchemy as sa
from alembic import op

from oma_poller.database.migrations.columns import job_id_type, moment_type, table_options

revision = "0003"
down_revision = "0002"

_TABLE, _INDEX = "oma_poller_history", "oma_poller_history_age"


def upgrade() -> None:
    """Make the table, and the index by which it is thinned."""
    op.create_table(
        _TABLE,
        sa.Column("job_id", job_id_type(), primary_key=True),
        sa.Column("at", moment_type(), primary_key=True),
        sa.Column("grain_s", sa.Integer(), nullable=False),
        sa.Column("observation", sa.String(32), nullable=False),
        sa.Column("percent_bp", sa.Integer(), nullable=True),
        sa.Column("bytes_transferred", sa.BigInteger(), nullable=True),
        sa.Column("total_bytes", sa.BigInteger(), nullable=True),
        sa.Column("speed_bps", sa.BigInteger(), nullable=True),
        if_not_exists=True,
        **table_options(),
    )
    there = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(_TABLE)}
    if _INDEX not in there:
        op.create_index(_INDEX, _TABLE, ["grain_s", "at"])
