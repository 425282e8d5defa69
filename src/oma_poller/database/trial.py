"""Tries whether this program may write where it will: the statements of a flush on no row, undone (D1)."""

from collections.abc import Iterator
from contextlib import closing, suppress

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.capabilities import OWN_TABLES, Capabilities, read_capabilities
from oma_poller.database.connect import Connection, connect
from oma_poller.database.dialect import dialect_of
from oma_poller.database.driver_errors import translating
from oma_poller.database.fitting import Row
from oma_poller.database.statements import StatementText
from oma_poller.errors import DatabaseError, DatabaseLockedError

_STATUSES = ("running",)


def unwritable(address: DatabaseAddress, *, write_status: bool) -> dict[str, str]:
    """Return the tables that may not be written, each with the database's reason; the table stays as it is.

    A table that is locked just now tells nothing, and is left out. Raises DatabaseError where the database
    cannot be worked with at all.
    """
    with closing(connect(address)) as connection:
        has = read_capabilities(connection, address)
        refused: dict[str, str] = {}
        for table, sql, rows in _trials(has, write_status=write_status):
            reason = _reason(connection, address, sql, rows)
            if reason is not None:
                refused.setdefault(table, reason)
    return refused


def _trials(has: Capabilities, *, write_status: bool) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield (table, statement, rows that it is given); none of them finds a row of the table."""
    statements = StatementText(has, _STATUSES, write_status=write_status).all()
    written = {
        has.jobs.name: (statements.jobs, statements.heartbeats),
        has.disks.name: (statements.disks,),
        has.own_jobs.name: (statements.own,),
        has.own_history.name: (statements.history,),
    }
    for table, trials in written.items():
        for statement in trials:
            if statement is not None:
                yield table, statement.sql, [(None,) * statement.width]
    for name in OWN_TABLES:
        if has.tables[name]:
            columns = ", ".join(has.tables[name].columns)
            yield name, f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE 1 = 0", []  # noqa: S608  # names from the catalog
            yield name, f"DELETE FROM {name} WHERE 1 = 0", []  # noqa: S608  # as above


def _reason(connection: Connection, address: DatabaseAddress, sql: str, rows: list[Row]) -> str | None:
    """Run a statement and undo it; return why the database refuses it, None where it does not."""
    dialect = dialect_of(address.engine)
    try:
        with translating(address), closing(connection.cursor()) as cursor:
            if dialect.begin is not None:
                cursor.execute(dialect.begin)
            if rows:
                dialect.run(cursor, sql, rows)
            else:
                cursor.execute(sql)
    except DatabaseLockedError:
        return None
    except DatabaseError as error:
        return str(error).removeprefix(f"{address.redacted}: ")
    finally:
        with suppress(DatabaseError), translating(address):
            connection.rollback()
    return None
