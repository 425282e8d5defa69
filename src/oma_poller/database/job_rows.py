"""Rows of the joined query as Jobs with their Disks. A nonsensical value becomes unknown, never an error."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from operator import attrgetter, itemgetter
from sys import intern
from typing import Any

from oma_poller.database.cells import basis_points_of, count_of
from oma_poller.database.moment import read_moment
from oma_poller.database.recollection import read_memory
from oma_poller.model.job import Disk, Job
from oma_poller.model.memory import Past

BIGINT_MAX = 2**63 - 1
_GIB = 2**30

JOB_COLUMNS = (
    "id",
    "status",
    "created_at",
    "source_vm_name",
    "nbd_export_name",
    "vcenter_host",
    "datacenter",
)
"""What a row begins with, of `replication_jobs`; `created_at` follows once more, as `Job.born`."""
PAST_COLUMNS = ("memory", "progress_percent", "bytes_transferred")
"""What follows `oma_poller_jobs.accepted_at`: the memory from there, and numbers of `replication_jobs`."""
DISK_COLUMNS = ("id", "disk_id", "unit_number", "capacity_bytes", "size_gb")
"""What follows, of `vm_disks`; the last of a row is `ossea_volumes.volume_id`."""
_PAST_START = len(JOB_COLUMNS) + 2
_DISK_START = _PAST_START + len(PAST_COLUMNS)

Cells = Sequence[Any]
_ID, _CREATED, _PLACE = attrgetter("id"), attrgetter("created_at"), itemgetter(0)


def group_jobs(rows: Iterable[Cells], wanted: frozenset[str]) -> list[Job]:
    """Return the jobs of joined rows, newest first, each with its disks in order.

    *wanted* are the ids asked for: a database that takes upper case for lower finds others too.
    """
    by_job: dict[str, list[Cells]] = {}
    for row in rows:
        if row[0] in wanted:
            by_job.setdefault(row[0], []).append(row)
    jobs = sorted(map(_job, by_job.values()), key=_ID)
    dated = sorted((job for job in jobs if job.created_at is not None), key=_CREATED, reverse=True)
    return dated + [job for job in jobs if job.created_at is None]  # newest first (P1)


def _job(rows: Sequence[Cells]) -> Job:
    row = rows[0]
    job_id, status, created_at, name, nbd_export_name, vcenter_host, datacenter, born, accepted_at = row[
        :_PAST_START
    ]
    return Job(
        id=job_id,
        status=_shared(status),
        created_at=read_moment(created_at),
        born=_text(born),
        name=_text(name) or "",
        nbd_export_name=_text(nbd_export_name) or None,
        vcenter_host=_shared(vcenter_host) or None,
        datacenter=_shared(datacenter) or None,
        disks=_disks(rows),
        accepted_at=None if accepted_at is None else read_moment(accepted_at),
        past=_past(job_id, row[_PAST_START:_DISK_START]) if row[_PAST_START] else None,
    )


def _disks(rows: Sequence[Cells]) -> tuple[Disk, ...]:
    """Return the disks of a job's rows in their order; one that comes twice is that of the first row."""
    disks: dict[object, tuple[tuple[bool, int, bool, int | str], Disk]] = {}
    for row in rows:
        cells = row[_DISK_START:]
        if cells[0] is not None:
            disk = _disk(cells)
            disks.setdefault(disk.id, (_place(cells, disk), disk))
    return tuple(disk for _, disk in sorted(disks.values(), key=_PLACE))


def _past(job_id: str, cells: Cells) -> Past | None:
    """Return what is remembered of a job; numbers that make no sense are 0."""
    memory = read_memory(job_id, cells[0])
    if memory is None:
        return None
    return Past(memory, basis_points_of(cells[1]) or 0, count_of(cells[2]) or 0)


def _disk(cells: Cells) -> Disk:
    disk_id, name, _, capacity_bytes, size_gb, volume_id = cells
    known = disk_id if isinstance(disk_id, int | str) else _text(disk_id) or ""
    return Disk(
        id=known,
        disk_id=_shared(name) or str(known),
        volume_id=_text(volume_id) or None,
        capacity_bytes=_bytes(capacity_bytes, 1) or _bytes(size_gb, _GIB),
    )


def _place(cells: Cells, disk: Disk) -> tuple[bool, int, bool, int | str]:
    """Sort by unit number, those without one last, then by id."""
    unit = cells[2] if isinstance(cells[2], int) else _number(cells[2])
    return (unit is None, 0 if unit is None else int(unit), isinstance(disk.id, str), disk.id)


def _number(value: object) -> Decimal | None:
    """Return a finite number; None for anything else."""
    if not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _bytes(cell: object, unit_bytes: int) -> int:
    """Return a size; 0, unknown, for one that no disk has."""
    number = cell if isinstance(cell, int) else _number(cell)
    return int(number * unit_bytes) if number is not None and 0 < number * unit_bytes <= BIGINT_MAX else 0


def _shared(value: object) -> str:
    """Return a text that many rows have as one object for all of them, so that it is held once."""
    return intern(_text(value) or "")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
