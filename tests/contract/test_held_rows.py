"""Rows that somebody else holds locked, and ends that somebody else was quicker with."""

from collections.abc import Iterator

import pytest
from oma_rows import OmaRows, SqlRows, add_disk, add_job
from schema_variants import Variant
from updates import copying, copying_disk, ended

from oma_poller.database.address import DatabaseAddress
from oma_poller.engine.ports import Flushed

JOBS, DISKS = "replication_jobs", "vm_disks"


@pytest.fixture(params=[pytest.param("mariadb", marks=pytest.mark.mariadb)])
def server(mariadb_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return rows on a server, which locks rows one by one; SQLite locks a database as a whole."""
    rows = SqlRows(mariadb_address, Variant.LATER)
    yield rows
    rows.close()


def operation(rows: OmaRows, job_id: str) -> object:
    """Return what stands in the row."""
    return rows.row(JOBS, job_id)["current_operation"]


def test_a_locked_row_keeps_no_other_from_being_written(server: SqlRows) -> None:
    jobs = [add_job(server, f"job-{number:03}") for number in range(201)]
    server.sink.write([copying(jobs[0])])
    server.execute("BEGIN")
    server.change(JOBS, "job-007", error_message="held")
    flushed = server.sink.write([*map(copying, jobs[:200]), ended(job_id="job-200")])
    assert flushed == Flushed(held=frozenset({"job-007"}))
    free = [job_id for job_id in jobs if operation(server, job_id) == "before"]
    assert free == ["job-007"]
    assert server.row(JOBS, "job-200")["status"] == "completed"
    server.execute("COMMIT")
    assert server.sink.write([copying("job-007"), copying("job-008", percent_bp=500)]) == Flushed()
    assert operation(server, "job-007") == "Transfer"


def test_while_a_row_is_known_to_be_locked_nothing_waits_for_it(
    server: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job_id in ("job-1", "job-2"):
        add_job(server, job_id)
    server.sink.write([copying()])
    server.execute("BEGIN")
    server.change(JOBS, "job-1", error_message="held")
    updates = [copying(percent_bp=500), copying("job-2", percent_bp=500)]
    assert server.sink.write(updates).held == {"job-1"}
    monkeypatch.setattr("oma_poller.database.sink.SqlJobSink._transact", _only_free_rows)
    assert server.sink.write([copying(percent_bp=600)]).held == {"job-1"}
    server.execute("ROLLBACK")


def _only_free_rows(*_: object) -> None:
    raise AssertionError("a flush of locked rows alone was tried, which waits for them")


def test_a_locked_row_of_a_disk_holds_its_job_back_and_no_other(server: SqlRows) -> None:
    for number in range(1, 61):
        add_job(server, f"job-{number}")
        add_disk(server, number, f"job-{number}")
    updates = [copying("job-1", copying_disk(1)), copying("job-2", copying_disk(2))]
    server.execute("BEGIN")
    server.change(DISKS, 1, sync_status="held")
    assert server.sink.write(updates).held == {"job-1"}
    assert (operation(server, "job-1"), operation(server, "job-2")) == ("before", "Transfer")
    server.execute("ROLLBACK")
    assert server.sink.write(updates) == Flushed()
    assert server.row(DISKS, 1)["sync_status"] == "syncing"


def test_an_end_that_is_written_is_not_told_as_withheld(oma: OmaRows) -> None:
    add_job(oma)
    assert oma.sink.write([ended()]) == Flushed()
    assert oma.row(JOBS, "job-1")["status"] == "completed"


@pytest.mark.parametrize("status", ["cancelled", "paused"])
def test_an_end_that_the_oma_was_quicker_with_is_told_as_withheld(oma: OmaRows, status: str) -> None:
    add_job(oma, status=status)
    add_job(oma, "job-2")
    flushed = oma.sink.write([ended(), ended("failed", "job-2")])
    assert flushed.withheld == {"job-1"}
    assert oma.row(JOBS, "job-1")["status"] == status
    assert oma.row(JOBS, "job-2")["status"] == "failed"


def test_the_end_of_a_job_that_is_gone_is_told_as_withheld(oma: OmaRows) -> None:
    add_job(oma)
    assert oma.sink.write([ended(), ended(job_id="job-2")]).withheld == {"job-2"}


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.mariadb
def test_in_a_table_of_few_rows_a_locked_one_keeps_no_other_from_being_written(
    mariadb_address: DatabaseAddress, variant: Variant
) -> None:
    rows = SqlRows(mariadb_address, variant)
    disks = [add_disk(rows, number, add_job(rows, f"job-{number}")) for number in (1, 2, 3)]
    updates = [copying(f"job-{number}", copying_disk(disk)) for number, disk in enumerate(disks, 1)]
    for table, key, change in ((JOBS, "job-1", "current_operation"), (DISKS, disks[0], "sync_status")):
        rows.execute("BEGIN")
        rows.change(table, key, **{change: "held"})
        assert rows.sink.write([*updates[:2], ended(job_id="job-3")]).held == {"job-1"}
        assert operation(rows, "job-2") == "Transfer"
        assert rows.row(JOBS, "job-3")["status"] == "completed"
        rows.execute("ROLLBACK")
    assert rows.sink.write(updates[:2]) == Flushed()
    rows.close()


@pytest.mark.mariadb
def test_a_table_with_a_unique_index_in_place_of_a_key_is_written_too(server: SqlRows) -> None:
    server.execute(f"ALTER TABLE {JOBS} DROP PRIMARY KEY, ADD UNIQUE (id)")
    add_job(server)
    assert server.sink.write([ended()]) == Flushed()
    assert server.row(JOBS, "job-1")["status"] == "completed"
