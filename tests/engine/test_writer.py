"""One flush: what the database has is told, what it has not is kept."""

import asyncio

import pytest
from core_values import a_progress, an_update
from engine_fakes import FakeDatabase, FakeThread
from engine_world import Bench, done, job, jobs
from virtual_time import let_pass, run_virtually

from oma_poller.engine.beats import Beats
from oma_poller.engine.writer import ROWS_A_FLUSH, Writer
from oma_poller.errors import DatabaseError, DatabaseRefusedError, DatabaseUnavailableError
from oma_poller.model.update import Update

AWAY = DatabaseUnavailableError("connection refused")
MIGRATED = DatabaseError("replication_jobs has no column status")


class Desk:
    """A writer on a poller that is moved by hand."""

    def __init__(self, count: int = 1) -> None:
        self.bench = Bench(*jobs(count))
        self.database = FakeDatabase(*jobs(count))
        self.thread = FakeThread()
        bench = self.bench
        self.writer = Writer(self.database, bench.mailbox, bench.poller, self.thread, Beats(bench.clock))

    def put(self, number: int, **fields: object) -> Update:
        """Have an update wait."""
        update = an_update(f"job-{number:05}", **fields)
        self.bench.mailbox.put(update, self.bench.clock.now_s)
        return update

    def step(self) -> bool:
        """Flush once, a second after the last time."""
        self.bench.clock.now_s += 1.0
        return run_virtually(self.writer.step(self.bench.journal, self.bench.tally))


def test_nothing_to_write_is_no_flush() -> None:
    desk = Desk()
    assert desk.step() is True
    assert desk.database.writes == []
    assert desk.bench.tally.flushes == 0


def test_a_flush_is_one_call_and_is_counted() -> None:
    desk = Desk(3)
    for number in (1, 2, 3):
        desk.put(number)
    assert desk.step() is True
    assert len(desk.database.writes) == 1
    assert (desk.bench.tally.flushes, desk.bench.tally.rows_written) == (1, 3)
    assert len(desk.bench.mailbox) == 0


def test_a_flush_has_a_bounded_number_of_rows_and_leaves_the_rest() -> None:
    desk = Desk()
    for number in range(ROWS_A_FLUSH + 20):
        desk.put(number)
    desk.step()
    assert len(desk.database.writes[0]) == ROWS_A_FLUSH
    assert len(desk.bench.mailbox) == 20


def test_an_end_is_told_once_the_database_has_it_and_not_before() -> None:
    desk = Desk()
    desk.database.writing_fails = AWAY
    desk.bench.poll(done())
    assert desk.step() is False
    assert desk.bench.log.shown("job completed") == []
    assert desk.bench.held("job-00001").ended_at_s is None
    desk.database.writing_fails = None
    assert desk.step() is True
    assert [line["job_id"] for line in desk.bench.log.shown("job completed")] == ["job-00001"]
    assert desk.bench.held("job-00001").ended_at_s == desk.bench.clock.now_s


def test_the_end_of_a_job_that_is_watched_no_more_is_still_told() -> None:
    desk = Desk()
    desk.bench.poll(done())
    desk.bench.poller.drop_all_but(frozenset())
    desk.step()
    assert desk.bench.log.shown("job completed")
    assert desk.bench.poller.watch_of("job-00001") is None


@pytest.mark.parametrize("error", [AWAY, MIGRATED, DatabaseRefusedError("something is wrong with some row")])
def test_what_could_not_be_written_waits_and_is_told_once(error: DatabaseError) -> None:
    desk = Desk()
    desk.put(1)
    desk.database.writing_fails = error
    assert [desk.step() for _ in range(3)] == [False] * 3
    assert len(desk.bench.mailbox) == 1
    assert desk.bench.log.shown("database for writing away") == [{"detail": str(error)}]
    desk.database.writing_fails = None
    assert desk.step() is True
    assert len(desk.bench.log.shown("database for writing back")) == 1
    assert "job-00001" in desk.database.rows


def test_a_failure_of_another_kind_is_told_as_well() -> None:
    desk = Desk()
    desk.put(1)
    for error in (AWAY, AWAY, MIGRATED, MIGRATED):
        desk.database.writing_fails = error
        desk.step()
    told = [line["detail"] for line in desk.bench.log.shown("database for writing away")]
    assert told == [str(AWAY), str(MIGRATED)]


def test_a_row_the_database_refuses_is_let_go_and_the_others_are_in() -> None:
    desk = Desk(3)
    desk.database.refuses = {"job-00002"}
    for number in (1, 2, 3):
        desk.put(number)
    assert desk.step() is True
    assert set(desk.database.rows) == {"job-00001", "job-00003"}
    assert (desk.bench.tally.rows_written, desk.bench.tally.rows_refused) == (2, 1)
    assert len(desk.bench.mailbox) == 0


def test_a_refused_row_is_told_once_a_job_however_often_it_is_refused() -> None:
    desk = Desk(2)
    desk.database.refuses = {"job-00001", "job-00002"}
    for percent_bp in (100, 200, 300):
        desk.put(1, progress=a_progress(percent_bp))
        desk.put(2, progress=a_progress(percent_bp))
        assert desk.step() is True
    assert sorted(line["job_id"] for line in desk.bench.log.shown("row refused")) == [
        "job-00001",
        "job-00002",
    ]


def test_an_end_that_is_refused_is_not_told_as_written_and_is_tried_again() -> None:
    desk = Desk()
    desk.database.refuses = {"job-00001"}
    desk.bench.poll(done())
    desk.step()
    assert desk.bench.log.shown("job completed") == []
    desk.database.refuses = set()
    for _ in range(60):
        desk.step()
    assert desk.database.jobs["job-00001"].status == "completed"
    assert len(desk.bench.log.shown("job completed")) == 1


def test_an_error_that_is_none_of_the_databases_is_raised_and_the_rows_are_kept() -> None:
    desk = Desk()
    desk.put(1)
    desk.database.writing_fails = KeyError("a defect of the adapter")
    with pytest.raises(KeyError):
        desk.step()
    desk.database.writing_fails = None
    desk.step()
    assert "job-00001" in desk.database.rows


def test_a_flush_that_is_cancelled_while_the_database_hangs_keeps_the_rows() -> None:
    desk = Desk()
    desk.put(1)
    desk.thread.hangs = True

    async def cancel() -> None:
        flush = asyncio.ensure_future(desk.writer.step(desk.bench.journal, desk.bench.tally))
        await let_pass(1.0)
        flush.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flush

    run_virtually(cancel())
    assert desk.bench.tally.flushes == 0
    desk.thread.hangs = False
    desk.step()
    assert "job-00001" in desk.database.rows


def test_heartbeats_are_rows_too() -> None:
    desk = Desk()
    desk.put(1)
    desk.step()
    desk.bench.clock.now_s += 60.0
    desk.put(1)
    desk.step()
    assert desk.database.heartbeats == {"job-00001": 1}
    assert desk.bench.tally.rows_written == 2


def test_an_end_is_not_written_over_a_row_that_somebody_else_ended() -> None:
    desk = Desk()
    desk.bench.poll(done())
    desk.database.add(job(1, status="cancelled"))
    desk.step()
    assert desk.database.jobs["job-00001"].status == "cancelled"


def test_rows_that_another_program_holds_wait_and_are_told_once() -> None:
    desk = Desk(2)
    desk.put(1)
    desk.put(2)
    desk.database.holds = {"job-00001"}
    assert desk.step()
    assert desk.step()
    assert set(desk.database.rows) == {"job-00002"}
    assert [line["jobs"] for line in desk.bench.log.shown("rows locked")] == [1]
    desk.database.holds = set()
    assert desk.step()
    assert set(desk.database.rows) == {"job-00001", "job-00002"}
    assert len(desk.bench.log.shown("rows locked no more")) == 1
    assert len(desk.bench.mailbox) == 0


def test_held_rows_beside_refused_ones_wait_too() -> None:
    desk = Desk(3)
    for number in (1, 2, 3):
        desk.put(number)
    desk.database.holds, desk.database.refuses = {"job-00001"}, {"job-00002"}
    assert desk.step()
    desk.database.holds = set()
    assert desk.step()
    assert set(desk.database.rows) == {"job-00001", "job-00003"}


def test_an_end_that_was_withheld_is_not_told_as_the_end_of_the_job() -> None:
    desk = Desk(2)
    desk.put(1, status="completed")
    desk.put(2, status="completed")
    desk.database.withholds = {"job-00001"}
    assert desk.step()
    assert [line["job_id"] for line in desk.bench.log.shown("job completed")] == ["job-00002"]
    assert [line["job_id"] for line in desk.bench.log.shown("end withheld")] == ["job-00001"]


def test_less_is_tried_after_a_failure_and_more_again_after_success() -> None:
    desk = Desk()
    for number in range(3 * ROWS_A_FLUSH):
        desk.put(number)
    desk.database.writing_fails = AWAY
    tried = []
    for _ in range(8):
        assert desk.step() is False
        tried.append(desk.writer.rows_a_flush)
    assert tried == [2500, 1250, 625, 312, 156, 100, 100, 100]
    desk.database.writing_fails = None
    for _ in range(8):
        assert desk.step() is True
    written = [len(write) for write in desk.database.writes]
    assert written == [100, 200, 400, 800, 1600, 3200, 5000, 3700]
