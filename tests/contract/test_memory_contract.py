"""What a sink remembers of a job, and a source brings back when the job is taken up (P9)."""

from datetime import UTC, datetime, timedelta

import pytest
from core_values import NOW, NOW_S, a_context, a_run
from msgspec.structs import replace
from oma_rows import CREATED, OmaRows, SqlRows, add_disk, add_job
from structlog.testing import capture_logs
from updates import copying, ended, unseen

from oma_poller.core.memory import remember
from oma_poller.database.recollection import LONGEST_BYTES, memory_text, read_memory
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory, Past

OWN = "oma_poller_jobs"


def a_memory(job_id: str = "job-1", errors: int = 0, operation: str = "Übertragen") -> JobMemory:
    """Return a memory of a job that copies."""
    runs = (a_run(50, operation=operation, speed_bps=3.5), None)
    context = a_context(keys=("a", "b"), runs=runs, consecutive_errors=errors, last_good_s=NOW_S - 5)
    return remember(replace(context, job_id=job_id), NOW_S, NOW)


def past_of(oma: OmaRows, job_id: str = "job-1") -> Past | None:
    """Return what is remembered of a job."""
    return read(oma, job_id).past


def read(oma: OmaRows, job_id: str = "job-1") -> Job:
    """Read a job that is to be taken up."""
    (job,) = oma.source.details([job_id], [job_id])
    return job


def test_a_job_of_which_nothing_is_remembered_has_no_past(oma: OmaRows) -> None:
    add_job(oma)
    add_disk(oma, 1)
    assert past_of(oma) is None
    assert len(read(oma).disks) == 1


def test_a_memory_comes_back_as_it_was_with_the_numbers_of_the_row(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    for number in (1, 2):
        add_disk(oma, number)
    oma.sink.write([copying()], [], [a_memory()])
    assert past_of(oma) == Past(a_memory(), 217, 933232640)
    assert len(read(oma).disks) == 2


def test_a_memory_is_brought_only_for_jobs_that_are_taken_up(remembering: OmaRows) -> None:
    oma = remembering
    for job_id in ("job-1", "job-2"):
        add_job(oma, job_id)
    oma.sink.write([copying(), copying("job-2")], [], [a_memory(), a_memory("job-2")])
    found = {job.id: job.past for job in oma.source.details(["job-1", "job-2"], {"job-2"})}
    assert found == {"job-1": None, "job-2": Past(a_memory("job-2"), 217, 933232640)}
    assert {job.past for job in oma.source.details(["job-1", "job-2"])} == {None}


def test_a_memory_is_written_without_a_row_too(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    before = oma.row("replication_jobs", "job-1")
    oma.sink.write([], [], [a_memory(errors=3)])
    assert oma.row("replication_jobs", "job-1") == before
    assert oma.row(OWN, "job-1")["consecutive_errors"] == 3
    past = past_of(oma)
    assert past is not None
    assert past.memory == a_memory(errors=3)


def test_an_update_without_a_memory_leaves_the_one_there_is(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([copying()], [], [a_memory()])
    oma.sink.write([unseen()])
    past = past_of(oma)
    assert past is not None
    assert past.memory == a_memory()
    assert oma.row(OWN, "job-1")["observation"] == "blind"


def test_the_newest_memory_counts(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    for errors in (1, 2):
        oma.sink.write([copying()], [], [a_memory(errors=errors)])
    past = past_of(oma)
    assert past is not None
    assert past.memory.context.consecutive_errors == 2


def test_the_memory_of_a_job_that_ends_is_written_with_its_end(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([ended()], [], [a_memory(errors=7)])
    assert oma.row("replication_jobs", "job-1")["status"] == "completed"
    past = past_of(oma)
    assert past is not None
    assert past.memory == a_memory(errors=7)


def test_no_memory_is_made_of_a_job_that_is_in_no_row(remembering: OmaRows) -> None:
    oma = remembering
    oma.sink.write([], [], [a_memory("nobody")])
    assert oma.row(OWN, "nobody") == {}


def test_memories_of_many_jobs_are_their_own(remembering: OmaRows) -> None:
    oma = remembering
    ids = [f"job-{number}" for number in range(30)]
    for job_id in ids:
        add_job(oma, job_id)
    oma.sink.write([], [], [a_memory(job_id, number) for number, job_id in enumerate(ids)])
    found = {job.id: job.past for job in oma.source.details(ids, ids)}
    for number, job_id in enumerate(ids):
        past = found[job_id]
        assert past is not None
        assert (past.memory.context.job_id, past.memory.context.consecutive_errors) == (job_id, number)


def test_where_there_is_no_table_for_it_nothing_is_remembered_and_that_is_said_once(sql: SqlRows) -> None:
    add_job(sql)
    with capture_logs() as told:
        for errors in (1, 2):
            sql.sink.write([copying(eta_s=errors)], [], [a_memory(errors=errors)])
            sql.sink.close()
    there = sql.has(OWN, "memory")
    assert [line["event"] for line in told] == ([] if there else ["nothing is remembered across a restart"])
    assert (past_of(sql) is not None) is there
    if not there:
        assert told[0]["detail"].endswith("run: oma-poller db upgrade")
    assert sql.row("replication_jobs", "job-1")["status"] == "replicating"


def test_a_table_of_the_first_version_is_written_without_memories(sql: SqlRows) -> None:
    add_job(sql)
    for column in ("memory", "accepted_at"):
        if sql.has(OWN, column):
            sql.execute(f"ALTER TABLE {OWN} DROP COLUMN {column}")
    sql.sink.write([unseen()], [], [a_memory()])
    if sql.has(OWN, "observation"):
        assert sql.row(OWN, "job-1")["observation"] == "blind"
    assert read(sql).past is None
    assert read(sql).accepted_at is None


@pytest.mark.parametrize("stored", ["", "{", "7", "null", '{"version":2}', '{"version":1}', "ü" * 50])
def test_what_cannot_be_read_is_as_good_as_nothing(remembering: OmaRows, stored: str) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([copying()], [], [a_memory()])
    oma.change(OWN, "job-1", memory=stored)
    with capture_logs() as told:
        assert past_of(oma) is None
        assert read(oma).status == "replicating"
    lines = [line for line in told if line["event"] == "memory not readable"]
    assert len(lines) == (2 if stored else 0)
    assert all(line["job_id"] == "job-1" for line in lines)


def test_a_cell_of_another_type_is_no_memory() -> None:
    with capture_logs() as told:
        cells: list[object] = [None, b"", 7, 7.5, b"\xff\xfe"]
        assert [read_memory("job-1", cell) for cell in cells] == [None] * 5
    assert len(told) == 3


def test_a_memory_too_long_for_the_column_wipes_out_an_older_one(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([copying()], [], [a_memory()])
    long = a_memory(operation="x" * LONGEST_BYTES)
    assert memory_text(long) == ""
    oma.sink.write([copying()], [], [long])
    assert past_of(oma) is None
    fitting = a_memory(operation="ü" * 29_000)
    oma.sink.write([copying()], [], [fitting])
    past = past_of(oma)
    assert past is not None
    assert past.memory == fitting


def test_when_a_job_was_accepted_comes_with_every_reading(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([unseen()])
    assert read(oma).accepted_at is None
    accepted_at = CREATED + timedelta(minutes=5, microseconds=250_000)
    oma.change(OWN, "job-1", accepted_at=accepted_at)
    for job in (read(oma), oma.source.details(["job-1"])[0]):
        assert job.accepted_at == accepted_at
        assert isinstance(job.accepted_at, datetime)
        assert job.accepted_at.tzinfo is UTC
    oma.sink.write([copying()], [], [a_memory()])
    assert read(oma).accepted_at == accepted_at
