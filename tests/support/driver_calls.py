"""The calls that the driver of a connection gets: one for a statement, be it run for one row or for many."""

from collections.abc import Sequence
from typing import Any

from oma_poller.database.connect import Connection, Cursor
from oma_poller.database.session import Link


class DriverCalls:
    """Stands before a connection and notes the text of each statement, COMMIT included."""

    def __init__(self, link: Link) -> None:
        self._connection: Connection = link.connection
        self.texts: list[str] = []
        link.connection = self

    def cursor(self) -> Cursor:
        """Return a cursor whose calls are noted."""
        return _NotingCursor(self._connection.cursor(), self.texts)

    def commit(self) -> None:
        """Note it, and commit."""
        self.texts.append("COMMIT")
        self._connection.commit()

    def rollback(self) -> None:
        """Roll back."""
        self._connection.rollback()

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


class _NotingCursor:
    def __init__(self, cursor: Cursor, texts: list[str]) -> None:
        self._cursor = cursor
        self._texts = texts

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        """Return the cursor's own."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """Return the cursor's own."""
        return self._cursor.rowcount

    def execute(self, query: str, args: tuple[object, ...] = (), /) -> object:
        """Note a statement and run it."""
        self._texts.append(query)
        return self._cursor.execute(query, args)

    def executemany(self, query: str, args: Sequence[Sequence[object]], /) -> object:
        """Note a statement once and run it for all rows."""
        self._texts.append(query)
        return self._cursor.executemany(query, args)

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """Return the rows that are left."""
        return self._cursor.fetchall()

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return self._cursor.fetchone()

    def close(self) -> None:
        """Let the cursor go."""
        self._cursor.close()
