"""Where the SQL of the two engines differs: rows that come as JSON, an UPDATE that joins them, the clock."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from oma_poller.database.address import Engine
from oma_poller.database.column import Column, Kind
from oma_poller.database.fitting import Row

_ENCODER = msgspec.json.Encoder()
_LONGEST_VARCHAR, _LONGEST_TEXT = 1024, 65_535


class Join(Struct, frozen=True):
    """A table under an alias, and the condition that ties it to what stands before it."""

    table: str
    alias: str
    on: str
    by_key: bool = False
    """Whether its rows are looked for by their primary key, so that no other row is locked or waited for."""


class Dialect(Protocol):
    """What a statement needs to know of its engine. The rows given as JSON have the alias `t`."""

    mark: str
    """The placeholder of a parameter."""
    begin: str | None
    """What starts a writing transaction, where the engine must be told."""
    for_update: str
    """What has a SELECT lock its rows until the transaction ends; nothing where all is locked already."""

    def rows(self, fields: Mapping[str, Column]) -> str:
        """Return the relation that one JSON parameter is read as: each field with what it is stored in.

        The parameter is what `given` makes of rows, each with the values of *fields* in their order.
        """
        ...

    def given(self, rows: Sequence[Row]) -> str:
        """Return *rows* as the one parameter of the relation that `rows` returns: an array of arrays."""
        ...

    def field(self, name: str, column: Column) -> str:
        """Return the field *name* of a row in a form that can be stored in or compared with *column*."""
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
        """Return an UPDATE of the last table of *joins*."""
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
        """Return the condition that the *field* of a row, where it is there, is *text* to the letter."""
        ...

    def prune(self, table: str, where: str, rows: int) -> str:
        """Return a DELETE of at most so many rows."""
        ...


class SqliteDialect:
    """SQLite 3.33 and newer."""

    mark = "?"
    begin: str | None = "BEGIN IMMEDIATE"  # a transaction that begins by reading may not write later
    for_update = ""

    def rows(self, fields: Mapping[str, Column]) -> str:
        """Read an array of arrays: shorter than objects, and no name is looked for."""
        columns = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(fields))
        return f"(SELECT {columns} FROM json_each(?)) AS t"  # noqa: S608  # names of our own

    def given(self, rows: Sequence[Row]) -> str:
        """Return JSON."""
        return _ENCODER.encode(rows).decode()

    def field(self, name: str, column: Column) -> str:  # noqa: ARG002  # the engine converts by itself
        """Return the field as it is."""
        return f"t.{name}"

    def equal(self, left: tuple[str, Column], right: tuple[str, Column]) -> str:
        """Compare as they are."""
        return f"{left[0]} = {right[0]}"

    def unsought(self, column: str) -> str:
        """Hide the column from its index: by that SQLite would walk all active jobs for each row."""
        return f"+{column}"

    def now(self, column: Column) -> str:
        """Return text, the form of CURRENT_TIMESTAMP; or seconds where the column holds integers."""
        if column.kind is Kind.INTEGER:
            return "CAST(strftime('%s', 'now') AS INTEGER)"
        if column.kind is Kind.TEXT:
            return "strftime('%Y-%m-%d %H:%M:%f', 'now')"
        return "CURRENT_TIMESTAMP"

    def select(self, columns: Sequence[str], rows: str, inner: Join, outer: Sequence[Join]) -> str:
        """Keep the order of the tables: CROSS JOIN is SQLite's word for that."""
        joins = "".join(f" LEFT JOIN {join.table} AS {join.alias} ON {join.on}" for join in outer)
        first = f"CROSS JOIN {inner.table} AS {inner.alias} ON {inner.on}"
        return f"SELECT {', '.join(columns)} FROM {rows} {first}{joins}"  # noqa: S608  # names from the catalog

    def update(self, rows: str, joins: Sequence[Join], sets: Mapping[str, str], where: str) -> str:
        """UPDATE ... FROM."""
        *others, target = joins
        assignments = ", ".join(f"{column} = {value}" for column, value in sets.items())
        sources = ", ".join([rows, *(f"{join.table} AS {join.alias}" for join in others)])
        conditions = " AND ".join([*(join.on for join in joins), where])
        return f"UPDATE {target.table} AS {target.alias} SET {assignments} FROM {sources} WHERE {conditions}"  # noqa: S608  # as above

    def upsert(
        self,
        table: str,
        key: str,
        sets: Mapping[str, str],
        source: tuple[str, Join],
        kept: frozenset[str] = frozenset(),
    ) -> str:
        """INSERT ... ON CONFLICT."""
        rows, join = source
        news = {column: f"excluded.{column}" for column in sets if column != key}
        changes = _changes(news, table, kept)
        select = (
            f"SELECT {', '.join(sets.values())} FROM {rows}, {join.table} AS {join.alias} WHERE {join.on}"  # noqa: S608  # as above
        )
        return f"INSERT INTO {table} ({', '.join(sets)}) {select} ON CONFLICT ({key}) DO UPDATE SET {changes}"

    def as_text(self, value: str) -> str:
        """Return hexadecimal digits, since a cell may hold anything; of a number that is none, its digits."""
        return f"CASE typeof({value}) WHEN 'real' THEN quote({value}) ELSE hex({value}) END"

    def is_text(self, field: str, text: str) -> str:
        """Compare as they are."""
        return f"(t.{field} IS NULL OR t.{field} = {text})"

    def prune(self, table: str, where: str, rows: int) -> str:
        """Choose the rows first: DELETE has no LIMIT in most builds."""
        chosen = f"SELECT rowid FROM {table} WHERE {where} LIMIT {rows:d}"  # noqa: S608  # as above
        return f"DELETE FROM {table} WHERE rowid IN ({chosen})"  # noqa: S608  # as above


class MysqlDialect:
    """MariaDB 10.6 and MySQL 8, and newer: only what both of them have."""

    mark = "%s"
    begin: str | None = None
    for_update = " FOR UPDATE"

    def rows(self, fields: Mapping[str, Column]) -> str:
        """Read an array of arrays: shorter than objects, and no name is looked for."""
        columns = ", ".join(
            f"{name} {_json_type(column)} PATH '$[{at}]'" for at, (name, column) in enumerate(fields.items())
        )
        return f"JSON_TABLE(_utf8mb4 X%s, '$[*]' COLUMNS ({columns})) AS t"

    def given(self, rows: Sequence[Row]) -> str:
        """Return JSON as hexadecimal digits: the driver takes five times as long to escape its quotes."""
        return _ENCODER.encode(rows).hex()

    def field(self, name: str, column: Column) -> str:
        """Return a text in the column's own collation, without which no index is used (or error 1267)."""
        return _in_collation(f"t.{name}", column)

    def equal(self, left: tuple[str, Column], right: tuple[str, Column]) -> str:
        """Compare in the collation of the left one."""
        same = (left[1].charset, left[1].collation) == (right[1].charset, right[1].collation)
        other = right[0] if same else _in_collation(right[0], left[1])
        return f"{left[0]} = {other}"

    def unsought(self, column: str) -> str:
        """Return the column as it is: the order of the join is given."""
        return column

    def now(self, column: Column) -> str:
        """Return NOW() with the column's digits: with more of them MySQL rounds up, into the future."""
        if column.kind is Kind.INTEGER:
            return "UNIX_TIMESTAMP()"
        return f"NOW({column.scale})" if column.kind is Kind.MOMENT and column.scale else "NOW()"

    def select(self, columns: Sequence[str], rows: str, inner: Join, outer: Sequence[Join]) -> str:
        """Keep the order of the tables: the optimizer cannot know how few the rows are."""
        joins = "".join(f" LEFT JOIN {join.table} AS {join.alias} ON {join.on}" for join in outer)
        first = _straight(inner)
        return f"SELECT {', '.join(columns)} FROM {rows} {first}{joins}"  # noqa: S608  # names from the catalog

    def update(self, rows: str, joins: Sequence[Join], sets: Mapping[str, str], where: str) -> str:
        """UPDATE ... JOIN, in the order of the rows: sorted rows are locked in one order by all."""
        target = joins[-1].alias
        tables = " ".join(_straight(join) for join in joins)
        assignments = ", ".join(f"{target}.{column} = {value}" for column, value in sets.items())
        return f"UPDATE {rows} {tables} SET {assignments} WHERE {where}"  # noqa: S608  # as above

    def upsert(
        self,
        table: str,
        key: str,
        sets: Mapping[str, str],
        source: tuple[str, Join],
        kept: frozenset[str] = frozenset(),
    ) -> str:
        """INSERT ... ON DUPLICATE KEY UPDATE."""
        rows, join = source
        changes = _changes({column: f"VALUES({column})" for column in sets if column != key}, table, kept)
        joined = f"{rows} STRAIGHT_JOIN {join.table} AS {join.alias} ON {join.on}"
        select = f"SELECT {', '.join(sets.values())} FROM {joined}"  # noqa: S608  # as above
        return f"INSERT INTO {table} ({', '.join(sets)}) {select} ON DUPLICATE KEY UPDATE {changes}"

    def as_text(self, value: str) -> str:
        """Cast it; every session has the same zone, so a moment is always the same text."""
        return f"COALESCE(CAST({value} AS CHAR), '')"

    def is_text(self, field: str, text: str) -> str:
        """Compare bytes, in whatever collation the other side is."""
        return f"(t.{field} IS NULL OR {text} = t.{field} COLLATE utf8mb4_bin)"

    def prune(self, table: str, where: str, rows: int) -> str:
        """DELETE ... LIMIT."""
        return f"DELETE FROM {table} WHERE {where} LIMIT {rows:d}"  # noqa: S608  # as above


def _straight(join: Join) -> str:
    """Return a join in the order that is given; of a small table the optimizer would read all rows."""
    hint = " FORCE INDEX (PRIMARY)" if join.by_key else ""
    return f"STRAIGHT_JOIN {join.table} AS {join.alias}{hint} ON {join.on}"


def _changes(news: Mapping[str, str], table: str, kept: frozenset[str]) -> str:
    """Return the assignments of an upsert to a row that is there."""
    return ", ".join(
        f"{column} = COALESCE({new}, {table}.{column})" if column in kept else f"{column} = {new}"
        for column, new in news.items()
    )


def _json_type(column: Column) -> str:
    """Return the type a field passes through; without a character set it would be the database's."""
    if column.kind is Kind.INTEGER:
        return "BIGINT"
    if column.kind in {Kind.DECIMAL, Kind.DOUBLE}:
        return "DECIMAL(30,6)"
    if column.kind is Kind.MOMENT:
        return "VARCHAR(40) CHARACTER SET utf8mb4"
    text = "MEDIUMTEXT" if column.characters > _LONGEST_TEXT else "TEXT"
    short = 0 < column.characters <= _LONGEST_VARCHAR
    return f"{f'VARCHAR({column.characters})' if short else text} CHARACTER SET utf8mb4"


def _in_collation(expression: str, column: Column) -> str:
    if not column.collation:
        return expression
    return f"CONVERT({expression} USING {column.charset}) COLLATE {column.collation}"


def dialect_of(engine: Engine) -> Dialect:
    """Return the engine's dialect."""
    return SqliteDialect() if engine is Engine.SQLITE else MysqlDialect()
