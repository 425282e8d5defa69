"""One flush: updates, heartbeats and memories as the rows of each statement."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

from msgspec import Struct

from oma_poller.database.fitting import Fits, Row, Value
from oma_poller.database.written import OWN_VALUES, Columns, disk_columns, job_columns, own_values
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
    updates = flush.updates
    flags = (
        [int(update.progress is not None) for update in updates],
        [int(update.is_terminal) for update in updates],
    )
    return rows_of([*_of_jobs(updates), *flags], job_columns(updates), fits)


def disk_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each disk: job, birth, disk, and the values of its columns."""
    told = [(update, update.progress.disks) for update in flush.updates if update.progress is not None]
    updates = [update for update, disks in told for _ in disks]
    disks = [disk for _, disks in told for disk in disks]
    return rows_of([*_of_jobs(updates), [disk.id for disk in disks]], disk_columns(disks), fits)


def end_rows(flush: Flush) -> list[Row]:
    """Return job and birth of each job that an update ends."""
    return [(update.job_id, update.born) for update in flush.updates if update.is_terminal]


def heartbeat_rows(flush: Flush) -> list[Row]:
    """Return the id of each job whose values did not change."""
    return [(job_id,) for job_id in flush.heartbeat_ids]


def own_rows(entries: Iterable[Entry], fits: Fits) -> list[Row]:
    """Return a row of our own table for each job of which it is to be told something: job, birth, values."""
    told = [(entry, entry.seen) for entry in entries]
    seen = [(entry, *seen) for entry, seen in told if seen is not None]
    born = [None if entry.update is None else entry.update.born for entry, *_ in seen]
    values = [own_values(sighting, errors, entry.memory) for entry, sighting, errors in seen]
    columns: Columns = {name: [row[name] for row in values] for name in OWN_VALUES}
    return rows_of([[entry.job_id for entry, *_ in seen], born], columns, fits)


def rows_of(head: Sequence[Sequence[Value]], columns: Columns, fits: Fits) -> list[Row]:
    """Return rows of the columns of *head*, and of those of *columns* that *fits* has, made to fit."""
    fitted = [fits[name](column) for name, column in columns.items() if name in fits]
    return list(zip(*head, *fitted, strict=True))


def _of_jobs(updates: Sequence[Update]) -> tuple[list[Value], list[Value]]:
    return [update.job_id for update in updates], [update.born for update in updates]
