"""What MariaDB and MySQL say of their tables, columns and indexes."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from oma_poller.database.column import BIGINT_MAX, Column, Kind
from oma_poller.database.connect import Cursor

_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, "
    "CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, CHARACTER_SET_NAME, "
    "COLLATION_NAME, IS_NULLABLE, EXTRA FROM information_schema.COLUMNS "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ({marks})"
)
_INDEXES = (
    "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ({marks}) ORDER BY 1, 2, SEQ_IN_INDEX"
)
_INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"})
_MOMENTS = frozenset({"timestamp", "datetime"})
_WORD = re.compile(r"'((?:[^']|'')*)'")


class _Row(Struct, frozen=True):
    """A row of information_schema.COLUMNS."""

    table: str
    name: str
    word: str
    declared: str
    characters: int
    octets: int
    precision: int
    scale: int
    moment_scale: int
    charset: str
    collation: str
    nullable: str
    extra: str


def read_columns(cursor: Cursor, tables: Sequence[str]) -> list[tuple[str, Column]]:
    """Return (table, column) for every column of *tables* that can be written."""
    cursor.execute(_COLUMNS.format(marks=", ".join(["%s"] * len(tables))), tuple(tables))
    rows = [_Row(*(_plain(value, at) for at, value in enumerate(row))) for row in cursor.fetchall()]
    keys = {
        (table, column)
        for table, index, column in read_indexes(cursor, tables)
        if index == "PRIMARY"  # COLUMN_KEY calls a unique index so where there is no key
    }
    return [
        (row.table.lower(), _column(row, in_primary_key=(row.table.lower(), row.name.lower()) in keys))
        for row in rows
        if not _is_generated(row.extra.lower())
    ]


def read_indexes(cursor: Cursor, tables: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (table, index, column), the columns of an index in order."""
    cursor.execute(_INDEXES.format(marks=", ".join(["%s"] * len(tables))), tuple(tables))
    return [
        (str(table).lower(), str(index), str(column).lower()) for table, index, column in cursor.fetchall()
    ]


def read_product(cursor: Cursor) -> tuple[str, str]:
    """Return the product's name and its version."""
    cursor.execute("SELECT VERSION()")
    row = cursor.fetchone()
    version = str(row[0]) if row else ""
    return ("MariaDB" if "mariadb" in version.lower() else "MySQL"), version


def _plain(value: Any, at: int) -> Any:  # noqa: ANN401  # a cell is a text or a number, by its column
    """Return a cell as the struct has it: numbers in columns 4 to 8, text elsewhere, absent as 0 or ""."""
    if 4 <= at <= 8:  # noqa: PLR2004  # positions in _Row
        return int(value or 0)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value or "")


def _is_generated(extra: str) -> bool:
    return "virtual" in extra or "stored generated" in extra or "persistent" in extra


def _column(row: _Row, *, in_primary_key: bool) -> Column:
    column = Column(
        name=row.name.lower(),
        kind=Kind.OTHER,
        nullable=row.nullable.upper() == "YES",
        follows_updates="on update" in row.extra.lower(),
        in_primary_key=in_primary_key,
    )
    lowest, highest, scale = column.lowest, column.highest, column.scale
    kind = column.kind
    unsigned = "unsigned" in row.declared.lower()
    if row.word in _INTEGER_BITS:
        kind, scale = Kind.INTEGER, 0
        lowest, highest = _integer_range(_INTEGER_BITS[row.word], unsigned=unsigned)
    elif row.word == "decimal":
        kind, scale = Kind.DECIMAL, row.scale
        highest = Decimal(10**row.precision - 1).scaleb(-row.scale)
        lowest = 0 if unsigned else -int(highest)
    elif row.word in {"double", "float"}:
        kind, lowest = Kind.DOUBLE, 0 if unsigned else lowest
    elif row.word in _MOMENTS:
        kind, scale = Kind.MOMENT, row.moment_scale
    elif row.word in _TEXTS:
        kind = Kind.TEXT
    return Column(
        name=column.name,
        kind=kind,
        characters=row.characters if kind is Kind.TEXT else 0,
        octets=row.octets if kind is Kind.TEXT else 0,
        lowest=lowest,
        highest=highest,
        scale=scale,
        charset=row.charset,
        collation=row.collation,
        choices=_words(row.declared) if row.word == "enum" else (),
        nullable=column.nullable,
        follows_updates=column.follows_updates,
        in_primary_key=column.in_primary_key,
    )


def _integer_range(bits: int, *, unsigned: bool) -> tuple[int, Decimal]:
    """Return the lowest and highest number; never beyond BIGINT, through which every number passes."""
    if unsigned:
        return 0, Decimal(min(2**bits - 1, BIGINT_MAX))
    return -(2 ** (bits - 1)) + 1, Decimal(2 ** (bits - 1) - 1)


def _words(declared: str) -> tuple[str, ...]:
    return tuple(word.replace("''", "'").lower() for word in _WORD.findall(declared))
