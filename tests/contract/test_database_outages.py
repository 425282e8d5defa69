"""A database that is full, read-only, crowded, killed, restored or has another password: nothing is lost."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pymysql
import pytest
from faulty_mariadb import FaultyMariadb
from mariadb_server import MariadbServer, missing_programs
from msgspec.structs import replace
from oma_rows import ACTIVE, SqlRows, add_disk, add_job
from patience import until
from schema_variants import Variant
from updates import copying, copying_disk, ended

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import connect
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.source import SqlJobSource
from oma_poller.errors import (
    DatabaseError,
    DatabaseLockedError,
    DatabaseLockTimeoutError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
)

JOBS, DISKS = "replication_jobs", "vm_disks"


def raw(sink: SqlJobSink) -> sqlite3.Connection:
    """Return the connection that a sink on SQLite has open."""
    link = sink._session._link
    assert link is not None
    assert isinstance(link.connection, sqlite3.Connection)
    return link.connection


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqlRows]:
    """Return an OMA in a file, with a job and its disk."""
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), Variant.LATER)
    add_job(rows)
    add_disk(rows, 1)
    yield rows
    rows.close()


@pytest.fixture
def served(mariadb_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return an OMA on MariaDB, with a job and its disk."""
    rows = SqlRows(mariadb_address, Variant.LATER)
    add_job(rows)
    add_disk(rows, 1)
    yield rows
    rows.close()


def a_sink(rows: SqlRows, **changes: object) -> SqlJobSink:
    """Return a sink of its own; *changes* are of the address."""
    return SqlJobSink(replace(rows.address, **changes), ACTIVE, True)  # noqa: FBT003  # as the port's makers


def test_a_full_disk_takes_nothing_and_then_everything(file: SqlRows) -> None:
    sink = a_sink(file)
    sink.write([copying("job-1", copying_disk(1, 100))])
    link = raw(sink)
    (pages,) = link.execute("PRAGMA page_count").fetchone()
    link.execute(f"PRAGMA max_page_count = {pages}")
    long = replace(ended("failed", disks=(copying_disk(1, 900),)), error_message="x" * 4000)
    before = (file.row(JOBS, "job-1"), file.row(DISKS, 1))
    updates = [long, *(replace(long, job_id=add_job(file, f"job-{n}")) for n in range(2, 40))]
    with pytest.raises(DatabaseUnavailableError, match="full"):
        sink.write(updates)
    assert (file.row(JOBS, "job-1"), file.row(DISKS, 1)) == before
    sink.write(updates)  # over a connection without that limit
    assert {file.row(JOBS, update.job_id)["status"] for update in updates} == {"failed"}
    sink.close()


def test_a_file_that_is_read_only_for_a_while_is_written_afterwards(file: SqlRows) -> None:
    sink = a_sink(file)
    sink.write([copying()])
    raw(sink).execute("PRAGMA query_only = 1")
    with pytest.raises(DatabaseUnavailableError, match="readonly"):
        sink.write([ended()])
    sink.write([ended()])
    assert file.row(JOBS, "job-1")["status"] == "completed"
    sink.close()


def test_a_file_that_was_put_in_the_place_of_another_is_the_one_that_is_used(
    file: SqlRows, tmp_path: Path
) -> None:
    sink, source = a_sink(file), SqlJobSource(file.address, ACTIVE)
    sink.write([copying()])
    assert source.active() == {"job-1"}
    restored = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "restored.db")), Variant.SEED)
    add_job(restored)
    add_job(restored, "job-of-the-restored")
    (tmp_path / "restored.db").rename(file.address.path)
    assert source.active() == {"job-1", "job-of-the-restored"}
    sink.write([ended()])
    assert restored.row(JOBS, "job-1")["status"] == "completed"
    for port in (sink, source, restored):
        port.close()


def test_a_file_that_is_gone_is_told_and_used_once_it_is_back(file: SqlRows, tmp_path: Path) -> None:
    sink = a_sink(file)
    sink.write([copying()])
    elsewhere = file.address.path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(DatabaseError, match="does not exist"):
        sink.write([ended()])
    elsewhere.rename(file.address.path)
    sink.write([ended()])
    assert file.row(JOBS, "job-1")["status"] == "completed"
    sink.close()


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("code", "state", "kind"),
    [
        (1021, "HY000", DatabaseUnavailableError),  # disk full
        (1114, "HY000", DatabaseUnavailableError),  # table is full
        (1026, "HY000", DatabaseUnavailableError),  # error writing a file
        (1030, "HY000", DatabaseUnavailableError),  # no space left, as an engine has it
        (1180, "HY000", DatabaseUnavailableError),  # error while committing
        (1290, "HY000", DatabaseUnavailableError),  # --read-only
        (1792, "25006", DatabaseUnavailableError),  # read-only transaction
        (1205, "HY000", DatabaseLockTimeoutError),
        (1213, "40001", DatabaseLockedError),
        (1644, "45000", DatabaseRefusedError),  # a trigger's own objection
    ],
)
def test_an_error_of_the_server_undoes_the_flush_and_the_next_one_has_it(
    served: SqlRows, code: int, state: str, kind: type[DatabaseError]
) -> None:
    sink = a_sink(served)
    sink.write([copying("job-1", copying_disk(1, 100))])
    signal = f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'as told'"
    served.execute(f"CREATE TRIGGER failing BEFORE UPDATE ON {JOBS} FOR EACH ROW {signal}")
    before = (served.row(JOBS, "job-1"), served.row(DISKS, 1))
    with pytest.raises(kind, match="as told") as raised:
        sink.write([ended(disks=(copying_disk(1, 10000),))])
    assert type(raised.value) is kind
    assert (served.row(JOBS, "job-1"), served.row(DISKS, 1)) == before
    served.execute("DROP TRIGGER failing")
    sink.write([ended(disks=(copying_disk(1, 10000),))])
    assert served.row(JOBS, "job-1")["status"] == "completed"
    assert served.row(DISKS, 1)["sync_progress_percent"] == 100
    sink.close()


@pytest.fixture
def user(mariadb_server: MariadbServer, served: SqlRows) -> Iterator[str]:
    """Return the name of a user with one connection and the password `first`."""
    name = f"u_{served.address.name}"
    mariadb_server.query(f"CREATE USER '{name}'@'%' IDENTIFIED BY 'first' WITH MAX_USER_CONNECTIONS 1")
    mariadb_server.query(f"GRANT ALL ON {served.address.name}.* TO '{name}'@'%'")
    yield name
    mariadb_server.query(f"DROP USER '{name}'@'%'")


@pytest.mark.mariadb
def test_a_server_that_takes_no_more_connections_is_written_once_it_does(served: SqlRows, user: str) -> None:
    sink = a_sink(served, user=user, password="first")  # noqa: S106  # of this test's own user
    with closing(connect(replace(served.address, user=user, password="first"))):  # noqa: S106  # as above
        with pytest.raises(DatabaseUnavailableError, match="max_user_connections"):
            sink.write([ended()])
        assert served.row(JOBS, "job-1")["status"] == "running"
    mine = "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = ?"
    until(lambda: served.execute(mine, [user]) == [], "the other connection to be gone")
    sink.write([ended()])
    assert served.row(JOBS, "job-1")["status"] == "completed"
    sink.close()


@pytest.mark.mariadb
def test_a_changed_password_is_read_from_its_file_at_the_next_connection(
    served: SqlRows, user: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("first\n", "utf-8")
    sink = a_sink(served, user=user, password="of the start", password_file=file)  # noqa: S106  # as above
    sink.write([copying(percent_bp=100)])
    served.execute(f"ALTER USER '{user}'@'%' IDENTIFIED BY 'second'")
    sink.write([copying(percent_bp=200)])  # a connection outlives its password
    served.execute(f"KILL USER '{user}'@'%'")
    with pytest.raises(DatabaseUnavailableError, match="Access denied"):
        sink.write([copying(percent_bp=300)])
    file.unlink()
    with pytest.raises(DatabaseUnavailableError, match="PASSWORD_FILE: cannot read"):
        sink.write([copying(percent_bp=300)])
    file.write_text("second\n", "utf-8")
    sink.write([copying(percent_bp=300)])
    assert served.row(JOBS, "job-1")["progress_percent"] == 3
    sink.close()


@pytest.fixture
def server() -> Iterator[FaultyMariadb]:
    """Start a server of this test's own, to be killed."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"MariaDB is not installed: {', '.join(missing)} not found")
    server = FaultyMariadb()
    yield server
    server.stop()


@pytest.mark.mariadb
def test_a_server_that_is_killed_in_mid_transaction_has_none_of_it_and_then_all(
    server: FaultyMariadb,
) -> None:
    rows = SqlRows(server.address(server.create_database()), Variant.LATER)
    add_job(rows)
    add_disk(rows, 1)
    sink = a_sink(rows)
    sink.write([copying("job-1", copying_disk(1, 100))])
    rows.execute("BEGIN")
    rows.change(JOBS, "job-1", current_operation="held")
    failures: list[DatabaseError] = []

    def write() -> None:
        try:
            sink.write([ended(disks=(copying_disk(1, 10000),))])
        except DatabaseError as error:
            failures.append(error)

    writing = Thread(target=write)
    writing.start()
    waits = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'"
    until(lambda: int(str(server.query(waits)[0][1])), "the flush to wait for the test's lock")
    server.kill()
    writing.join()
    assert [isinstance(error, DatabaseUnavailableError) for error in failures] == [True]
    server.start_again()
    with pytest.raises(pymysql.MySQLError):
        rows.execute("ROLLBACK")
    rows.connection = connect(rows.address, autocommit=True)
    assert rows.row(JOBS, "job-1")["current_operation"] == "Transfer"
    assert float(rows.row(DISKS, 1)["sync_progress_percent"]) == 1.0
    sink.write([ended(disks=(copying_disk(1, 10000),))])
    assert rows.row(JOBS, "job-1")["status"] == "completed"
    assert float(rows.row(DISKS, 1)["sync_progress_percent"]) == 100
    sink.close()
    rows.close()
