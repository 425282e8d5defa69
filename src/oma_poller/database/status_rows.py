"""What `oma-poller status` shows: the jobs as they stand in the database, not as the poller has them."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from msgspec import Struct

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.capabilities import Capabilities, read_capabilities, require_usable
from oma_poller.database.cells import basis_points_of, count_of, text_of
from oma_poller.database.connect import connect
from oma_poller.database.dialect import dialect_of
from oma_poller.database.driver_errors import translating
from oma_poller.database.moment import read_moment

_JOB_COLUMNS = (
    "id",
    "source_vm_name",
    "status",
    "progress_percent",
    "current_operation",
    "bytes_transferred",
    "total_bytes",
    "transfer_speed_bps",
    "vma_eta_seconds",
    "vma_error_classification",
    "vma_error_details",
    "updated_at",
    "error_message",
)
_OWN_COLUMNS = ("job_id", "observation", "reason")

_COUNT = "SELECT COUNT(*) FROM replication_jobs AS r{where}"
_PAGE = "SELECT {cells} FROM replication_jobs AS r{own}{where} ORDER BY {newest} LIMIT {limit:d}"
_OWN = " LEFT JOIN oma_poller_jobs AS o ON {same_job}"


class StatusRow(Struct, frozen=True):
    """One job. A number that is absent or makes no sense is None; a text that is absent is ""."""

    job_id: str
    name: str
    """Of the VM."""
    status: str
    percent_bp: int | None
    """Basis points, 0 to 10000."""
    operation: str
    bytes_transferred: int | None
    total_bytes: int | None
    speed_bps: int | None
    """Bytes per second."""
    eta_s: int | None
    observation: str
    """How well the job is seen, one of T8's words, or whatever stands there; "" when nobody said."""
    reason: str
    """Why it is seen so."""
    updated_at: datetime | None
    """Aware, UTC."""
    error_message: str


class StatusPage(Struct, frozen=True):
    """The newest jobs."""

    rows: tuple[StatusRow, ...]
    total: int
    """How many there are, shown or not."""


def read_status(
    address: DatabaseAddress, active_statuses: frozenset[str], *, everything: bool, limit: int
) -> StatusPage:
    """Return the newest *limit* jobs whose status is active, or of all jobs with *everything*.

    Raises DatabaseError where the database cannot be reached or is not an OMA's.
    """
    with translating(address), closing(connect(address, autocommit=True)) as connection:
        capabilities = read_capabilities(connection, address)
        require_usable(capabilities, address)
        statuses = () if everything else tuple(sorted(active_statuses))
        if not (everything or statuses):
            return StatusPage((), 0)
        where = _where(capabilities.engine, len(statuses))
        with closing(connection.cursor()) as cursor:
            cursor.execute(_COUNT.format(where=where), statuses)
            counted = cursor.fetchone()
            cursor.execute(_page_sql(capabilities, where, max(limit, 0)), statuses)
            rows = tuple(_row(cells) for cells in cursor.fetchall())
    return StatusPage(rows, max(int(counted[0]) if counted else 0, len(rows)))


def _where(engine: Engine, statuses: int) -> str:
    marks = ", ".join([dialect_of(engine).mark] * statuses)
    return f" WHERE r.status IN ({marks})" if statuses else ""


def _page_sql(capabilities: Capabilities, where: str, limit: int) -> str:
    """Return the query of a page; a column that is absent is selected as NULL."""
    jobs, own = capabilities.jobs, _own_join(capabilities)
    cells = [f"r.{name}" if jobs.has(name) else "NULL" for name in _JOB_COLUMNS]
    cells += [f"o.{name}" if own else "NULL" for name in _OWN_COLUMNS]
    return _PAGE.format(
        cells=", ".join(cells),
        own=own,
        where=where,
        newest="r.created_at DESC, r.id DESC" if jobs.has("created_at") else "r.id DESC",
        limit=limit,
    )


def _own_join(capabilities: Capabilities) -> str:
    """Return the join with our own table; "" where it is not there."""
    theirs, ours = capabilities.jobs.get("id"), capabilities.own_jobs.get("job_id")
    if theirs is None or ours is None or not capabilities.own_jobs.has(*_OWN_COLUMNS):
        return ""
    dialect = dialect_of(capabilities.engine)
    return _OWN.format(same_job=dialect.equal(("o.job_id", ours), ("r.id", theirs)))


def _row(cells: Sequence[Any]) -> StatusRow:
    cell = dict(zip((*_JOB_COLUMNS, *_OWN_COLUMNS), cells, strict=True))
    ours = cell["job_id"] is not None
    return StatusRow(
        job_id=text_of(cell["id"]),
        name=text_of(cell["source_vm_name"]),
        status=text_of(cell["status"]),
        percent_bp=basis_points_of(cell["progress_percent"]),
        operation=text_of(cell["current_operation"]),
        bytes_transferred=count_of(cell["bytes_transferred"]),
        total_bytes=count_of(cell["total_bytes"]),
        speed_bps=count_of(cell["transfer_speed_bps"]),
        eta_s=count_of(cell["vma_eta_seconds"]) or None,
        observation=text_of(cell["observation" if ours else "vma_error_classification"]),
        reason=text_of(cell["reason" if ours else "vma_error_details"]),
        updated_at=read_moment(cell["updated_at"]),
        error_message=text_of(cell["error_message"]),
    )
