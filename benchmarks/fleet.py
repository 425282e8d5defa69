"""Fleets of any size: the database of N jobs of two disks over M VMAs, and the poller's file of the VMAs."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from bulk_vmas import address as vma_address
from moving_entry import TOTAL_BYTES, volume_id
from msgspec import Struct

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import Cursor, connect
from oma_poller.database.oma_schema import init
from oma_poller.database.upgrade import upgrade

DISKS = 2
_ROWS_A_STATEMENT = 1000


class Fleet(Struct, frozen=True):
    """Jobs of two disks each; job n is at VMA n modulo the number of VMAs."""

    jobs: int
    vmas: int = 1
    status: str = "running"

    def job_id(self, job: int) -> str:
        """Return the id of a job."""
        return f"job-20261124-{job:08d}"

    def host(self, vma: int) -> str:
        """Return the vCenter by which a job is matched to its VMA."""
        return f"vc-{vma:04d}"

    def volumes_of(self, vma: int) -> Sequence[int]:
        """Return the volumes of a VMA's jobs."""
        jobs = range(vma, self.jobs, self.vmas)
        return [job * DISKS + disk for disk in range(DISKS) for job in jobs]

    def fill(self, database: DatabaseAddress) -> None:
        """Make the OMA's tables of the later schema and ours in an empty database, and insert everything."""
        init(database)
        upgrade(database)
        self.add(database, 0)

    def add(self, database: DatabaseAddress, first: int) -> None:
        """Insert the jobs from *first* on; those before it are there."""
        jobs = range(first, self.jobs)
        with closing(connect(database)) as connection, closing(connection.cursor()) as cursor:
            insert = _Insert(cursor, database.engine)
            insert.rows(
                "ossea_volumes", ("volume_id", "volume_name", "size_gb", "status"), self._volumes(jobs)
            )
            insert.rows(
                "replication_jobs",
                ("id", "source_vm_id", "source_vm_name", "source_vm_path", "vcenter_host", "status"),
                self._jobs(jobs),
            )
            insert.rows(
                "vm_disks",
                ("job_id", "disk_id", "vmdk_path", "size_gb", "capacity_bytes", "label", "ossea_volume_id"),
                self._disks(jobs),
            )
            connection.commit()

    def vma_tables(self, folder: Path, port: int) -> Path:
        """Write the configuration file that names the VMAs at their addresses, and return it."""
        file = folder / "oma-poller.toml"
        tables = (
            f'[[vma]]\nname = "v{vma}"\nurl = "http://{vma_address(vma)}:{port}"\n'
            f'match = {{ vcenter_host = "{self.host(vma)}" }}\n'
            for vma in range(self.vmas)
        )
        file.write_text("".join(tables))
        return file

    def _volumes(self, jobs: range) -> Iterator[tuple[object, ...]]:
        numbers = range(jobs.start * DISKS, jobs.stop * DISKS)
        return ((volume_id(number), "volume", 2048, "attached") for number in numbers)

    def _jobs(self, jobs: range) -> Iterator[tuple[object, ...]]:
        for job in jobs:
            path, host = f"/DC/vm/vm-{job}", self.host(job % self.vmas)
            yield self.job_id(job), f"vm-{job}", f"vm-{job}", path, host, self.status

    def _disks(self, jobs: range) -> Iterator[tuple[object, ...]]:
        for job in jobs:
            for disk in range(DISKS):
                file, label = f"[store] vm-{job}/{disk}.vmdk", f"Hard disk {disk + 1}"
                serial = job * DISKS + disk + 1  # volumes are numbered from 1 in the order of their insertion
                yield self.job_id(job), str(2000 + disk), file, 2048, TOTAL_BYTES, label, serial


class _Insert:
    """Inserts many rows a statement: a row at a time takes minutes."""

    def __init__(self, cursor: Cursor, engine: Engine) -> None:
        self._cursor = cursor
        self._mark = "?" if engine is Engine.SQLITE else "%s"

    def rows(self, table: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
        """Insert all *rows*."""
        one = f"({', '.join([self._mark] * len(columns))})"
        while some := list(islice(rows, _ROWS_A_STATEMENT)):
            marks = ", ".join([one] * len(some))
            sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {marks}"  # noqa: S608 - our own names
            self._cursor.execute(sql, tuple(value for row in some for value in row))
