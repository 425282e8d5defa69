"""The rows of an OMA as the contract suite fills and reads them, the same way for every adapter."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Protocol

from schema_variants import TABLES, Variant, variant_ddl

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import Connection, connect
from oma_poller.database.memory import MemoryJobSink, MemoryJobSource, MemoryOma
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.source import SqlJobSource
from oma_poller.engine.ports import JobSink, JobSource

ACTIVE = frozenset({"queued", "running", "replicating"})
CREATED = datetime(2025, 9, 5, 16, 24, 27, tzinfo=UTC)
HOSTILE_IDS = ("job-1' OR '1'='1", 'x"; DROP TABLE vm_disks; --', "a\\", "%s ? {} $[0]", "jöb", "null", "0")
DRIFTED_NAMES = {"vcenter_host": "v_center_host", "vmdk_path": "vm_dk_path"}

Row = dict[str, Any]


class OmaRows(Protocol):
    """Rows of an OMA, and the two ports onto them. Columns that a variant lacks are left out of inserts."""

    @property
    def source(self) -> JobSource:
        """Where jobs are read."""
        ...

    @property
    def sink(self) -> JobSink:
        """Where all that is known is written."""
        ...

    @property
    def seed_sink(self) -> JobSink:
        """Where the seed's six columns are written only."""
        ...

    def has(self, table: str, column: str) -> bool:
        """Whether this database has the column."""
        ...

    def insert(self, table: str, row: Row) -> None:
        """Insert a row."""
        ...

    def change(self, table: str, key: object, **columns: object) -> None:
        """Change a row as another program would."""
        ...

    def row(self, table: str, key: object) -> Row:
        """Return a row by its primary key, empty where there is none."""
        ...


def add_job(oma: OmaRows, job_id: str = "job-1", status: str = "running", **columns: object) -> str:
    """Insert a job with numbers in it."""
    row: Row = {"id": job_id, "status": status, "source_vm_name": "vm", "progress_percent": 1.5}
    row |= {"current_operation": "before", "bytes_transferred": 7, "total_bytes": 70, "transfer_speed_bps": 3}
    row |= {"created_at": CREATED, "updated_at": CREATED}
    oma.insert("replication_jobs", row | columns)
    return job_id


def add_disk(
    oma: OmaRows, number: int, job_id: str | None = "job-1", *, volume_id: str | None = "", **columns: object
) -> int | str:
    """Insert a disk of a job with a volume of its own, and return the disk's id as the database has it."""
    disk_id: int | str = number if oma.has("vm_disks", "capacity_bytes") else f"d{number}"
    volume_key = disk_id
    row: Row = {"id": disk_id, "job_id": job_id, "disk_id": f"{2000 + number}", "size_gb": 2}
    row |= {"capacity_bytes": 2 * 2**30, "sync_status": "pending", "sync_progress_percent": 0}
    row |= {"bytes_synced": 0, "ossea_volume_id": None if volume_id is None else volume_key}
    if volume_id is not None:
        oma.insert("ossea_volumes", {"id": volume_key, "volume_id": volume_id or f"volume-{number}"})
    oma.insert("vm_disks", row | columns)
    return disk_id


def dates_jobs(oma: OmaRows) -> bool:
    """Whether `created_at` tells when a job was made; the server moves that of the drifted MariaDB."""
    if not isinstance(oma, SqlRows):
        return True
    return not (oma.variant is Variant.DRIFTED and oma.address.engine is Engine.MYSQL)


class MemoryRows:
    """Rows in memory."""

    def __init__(self) -> None:
        self.oma = MemoryOma()
        self.source = MemoryJobSource(self.oma, ACTIVE)
        self.sink = MemoryJobSink(self.oma, ACTIVE, True)  # noqa: FBT003  # positional in the port's makers
        self.seed_sink = MemoryJobSink(self.oma, ACTIVE, False)  # noqa: FBT003  # as above
        self._tables: dict[str, dict[Any, Row]] = {
            "replication_jobs": self.oma.jobs,
            "vm_disks": self.oma.disks,
            "ossea_volumes": self.oma.volumes,
            "oma_poller_jobs": self.oma.own_jobs,
        }

    def has(self, table: str, column: str) -> bool:  # noqa: ARG002  # rows in memory take any column
        """Memory has every table and column."""
        return True

    def insert(self, table: str, row: Row) -> None:
        """Insert a row."""
        self._tables[table][row["id"]] = {"error_message": None, **row}

    def change(self, table: str, key: object, **columns: object) -> None:
        """Change a row."""
        self._tables[table][key].update(columns)

    def row(self, table: str, key: object) -> Row:
        """Return a copy."""
        return dict(self._tables[table].get(key, {}))

    def close(self) -> None:
        """Nothing is open."""


class SqlRows:
    """Rows in a database of one variant, over a connection of the test's own."""

    def __init__(self, address: DatabaseAddress, variant: Variant | None) -> None:
        self.address = address
        self.variant = variant
        self.connection: Connection = connect(address, autocommit=True, create=True)
        for statement in variant_ddl(variant, address.engine) if variant is not None else ():
            self.execute(statement)
        self.source = SqlJobSource(address, ACTIVE)
        self.sink = SqlJobSink(address, ACTIVE, True)  # noqa: FBT003  # positional in the port's makers
        self.seed_sink = SqlJobSink(address, ACTIVE, False)  # noqa: FBT003  # as above

    def execute(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, with `?` for each value, and return its rows."""
        if self.address.engine is Engine.MYSQL and values:
            sql = sql.replace("%", "%%").replace("?", "%s")
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql, tuple(values)) if values else cursor.execute(sql)
            return list(cursor.fetchall())

    def has(self, table: str, column: str) -> bool:
        """Ask the database itself."""
        return column in self._columns(table)

    def _columns(self, table: str) -> frozenset[str]:
        if table == "oma_poller_jobs" and self.variant is not Variant.LATER:
            return frozenset()
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE 1 = 0")  # noqa: S608  # the test's own name
            cursor.fetchall()
            return frozenset(column[0] for column in cursor.description)

    def insert(self, table: str, row: Row) -> None:
        """Insert what the table has columns for."""
        there = self._columns(table)
        row = {name if name in there else DRIFTED_NAMES.get(name, name): row[name] for name in row}
        row = {name: _stored(value) for name, value in row.items() if name in there}
        marks = ", ".join("?" * len(row))
        self.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))  # noqa: S608  # as above

    def change(self, table: str, key: object, **columns: object) -> None:
        """Change a row."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        values = [*map(_stored, columns.values()), key]
        self.execute(f"UPDATE {table} SET {sets} WHERE {_key(table)} = ?", values)  # noqa: S608  # as above

    def row(self, table: str, key: object) -> Row:
        """Return a row as the driver reads it."""
        with closing(self.connection.cursor()) as cursor:
            mark = "?" if self.address.engine is Engine.SQLITE else "%s"
            cursor.execute(f"SELECT * FROM {table} WHERE {_key(table)} = {mark}", (key,))  # noqa: S608  # as above
            found = cursor.fetchone()
            names = [column[0] for column in cursor.description]
        return dict(zip(names, found, strict=True)) if found is not None else {}

    def close(self) -> None:
        """Let every connection go."""
        for port in (self.source, self.sink, self.seed_sink):
            port.close()
        self.connection.close()


def _key(table: str) -> str:
    assert table in TABLES
    return "job_id" if table == "oma_poller_jobs" else "id"


def _stored(value: object) -> object:
    """Return a moment as both engines take it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return value
