"""Add to oma_poller_jobs what is remembered of each job, and when a person accepted its entries."""

import sqlalchemy as sa
from alembic import op

from oma_poller.database.migrations.columns import moment_type

revision = "0002"
down_revision = "0001"

_TABLE = "oma_poller_jobs"


def upgrade() -> None:
    """Add the columns that are not there yet: this version may have been cut off half-way."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_TABLE)}
    for column in (
        sa.Column("memory", sa.Text(), nullable=True),
        sa.Column("accepted_at", moment_type(), nullable=True),
    ):
        if column.name not in there:
            op.add_column(_TABLE, column)
