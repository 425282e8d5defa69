"""What is remembered of jobs that left goes after a week, a bounded number of rows at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from oma_rows import ACTIVE, SqlRows, add_job
from schema_variants import Variant
from updates import unseen
from virtual_time import SetClock

from oma_poller.database import sweep
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.session import Session
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.sweep import EVERY_S, Sweep

OWN = "oma_poller_jobs"
STATUSES = tuple(sorted(ACTIVE))


@pytest.fixture
def rows(either_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return a database with the program's own tables."""
    rows = SqlRows(either_address, Variant.LATER)
    yield rows
    rows.close()


def put(rows: SqlRows, job_id: str, status: str | None, days: float) -> None:
    """Insert a row of our own that was written so many days ago, of a job of that status or of none."""
    if status is not None:
        add_job(rows, job_id, status)
    written = datetime.now(UTC) - timedelta(days=days)
    seen = {"observation": "fresh", "observed_since": written, "reason": "", "consecutive_errors": 0}
    rows.insert(OWN, {"job_id": job_id, "updated_at": written, **seen})


def left(rows: SqlRows) -> set[str]:
    """Return the jobs that are still remembered."""
    return {job_id for (job_id,) in rows.execute(f"SELECT job_id FROM {OWN}")}  # noqa: S608 - our own name


def run(rows: SqlRows, clock: SetClock | None = None) -> int | None:
    """Sweep once."""
    session = Session(rows.address, autocommit=False)
    try:
        return Sweep(STATUSES, clock or SetClock()).run(session)
    finally:
        session.close()


def test_only_jobs_that_left_more_than_a_week_ago_are_forgotten(rows: SqlRows) -> None:
    for number, (status, days) in enumerate(
        [("completed", 8), ("failed", 7.01), (None, 8), ("completed", 6.99), (None, 1), ("running", 400)]
    ):
        put(rows, f"job-{number}", status, days)
    assert run(rows) == 3
    assert left(rows) == {"job-3", "job-4", "job-5"}


def test_a_sweep_takes_a_bounded_number_of_rows(rows: SqlRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MOST_ROWS", 2)
    for number in range(5):
        put(rows, f"job-{number}", None, 9)
    assert [run(rows) for _ in range(4)] == [2, 2, 1, 0]


def test_it_sweeps_at_most_once_an_hour(rows: SqlRows) -> None:
    clock = SetClock()
    sweeper, session = Sweep(STATUSES, clock), Session(rows.address, autocommit=False)
    put(rows, "job-1", None, 9)
    assert sweeper.run(session) == 1
    put(rows, "job-2", None, 9)
    clock.now_s += EVERY_S - 1
    assert sweeper.run(session) is None
    assert left(rows) == {"job-2"}
    clock.now_s += 1
    assert sweeper.run(session) == 1
    session.close()


def test_a_database_without_our_tables_or_out_of_reach_is_not_swept(either_address: DatabaseAddress) -> None:
    rows = SqlRows(either_address, Variant.SEED)
    assert run(rows) is None
    rows.execute("DROP TABLE replication_jobs")
    assert run(rows) is None
    rows.close()


def test_a_sink_sweeps_after_it_has_written(rows: SqlRows) -> None:
    add_job(rows, "job-1")
    put(rows, "job-2", None, 9)
    assert isinstance(rows.sink, SqlJobSink)
    rows.sink.write([unseen("job-1")])
    assert left(rows) == {"job-1"}
