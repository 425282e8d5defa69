"""One connection, with what the database behind it has, kept until it breaks."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.capabilities import Capabilities, read_capabilities, require_usable
from oma_poller.database.connect import Connection, connect
from oma_poller.database.driver_errors import translating
from oma_poller.errors import (
    DatabaseError,
    DatabaseGoneError,
    DatabaseLockedError,
    DatabaseRefusedError,
)

T = TypeVar("T")


class Link(Struct, eq=False):
    """An open connection and what it leads to."""

    connection: Connection
    capabilities: Capabilities


class Session:
    """Runs work on a connection of its own. One thread at a time."""

    def __init__(self, address: DatabaseAddress, *, autocommit: bool) -> None:
        self._address = address
        self._autocommit = autocommit
        self._link: Link | None = None
        self._path = address.path if address.engine is Engine.SQLITE else None
        self._file: tuple[int, int] | None = None

    def run(self, work: Callable[[Link], T]) -> T:
        """Return what *work* returns; where the connection turns out to be broken, try once with a new one.

        Raises DatabaseError and its kinds; whatever was not committed is then undone.
        """
        kept = self._link is not None
        try:
            return self._attempt(work)
        except DatabaseGoneError:
            if not kept:
                raise
        return self._attempt(work)

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        link, self._link = self._link, None
        if link is not None:
            with suppress(DatabaseError), translating(self._address):
                link.connection.close()

    def _attempt(self, work: Callable[[Link], T]) -> T:
        link = self._open()
        try:
            with translating(self._address):
                return work(link)
        except (DatabaseLockedError, DatabaseRefusedError):
            self._undo(link)
            raise
        except BaseException:
            # What the catalog said may no longer hold: the next call asks it again.
            self.close()
            raise

    def _open(self) -> Link:
        file = _file_at(self._path)
        if self._link is not None and file != self._file:
            self.close()  # whoever restored the file, or made it anew, would never see what is written here
        if self._link is None:
            self._file = file
            connection = connect(self._address, autocommit=self._autocommit)
            try:
                capabilities = read_capabilities(connection, self._address)
                require_usable(capabilities, self._address)
                with translating(self._address):
                    connection.rollback()
            except BaseException:
                with suppress(DatabaseError), translating(self._address):
                    connection.close()
                raise
            self._link = Link(connection, capabilities)
        return self._link

    def _undo(self, link: Link) -> None:
        try:
            with translating(self._address):
                link.connection.rollback()
        except DatabaseError:
            self.close()


def _file_at(path: Path | None) -> tuple[int, int] | None:
    """Return which file is there now; None where there is none, or no path."""
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
