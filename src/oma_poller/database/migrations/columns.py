"""Column types that both engines must spell differently, for the versions of our own tables."""

from typing import Any

from alembic import op
from sqlalchemy import TextClause, text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import String, Text, TypeEngine

JOB_ID_LENGTH = 191
"""Characters of a job's id; in utf8mb4 the longest that every index format of MariaDB can hold."""

_ID_COLLATION = text(
    "SELECT character_set_name, collation_name FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = 'replication_jobs' AND column_name = 'id'"
)


def job_id_type() -> TypeEngine[str]:
    """Return the type of a column that holds `replication_jobs.id`.

    On MariaDB it has that column's collation: between two collations a join fails, or scans the table.
    """
    if not _is_mysql():
        return String(JOB_ID_LENGTH)
    found = op.get_bind().execute(_ID_COLLATION).one_or_none()
    charset, collation = found if found is not None and found[1] else ("utf8mb4", None)
    return mysql.VARCHAR(JOB_ID_LENGTH, charset=charset, collation=collation)


def moment_type() -> TypeEngine[Any]:
    """Return the type of a moment in UTC with microseconds: a DATETIME(6), on SQLite ISO text."""
    return mysql.DATETIME(fsp=6) if _is_mysql() else Text()


def now() -> TextClause:
    """Return the default of a column that says when its row was written, by the database's clock."""
    return text("(UTC_TIMESTAMP(6))" if _is_mysql() else "(strftime('%Y-%m-%d %H:%M:%f', 'now'))")


def table_options() -> dict[str, str]:
    """Return the keywords of `op.create_table` that hold for each of our tables."""
    return {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def _is_mysql() -> bool:
    return op.get_bind().dialect.name in {"mysql", "mariadb"}
