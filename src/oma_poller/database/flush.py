"""One flush: updates, heartbeats and memories as the rows of each statement."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import Struct

from oma_poller.database.fitting import Fits, Value
from oma_poller.database.statements import BORN, DISK, ENDS, JOB, NUMBERS
from oma_poller.database.written import Values, Written, own_values, written
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Sighting
from oma_poller.model.update import Update

Row = dict[str, Value]

_ENCODER = msgspec.json.Encoder()


class Entry(Struct, frozen=True):
    """What is written of one job."""

    job_id: str
    update: Update | None = None
    values: Written | None = None
    """Those of the update."""
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

    @property
    def ends(self) -> dict[str, str]:
        """The status that each job is ended with."""
        return {
            entry.job_id: entry.update.status or ""
            for entry in self.entries
            if entry.update is not None and entry.values is not None and entry.values.ends
        }

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
        values = None if update is None else written(update)
        entries.append(Entry(job_id, update, values, job_id in beating, kept.get(job_id)))
    return Flush(tuple(entries))


def job_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each job with an update, with the values that its columns can hold."""
    return [
        {
            JOB: update.job_id,
            BORN: update.born,
            NUMBERS: int(update.progress is not None),
            ENDS: int(values.ends),
            **_fitted(values.job, fits),
        }
        for update, values in _updates(flush)
    ]


def disk_rows(flush: Flush, fits: Fits) -> list[Row]:
    """Return a row for each disk."""
    return [
        {JOB: update.job_id, BORN: update.born, DISK: disk_id, **_fitted(disk, fits)}
        for update, values in _updates(flush)
        for disk_id, disk in values.disks
    ]


def heartbeat_rows(flush: Flush) -> list[Row]:
    """Return a row for each job whose values did not change."""
    return [{JOB: entry.job_id} for entry in flush.entries if entry.is_heartbeat]


def own_rows(entries: Iterable[Entry], fits: Fits) -> list[Row]:
    """Return a row of our own table for each job of which it is to be told something."""
    return [
        {
            JOB: entry.job_id,
            BORN: None if entry.update is None else entry.update.born,
            **_fitted(own_values(*entry.seen, entry.memory), fits),
        }
        for entry in entries
        if entry.seen is not None
    ]


def _updates(flush: Flush) -> Iterator[tuple[Update, Written]]:
    for entry in flush.entries:
        if entry.update is not None and entry.values is not None:
            yield entry.update, entry.values


def as_json(rows: Sequence[Row | str]) -> str:
    """Return *rows* as the parameter of a statement."""
    return _ENCODER.encode(rows).decode()


def _fitted(values: Values, fits: Fits) -> Row:
    """Return the values that have a column, made to fit; one that cannot fit at all is left out."""
    row: Row = {}
    for name, value in values.items():
        fit = fits.get(name)
        if fit is not None and value is not None and (fitted := fit(value)) is not None:
            row[name] = fitted
    return row
