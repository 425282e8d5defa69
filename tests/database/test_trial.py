"""Whether this program may write is tried, on no row."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mariadb_server import MariadbServer
from msgspec.structs import replace
from oma_rows import SqlRows, add_disk, add_job
from schema_variants import Variant

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.survey import survey
from oma_poller.database.trial import unwritable
from oma_poller.database.upgrade import upgrade

JOBS, DISKS = "replication_jobs", "vm_disks"
WRITTEN = (
    "progress_percent, current_operation, bytes_transferred, total_bytes, transfer_speed_bps, updated_at"
)


def test_where_all_may_be_written_nothing_is_told_and_nothing_changed(sql: SqlRows) -> None:
    upgrade(sql.address)
    add_job(sql)
    disk_id = add_disk(sql, 1)
    before = (sql.row(JOBS, "job-1"), sql.row(DISKS, disk_id))
    for write_status in (True, False):
        assert unwritable(sql.address, write_status=write_status) == {}
    assert (sql.row(JOBS, "job-1"), sql.row(DISKS, disk_id)) == before


def test_an_sqlite_file_that_is_read_only_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), Variant.LATER)
    rows.close()

    def read_only(address: DatabaseAddress) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{address.path}?mode=ro", uri=True)  # root may write any file

    monkeypatch.setattr("oma_poller.database.trial.connect", read_only)
    reasons = unwritable(rows.address, write_status=True)
    assert {JOBS, DISKS, "oma_poller_jobs"} <= reasons.keys()
    assert reasons[JOBS] == "attempt to write a readonly database"


def test_an_sqlite_file_that_another_program_writes_just_now_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oma_poller.database.connect.LOCK_S", 0)
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), Variant.SEED)
    with closing(sqlite3.connect(rows.address.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert unwritable(rows.address, write_status=True) == {}
    rows.close()


@pytest.fixture
def guest(mariadb_server: MariadbServer, mariadb_address: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """Return an address with a user who may only read; the tables of this program are there."""
    rows = SqlRows(mariadb_address, Variant.LATER)
    rows.close()
    upgrade(mariadb_address)
    name = f"g_{mariadb_address.name}"
    mariadb_server.query(f"CREATE USER '{name}'@'%' IDENTIFIED BY 'guest'")
    mariadb_server.query(f"GRANT SELECT ON {mariadb_address.name}.* TO '{name}'@'%'")
    yield replace(mariadb_address, user=name, password="guest")  # noqa: S106  # of this test's own user
    mariadb_server.query(f"DROP USER '{name}'@'%'")


def allow(server: MariadbServer, guest: DatabaseAddress, right: str, table: str) -> None:
    """Give the user a right on a table."""
    server.query(f"GRANT {right} ON {guest.name}.{table} TO '{guest.user}'@'%'")


@pytest.mark.mariadb
def test_a_user_who_may_only_read_is_told_of_each_table(guest: DatabaseAddress) -> None:
    reasons = unwritable(guest, write_status=True)
    own = {"oma_poller_jobs", "oma_poller_history", "oma_poller_flights"}
    assert reasons.keys() == {JOBS, DISKS} | own
    assert "command denied" in reasons[JOBS]


@pytest.mark.mariadb
def test_rights_are_tried_column_by_column(mariadb_server: MariadbServer, guest: DatabaseAddress) -> None:
    for table in ("oma_poller_jobs", "oma_poller_history", "oma_poller_flights"):
        allow(mariadb_server, guest, "INSERT, UPDATE, DELETE", table)
    allow(mariadb_server, guest, "UPDATE", DISKS)
    allow(mariadb_server, guest, f"UPDATE ({WRITTEN})", JOBS)
    assert unwritable(guest, write_status=False) == {}
    assert unwritable(guest, write_status=True).keys() == {JOBS}
    allow(mariadb_server, guest, "UPDATE", JOBS)
    assert unwritable(guest, write_status=True) == {}


@pytest.mark.mariadb
def test_own_tables_must_be_thinned_too(mariadb_server: MariadbServer, guest: DatabaseAddress) -> None:
    allow(mariadb_server, guest, "INSERT, UPDATE", "oma_poller_history")
    assert "DELETE command denied" in unwritable(guest, write_status=True)["oma_poller_history"]


@pytest.mark.mariadb
def test_the_words_that_a_status_column_lacks_are_told(mariadb_address: DatabaseAddress) -> None:
    rows = SqlRows(mariadb_address, Variant.SEED)
    active = frozenset({"running", "replicating"})
    assert survey(rows.address, active_statuses=active).unknown_statuses == ()
    rows.execute(f"ALTER TABLE {JOBS} MODIFY status ENUM('pending', 'running', 'completed', 'failed')")
    assert survey(rows.address, active_statuses=active).unknown_statuses == ("replicating", "cancelled")
    assert survey(rows.address, active_statuses=frozenset({"running"})).unknown_statuses == ("cancelled",)
    assert survey(rows.address, write_status=False, active_statuses=active).unknown_statuses == ()
    rows.close()
