"""What a flush does when the database is in its way, and how few statements it needs."""

from threading import Thread

import pytest
from driver_calls import DriverCalls
from msgspec.structs import replace
from oma_rows import ACTIVE, SqlRows, add_disk, add_job
from patience import until
from schema_variants import Variant
from updates import copying, copying_disk, ended, unseen

from oma_poller.database.address import Engine
from oma_poller.database.sink import SqlJobSink
from oma_poller.errors import DatabaseLockedError, DatabaseRefusedError, DatabaseUnavailableError

JOBS, DISKS = "replication_jobs", "vm_disks"


def is_mariadb(rows: SqlRows) -> bool:
    """Whether the rows are on the real server."""
    return rows.address.engine is Engine.MYSQL


def questions(rows: SqlRows) -> int:
    """Return the number of statements the server has been sent by all."""
    return int(rows.execute("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1])


def count_statements(sql: SqlRows, count: list[str]) -> int:
    """Return how many statements reached the database since the last call, without those of the test."""
    return len(count) if not is_mariadb(sql) else questions(sql)


def fill(sql: SqlRows, jobs: int) -> list[str]:
    """Insert many running jobs in one statement."""
    ids = [f"job-{number:05}" for number in range(jobs)]
    rows = ", ".join(f"('{job_id}', 'running')" for job_id in ids)
    sql.execute(f"INSERT INTO {JOBS} (id, status) VALUES {rows}")  # noqa: S608  # the test's own ids
    return ids


def test_a_thousand_rows_take_a_handful_of_statements(sql: SqlRows) -> None:
    ids = fill(sql, 1000)
    disks = [add_disk(sql, number, ids[number]) for number in range(1, 4)]
    first = [copying(ids[number], copying_disk(disk)) for number, disk in enumerate(disks, 1)]
    others = [copying(job_id) for job_id in ids if job_id not in {update.job_id for update in first}]
    sql.sink.write([copying(ids[0])])  # connects and reads the catalog
    assert isinstance(sql.sink, SqlJobSink)
    link = sql.sink._session._link
    assert link is not None
    calls = DriverCalls(link)
    before = count_statements(sql, calls.texts)
    sql.sink.write([*first, *others[:900]], [update.job_id for update in others[900:]])
    after = count_statements(sql, calls.texts)
    assert after - before <= 7  # BEGIN, four tables at most, COMMIT, and the count itself on MariaDB
    done = sql.execute(f"SELECT COUNT(*) FROM {JOBS} WHERE current_operation = 'Transfer'")  # noqa: S608  # as above
    assert done[0][0] == 903


def test_a_broken_connection_is_replaced_within_the_call(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([copying()])
    assert sql.source.active() == {"job-1"}
    if is_mariadb(sql):
        own = sql.execute("SELECT CONNECTION_ID()")[0][0]
        for row in sql.execute("SHOW PROCESSLIST"):
            if row[0] != own and row[3] == sql.address.name:
                sql.execute(f"KILL {row[0]}")
    else:
        for port in (sql.sink, sql.source):
            assert port._session._link is not None
            port._session._link.connection.close()
    sql.sink.write([copying(percent_bp=500)])
    assert float(sql.row(JOBS, "job-1")["progress_percent"]) == 5.0
    assert sql.source.active() == {"job-1"}


def test_a_row_that_another_holds_for_long_is_told_and_written_later(
    sql: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oma_poller.database.sink.ATTEMPTS", 1)
    add_job(sql)
    sql.sink.write([copying()])
    sql.execute("BEGIN IMMEDIATE" if not is_mariadb(sql) else "BEGIN")
    sql.change(JOBS, "job-1", current_operation="held")
    with pytest.raises(DatabaseLockedError):
        sql.sink.write([copying(percent_bp=500)])
    sql.execute("ROLLBACK")
    sql.sink.write([copying(percent_bp=500)])
    assert float(sql.row(JOBS, "job-1")["progress_percent"]) == 5.0


def test_a_lock_that_is_let_go_meanwhile_costs_nothing(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([copying()])
    sql.execute("BEGIN IMMEDIATE" if not is_mariadb(sql) else "BEGIN")
    sql.change(JOBS, "job-1", status="completed")
    writing = Thread(target=sql.sink.write, args=([copying(percent_bp=500)],))
    writing.start()
    sql.execute("COMMIT")
    writing.join()
    row = sql.row(JOBS, "job-1")
    assert row["status"] == "completed"
    assert float(row["progress_percent"]) == 2.17


def test_a_deadlock_is_tried_again_at_once(sql: SqlRows) -> None:
    if not is_mariadb(sql):
        return  # SQLite has one writer at a time, so there is none
    ids = fill(sql, 50)
    sql.sink.write([copying(ids[0])])
    sql.execute("BEGIN")
    sql.execute(f"UPDATE {JOBS} SET current_operation = 'held' WHERE id >= ?", [ids[1]])  # noqa: S608  # as above
    writing = Thread(target=sql.sink.write, args=([copying(ids[0], percent_bp=500), copying(ids[1])],))
    writing.start()
    waits = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'"
    until(lambda: int(sql.execute(waits)[0][1]), "the flush to wait for the test's lock")
    sql.change(JOBS, ids[0], current_operation="held")  # now each waits for the other; the smaller gives way
    sql.execute("COMMIT")
    writing.join()
    assert float(sql.row(JOBS, ids[0])["progress_percent"]) == 5.0
    assert sql.row(JOBS, ids[1])["current_operation"] == "Transfer"


def refuse(sql: SqlRows, job_id: str) -> None:
    """Let the database refuse every change of a job's row, by a trigger."""
    if is_mariadb(sql):
        body = "IF OLD.id = '{}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no change'; END IF"
        sql.execute(
            f"CREATE TRIGGER t_{job_id[4:]} BEFORE UPDATE ON {JOBS} FOR EACH ROW {body.format(job_id)}"
        )
    else:
        body = f"WHEN OLD.id = '{job_id}' BEGIN SELECT RAISE(ABORT, 'no change'); END"
        sql.execute(f"CREATE TRIGGER t_{job_id[4:]} BEFORE UPDATE ON {JOBS} {body}")


def test_rows_that_the_database_refuses_are_named_and_the_others_written(sql: SqlRows) -> None:
    jobs = [add_job(sql, f"job-{number}") for number in range(9)]
    refuse(sql, "job-3")
    refuse(sql, "job-8")
    with pytest.raises(DatabaseRefusedError, match="no change") as caught:
        sql.sink.write([copying(job_id) for job_id in jobs[:5]], jobs[5:])
    assert caught.value.job_ids == ("job-3", "job-8")
    written = {job_id for job_id in jobs if sql.row(JOBS, job_id)["current_operation"] == "Transfer"}
    assert written == {"job-0", "job-1", "job-2", "job-4"}
    created = sql.row(JOBS, "job-8")["updated_at"]
    assert all(sql.row(JOBS, job_id)["updated_at"] != created for job_id in ("job-5", "job-6", "job-7"))


def test_a_word_that_the_column_does_not_allow_harms_at_most_its_own_row(sql: SqlRows) -> None:
    add_job(sql)
    add_job(sql, "job-2")
    updates = [copying(sync_type="mirror"), copying("job-2")]
    if sql.variant is Variant.DRIFTED and not is_mariadb(sql):  # a CHECK; an ENUM's words are known
        with pytest.raises(DatabaseRefusedError) as caught:
            sql.sink.write(updates)
        assert caught.value.job_ids == ("job-1",)
    else:
        sql.sink.write(updates)
        assert sql.row(JOBS, "job-1")["current_operation"] == "Transfer"
    assert sql.row(JOBS, "job-2")["current_operation"] == "Transfer"


def test_a_flush_is_whole_or_not_at_all(sql: SqlRows) -> None:
    add_job(sql)
    disk_id = add_disk(sql, 1)
    before = sql.row(DISKS, disk_id)
    refuse(sql, "job-1")
    with pytest.raises(DatabaseRefusedError):
        sql.sink.write([copying("job-1", copying_disk(disk_id))])
    assert sql.row(DISKS, disk_id) == before


def test_a_database_that_was_upgraded_meanwhile_is_used_as_it_is_now(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([copying()])
    if sql.has(JOBS, "vma_current_phase"):
        sql.execute(f"ALTER TABLE {JOBS} DROP COLUMN vma_current_phase")
        with pytest.raises(Exception, match="vma_current_phase") as caught:
            sql.sink.write([copying(percent_bp=500)])
        assert type(caught.value).__name__ == "DatabaseError"
    else:
        sql.execute(f"ALTER TABLE {JOBS} ADD COLUMN vma_current_phase VARCHAR(20)")
        sql.sink.close()
    sql.sink.write([copying(percent_bp=600)])
    row = sql.row(JOBS, "job-1")
    assert float(row["progress_percent"]) == 6.0
    assert row.get("vma_current_phase", "Transfer") == "Transfer"


def test_an_observation_that_did_not_change_is_not_written_again(sql: SqlRows) -> None:
    if sql.variant is not Variant.LATER:
        return
    add_job(sql)
    sql.sink.write([unseen()])
    sql.change("oma_poller_jobs", "job-1", reason="a mark of the test")
    sql.sink.write([unseen()])
    assert sql.row("oma_poller_jobs", "job-1")["reason"] == "a mark of the test"
    sql.sink.write([unseen(errors=3)])
    assert sql.row("oma_poller_jobs", "job-1")["consecutive_errors"] == 3


def test_two_writers_of_the_same_rows_do_not_fail(sql: SqlRows) -> None:
    ids = fill(sql, 200)
    other = SqlJobSink(sql.address, ACTIVE, True)  # noqa: FBT003  # positional in the port's makers
    failures: list[DatabaseUnavailableError] = []

    def write_all(sink: SqlJobSink, order: list[str]) -> None:
        try:
            for percent_bp in range(1, 6):
                sink.write([copying(job_id, percent_bp=percent_bp) for job_id in order])
        except DatabaseUnavailableError as error:
            failures.append(error)

    writers = [
        Thread(target=write_all, args=(sql.sink, ids)),
        Thread(target=write_all, args=(other, ids[::-1])),
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    other.close()
    assert failures == []
    assert float(sql.row(JOBS, ids[0])["progress_percent"]) == 0.05


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_an_end_written_twice_keeps_its_first_moment(sql: SqlRows, status: str) -> None:
    add_job(sql)
    sql.sink.write([ended(status)])
    row = sql.row(JOBS, "job-1")
    sql.sink.write([replace(ended(status), error_message="another")])
    assert sql.row(JOBS, "job-1") == row
