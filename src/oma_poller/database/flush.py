"""One flush: updates and heartbeats as the rows of each statement."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from oma_poller.database.column import Column, fit_number, fit_text
from oma_poller.database.statements import DISK, ENDS, JOB, NUMBERS
from oma_poller.database.written import Value, Values, Written, written
from oma_poller.model.update import Update

Row = dict[str, Value]

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Flush(Struct, frozen=True):
    """What is written in one transaction. It can be halved to find the row that the database refuses."""

    updates: tuple[tuple[Update, Written], ...]
    """Sorted by job, so that all who write lock rows in one order."""
    heartbeat_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.updates) + len(self.heartbeat_ids)

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Every job of it."""
        return (*(update.job_id for update, _ in self.updates), *self.heartbeat_ids)

    def halves(self) -> "tuple[Flush, Flush]":
        """Return two that are this one together; neither is empty where this one has two rows."""
        middle = len(self) // 2
        cut = max(0, middle - len(self.updates))
        return (
            Flush(self.updates[:middle], self.heartbeat_ids[:cut]),
            Flush(self.updates[middle:], self.heartbeat_ids[cut:]),
        )


def flush_of(updates: Iterable[Update], heartbeat_ids: Iterable[str]) -> Flush:
    """Return the flush of these."""
    pairs = sorted(((update, written(update)) for update in updates), key=lambda pair: pair[0].job_id)
    return Flush(tuple(pairs), tuple(sorted(heartbeat_ids)))


def job_rows(flush: Flush, columns: Mapping[str, Column]) -> list[Row]:
    """Return a row for each job, with the values that *columns* can hold."""
    return [
        {
            JOB: update.job_id,
            NUMBERS: int(update.progress is not None),
            ENDS: int(values.ends),
            **_fitted(values.job, columns),
        }
        for update, values in flush.updates
    ]


def disk_rows(flush: Flush, columns: Mapping[str, Column]) -> list[Row]:
    """Return a row for each disk."""
    return [
        {JOB: update.job_id, DISK: disk_id, **_fitted(disk, columns)}
        for update, values in flush.updates
        for disk_id, disk in values.disks
    ]


def own_rows(updates: Iterable[tuple[Update, Written]], columns: Mapping[str, Column]) -> list[Row]:
    """Return a row for each job of our own table."""
    return [{JOB: update.job_id, **_fitted(values.own, columns)} for update, values in updates]


def as_json(rows: Sequence[Row | str]) -> str:
    """Return *rows* as the parameter of a statement."""
    return _ENCODER.encode(rows).decode()


def _fitted(values: Values, columns: Mapping[str, Column]) -> Row:
    """Return the values that have a column, made to fit; one that cannot fit at all is left out."""
    row: Row = {}
    for name, value in values.items():
        column = columns.get(name)
        if column is None:
            continue
        fitted = _fit(column, value)
        if fitted is not None:
            row[name] = fitted
    return row


def _fit(column: Column, value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, str):
        return fit_text(column, value)
    return fit_number(column, value if isinstance(value, int | float) else Decimal(value))
