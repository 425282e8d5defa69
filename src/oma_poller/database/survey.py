"""What `oma-poller check` tells of a database: what is there, what is missing, what would help (D1)."""

from contextlib import closing

from msgspec import Struct

from oma_poller.core.states import status_of_state
from oma_poller.database import catalog_mysql, catalog_sqlite
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.capabilities import (
    DRIFTED,
    JOBS,
    OMA_TABLES,
    OWN_TABLES,
    READ_TABLES,
    Capabilities,
    Table,
    read_capabilities,
)
from oma_poller.database.column import Column, fit_text
from oma_poller.database.connect import Connection, connect
from oma_poller.database.driver_errors import translating
from oma_poller.database.unnamed_disks import VM, may_be
from oma_poller.database.written import DISK_VALUES, LATER_VALUES, SEED_VALUES
from oma_poller.model.reading import State

_LONGEST_KEY_BYTES = 3072
_PREFIX_CHARACTERS = 191


class MissingIndex(Struct, frozen=True):
    """An index that would spare the server from reading whole tables."""

    table: str
    column: str
    ddl: str
    """The statement that makes it, for whoever owns the table; this program never runs it (D2)."""


class Survey(Struct, frozen=True):
    """A database as `oma-poller check` shows it. Columns are named as table.column."""

    product: str
    """MariaDB, MySQL or SQLite."""
    version: str
    is_too_old: bool
    """Whether the server cannot run the statements of this program."""
    tables: tuple[str, ...]
    missing_tables: tuple[str, ...]
    """Of the OMA's tables; only `replication_jobs` cannot be missed."""
    drifted: tuple[str, ...]
    """Columns that are used under another name than most databases have, by the name they have."""
    written: tuple[str, ...]
    unwritten: tuple[str, ...]
    """Columns that would be written and are not there."""
    missing_required: tuple[str, ...]
    """Columns without which this program does not run."""
    missing_indexes: tuple[MissingIndex, ...]
    missing_own_tables: tuple[str, ...]
    """Of the tables of this program, which `oma-poller db upgrade` makes."""
    has_moving_birth: bool = False
    """Whether the server sets `replication_jobs.created_at` anew with every change of a row."""
    unknown_statuses: tuple[str, ...] = ()
    """Words that would be written and that the ENUM `replication_jobs.status` has not."""

    @property
    def is_usable(self) -> bool:
        """Whether the program can run on it."""
        return not (self.is_too_old or self.missing_required or JOBS in self.missing_tables)


def survey(
    address: DatabaseAddress, *, write_status: bool = True, active_statuses: frozenset[str] = frozenset()
) -> Survey:
    """Look at the database, changing nothing. Raises DatabaseError where it cannot be looked at."""
    with translating(address), closing(connect(address, autocommit=True)) as connection:
        has = read_capabilities(connection, address)
        indexed = _indexed(connection, address)
    plan = _plan(has, write_status=write_status)
    return Survey(
        product=has.product,
        version=has.version,
        is_too_old=has.is_too_old,
        tables=tuple(name for name, table in has.tables.items() if table),
        missing_tables=tuple(name for name in OMA_TABLES if not has.tables[name]),
        drifted=tuple(
            f"{table.name}.{other}"
            for table in has.tables.values()
            for name, other in DRIFTED.items()
            if name not in table.columns and other in table.columns
        ),
        written=tuple(f"{table.name}.{name}" for table, name in plan if table.has(name)),
        unwritten=tuple(f"{table.name}.{name}" for table, name in plan if not table.has(name)),
        missing_required=tuple(f"{JOBS}.{name}" for name in has.missing) if has.jobs else (),
        missing_indexes=tuple(
            MissingIndex(table.name, column.name, _ddl(address.engine, table, column))
            for table, column in _wanted_indexes(has)
            if (table.name, column.name) not in indexed
        ),
        missing_own_tables=tuple(name for name in OWN_TABLES if not has.tables[name]),
        has_moving_birth=has.jobs.has("created_at") and has.birth is None,
        unknown_statuses=_unknown_statuses(has.jobs, active_statuses) if write_status else (),
    )


def _plan(has: Capabilities, *, write_status: bool) -> list[tuple[Table, str]]:
    """Return every column that this program writes where it exists."""
    jobs = [*SEED_VALUES, "updated_at"]
    if not write_status:
        return [(has.jobs, name) for name in jobs]
    jobs += [*LATER_VALUES, "completed_at", "vma_last_poll_at"]
    disks = [*DISK_VALUES, "updated_at"]
    return [*((has.jobs, name) for name in jobs), *((has.disks, name) for name in disks)]


def _unknown_statuses(jobs: Table, active_statuses: frozenset[str]) -> tuple[str, ...]:
    """Return the words that would be written and are none of the column's own."""
    status = jobs.get("status")
    words = (status_of_state(state, active_statuses) for state in State)
    return tuple(word for word in words if word and status is not None and fit_text(status, word) is None)


def _indexed(connection: Connection, address: DatabaseAddress) -> set[tuple[str, str]]:
    """Return (table, column) of every index's first column."""
    catalog = catalog_sqlite if address.engine is Engine.SQLITE else catalog_mysql
    with closing(connection.cursor()) as cursor:
        first: dict[tuple[str, str], str] = {}
        for table, index, column in catalog.read_indexes(cursor, READ_TABLES):
            first.setdefault((table, index), column)
    return {(table, column) for (table, _), column in first.items()}


def _wanted_indexes(has: Capabilities) -> list[tuple[Table, Column]]:
    tie = "job_id" if has.disks.has("job_id") else VM
    wanted = [
        (has.jobs, "id"),
        (has.jobs, "status"),
        (has.disks, "id"),
        (has.disks, tie),
        (has.volumes, "id"),
        *([(has.disks, VM), (has.jobs, VM)] if may_be(has) else ()),
    ]
    found = [(table, table.get(name)) for table, name in wanted]
    return [(table, column) for table, column in found if column is not None]


def _ddl(engine: Engine, table: Table, column: Column) -> str:
    if column.name == "id" and engine is Engine.MYSQL:
        return f"ALTER TABLE {table.name} ADD PRIMARY KEY (id)"
    unique = "UNIQUE " if column.name == "id" else ""
    prefix = f"({_PREFIX_CHARACTERS})" if column.octets > _LONGEST_KEY_BYTES else ""
    return f"CREATE {unique}INDEX idx_{table.name}_{column.name} ON {table.name} ({column.name}{prefix})"
