"""One flush: updates, heartbeats and memories as the rows of each statement."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

from msgspec import Struct

from oma_poller.database.fitting import Fits, Row
from oma_poller.database.written import (
    DISK_VALUES,
    JOB_VALUES,
    OWN_VALUES,
    disk_values,
    job_values,
    own_values,
)
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Sighting
from oma_poller.model.update import Update

_job_of = attrgetter("job_id")
_job_of_memory = attrgetter("context.job_id")


class Entry(Struct, frozen=True):
    """What our own table is told of one job: there is an update, or a memory, or both."""

    job_id: str
    update: Update | None = None
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
    """What is written in one transaction. It can be halved to find the row that the database refuses.

    All of it is sorted by job, so that all who write lock rows in one order.
    """

    updates: tuple[Update, ...]
    heartbeat_ids: tuple[str, ...]
    memories: tuple[JobMemory, ...]

    def __bool__(self) -> bool:
        return bool(self.updates or self.heartbeat_ids or self.memories)

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Every job of it, once, sorted."""
        told = (memory.context.job_id for memory in self.memories)
        return tuple(sorted({*(update.job_id for update in self.updates), *self.heartbeat_ids, *told}))

    def only(self, job_ids: AbstractSet[str]) -> "Flush":
        """Return what it has of these jobs."""
        return Flush(
            tuple(update for update in self.updates if update.job_id in job_ids),
            tuple(job_id for job_id in self.heartbeat_ids if job_id in job_ids),
            tuple(memory for memory in self.memories if memory.context.job_id in job_ids),
        )

    def without(self, job_ids: AbstractSet[str]) -> "Flush":
        """Return what it has of other jobs."""
        return self.only(frozenset(self.job_ids) - job_ids) if job_ids else self

    def halves(self) -> "tuple[Flush, Flush]":
        """Return two that are this one together; neither is empty where this one has two jobs."""
        job_ids = self.job_ids
        first = frozenset(job_ids[: len(job_ids) // 2])
        return self.only(first), self.without(first)

    def entries(self, known: AbstractSet[str] = frozenset()) -> list[Entry]:
        """Return what our own table is to be told, one entry a job; of *known* jobs only their memories."""
        kept = {memory.context.job_id: memory for memory in self.memories}
        updated = [
            Entry(update.job_id, update, kept.pop(update.job_id, None))
            for update in self.updates
            if update.job_id not in known or update.job_id in kept
        ]
        alone = [Entry(job_id, None, memory) for job_id, memory in kept.items()]
        return sorted(updated + alone, key=_job_of) if alone else updated


def flush_of(
    updates: Iterable[Update], heartbeat_ids: Iterable[str], memories: Iterable[JobMemory] = ()
) -> Flush:
    """Return the flush of these."""
    return Flush(
        tuple(sorted(updates, key=_job_of)),
        tuple(sorted(set(heartbeat_ids))),
        tuple(sorted(memories, key=_job_of_memory)),
    )


def job_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each job with an update: job, birth, two flags, and the values of its columns."""
    rows = [
        (
            update.job_id,
            update.born,
            int(update.progress is not None),
            int(update.is_terminal),
            *job_values(update),
        )
        for update in flush.updates
    ]
    return fitted_rows(rows, JOB_VALUES, fits)


def disk_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each disk: job, birth, disk, and the values of its columns."""
    rows = [
        (update.job_id, update.born, disk.id, *disk_values(disk))
        for update in flush.updates
        if update.progress is not None
        for disk in update.progress.disks
    ]
    return fitted_rows(rows, DISK_VALUES, fits)


def end_rows(flush: Flush) -> list[Row]:
    """Return job and birth of each job that an update ends."""
    return [(update.job_id, update.born) for update in flush.updates if update.is_terminal]


def heartbeat_rows(flush: Flush) -> list[Row]:
    """Return the id of each job whose values did not change."""
    return [(job_id,) for job_id in flush.heartbeat_ids]


def own_rows(entries: Iterable[Entry], fits: Fits) -> list[Row]:
    """Return a row of our own table for each job of which it is to be told something: job, birth, values."""
    rows = [
        (
            entry.job_id,
            None if entry.update is None else entry.update.born,
            *own_values(*entry.seen, entry.memory).values(),
        )
        for entry in entries
        if entry.seen is not None
    ]
    return fitted_rows(rows, OWN_VALUES, fits)


def fitted_rows(rows: Sequence[Row], names: Sequence[str], fits: Fits) -> list[Row]:
    """Return *rows*, of whose last values, by their *names*, those stay that *fits* has, made to fit.

    That is done for all rows a column at a time.
    """
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    head = len(columns) - len(names)
    named = zip(names, columns[head:], strict=True)
    fitted = [fits[name](column) for name, column in named if name in fits]
    return list(zip(*columns[:head], *fitted, strict=True))
