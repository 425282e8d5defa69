"""What `oma-poller history` shows: the samples of one job, as they stand in our own table."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.capabilities import HISTORY, JOBS, Capabilities, read_capabilities, require_usable
from oma_poller.database.cells import count_of, text_of
from oma_poller.database.connect import Cursor, connect
from oma_poller.database.dialect import dialect_of
from oma_poller.database.driver_errors import translating
from oma_poller.database.history import stored_moment
from oma_poller.database.moment import read_moment
from oma_poller.errors import DatabaseError, UnknownJobError
from oma_poller.model.sample import Sample

MOST_SAMPLES = 1000
"""Samples that are read where the caller sets no limit; a job in its 30 days has hardly more."""
_COLUMNS = (
    "job_id",
    "at",
    "grain_s",
    "observation",
    "percent_bp",
    "bytes_transferred",
    "total_bytes",
    "speed_bps",
)
_SAMPLES = (
    "SELECT {columns} FROM {history} WHERE job_id = {mark} AND at >= {mark} ORDER BY at DESC LIMIT {limit:d}"
)
_JOB = "SELECT 1 FROM {jobs} WHERE id = {mark}"
_EVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def read_history(
    address: DatabaseAddress, job_id: str, since: datetime | None = None, limit: int = MOST_SAMPLES
) -> tuple[Sample, ...]:
    """Return the newest *limit* samples of a job, not older than *since*, the oldest first.

    Raises UnknownJobError where there is neither a sample nor such a job, and DatabaseError where the
    database cannot be read or has no history.
    """
    with translating(address), closing(connect(address, autocommit=True)) as connection:
        has = read_capabilities(connection, address)
        require_usable(has, address)
        if not has.own_history.has(*_COLUMNS):
            raise DatabaseError(f"{address.redacted} has no history; `oma-poller db upgrade` makes its table")
        with closing(connection.cursor()) as cursor:
            rows = _rows(cursor, has, (job_id, stored_moment(since or _EVER)), max(limit, 0))
            if not rows and not _is_known(cursor, has, job_id):
                raise UnknownJobError(job_id)
    return tuple(sample for sample in map(_sample, reversed(rows)) if sample is not None)


def _rows(
    cursor: Cursor, has: Capabilities, values: tuple[str, str], limit: int
) -> Sequence[tuple[Any, ...]]:
    mark = dialect_of(has.engine).mark
    columns = ", ".join(_COLUMNS)
    cursor.execute(_SAMPLES.format(columns=columns, history=HISTORY, mark=mark, limit=limit), values)
    return cursor.fetchall()


def _is_known(cursor: Cursor, has: Capabilities, job_id: str) -> bool:
    cursor.execute(_JOB.format(jobs=JOBS, mark=dialect_of(has.engine).mark), (job_id,))
    return cursor.fetchone() is not None


def _sample(cells: Sequence[Any]) -> Sample | None:
    """Return the sample of a row; None for one without a moment, which somebody else must have made."""
    job_id, at, grain_s, observation, *numbers = cells
    moment = read_moment(at)
    if moment is None:
        return None
    percent_bp, bytes_transferred, total_bytes, speed_bps = map(count_of, numbers)
    return Sample(
        job_id=text_of(job_id),
        at=moment,
        grain_s=count_of(grain_s) or 0,
        observation=text_of(observation),
        percent_bp=percent_bp,
        bytes_transferred=bytes_transferred,
        total_bytes=total_bytes,
        speed_bps=speed_bps,
    )
