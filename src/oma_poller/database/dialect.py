"""Where the SQL of the two engines differs: rows that are given, an UPDATE that joins them, the clock."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from oma_poller.database.address import Engine
from oma_poller.database.column import Column
from oma_poller.database.connect import Cursor
from oma_poller.database.fitting import Row
from oma_poller.database.mysql_dialect import MysqlDialect
from oma_poller.database.relation import Given, Join
from oma_poller.database.sqlite_dialect import SqliteDialect


class Dialect(Protocol):
    """What a statement needs to know of its engine."""

    mark: str
    """The placeholder of a parameter."""
    begin: str | None
    """What starts a writing transaction, where the engine must be told."""
    for_update: str
    """What has a SELECT lock its rows until the transaction ends; nothing where all is locked already."""

    def asked(self, fields: Mapping[str, Column]) -> Given:
        """Return rows that a SELECT is given: each field with what it is compared with.

        Its one parameter is what `parameter` makes of rows with the values of *fields* in their order.
        """
        ...

    def parameter(self, rows: Sequence[Row]) -> str:
        """Return rows for a statement on what `asked` returns: a JSON array of arrays."""
        ...

    def written(self, fields: Mapping[str, Column]) -> Given:
        """Return rows that are written by `run`: each field with what it is stored in."""
        ...

    def run(self, cursor: Cursor, sql: str, rows: Sequence[Row]) -> None:
        """Run a statement on what `written` returns, for all rows, in their order."""
        ...

    def stored(self, field: str, column: Column) -> str:
        """Return the expression *field* in a form that can be stored in or compared with *column*."""
        ...

    def literal(self, word: str) -> str:
        """Return a text as it stands in a statement."""
        ...

    def listed(self, column: str, separator: str) -> str:
        """Return what a SELECT has of a column of text: how many, their characters, and all in one cell.

        Characters are those of the texts alone: where the cell has others, the three do not fit together.
        """
        ...

    def equal(self, left: tuple[str, Column], right: tuple[str, Column]) -> str:
        """Return the condition that two columns are equal, so that an index on the left one is used."""
        ...

    def unsought(self, column: str) -> str:
        """Return *column* for a condition that rows are tested by, but never looked for by."""
        ...

    def now(self, column: Column) -> str:
        """Return the database's clock as *column* holds moments, in UTC."""
        ...

    def select(self, columns: Sequence[str], rows: str, inner: Join, outer: Sequence[Join]) -> str:
        """Return a SELECT that reads *inner* for each of *rows*, with what there is of *outer*."""
        ...

    def update(self, rows: str, joins: Sequence[Join], sets: Mapping[str, str], where: str) -> str:
        """Return an UPDATE of the last of *joins*; *where* is a condition on the first of them."""
        ...

    def upsert(
        self,
        table: str,
        key: str,
        sets: Mapping[str, str],
        source: tuple[str, Join],
        kept: frozenset[str] = frozenset(),
    ) -> str:
        """Return an INSERT of (*rows*, join), *source*; where *key* is there already, an update.

        In the columns of *kept* NULL leaves what is there.
        """
        ...

    def as_text(self, value: str) -> str:
        """Return the exact content of a cell, whatever its type, as text; "" for NULL."""
        ...

    def is_text(self, field: str, text: str) -> str:
        """Return the condition that the expression *field*, where it is not NULL, is *text* to the letter."""
        ...

    def prune(self, table: str, where: str, rows: int) -> str:
        """Return a DELETE of at most so many rows."""
        ...


def dialect_of(engine: Engine) -> Dialect:
    """Return the engine's dialect."""
    return SqliteDialect() if engine is Engine.SQLITE else MysqlDialect()
