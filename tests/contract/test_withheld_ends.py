"""Which ends took effect, and which the guard withheld: told by every JobSink (D5)."""

import sqlite3
from datetime import timedelta

import pytest
from msgspec.structs import replace
from oma_rows import CREATED, OmaRows, SqlRows, add_job
from updates import copying, ended

from oma_poller.database.address import Engine
from oma_poller.database.sink import SqlJobSink
from oma_poller.engine.ports import Flushed

JOBS = "replication_jobs"


def test_an_end_that_is_written_is_not_withheld(oma: OmaRows) -> None:
    add_job(oma)
    add_job(oma, "job-2")
    assert oma.sink.write([ended(), copying("job-2")]) == Flushed()
    assert oma.row(JOBS, "job-1")["status"] == "completed"


@pytest.mark.parametrize("status", ["cancelled", "failed", "completed"])
def test_an_end_is_withheld_from_a_row_that_somebody_else_ended(oma: OmaRows, status: str) -> None:
    add_job(oma, status=status)
    add_job(oma, "job-2")
    flushed = oma.sink.write([ended(), replace(ended(), job_id="job-2")])
    assert flushed == Flushed(withheld=frozenset({"job-1"}))
    assert oma.row(JOBS, "job-1")["current_operation"] == "before"
    assert oma.row(JOBS, "job-2")["status"] == "completed"


def test_an_end_of_a_row_that_is_gone_is_withheld(oma: OmaRows) -> None:
    add_job(oma, "job-2")
    assert oma.sink.write([ended()]) == Flushed(withheld=frozenset({"job-1"}))


def test_an_end_of_an_earlier_job_is_withheld_from_one_made_anew(oma: OmaRows) -> None:
    add_job(oma)
    (job,) = oma.source.details(["job-1"])
    if job.born is None:
        return  # nothing tells two jobs of one id apart in this database
    oma.change(JOBS, "job-1", created_at=CREATED + timedelta(seconds=1))
    assert oma.sink.write([replace(ended(), born=job.born)]) == Flushed(withheld=frozenset({"job-1"}))
    assert oma.row(JOBS, "job-1")["status"] == "running"


def test_an_end_is_told_where_the_status_is_left_to_the_oma(oma: OmaRows) -> None:
    add_job(oma)
    add_job(oma, "job-2", status="cancelled")
    flushed = oma.seed_sink.write([ended(), replace(ended(), job_id="job-2")])
    assert flushed == Flushed(withheld=frozenset({"job-2"}))


def test_an_update_that_ends_nothing_is_never_told_as_withheld(oma: OmaRows) -> None:
    add_job(oma, status="cancelled")
    assert oma.sink.write([copying()]) == Flushed()


def test_a_flush_without_ends_has_no_statement_more(sql: SqlRows) -> None:
    if sql.address.engine is not Engine.SQLITE:
        return  # the statements are counted on the connection of the other engine
    add_job(sql)
    sql.sink.write([copying()])
    seen: list[str] = []
    assert isinstance(sql.sink, SqlJobSink)
    link = sql.sink._session._link
    assert link is not None
    assert isinstance(link.connection, sqlite3.Connection)
    link.connection.set_trace_callback(seen.append)
    sql.sink.write([copying(percent_bp=500)])
    assert not [statement for statement in seen if statement.startswith("SELECT t.job FROM")]
    sql.sink.write([ended()])
    assert len([statement for statement in seen if statement.startswith("SELECT t.job FROM")]) == 1
