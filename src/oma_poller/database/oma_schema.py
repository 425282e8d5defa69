"""Makes the OMA's own tables, for the embedded default, trials and tests. Production has its own."""

from contextlib import closing, suppress

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import Connection, Cursor, connect
from oma_poller.database.driver_errors import translating
from oma_poller.database.oma_tables import TABLE_NAMES, table_ddl
from oma_poller.database.schema_lock import take_schema_lock
from oma_poller.errors import DatabaseError, DatabaseUnavailableError

OWN_PREFIX = "oma_poller_"
"""Tables whose names begin so are ours, made by `db upgrade`; they do not count as the database's content."""

_PRESENT = {
    Engine.SQLITE: (
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
    ),
    Engine.MYSQL: "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
}


def init(address: DatabaseAddress) -> tuple[str, ...]:
    """Make the tables in an empty database and return their names; an SQLite file that is absent is made.

    Raises DatabaseError where the database holds any table that is not ours, and then nothing was changed.
    """
    if address.engine is Engine.SQLITE:
        _require_folder(address)
    with translating(address), closing(connect(address, autocommit=True, create=True)) as connection:
        _prefer_wal(connection, address)
        take_schema_lock(connection, address)
        with closing(connection.cursor()) as cursor:
            _require_empty(cursor, address)
            _create(cursor, address)
        connection.commit()
    return TABLE_NAMES


def _require_folder(address: DatabaseAddress) -> None:
    try:
        found = address.path.absolute().parent.is_dir()
    except OSError as error:
        raise DatabaseUnavailableError(f"{address.redacted}: {error.strerror}") from error
    if not found:
        raise DatabaseError(f"{address.redacted}: its folder does not exist; make it first")


def _prefer_wal(connection: Connection, address: DatabaseAddress) -> None:
    """Let readers and the writer of the file we make not wait for each other.

    Only while the file holds nothing at all: the mode of somebody else's database is theirs.
    """
    if address.engine is Engine.SQLITE and address.path.stat().st_size == 0:
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")


def _require_empty(cursor: Cursor, address: DatabaseAddress) -> None:
    cursor.execute(_PRESENT[address.engine])
    present = sorted(str(row[0]) for row in cursor.fetchall() if not str(row[0]).startswith(OWN_PREFIX))
    if present:
        more = f" and {len(present) - 1} more" if len(present) > 1 else ""
        raise DatabaseError(
            f"{address.redacted} is not empty, it has the table {present[0]}{more}: "
            "`oma-poller db init` makes tables in an empty database only"
        )


def _create(cursor: Cursor, address: DatabaseAddress) -> None:
    """Make all tables or none: on SQLite by the transaction, on MariaDB those made are dropped again."""
    made = []
    try:
        for table in TABLE_NAMES:
            create, *indexes = table_ddl(table, address.engine)
            cursor.execute(create)
            made.append(table)
            for index in indexes:
                cursor.execute(index)
    except Exception:
        if address.engine is Engine.MYSQL:
            for table in reversed(made):
                with suppress(Exception):  # the first error is the one to be told
                    cursor.execute(f"DROP TABLE {table}")
        raise
