"""The SQL of SQLite: rows that are written are bound one by one, others come as JSON."""

from collections.abc import Mapping, Sequence

import msgspec

from oma_poller.database.column import Column, Kind
from oma_poller.database.connect import Cursor
from oma_poller.database.fitting import Row
from oma_poller.database.relation import Given, Join, changes, of_t

_ENCODER = msgspec.json.Encoder()


class SqliteDialect:
    """SQLite 3.33 and newer."""

    mark = "?"
    begin: str | None = "BEGIN IMMEDIATE"  # a transaction that begins by reading may not write later
    for_update = ""

    def asked(self, fields: Mapping[str, Column]) -> Given:
        """Read an array of arrays: shorter than objects, and no name is looked for."""
        columns = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(fields))
        return Given(f"(SELECT {columns} FROM json_each(?)) AS t", of_t(fields))  # noqa: S608  # names of our own

    def parameter(self, rows: Sequence[Row]) -> str:
        """Return JSON."""
        return _ENCODER.encode(rows).decode()

    def written(self, fields: Mapping[str, Column]) -> Given:
        """Bind each value: there is no way to a server to be saved, and to read JSON costs twice as much."""
        # By number: most are used twice. CPython 3.12.0 to 3.12.3 warn at each (gh-117995), which costs time.
        return Given("", {name: f"?{at}" for at, name in enumerate(fields, 1)})

    def run(self, cursor: Cursor, sql: str, rows: Sequence[Row]) -> None:
        """Run it once a row."""
        cursor.executemany(sql, rows)

    def stored(self, field: str, column: Column) -> str:  # noqa: ARG002  # the engine converts by itself
        """Return the field as it is."""
        return field

    def literal(self, word: str) -> str:
        """Double its quotes; nothing else is special."""
        return "'" + word.replace("'", "''") + "'"

    def listed(self, column: str, separator: str) -> str:
        """Join them; a cell may hold anything here, whatever its column's type."""
        characters = f"SUM(CASE WHEN typeof({column}) = 'text' THEN length({column}) END)"
        return f"COUNT(*), {characters}, group_concat({column}, {self.literal(separator)})"

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

    def update(self, rows: str, joins: Sequence[Join], sets: Mapping[str, str], where: str) -> str:  # noqa: ARG002  # these are bound
        """Ask of the other tables whether there is a row: UPDATE ... FROM first copies what it finds."""
        *others, target = joins
        assignments = ", ".join(f"{column} = {value}" for column, value in sets.items())
        for join in reversed(others):
            where = f"EXISTS (SELECT 1 FROM {join.table} AS {join.alias} WHERE {join.on} AND {where})"  # noqa: S608  # as above
        return f"UPDATE {target.table} AS {target.alias} SET {assignments} WHERE {target.on} AND {where}"  # noqa: S608  # as above

    def upsert(
        self,
        table: str,
        key: str,
        sets: Mapping[str, str],
        source: tuple[str, Join],
        kept: frozenset[str] = frozenset(),
    ) -> str:
        """INSERT ... ON CONFLICT."""
        _, join = source  # the rows are bound
        news = {column: f"excluded.{column}" for column in sets if column != key}
        changed = changes(news, table, kept)
        select = f"SELECT {', '.join(sets.values())} FROM {join.table} AS {join.alias} WHERE {join.on}"  # noqa: S608  # as above
        return f"INSERT INTO {table} ({', '.join(sets)}) {select} ON CONFLICT ({key}) DO UPDATE SET {changed}"

    def as_text(self, value: str) -> str:
        """Return hexadecimal digits, since a cell may hold anything; of a number that is none, its digits."""
        return f"CASE typeof({value}) WHEN 'real' THEN quote({value}) ELSE hex({value}) END"

    def is_text(self, field: str, text: str) -> str:
        """Compare as they are."""
        return f"({field} IS NULL OR {field} = {text})"

    def prune(self, table: str, where: str, rows: int) -> str:
        """Choose the rows first: DELETE has no LIMIT in most builds."""
        chosen = f"SELECT rowid FROM {table} WHERE {where} LIMIT {rows:d}"  # noqa: S608  # as above
        return f"DELETE FROM {table} WHERE rowid IN ({chosen})"  # noqa: S608  # as above
