"""An OMA's tables in memory, with a JobSource and a JobSink on them, for scenarios without a database."""

from collections.abc import Collection, Iterable, Sequence
from threading import Lock
from typing import Any

from oma_poller.clock import Clock, SystemClock
from oma_poller.core.history import Sampler, expired
from oma_poller.database.active_ids import read_ids
from oma_poller.database.flush import Entry, flush_of
from oma_poller.database.job_rows import DISK_COLUMNS, JOB_COLUMNS, PAST_COLUMNS, group_jobs
from oma_poller.database.written import SEED_VALUES, Written, own_values, written
from oma_poller.engine.ports import Flushed, Thinned
from oma_poller.errors import DatabaseUnavailableError
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.sample import Sample
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
        self.history: list[Sample] = []
        """In the order in which they were taken."""
        self.is_away = False
        """Whether every call fails as if the database could not be reached."""
        self.claimed_by: object | None = None
        """The claim that is held, see `memory_claim.py`."""
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

    def active(self) -> frozenset[str]:
        """Return the id of every active job."""
        self._oma.require_reachable()
        with self._oma.lock:
            rows = [(row["id"],) for row in self._oma.jobs.values() if row["status"] in self._active]
        return read_ids(rows)[0]

    def newest(self, limit: int) -> list[str]:
        """Return the ids of at most so many active jobs, the newest."""
        jobs = self.details(list(self.active()))
        return [job.id for job in jobs[:limit]]

    def details(self, job_ids: Sequence[str], new_ids: Collection[str] = ()) -> list[Job]:
        """Return these jobs with disks and volumes, newest first, and the past of *new_ids*."""
        self._oma.require_reachable()
        wanted = frozenset(job_ids)
        with self._oma.lock:
            rows = [cells for job_id in wanted for cells in self._joined(job_id, new=job_id in new_ids)]
            return group_jobs(rows, wanted)

    def close(self) -> None:
        """There is nothing to let go."""

    def _joined(self, job_id: str, *, new: bool) -> list[tuple[Any, ...]]:
        """Return the rows that the SQL join of the four tables has for a job."""
        job = self._oma.jobs.get(job_id)
        if job is None:
            return []
        own = self._oma.own_jobs.get(job_id, {})
        past = (
            [own.get("memory"), *(job.get(name) for name in PAST_COLUMNS[1:])]
            if new
            else [None] * len(PAST_COLUMNS)
        )
        left = (*(job.get(name) for name in JOB_COLUMNS), _born(job), own.get("accepted_at"), *past)
        disks = self._disks_of(job)
        if not disks:
            return [(*left, *(None for _ in DISK_COLUMNS), None)]
        return [(*left, *(disk.get(name) for name in DISK_COLUMNS), self._volume_id(disk)) for disk in disks]

    def _disks_of(self, job: Row) -> list[Row]:
        """Return the disks that name a job; where none does, those of its VM that name none."""
        disks = self._oma.disks.values()
        named = [disk for disk in disks if disk.get("job_id") == job["id"]]
        if named or not _is_newest(job, self._oma.jobs.values()):
            return named
        return [disk for disk in disks if disk.get("job_id") is None and _same_vm(disk, job)]

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
        self._sampler = Sampler()

    def write(
        self,
        updates: Sequence[Update],
        heartbeat_ids: Sequence[str] = (),
        memories: Sequence[JobMemory] = (),
    ) -> Flushed:
        """Write all of it; what is not active is not touched."""
        self._oma.require_reachable()
        with self._oma.lock:
            ends = {update.job_id: update for update in updates if update.is_terminal}
            withheld = frozenset(one for one, update in ends.items() if not self._is_writable(update))
            self._sample(updates)
            flush = flush_of(updates, heartbeat_ids, memories)
            for entry in flush.entries():
                if entry.update is not None and self._is_another(entry.update):
                    continue
                self._write_own(entry)
                if entry.update is not None:
                    self._write(entry.job_id, written(entry.update))
            for job_id in flush.heartbeat_ids:
                self._stamp(job_id)
            self._oma.flushes += 1
            return Flushed(withheld=withheld)

    def thin(self) -> Thinned:
        """Delete samples that are too old, and those of jobs that are gone."""
        self._oma.require_reachable()
        oldest = dict(expired(self._oma.clock.utc()))
        with self._oma.lock:
            before = len(self._oma.history)
            self._oma.history = [
                sample
                for sample in self._oma.history
                if sample.job_id in self._oma.jobs and sample.at >= oldest[sample.grain_s]
            ]
            return Thinned(before - len(self._oma.history))

    def close(self) -> None:
        """There is nothing to let go."""

    def _sample(self, updates: Sequence[Update]) -> None:
        """Add to the history what is due of rows that may be written."""
        clock, history = self._oma.clock, self._oma.history
        unknown = set(self._sampler.unknown(updates))
        earlier = {sample.job_id: sample.at for sample in history if sample.job_id in unknown}
        drawn = self._sampler.draw(updates, clock.utc(), clock.monotonic(), earlier)
        self._sampler.keep(updates, drawn, clock.monotonic())
        alive = {update.job_id for update in updates if self._is_writable(update)}
        history += [sample for sample in drawn if sample.job_id in alive]

    def _is_writable(self, update: Update) -> bool:
        row = self._oma.jobs.get(update.job_id, {})
        return row.get("status") in self._active and not self._is_another(update)

    def _write(self, job_id: str, values: Written) -> None:
        row = self._oma.jobs.get(job_id)
        if row is None:
            return
        if row["status"] not in self._active:
            return
        self._stamp(job_id)
        if not self._write_status:
            row.update({name: values.job[name] for name in SEED_VALUES if name in values.job})
            return
        for disk_id, disk in values.disks:
            held = self._oma.disks.get(disk_id)
            if held is not None and (
                held["job_id"] == job_id or (held["job_id"] is None and _same_vm(held, row))
            ):
                held.update(disk, updated_at=self._oma.clock.utc())
        row.update(values.job)
        if values.ends:
            row["completed_at"] = self._oma.clock.utc()

    def _write_own(self, entry: Entry) -> None:
        if entry.seen is None or entry.job_id not in self._oma.jobs:
            return
        row = self._oma.own_jobs.setdefault(entry.job_id, {"job_id": entry.job_id, "accepted_at": None})
        values = own_values(*entry.seen, entry.memory)
        row |= values | {"memory": values["memory"] if entry.memory is not None else row.get("memory")}
        row["updated_at"] = self._oma.clock.utc()

    def _stamp(self, job_id: str) -> None:
        row = self._oma.jobs.get(job_id)
        if row is None or row["status"] not in self._active:
            return
        row["updated_at"] = self._oma.clock.utc()
        if self._write_status:
            row["vma_last_poll_at"] = self._oma.clock.utc()

    def _is_another(self, update: Update) -> bool:
        """Whether the row was made anew under its id since the update's job was read."""
        row = self._oma.jobs.get(update.job_id, {})
        return update.born is not None and update.born != _born(row)


def _same_vm(one: Row, other: Row) -> bool:
    return bool(one.get("vm_context_id")) and one.get("vm_context_id") == other.get("vm_context_id")


def _is_newest(job: Row, jobs: Iterable[Row]) -> bool:
    """Whether no job of the same VM is newer; those without a date are oldest."""
    return all(_age(other) <= _age(job) for other in jobs if _same_vm(other, job))


def _age(job: Row) -> tuple[bool, str, str]:
    created = job.get("created_at")
    return (created is not None, str(created), job["id"])


def _born(job: Row) -> str:
    created = job.get("created_at")
    return "" if created is None else str(created)
