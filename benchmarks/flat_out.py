"""Rows of many jobs, written as fast as a database takes them, in the flushes that the program makes."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from moving_entry import EXPORT, TOTAL_BYTES

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.sink import SqlJobSink
from oma_poller.engine.writer import ROWS_A_FLUSH
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.reading import State
from oma_poller.model.update import DiskUpdate, Progress, Update

INTERVAL_S = 5.0
SPACING = 6
"""Polls of a job between two that write a sample and a memory as well: 30 s."""
_BEGAN = datetime(2026, 11, 24, tzinfo=UTC)
_SIGHTING = Sighting(Observation.FRESH, _BEGAN)


class SimulatedClock:
    """Goes on by the interval each time that all jobs were written, however long that took."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.now_s

    def utc(self) -> datetime:
        """The same as a moment."""
        return _BEGAN + timedelta(seconds=self.now_s)


class Writes:
    """Writes jobs in turn, a flush after the other."""

    def __init__(self, address: DatabaseAddress, jobs: Sequence[Job], statuses: frozenset[str]) -> None:
        self._jobs = jobs
        self._clock = SimulatedClock()
        self._sink = SqlJobSink(address, statuses, write_status=True, clock=self._clock)
        self._moved_bytes = 10**9

    def warm_up(self) -> None:
        """Write every job once, so that a sixth of each flush is due for a sample from then on."""
        for share in range(SPACING):
            self._clock.now_s = INTERVAL_S * share
            for flush in _flushes(self._jobs[share::SPACING]):
                self._write(flush, flush)
        self._clock.now_s = INTERVAL_S * SPACING

    def run(self, seconds: float) -> int:
        """Write for so long; return the jobs written."""
        deadline_s = time.monotonic() + seconds
        written, turn = 0, 0
        while True:
            for first in range(0, len(self._jobs), ROWS_A_FLUSH):
                flush = self._jobs[first : first + ROWS_A_FLUSH]
                due = (turn - first) % SPACING
                self._write(flush, flush[due::SPACING])
                self._clock.now_s += 1.001 * INTERVAL_S * len(flush) / len(self._jobs)
                written += len(flush)
                if time.monotonic() > deadline_s:
                    return written
            turn += 1

    def _write(self, jobs: Sequence[Job], noted: Sequence[Job]) -> None:
        self._moved_bytes += 10**6
        self._sink.write(
            [_update(job, self._moved_bytes) for job in jobs],
            memories=[_memory(job, self._clock.utc(), self._moved_bytes) for job in noted],
        )

    def thin(self) -> int:
        """Delete old samples as if two hours had passed, without the limit of time; return how many."""
        self._clock.now_s += 7200.0
        return self._sink.thin().rows

    def close(self) -> None:
        """End."""
        self._sink.close()


def _flushes(jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    for first in range(0, len(jobs), ROWS_A_FLUSH):
        yield jobs[first : first + ROWS_A_FLUSH]


def _update(job: Job, moved_bytes: int) -> Update:
    percent_bp = moved_bytes * 10_000 // TOTAL_BYTES
    return Update(
        job.id,
        _SIGHTING,
        progress=Progress(
            percent_bp=percent_bp,
            operation="Transferring Data",
            bytes_transferred=2 * moved_bytes,
            total_bytes=2 * TOTAL_BYTES,
            speed_bps=2 * 10**6,
            phase="Transfer",
            sync_type="full",
            eta_s=(TOTAL_BYTES - moved_bytes) // 10**6,
            disks=tuple(DiskUpdate(disk.id, "syncing", percent_bp, moved_bytes) for disk in job.disks),
        ),
        status="replicating",
        born=job.born,
    )


def _memory(job: Job, now: datetime, moved_bytes: int) -> JobMemory:
    run = KeyRun(
        state=State.REPLICATING,
        word="in_progress",
        trusted=True,
        previous=False,
        started_at=_BEGAN,
        since_s=-60.0,
        read_at_s=-0.1,
        moved_at_s=-0.1,
        raw_bytes=moved_bytes,
        bytes_transferred=moved_bytes,
        total_bytes=TOTAL_BYTES,
        percent=12.34,
    )
    keys = tuple(f"{EXPORT}{disk.volume_id}" for disk in job.disks)
    context = PollingContext(
        job.id, _BEGAN, 10, _SIGHTING, job.created_at, keys=keys, runs=(run,) * len(keys), proven=True
    )
    return JobMemory(now, context)
