"""Create oma_poller_jobs: how each job is seen, since when and why."""

import sqlalchemy as sa
from alembic import op

from oma_poller.database.migrations.columns import job_id_type, moment_type, now, table_options

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "oma_poller_jobs",
        sa.Column("job_id", job_id_type(), primary_key=True),
        sa.Column("observation", sa.String(32), nullable=False),
        sa.Column("observed_since", moment_type(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False, server_default=""),
        sa.Column("consecutive_errors", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("updated_at", moment_type(), nullable=False, server_default=now()),
        if_not_exists=True,
        **table_options(),
    )
