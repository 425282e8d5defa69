"""One flush: updates, heartbeats and memories as the rows of each statement."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import Struct

from oma_poller.database.fitting import Fits, Value
from oma_poller.database.written import DISK_VALUES, JOB_VALUES, Values, disk_values, job_values, own_values
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Sighting
from oma_poller.model.update import Update

Row = list[Value]
"""The values of a row in the order of the fields that its statement reads."""

_ENCODER = msgspec.json.Encoder()


class Entry(Struct, frozen=True):
    """What is written of one job."""

    job_id: str
    update: Update | None = None
    is_heartbeat: bool = False
    memory: JobMemory | None = None

    @property
    def seen(self) -> tuple[Sighting, int] | None:
        """How the job is seen and its errors in a row, as our own table has them; None where not told."""
        if self.update is not None:
            return self.update.sighting, self.update.consecutive_errors
        if self.memory is not None:
            return self.memory.context.sighting, self.memory.context.consecutive_errors
        return None


class Flush(Struct, frozen=True):
    """What is written in one transaction. It can be halved to find the row that the database refuses."""

    entries: tuple[Entry, ...]
    """One a job, sorted by job, so that all who write lock rows in one order."""

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Every job of it."""
        return tuple(entry.job_id for entry in self.entries)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The updates of it."""
        return tuple(entry.update for entry in self.entries if entry.update is not None)

    def only(self, job_ids: AbstractSet[str]) -> "Flush":
        """Return what it has of these jobs."""
        return Flush(tuple(entry for entry in self.entries if entry.job_id in job_ids))

    def without(self, job_ids: AbstractSet[str]) -> "Flush":
        """Return what it has of other jobs."""
        return (
            Flush(tuple(entry for entry in self.entries if entry.job_id not in job_ids)) if job_ids else self
        )

    def halves(self) -> "tuple[Flush, Flush]":
        """Return two that are this one together; neither is empty where this one has two entries."""
        middle = len(self.entries) // 2
        return Flush(self.entries[:middle]), Flush(self.entries[middle:])


def flush_of(
    updates: Iterable[Update], heartbeat_ids: Iterable[str], memories: Iterable[JobMemory] = ()
) -> Flush:
    """Return the flush of these."""
    updated = {update.job_id: update for update in updates}
    beating = set(heartbeat_ids)
    kept = {memory.context.job_id: memory for memory in memories}
    entries = []
    for job_id in sorted({*updated, *beating, *kept}):
        update = updated.get(job_id)
        entries.append(Entry(job_id, update, job_id in beating, kept.get(job_id)))
    return Flush(tuple(entries))


def job_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each job with an update: job, birth, two flags, and the values of its columns."""
    ways = [fits.get(name) for name in JOB_VALUES]
    return [
        [
            update.job_id,
            update.born,
            int(update.progress is not None),
            int(update.is_terminal),
            *(way(value) for way, value in zip(ways, job_values(update), strict=True) if way is not None),
        ]
        for update in flush.updates
    ]


def disk_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each disk: job, birth, disk, and the values of its columns."""
    ways = [fits.get(name) for name in DISK_VALUES]
    return [
        [
            update.job_id,
            update.born,
            disk.id,
            *(way(value) for way, value in zip(ways, disk_values(disk), strict=True) if way is not None),
        ]
        for update in flush.updates
        if update.progress is not None
        for disk in update.progress.disks
    ]


def end_rows(flush: Flush) -> list[Row]:
    """Return job and birth of each job that an update ends."""
    return [[update.job_id, update.born] for update in flush.updates if update.is_terminal]


def heartbeat_rows(flush: Flush) -> list[Row]:
    """Return the id of each job whose values did not change."""
    return [[entry.job_id] for entry in flush.entries if entry.is_heartbeat]


def own_rows(entries: Iterable[Entry], fits: Fits) -> list[Row]:
    """Return a row of our own table for each job of which it is to be told something: job, birth, values."""
    return [
        [
            entry.job_id,
            None if entry.update is None else entry.update.born,
            *_fitted(own_values(*entry.seen, entry.memory), fits),
        ]
        for entry in entries
        if entry.seen is not None
    ]


def as_json(rows: Sequence[Row | str]) -> str:
    """Return *rows* as the parameter of a statement."""
    return _ENCODER.encode(rows).decode()


def _fitted(values: Values, fits: Fits) -> Iterator[Value]:
    """Yield what fits into each column; None for a value that cannot fit at all."""
    return (fit(values.get(name)) for name, fit in fits.items())
