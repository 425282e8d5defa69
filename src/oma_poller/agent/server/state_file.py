"""The entries on disk: one row a key in SQLite, written before a report is acknowledged.

With a write-ahead log a killed process loses nothing that was acknowledged. A machine that loses power may
lose the last moments, but never gets a damaged file: `synchronous` is NORMAL.
"""

import sqlite3
from pathlib import Path
from typing import Protocol

import msgspec

from oma_poller.agent.server.entry import Entry
from oma_poller.errors import OmaPollerError

FORMAT = 1
"""Kept in `user_version`; another one is refused."""
_TABLE = "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID"
_OTHER_TABLES = "SELECT count(*) FROM sqlite_master WHERE name <> 'entry'"
_SAVE = "INSERT OR REPLACE INTO entry VALUES (?, ?)"
_REMOVE = "DELETE FROM entry WHERE key = ?"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)


class StateFileError(OmaPollerError):
    """The state file cannot be used, or could not be written just now."""


class State(Protocol):
    """Where entries survive the process."""

    def save(self, entry: Entry, evicted: tuple[str, ...]) -> None:
        """Keep an entry, and forget others for it. Raises StateFileError where that failed."""
        ...

    def remove(self, key: str) -> None:
        """Forget an entry. Raises StateFileError where that failed."""
        ...


class NoState:
    """Keeps nothing: a server without a state file forgets all when it ends."""

    def save(self, entry: Entry, evicted: tuple[str, ...]) -> None:
        """Do nothing."""

    def remove(self, key: str) -> None:
        """Do nothing."""


class StateFile:
    """One file, used by one server at a time: it stays locked until `close`."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises StateFileError, in one line, where that cannot be."""
        self._path = path
        try:
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise StateFileError(f"state file {path} cannot be opened: {error}") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            busy = "another server is using it" if "locked" in str(error) else str(error)
            raise StateFileError(f"state file {path} cannot be opened: {busy}") from error
        except StateFileError:
            self._database.close()
            raise

    def _prepare(self) -> None:
        (tables,) = self._database.execute(_OTHER_TABLES).fetchone()
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if tables:
            raise StateFileError(f"state file {self._path} is a database of another program")
        if version not in {0, FORMAT}:
            raise StateFileError(f"state file {self._path} has format {version}, this program reads {FORMAT}")
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(_TABLE)
        self._database.execute(f"PRAGMA user_version = {FORMAT}")
        self._database.execute("COMMIT")

    def load(self) -> list[Entry]:
        """Return all entries, the one updated longest ago first. Raises StateFileError for a damaged file."""
        try:
            rows = self._database.execute("SELECT value FROM entry").fetchall()
            entries = [_DECODER.decode(value) for (value,) in rows]
        except (sqlite3.Error, msgspec.DecodeError, TypeError) as error:
            raise StateFileError(
                f"state file {self._path} is damaged: {error}; move it away to begin with none"
            ) from error
        return sorted(entries, key=lambda entry: entry.updated.s)

    def save(self, entry: Entry, evicted: tuple[str, ...]) -> None:
        """Keep an entry, and forget others for it, all or nothing."""
        row = (entry.key, _ENCODER.encode(entry))
        try:
            if not evicted:
                self._database.execute(_SAVE, row)  # a statement by itself is a transaction
                return
            with self._database:
                self._database.execute("BEGIN")
                self._database.executemany(_REMOVE, [(key,) for key in evicted])
                self._database.execute(_SAVE, row)
        except sqlite3.Error as error:
            raise self._unwritable(error) from error

    def remove(self, key: str) -> None:
        """Forget an entry."""
        try:
            self._database.execute(_REMOVE, (key,))
        except sqlite3.Error as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: sqlite3.Error) -> StateFileError:
        return StateFileError(f"state file {self._path} cannot be written: {error}")

    def close(self) -> None:
        """Fold the log into the file and unlock it."""
        self._database.close()
