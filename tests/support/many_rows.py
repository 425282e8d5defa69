"""Many jobs inserted over one connection, each with its disks and volumes."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import count
from typing import Any

from oma_database import OmaDatabase

from oma_poller.database.address import Engine
from oma_poller.database.connect import Connection, connect

_numbers = count(1)
"""Of volumes, in all databases of this process."""

_JOB = {"source_vm_name": "vm", "status": "running", "replication_type": "initial", "target_network": "n"}


def volume_of(job_id: str, place: int) -> str:
    """Return the volume of a job's disk."""
    return f"v-{job_id}-{place}"


def export_of(job_id: str, place: int = 0) -> str:
    """Return the export of a job's disk."""
    return f"migration-vol-{volume_of(job_id, place)}"


def add_jobs(
    oma: OmaDatabase,
    job_ids: Sequence[str],
    sizes_bytes: Sequence[int],
    columns: Mapping[str, object] | None = None,
    *,
    volumes: bool = True,
) -> None:
    """Insert running jobs with a disk of each size; *columns* in place of the rows' own."""
    jobs = [{"id": job_id, "source_vm_id": job_id, **_JOB, **(columns or {})} for job_id in job_ids]
    disks, of_disks = [], []
    for job_id in job_ids:
        for place, size_bytes in enumerate(sizes_bytes):
            number = next(_numbers) if volumes else None
            disk = {"job_id": job_id, "disk_id": str(2000 + place), "capacity_bytes": size_bytes}
            disks.append(disk | {"ossea_volume_id": number, "unit_number": place})
            if number is not None:
                of_disks.append({"id": number, "volume_id": volume_of(job_id, place), "status": "attached"})
    with closing(connect(oma.address)) as connection:
        for table, rows in (("replication_jobs", jobs), ("ossea_volumes", of_disks), ("vm_disks", disks)):
            _insert(connection, oma.address.engine, table, rows)
        connection.commit()


def _insert(connection: Connection, engine: Engine, table: str, rows: Sequence[dict[str, Any]]) -> None:
    mark = "?" if engine is Engine.SQLITE else "%s"
    cursor = connection.cursor()
    for row in rows:
        names, marks = ", ".join(row), ", ".join([mark] * len(row))
        cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608  # our own names
    cursor.close()
