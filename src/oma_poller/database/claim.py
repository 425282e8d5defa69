"""The claim on the OMA's database: of several pollers started on one, one is at work and the others wait.

It lives and dies with its holder, kill -9 and a vanished host included, so there is nothing to clean up. On
MariaDB and MySQL it is a named lock, held by a connection of its own; on SQLite a lock on a file beside the
database.
"""

import os
from collections.abc import Callable
from contextlib import closing, suppress
from hashlib import sha1
from threading import Lock

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import Connection, connect
from oma_poller.database.driver_errors import translating
from oma_poller.database.lock_file import LockFile
from oma_poller.engine.ports import Claim
from oma_poller.errors import (
    DatabaseError,
    DatabaseGoneError,
    DatabaseUnavailableError,
    RivalError,
)
from oma_poller.logs import get_logger

IDLE_S = 60
"""The server lets a connection go that was not heard of for so long: the host of a poller may vanish."""
_LONGEST_NAME = 64
"""Characters of a named lock, on MySQL."""
# The inner IF asks for the lock only where it is not ours already: each GET_LOCK of the same holder counts.
_HOLD = "SELECT IF(IS_USED_LOCK(%s) = CONNECTION_ID(), 1, GET_LOCK(%s, 0))"
_RELEASE = "SELECT RELEASE_LOCK(%s)"
_HOLDER = "SELECT HOST, ID FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK(%s)"


def claim_on(address: DatabaseAddress, idle_s: float = IDLE_S) -> Claim:
    """Return the claim on a database; it is not taken yet. It must be held once in *idle_s* at least."""
    if address.engine is Engine.SQLITE:
        return SqliteClaim(address)
    return MysqlClaim(address, idle_s)


class MysqlClaim:
    """A named lock of the server. It goes with the connection, which is this claim's own."""

    def __init__(self, address: DatabaseAddress, idle_s: float = IDLE_S) -> None:
        self._address = address
        self._idle_s = max(int(idle_s), 1)
        self._name = lock_name(address.name)
        self._connection: Connection | None = None
        self._turn = Lock()
        self._say_once = _once(address)

    def hold(self) -> None:
        """Take the lock, or ask the server whether it is still ours. Raises RivalError and DatabaseError."""
        with self._turn:
            kept = self._connection is not None
            try:
                self._hold()
            except DatabaseGoneError:
                if not kept:
                    raise
                self._hold()  # over a new connection; another poller may have been quicker

    def close(self) -> None:
        """Let the lock go, and its connection. May be called twice."""
        with self._turn:
            connection = self._connection
            if connection is not None:  # the server would see the connection's end a little later
                with (
                    suppress(DatabaseError),
                    translating(self._address),
                    closing(connection.cursor()) as cursor,
                ):
                    cursor.execute(_RELEASE, (self._name,))
            self._hang_up()

    def _hold(self) -> None:
        connection = self._open()
        try:
            with translating(self._address), closing(connection.cursor()) as cursor:
                cursor.execute(_HOLD, (self._name, self._name))
                taken = cursor.fetchone()
        except DatabaseUnavailableError:
            self._hang_up()
            raise
        except DatabaseError as error:
            self._say_once(str(error))
            return
        if taken == (0,):
            raise RivalError(
                f"another poller is at work on {self._address.redacted}{self._holder(connection)}"
            )
        if taken != (1,):
            self._say_once("the server cannot give the lock")

    def _holder(self, connection: Connection) -> str:
        """Return who has the lock, as the server knows it; "" where it does not tell."""
        with suppress(DatabaseError), translating(self._address), closing(connection.cursor()) as cursor:
            cursor.execute(_HOLDER, (self._name,))
            found = cursor.fetchone()
            return "" if found is None else f", from {found[0]}, connection {found[1]}"
        return ""

    def _open(self) -> Connection:
        if self._connection is None:
            connection = connect(self._address, autocommit=True)
            try:
                with translating(self._address), closing(connection.cursor()) as cursor:
                    cursor.execute(f"SET SESSION wait_timeout = {self._idle_s:d}")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DatabaseError), translating(self._address):
                connection.close()


class SqliteClaim:
    """A lock of the kernel on a file beside the database. It goes with the process."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._path = address.path
        self._turn = Lock()
        self._file: LockFile | None = None
        self._claimed: os.stat_result | None = None
        """The database that the lock is for."""
        self._say_once = _once(address)

    def hold(self) -> None:
        """Take the lock, or make sure that it is still on the file that is there now. Raises RivalError."""
        with self._turn:
            try:
                if not self._is_held():
                    self._hold()
            except OSError as error:
                self._say_once(str(error.strerror))

    def close(self) -> None:
        """Let the lock go; the file stays, for the next one. May be called twice."""
        with self._turn:
            self._let_go()

    def _is_held(self) -> bool:
        """Whether database and lock are those that were there when it was taken: nearly always."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        same = self._claimed is not None and os.path.samestat(there, self._claimed)
        return same and self._file is not None and self._file.is_there()

    def _hold(self) -> None:
        if not self._path.is_file():
            return  # there is nothing to claim; who reads it tells what is wrong
        place = self._path.resolve()  # every way to the database leads to the same lock
        lock, self._claimed = place.with_name(f"{place.name}.poller-lock"), place.stat()
        if self._file is not None and self._file.path == lock and self._file.is_there():
            return
        self._let_go()
        file = LockFile(lock)
        if not file.take():
            holder = file.holder
            file.close()
            process = f", process {holder}" if holder else ""
            raise RivalError(f"another poller is at work on {self._address.redacted}{process}")
        self._file = file

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def lock_name(database: str) -> str:
    """Return the name of the lock of a database, of at most 64 characters; it holds for a whole server."""
    name = f"oma_poller.{database}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"oma_poller.{sha1(database.encode(), usedforsecurity=False).hexdigest()}"


def _once(address: DatabaseAddress) -> Callable[[str], None]:
    """Return what says, the first time only, that a second poller would not be noticed."""
    said: list[str] = []

    def say(reason: str) -> None:
        if not said:
            said.append(reason)
            get_logger().warning(
                "a second poller would not be noticed", database=address.redacted, detail=reason
            )

    return say
