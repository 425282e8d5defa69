"""Connections to the OMA's database, as DB-API 2.0 of the driver that fits."""

import sqlite3
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.driver_errors import translating
from oma_poller.database.password_file import read_password
from oma_poller.errors import DatabaseError, DatabaseUnavailableError, UsageError

if TYPE_CHECKING:
    import pymysql

CONNECT_S = 3
"""A server has this long to take a connection."""
READ_S = 6
"""A server has this long to answer a statement; longer than it may wait for a lock."""
LOCK_S = 2
"""A statement waits this long for another's lock."""

_LISTED_BYTES = 64 * 2**20
"""One cell may have the ids of a million jobs; the server's own limit for what it sends comes first."""
_SESSION = (
    f"SET SESSION time_zone = '+00:00', group_concat_max_len = {_LISTED_BYTES}, "
    f"innodb_lock_wait_timeout = {LOCK_S}, lock_wait_timeout = {LOCK_S}, "
    "sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"
)
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
_BINARY_LOG = "SHOW SESSION VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')"


class Cursor(Protocol):
    """What is used of a DB-API cursor; both drivers have it."""

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        """One entry a column of the result; its first item is the name."""
        ...

    @property
    def rowcount(self) -> int:
        """How many rows the last statement touched."""
        ...

    def execute(self, query: str, args: tuple[object, ...] = ..., /) -> object:
        """Run one statement."""
        ...

    def executemany(self, query: str, args: Sequence[Sequence[object]], /) -> object:
        """Run one statement for each of many rows."""
        ...

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """Return the rows that are left."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        ...

    def close(self) -> None:
        """Let the cursor go."""
        ...


class Connection(Protocol):
    """What is used of a DB-API connection; both drivers have it."""

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        ...

    def commit(self) -> None:
        """End the transaction, keeping its changes."""
        ...

    def rollback(self) -> None:
        """End the transaction, dropping its changes."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


def connect(address: DatabaseAddress, *, autocommit: bool = False, create: bool = False) -> Connection:
    """Return a new connection; the caller commits, unless *autocommit*.

    All times in it are UTC, whatever the server's zone. Placeholders are `?` on SQLite, `%s` on MariaDB.
    *create* makes an SQLite file that is not there yet.

    Raises DatabaseUnavailableError where trying again may help, another DatabaseError where it cannot.
    """
    with translating(address):
        if address.engine is Engine.SQLITE:
            return _sqlite(address, autocommit=autocommit, create=create)
        return _mysql(address, autocommit=autocommit)


def _sqlite(address: DatabaseAddress, *, autocommit: bool, create: bool) -> Connection:
    _require_file(address, create=create)
    link = sqlite3.connect(
        f"file:{quote(str(address.path.absolute()))}?mode={'rwc' if create else 'rw'}",
        uri=True,
        timeout=LOCK_S,
        isolation_level=None if autocommit else "IMMEDIATE",
        check_same_thread=False,  # one thread uses it, but another may close it
    )
    link.text_factory = _text
    try:
        link.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # the file is opened only now
    except sqlite3.Error:
        link.close()
        raise
    return link


def _require_file(address: DatabaseAddress, *, create: bool) -> None:
    path = address.path
    try:
        if path.is_dir():
            raise DatabaseError(f"{address.redacted} is a folder; an SQLite database is a file")
        if path.exists() or create:
            return
    except OSError as error:
        raise DatabaseUnavailableError(f"{address.redacted}: {error.strerror}") from error
    raise DatabaseError(f"{address.redacted} does not exist; `oma-poller db init` makes it")


def _text(raw: bytes) -> str:
    """Decode a text that SQLite never checked: one bad byte must not hide all other rows."""
    return raw.decode("utf-8", "replace")


def _mysql(address: DatabaseAddress, *, autocommit: bool) -> Connection:
    import pymysql  # noqa: PLC0415 - 9 MB, of no use beside an SQLite database

    tls = _tls(address)
    try:
        link = pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=_password(address).encode(),  # as text it would have to be Latin-1
            database=address.name,
            unix_socket=address.unix_socket,
            charset="utf8mb4",
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            write_timeout=READ_S,
            init_command=_SESSION,
            autocommit=autocommit,
            ssl=tls,
        )
    except (pymysql.MySQLError, DatabaseError):
        raise
    except Exception as error:
        # Whatever else the driver stumbles over while it reads bytes that are not MySQL's.
        raise DatabaseUnavailableError(
            f"{address.redacted}: no MariaDB or MySQL server answers there ({type(error).__name__})"
        ) from error
    try:
        _isolate(link)
    except pymysql.MySQLError:
        link.close()
        raise
    return link


def _password(address: DatabaseAddress) -> str:
    """Return the password as it is now: one that was changed in its file needs no restart."""
    if address.password_file is None:
        return address.password
    try:
        return read_password(address.password_file)
    except UsageError as error:  # while it is being changed, it may be missing or half written
        raise DatabaseUnavailableError(f"{address.redacted}: {error}") from None


def _tls(address: DatabaseAddress) -> ssl.SSLContext | None:
    """Return what proves the server, by `ssl_ca`; without it TLS is used where offered, unproven."""
    if address.ssl_ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=address.ssl_ca)
    except OSError as error:
        raise DatabaseError(
            f"{address.redacted}: ssl_ca names no file of PEM certificates: {address.ssl_ca}"
        ) from error
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the servers' own certificates do not pass it
    context.check_hostname = not address.unix_socket
    return context


def _isolate(link: "pymysql.Connection[Any]") -> None:
    """Let reads lock nothing and writes lock only their rows.

    A server with a statement-based binary log refuses to write at that level, so there it stays as it is.
    """
    with link.cursor() as cursor:
        cursor.execute(_BINARY_LOG)
        log = {str(name).lower(): str(value).upper() for name, value in cursor.fetchall()}
        if log.get("log_bin") == "ON" and log.get("binlog_format") == "STATEMENT":
            return
        cursor.execute(_ISOLATION)
