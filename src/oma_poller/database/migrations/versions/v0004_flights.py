"""Create oma_poller_flights: the last recorded polls of each job."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from oma_poller.database.migrations.columns import job_id_type, moment_type, table_options

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table. A job has at most as many rows as there are slots."""
    op.create_table(
        "oma_poller_flights",
        sa.Column("job_id", job_id_type(), primary_key=True),
        sa.Column("slot", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", moment_type(), nullable=False),
        sa.Column("flight", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
        if_not_exists=True,
        **table_options(),
    )
