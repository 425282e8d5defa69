"""The SQL of MariaDB and MySQL: rows come as JSON, an UPDATE joins them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from oma_poller.database.column import Column, Kind
from oma_poller.database.connect import Cursor
from oma_poller.database.fitting import Row
from oma_poller.database.relation import Given, Join, changes, of_t

_ENCODER = msgspec.json.Encoder()
_LONGEST_VARCHAR, _LONGEST_TEXT = 1024, 65_535
LONGEST_JSON_BYTES = 2**20
"""Of a statement's rows. They go out as twice as many digits; servers take 16 MiB or more by default."""


class MysqlDialect:
    """MariaDB 10.6 and MySQL 8, and newer: only what both of them have."""

    mark = "%s"
    begin: str | None = None
    for_update = " FOR UPDATE"

    def asked(self, fields: Mapping[str, Column]) -> Given:
        """Read an array of arrays: shorter than objects, and no name is looked for."""
        columns = ", ".join(
            f"{name} {_json_type(column)} PATH '$[{at}]'" for at, (name, column) in enumerate(fields.items())
        )
        return Given(f"JSON_TABLE(_utf8mb4 X%s, '$[*]' COLUMNS ({columns})) AS t", of_t(fields))

    def parameter(self, rows: Sequence[Row]) -> str:
        """Return JSON as hexadecimal digits: the driver takes five times as long to escape its quotes."""
        return _ENCODER.encode(rows).hex()

    def written(self, fields: Mapping[str, Column]) -> Given:
        """Send all rows at once, as they are asked for."""
        return self.asked(fields)

    def run(self, cursor: Cursor, sql: str, rows: Sequence[Row]) -> None:
        """Run it once, or a few times where there is more than a server need take in one packet."""
        for text in _pieces(rows):
            cursor.execute(sql, (text.hex(),))

    def stored(self, field: str, column: Column) -> str:
        """Return a text in the column's own collation, without which no index is used (or error 1267)."""
        return _in_collation(field, column)

    def literal(self, word: str) -> str:
        """Escape what the session's mode has as special, and the driver's own mark."""
        return "'" + word.replace("\\", "\\\\").replace("'", "''").replace("%", "%%") + "'"

    def listed(self, column: str, separator: str) -> str:
        """Join them; what is longer than the server's limits is cut."""
        cell = f"GROUP_CONCAT({column} SEPARATOR {self.literal(separator)})"
        return f"COUNT(*), SUM(CHAR_LENGTH({column})), {cell}"

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
        changed = changes({column: f"VALUES({column})" for column in sets if column != key}, table, kept)
        joined = f"{rows} STRAIGHT_JOIN {join.table} AS {join.alias} ON {join.on}"
        select = f"SELECT {', '.join(sets.values())} FROM {joined}"  # noqa: S608  # as above
        return f"INSERT INTO {table} ({', '.join(sets)}) {select} ON DUPLICATE KEY UPDATE {changed}"

    def as_text(self, value: str) -> str:
        """Cast it; every session has the same zone, so a moment is always the same text."""
        return f"COALESCE(CAST({value} AS CHAR), '')"

    def is_text(self, field: str, text: str) -> str:
        """Compare bytes, in whatever collation the other side is."""
        return f"({field} IS NULL OR {text} = {field} COLLATE utf8mb4_bin)"

    def prune(self, table: str, where: str, rows: int) -> str:
        """DELETE ... LIMIT."""
        return f"DELETE FROM {table} WHERE {where} LIMIT {rows:d}"  # noqa: S608  # as above


def _pieces(rows: Sequence[Row]) -> Iterator[bytes]:
    """Yield rows as JSON, in their order, in texts that are not too long."""
    text = _ENCODER.encode(rows)
    if len(text) <= LONGEST_JSON_BYTES or len(rows) == 1:
        yield text
        return
    middle = len(rows) // 2
    yield from _pieces(rows[:middle])
    yield from _pieces(rows[middle:])


def _straight(join: Join) -> str:
    """Return a join in the order that is given; of a small table the optimizer would read all rows."""
    hint = " FORCE INDEX (PRIMARY)" if join.by_key else ""
    return f"STRAIGHT_JOIN {join.table} AS {join.alias}{hint} ON {join.on}"


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
