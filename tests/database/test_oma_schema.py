"""`db init`: the OMA's own tables, in an empty database only."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mariadb_server import MariadbServer
from oma_database import OmaDatabase
from table_columns import CONTRACT_COLUMNS, columns, tables

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.oma_schema import init
from oma_poller.database.upgrade import upgrade
from oma_poller.errors import DatabaseError


def test_init_then_upgrade_leave_every_column_of_the_contract(either_address: DatabaseAddress) -> None:
    made = init(either_address)
    upgrade(either_address)
    database = OmaDatabase(either_address)
    assert set(made) == set(CONTRACT_COLUMNS)
    for table, names in CONTRACT_COLUMNS.items():
        assert names - columns(database, table) == set()


def test_the_tables_take_a_job_with_its_disks(either_address: DatabaseAddress) -> None:
    init(either_address)
    database = OmaDatabase(either_address)
    database.add_job("job-1", "volume-a", "volume-b", current_operation="Transfer", progress_percent=2.17)
    job, disks = database.job("job-1"), database.disks("job-1")
    assert (job["current_operation"], float(job["progress_percent"])) == ("Transfer", 2.17)
    assert [disk["disk_id"] for disk in disks] == ["2000", "2001"]
    assert job["created_at"] is not None
    assert job["updated_at"] is not None


def test_a_volume_or_an_export_name_is_there_once(either_address: DatabaseAddress) -> None:
    init(either_address)
    database = OmaDatabase(either_address)
    for sql in (
        "INSERT INTO ossea_volumes (volume_id) VALUES ('one')",
        "INSERT INTO nbd_exports (volume_id, export_name) VALUES ('one', 'migration-vol-one')",
    ):
        database.execute(sql)
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            database.execute(sql)


def test_a_second_init_is_refused_in_one_line(either_address: DatabaseAddress) -> None:
    init(either_address)
    database = OmaDatabase(either_address)
    database.add_job("job-1")
    with pytest.raises(
        DatabaseError, match="is not empty, it has the table nbd_exports and 3 more"
    ) as raised:
        init(either_address)
    assert "\n" not in str(raised.value)
    assert database.statuses() == {"job-1": "running"}


def test_a_database_with_any_foreign_table_stays_as_it_is(either_address: DatabaseAddress) -> None:
    if either_address.engine is Engine.SQLITE:
        either_address.path.touch()
    database = OmaDatabase(either_address)
    database.execute("CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(DatabaseError, match="it has the table invoices:"):
        init(either_address)
    assert tables(database) == {"invoices"}


def test_our_own_tables_do_not_count_as_content(either_address: DatabaseAddress) -> None:
    if either_address.engine is Engine.SQLITE:
        either_address.path.touch()
    database = OmaDatabase(either_address)
    database.execute("CREATE TABLE oma_poller_jobs (job_id VARCHAR(191) PRIMARY KEY)")
    init(either_address)
    assert tables(database) == {*CONTRACT_COLUMNS, "oma_poller_jobs"}


def test_a_missing_folder_is_said_in_one_line_and_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    with pytest.raises(DatabaseError, match=r"absent/oma\.db: its folder does not exist; make it first$"):
        init(DatabaseAddress(Engine.SQLITE, str(folder / "oma.db")))
    assert not folder.exists()


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("remember the milk\n" * 100, "utf-8")
    with pytest.raises(DatabaseError, match="not a database"):
        init(DatabaseAddress(Engine.SQLITE, str(file)))
    assert file.read_text("utf-8") == "remember the milk\n" * 100


def test_the_sqlite_file_lets_readers_and_the_writer_work_side_by_side(tmp_path: Path) -> None:
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    init(address)
    assert OmaDatabase(address).execute("PRAGMA journal_mode") == [{"journal_mode": "wal"}]


def test_a_file_that_another_program_writes_is_waited_for_and_then_refused_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oma_poller.database.connect.LOCK_S", 0.01)
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    with closing(sqlite3.connect(address.path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked"):
            init(address)
    assert tables(OmaDatabase(address)) == {"theirs"}


@pytest.mark.mariadb
def test_mariadb_sets_updated_at_by_itself_and_stores_any_letter(mariadb_address: DatabaseAddress) -> None:
    init(mariadb_address)
    database = OmaDatabase(mariadb_address)
    database.add_job("job-1", source_vm_name="Żółw 🐢", updated_at="2001-02-03 04:05:06")
    database.execute("UPDATE replication_jobs SET total_bytes = 7 WHERE id = 'job-1'")
    job = database.job("job-1")
    assert job["source_vm_name"] == "Żółw 🐢"
    assert job["updated_at"].year > 2001


@pytest.mark.mariadb
def test_init_takes_back_what_it_made_when_a_table_cannot_be_made(
    mariadb_server: MariadbServer, mariadb_address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB keeps each table for good at once; half of the tables would stop the next attempt."""

    def broken(table: str, _engine: Engine) -> tuple[str, ...]:
        if table == "ossea_volumes":
            return ("CREATE TABLE ossea_volumes (id NONSENSE)",)
        return (f"CREATE TABLE {table} (id INT)",)

    monkeypatch.setattr("oma_poller.database.oma_schema.table_ddl", broken)
    with pytest.raises(DatabaseError, match="NONSENSE") as raised:
        init(mariadb_address)
    assert "\n" not in str(raised.value)
    assert mariadb_server.query("SHOW TABLES", mariadb_address.name) == []
