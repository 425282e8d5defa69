"""The one seam at which errors of the two drivers become errors of this program."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.errors import (
    DatabaseError,
    DatabaseGoneError,
    DatabaseLockedError,
    DatabaseLockTimeoutError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
)

if TYPE_CHECKING:
    import pymysql

_LONGEST_REASON = 300

_SQLITE_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_SQLITE_REFUSED = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG})

_MYSQL_LOCKED = frozenset(
    {
        1020,  # record has changed since last read
        1213,  # deadlock
    }
)
_MYSQL_LOCK_TIMEOUT = 1205
_MYSQL_GONE = frozenset(
    {
        1053,  # server shutdown in progress
        1927,  # connection was killed (MariaDB)
        2006,  # server has gone away
        2013,  # lost connection during query
        2014,  # commands out of sync
        2055,  # lost connection, system error
        4031,  # disconnected by the server because of inactivity (MySQL)
    }
)
_MYSQL_UNAVAILABLE = frozenset(
    {
        3,  # error writing a file: the disk is full, mostly
        1021,  # disk full
        1026,  # error writing a file
        1030,  # error of the storage engine: no space, mostly
        1037,  # out of memory
        1038,  # out of sort memory
        1040,  # too many connections
        1041,  # out of resources
        1045,  # access denied: the password may be just being changed
        1114,  # table is full
        1129,  # host is blocked because of many connection errors
        1158,  # error reading communication packets
        1159,  # time-out reading communication packets
        1160,  # error writing communication packets
        1161,  # time-out writing communication packets
        1180,  # error while committing
        1203,  # too many connections of this user
        1206,  # lock table full
        1226,  # user has exceeded a resource
        1290,  # server runs with --read-only
        1317,  # query was interrupted
        1792,  # read-only transaction
        1836,  # read-only mode
        1969,  # max_statement_time exceeded (MariaDB)
        2002,  # cannot connect through a socket
        2003,  # cannot connect to the host
        2005,  # unknown host
        2012,  # error in the handshake
        2026,  # TLS error
        3024,  # max_execution_time exceeded (MySQL)
        3032,  # server is in offline mode (MySQL)
    }
)
_MYSQL_REFUSED = frozenset(
    {
        1153,  # packet larger than max_allowed_packet
        1364,  # field has no default value
        1366,  # incorrect value for a column
        1411,  # incorrect value for a function
        1525,  # incorrect value of a type
        3819,  # check constraint violated (MySQL)
        4025,  # check constraint violated (MariaDB)
    }
)
_REFUSED_STATES = ("22", "23", "44", "45")
"""Classes of SQLSTATE that blame a row: its values, a constraint, a view's check, a trigger's signal."""


@contextmanager
def translating(address: DatabaseAddress) -> Iterator[None]:
    """Raise the driver's errors of the block as `DatabaseError` and its kinds, in one line each."""
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(error, address) from error
    except Exception as error:
        if address.engine is Engine.SQLITE:
            raise
        import pymysql  # noqa: PLC0415 - 9 MB, of no use beside an SQLite database

        if not isinstance(error, pymysql.MySQLError):
            raise
        raise _of_mysql(error, address) from error


def _of_sqlite(error: sqlite3.Error, address: DatabaseAddress) -> DatabaseError:
    code = getattr(error, "sqlite_errorcode", None)
    message = f"{address.redacted}: {_one_line(str(error))}"
    if code is None:  # raised by the module, not by the library: a closed connection, a wrong argument
        kind = DatabaseGoneError if "closed" in message else DatabaseError
        return kind(message)
    main = code & 0xFF
    if main in _SQLITE_LOCKED:
        return DatabaseLockedError(message)
    if main in _SQLITE_UNAVAILABLE:
        return DatabaseUnavailableError(message)
    if main in _SQLITE_REFUSED:
        return DatabaseRefusedError(message)
    return DatabaseError(message)


def _of_mysql(error: "pymysql.MySQLError", address: DatabaseAddress) -> DatabaseError:
    import pymysql  # noqa: PLC0415 - as above

    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    message = f"{address.redacted}: {_one_line(text) or 'the connection is closed'}"
    if code == _MYSQL_LOCK_TIMEOUT:
        return DatabaseLockTimeoutError(message)
    if code in _MYSQL_LOCKED:
        return DatabaseLockedError(message)
    garbled = code == 0 and isinstance(error, pymysql.InternalError)  # the bytes that came are no protocol
    if code in _MYSQL_GONE or garbled or isinstance(error, pymysql.InterfaceError):
        return DatabaseGoneError(message)
    if code in _MYSQL_UNAVAILABLE:
        return DatabaseUnavailableError(message)
    state = getattr(error, "sqlstate", None) or ""
    if code in _MYSQL_REFUSED or state.startswith(_REFUSED_STATES):
        return DatabaseRefusedError(message)
    return DatabaseError(message)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_REASON]
