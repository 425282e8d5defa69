"""An OMA's tables in memory, with a JobSource and a JobSink on them, for scenarios without a database."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from oma_poller.clock import Clock, SystemClock
from oma_poller.database.job_rows import DISK_COLUMNS, JOB_COLUMNS, group_jobs, read_active
from oma_poller.database.written import SEED_VALUES, Written, written
from oma_poller.errors import DatabaseUnavailableError
from oma_poller.model.job import ActiveJob, Job
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.update import Update

Row = dict[str, Any]


class MemoryOma:
    """The rows, by id, as a later database has them; a scenario reads and changes them as the OMA would."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.lock = Lock()
        """Held while rows are read or written, so that a flush is seen whole or not at all."""
        self.jobs: dict[str, Row] = {}
        self.disks: dict[int | str, Row] = {}
        self.volumes: dict[int | str, Row] = {}
        self.own_jobs: dict[str, Row] = {}
        self.is_away = False
        """Whether every call fails as if the database could not be reached."""
        self.flushes = 0

    def add_job(self, job_id: str, status: str = "running", **columns: object) -> None:
        """Insert a job created now; *columns* in place of the row's own."""
        now = self.clock.utc()
        row: Row = {
            "id": job_id,
            "status": status,
            "source_vm_name": "",
            "created_at": now,
            "updated_at": now,
        }
        row |= {"completed_at": None, "vma_last_poll_at": None, "error_message": None}
        row |= {"progress_percent": 0, "bytes_transferred": 0, "total_bytes": 0, "transfer_speed_bps": 0}
        with self.lock:
            self.jobs[job_id] = row | columns

    def add_disk(self, job_id: str, volume_id: str | None, capacity_bytes: int = 0, **columns: object) -> int:
        """Insert a disk of a job with its volume, and return the disk's id."""
        with self.lock:
            number = len(self.disks) + 1
            if volume_id is not None:
                self.volumes[number] = {"id": number, "volume_id": volume_id}
            row: Row = {"id": number, "job_id": job_id, "disk_id": str(1999 + number), "unit_number": number}
            row |= {"capacity_bytes": capacity_bytes, "ossea_volume_id": number if volume_id else None}
            row |= {"sync_status": "pending", "sync_progress_percent": 0, "bytes_synced": 0}
            self.disks[number] = row | columns
        return number

    def require_reachable(self) -> None:
        """Raise DatabaseUnavailableError while it is away."""
        if self.is_away:
            raise DatabaseUnavailableError("memory: the database is away")


class MemoryJobSource:
    """A JobSource on rows in memory."""

    def __init__(self, oma: MemoryOma, active_statuses: frozenset[str]) -> None:
        self._oma = oma
        self._active = active_statuses - TERMINAL_STATUSES

    def active(self) -> list[ActiveJob]:
        """Return id and status of every active job."""
        self._oma.require_reachable()
        with self._oma.lock:
            rows = [(row["id"], row["status"]) for row in self._oma.jobs.values()]
        return read_active(row for row in rows if row[1] in self._active)[0]

    def details(self, job_ids: Sequence[str]) -> list[Job]:
        """Return these jobs with disks and volumes, newest first."""
        self._oma.require_reachable()
        wanted = frozenset(job_ids)
        with self._oma.lock:
            return group_jobs([cells for job_id in wanted for cells in self._joined(job_id)], wanted)

    def close(self) -> None:
        """There is nothing to let go."""

    def _joined(self, job_id: str) -> list[tuple[Any, ...]]:
        """Return the rows that the SQL join of the three tables has for a job."""
        job = self._oma.jobs.get(job_id)
        if job is None:
            return []
        left = tuple(job.get(name) for name in JOB_COLUMNS)
        disks = [disk for disk in self._oma.disks.values() if disk.get("job_id") == job_id]
        if not disks:
            return [(*left, *(None for _ in DISK_COLUMNS), None)]
        return [(*left, *(disk.get(name) for name in DISK_COLUMNS), self._volume_id(disk)) for disk in disks]

    def _volume_id(self, disk: Row) -> object:
        return self._oma.volumes.get(disk["ossea_volume_id"], {}).get("volume_id")


class MemoryJobSink:
    """A JobSink on rows in memory, guarded as the SQL ones are."""

    def __init__(
        self,
        oma: MemoryOma,
        active_statuses: frozenset[str],
        write_status: bool,  # noqa: FBT001  # as the sink for SQL has it
    ) -> None:
        self._oma = oma
        self._active = active_statuses - TERMINAL_STATUSES
        self._write_status = write_status

    def write(self, updates: Sequence[Update], heartbeat_ids: Sequence[str] = ()) -> None:
        """Write all of it; what is not active is not touched."""
        self._oma.require_reachable()
        with self._oma.lock:
            for update in updates:
                self._write(update.job_id, written(update))
            for job_id in heartbeat_ids:
                self._stamp(job_id)
            self._oma.flushes += 1

    def close(self) -> None:
        """There is nothing to let go."""

    def _write(self, job_id: str, values: Written) -> None:
        row = self._oma.jobs.get(job_id)
        if row is None:
            return
        self._oma.own_jobs[job_id] = {"job_id": job_id, **values.own, "updated_at": self._oma.clock.utc()}
        if row["status"] not in self._active:
            return
        self._stamp(job_id)
        if not self._write_status:
            row.update({name: values.job[name] for name in SEED_VALUES if name in values.job})
            return
        for disk_id, disk in values.disks:
            held = self._oma.disks.get(disk_id)
            if held is not None and held["job_id"] == job_id:
                held.update(disk, updated_at=self._oma.clock.utc())
        row.update(values.job)
        if values.ends:
            row["completed_at"] = self._oma.clock.utc()

    def _stamp(self, job_id: str) -> None:
        row = self._oma.jobs.get(job_id)
        if row is None or row["status"] not in self._active:
            return
        row["updated_at"] = self._oma.clock.utc()
        if self._write_status:
            row["vma_last_poll_at"] = self._oma.clock.utc()
