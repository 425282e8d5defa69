"""What SQLite says of its tables, columns and indexes."""

import re
from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from oma_poller.database.column import Column, Kind
from oma_poller.database.connect import Cursor

_COLUMNS = (
    'SELECT lower(m.name), lower(x.name), x.type, x."notnull", x.pk, x.hidden FROM sqlite_master AS m '
    "JOIN pragma_table_xinfo(m.name) AS x WHERE m.type IN ('table', 'view') AND lower(m.name) IN ({marks})"
)
_INDEXES = (
    "SELECT lower(m.name), l.name, lower(x.name) FROM sqlite_master AS m "
    "JOIN pragma_index_list(m.name) AS l JOIN pragma_index_info(l.name) AS x "
    "WHERE m.type = 'table' AND lower(m.name) IN ({marks}) AND l.partial = 0 ORDER BY 1, 2, x.seqno"
)
_DECLARED = re.compile(r"\s*([A-Za-z ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\).*)?")


def read_columns(cursor: Cursor, tables: Sequence[str]) -> list[tuple[str, Column]]:
    """Return (table, column) for every column of *tables* that can be written."""
    cursor.execute(_COLUMNS.format(marks=", ".join("?" * len(tables))), tuple(tables))
    return [
        (table, _column(name, declared, nullable=not required, in_primary_key=bool(key)))
        for table, name, declared, required, key, hidden in cursor.fetchall()
        if not hidden
    ]


def read_indexes(cursor: Cursor, tables: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (table, index, column), the columns of an index in order; a rowid is an index too."""
    cursor.execute(_INDEXES.format(marks=", ".join("?" * len(tables))), tuple(tables))
    rows = [(str(table), str(index), str(column)) for table, index, column in cursor.fetchall()]
    cursor.execute(_COLUMNS.format(marks=", ".join("?" * len(tables))), tuple(tables))
    keys: dict[str, list[tuple[str, str]]] = {}
    for table, name, declared, _, key, _ in cursor.fetchall():
        if key:
            keys.setdefault(table, []).append((name, declared))
    rowids = (
        (table, "rowid", columns[0][0])
        for table, columns in keys.items()
        if len(columns) == 1 and str(columns[0][1]).upper() == "INTEGER"
    )
    return [*rows, *rowids]


def read_product(cursor: Cursor) -> tuple[str, str]:
    """Return the product's name and its version."""
    cursor.execute("SELECT sqlite_version()")
    row = cursor.fetchone()
    return "SQLite", str(row[0]) if row else ""


def _column(name: str, declared: str, *, nullable: bool, in_primary_key: bool) -> Column:
    """Read a declared type by SQLite's own rules of affinity; its limits bind the programs that read it."""
    matched = _DECLARED.fullmatch(declared or "")
    word, first, second = matched.groups() if matched else ("", None, None)
    kind, length, scale = _kind(word.upper()), int(first or 0), int(second or 0)
    column = Column(name, kind, nullable=nullable, in_primary_key=in_primary_key)
    if kind is Kind.TEXT:
        return replace(column, characters=length)
    if kind is Kind.INTEGER:
        return replace(column, scale=0)
    if kind is Kind.DECIMAL and length:
        return replace(column, highest=Decimal(10**length - 1).scaleb(-scale), scale=scale)
    return column


def _kind(word: str) -> Kind:
    """Return what a declared type holds; the first that fits, as SQLite does."""
    if "DATE" in word or "TIME" in word:
        return Kind.MOMENT
    if "INT" in word:
        return Kind.INTEGER
    if any(part in word for part in ("CHAR", "CLOB", "TEXT")):
        return Kind.TEXT
    if any(part in word for part in ("REAL", "FLOA", "DOUB")):
        return Kind.DOUBLE
    if any(part in word for part in ("DEC", "NUM")):
        return Kind.DECIMAL
    return Kind.OTHER
