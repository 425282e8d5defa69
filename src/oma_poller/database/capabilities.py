"""What this database has: its tables and columns, as they were met when the connection was made (D1)."""

import re
from collections.abc import Iterable

from msgspec import Struct

from oma_poller.database import catalog_mysql, catalog_sqlite
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.column import Column
from oma_poller.database.connect import Connection
from oma_poller.database.driver_errors import translating
from oma_poller.errors import DatabaseError

JOBS, DISKS, VOLUMES = OMA_TABLES = ("replication_jobs", "vm_disks", "ossea_volumes")
OWN_JOBS, HISTORY, FLIGHTS = OWN_TABLES = ("oma_poller_jobs", "oma_poller_history", "oma_poller_flights")
READ_TABLES = (*OMA_TABLES, *OWN_TABLES)

SEED_COLUMNS = (
    "progress_percent",
    "current_operation",
    "bytes_transferred",
    "total_bytes",
    "transfer_speed_bps",
    "updated_at",
)
"""What is written in every database; one without them is no OMA's."""
REQUIRED = ("id", "status", *SEED_COLUMNS)

DRIFTED = {"vcenter_host": "v_center_host", "vmdk_path": "vm_dk_path"}
"""Names of columns, and what some databases call them."""

_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0), "SQLite": (3, 33)}
"""The versions from which on an UPDATE can join rows that come as JSON."""


class Table(Struct, frozen=True):
    """A table with the columns that can be written; an absent table has none."""

    name: str
    columns: dict[str, Column] = {}  # msgspec copies an empty default

    def __bool__(self) -> bool:
        return bool(self.columns)

    def get(self, name: str) -> Column | None:
        """Return the column of that name, or of the name it has in some databases."""
        return self.columns.get(name) or self.columns.get(DRIFTED.get(name, name))

    def has(self, *names: str) -> bool:
        """Whether all of these columns are there."""
        return all(self.get(name) is not None for name in names)


class Capabilities(Struct, frozen=True):
    """The database as it was met."""

    engine: Engine
    product: str
    version: str
    tables: dict[str, Table]

    @property
    def jobs(self) -> Table:
        """`replication_jobs`."""
        return self.tables[JOBS]

    @property
    def disks(self) -> Table:
        """`vm_disks`; empty where it cannot be told which disk is which job's."""
        disks = self.tables[DISKS]
        linked = disks.has("job_id") or (disks.has("vm_context_id") and self.jobs.has("vm_context_id"))
        return disks if disks.has("id") and linked else Table(DISKS)

    @property
    def volumes(self) -> Table:
        """`ossea_volumes`; empty where it cannot be told which volume is which disk's."""
        volumes = self.tables[VOLUMES]
        linked = volumes.has("id", "volume_id") and self.disks.has("ossea_volume_id")
        return volumes if linked else Table(VOLUMES)

    @property
    def own_jobs(self) -> Table:
        """`oma_poller_jobs`; empty until `oma-poller db upgrade` has made it."""
        return self.tables[OWN_JOBS]

    @property
    def own_history(self) -> Table:
        """`oma_poller_history`; empty until `oma-poller db upgrade` has made it."""
        return self.tables[HISTORY]

    @property
    def own_flights(self) -> Table:
        """`oma_poller_flights`; empty until `oma-poller db upgrade` has made it."""
        return self.tables[FLIGHTS]

    @property
    def birth(self) -> Column | None:
        """`created_at` of a job; None also where the server sets it with every change of a row.

        The first TIMESTAMP of a table of an old MariaDB is such a one: it dates no creation.
        """
        created = self.jobs.get("created_at")
        return None if created is None or created.follows_updates else created

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the required columns that are not there."""
        return tuple(name for name in REQUIRED if not self.jobs.has(name))

    @property
    def is_too_old(self) -> bool:
        """Whether the server cannot run the statements of this program."""
        return version_numbers(self.version) < _OLDEST[self.product]


def read_capabilities(connection: Connection, address: DatabaseAddress) -> Capabilities:
    """Ask the database's catalog. Raises DatabaseUnavailableError where it does not answer."""
    catalog = catalog_sqlite if address.engine is Engine.SQLITE else catalog_mysql
    with translating(address):
        cursor = connection.cursor()
        try:
            product, version = catalog.read_product(cursor)
            columns = catalog.read_columns(cursor, READ_TABLES)
        finally:
            cursor.close()
    return Capabilities(address.engine, product, version, _tables(columns))


def _tables(columns: Iterable[tuple[str, Column]]) -> dict[str, Table]:
    found: dict[str, dict[str, Column]] = {name: {} for name in READ_TABLES}
    for table, column in columns:
        found[table][column.name] = column
    return {name: Table(name, held) for name, held in found.items()}


def require_usable(capabilities: Capabilities, address: DatabaseAddress) -> None:
    """Raise DatabaseError, naming what is missing, for a database that is no OMA's."""
    if capabilities.is_too_old:
        oldest = ", ".join(f"{name} {major}.{minor}" for name, (major, minor) in _OLDEST.items())
        met = f"{capabilities.product} {capabilities.version}"
        raise DatabaseError(f"{address.redacted} is {met}; the oldest that work are {oldest}")
    if not capabilities.jobs:
        raise DatabaseError(
            f"{address.redacted} has no table {JOBS}; is it the OMA's database? "
            "`oma-poller db init` makes the tables in an empty one"
        )
    if capabilities.missing:
        raise DatabaseError(
            f"{address.redacted}: the table {JOBS} lacks {', '.join(capabilities.missing)}; "
            f"needed are {', '.join(REQUIRED)}"
        )


def version_numbers(version: str) -> tuple[int, int]:
    """Return the first two numbers of a version; (0, 0) where there are none."""
    matched = re.search(r"(\d+)\.(\d+)", version)
    return (int(matched[1]), int(matched[2])) if matched else (0, 0)
