"""One process at a time changes tables: the lock that `db init` and `db upgrade` take first."""

from contextlib import closing

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import Connection
from oma_poller.errors import DatabaseLockedError

WAIT_S = 4
"""Longer than making a few tables takes; shorter than the connection waits for an answer."""

# The lock's name holds for the whole server, hence the database in it; hashed, because its length is limited.
_MYSQL_LOCK = "SELECT GET_LOCK(SHA1(CONCAT('oma_poller schema of ', DATABASE())), %s)"


def take_schema_lock(connection: Connection, address: DatabaseAddress) -> None:
    """Wait for any other process that changes the tables, and keep the next one out.

    The connection is in autocommit. On SQLite this begins a transaction, and the lock goes with its end; on
    MariaDB, where each DDL statement ends a transaction, it goes with the connection.

    Raises the driver's errors, or DatabaseLockedError.
    """
    with closing(connection.cursor()) as cursor:
        if address.engine is Engine.SQLITE:
            cursor.execute("BEGIN IMMEDIATE")
            return
        cursor.execute(_MYSQL_LOCK, (WAIT_S,))
        taken = cursor.fetchone()
    if taken != (1,):
        raise DatabaseLockedError(f"{address.redacted}: another process is changing its tables; try again")
