"""`db upgrade`: our own tables, whatever else the database holds."""

import logging
import multiprocessing
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hatchling.builders.wheel import WheelBuilder
from mariadb_server import MariadbServer
from oma_database import OmaDatabase
from table_columns import columns, tables

from oma_poller.database import upgrade as upgrade_module
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import connect
from oma_poller.database.oma_schema import init
from oma_poller.database.schema_lock import take_schema_lock
from oma_poller.database.upgrade import upgrade
from oma_poller.errors import DatabaseError, DatabaseLockedError

ID_CHARACTERS = (
    "SELECT character_set_name AS charset, collation_name AS collation FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?"
)
LATER = '''"""Add a mood."""

import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("oma_poller_jobs", sa.Column("mood", sa.String(10), nullable=True))
'''


@pytest.fixture
def oma(either_address: DatabaseAddress) -> OmaDatabase:
    """Return a database with the OMA's tables and none of ours."""
    return OmaDatabase(either_address).create()


def with_a_later_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program be a newer one for this test."""
    known = shutil.copytree(upgrade_module._MIGRATIONS, folder / "migrations")
    head = max(file.name[1:5] for file in (known / "versions").glob("v*.py"))
    (known / "versions" / "v9001_mood.py").write_text(LATER.format(head=head), "utf-8")
    monkeypatch.setattr(upgrade_module, "_MIGRATIONS", known)


def upgrade_in_a_process(address: DatabaseAddress, results: "multiprocessing.Queue[object]") -> None:
    try:
        results.put(upgrade(address))
    except DatabaseError as error:
        results.put(str(error))


def test_the_first_run_makes_our_tables_and_the_second_finds_nothing_to_do(oma: OmaDatabase) -> None:
    before = tables(oma)
    first = upgrade(oma.address)
    assert first[0].startswith("0001: Create oma_poller_jobs")
    assert "oma_poller_jobs" in tables(oma)
    assert all(table.startswith("oma_poller_") for table in tables(oma) - before)
    assert upgrade(oma.address) == ()


def test_a_row_of_a_job_needs_no_more_than_how_and_since_when_it_is_seen(oma: OmaDatabase) -> None:
    upgrade(oma.address)
    oma.execute(
        "INSERT INTO oma_poller_jobs (job_id, observation, observed_since) VALUES (?, ?, ?)",
        ("job-1", "fresh", "2026-01-02 03:04:05.678901"),
    )
    [row] = oma.execute("SELECT * FROM oma_poller_jobs")
    assert str(row["observed_since"]) == "2026-01-02 03:04:05.678901"
    assert (row["observation"], row["reason"], row["consecutive_errors"]) == ("fresh", "", 0)
    assert row["updated_at"] is not None


def test_the_time_a_row_was_written_is_in_utc(oma: OmaDatabase) -> None:
    upgrade(oma.address)
    oma.execute(
        "INSERT INTO oma_poller_jobs (job_id, observation, observed_since) VALUES ('j', 'f', '2026-01-01')"
    )
    now = "strftime('%s', 'now')" if oma.address.engine is Engine.SQLITE else "UNIX_TIMESTAMP()"
    written = (
        "strftime('%s', updated_at)"
        if oma.address.engine is Engine.SQLITE
        else "TIMESTAMPDIFF(SECOND, '1970-01-01', updated_at)"
    )
    [row] = oma.execute(f"SELECT {now} - {written} AS age_s FROM oma_poller_jobs")  # noqa: S608 - our own text
    assert 0 <= row["age_s"] < 60


def test_the_oma_s_tables_are_not_touched(oma: OmaDatabase) -> None:
    oma.add_job("job-1", "volume-a")
    before = (oma.job("job-1"), oma.disks("job-1"), columns(oma, "replication_jobs"))
    upgrade(oma.address)
    assert (oma.job("job-1"), oma.disks("job-1"), columns(oma, "replication_jobs")) == before


def test_a_database_that_is_not_an_oma_s_is_refused_unchanged(either_address: DatabaseAddress) -> None:
    if either_address.engine is Engine.SQLITE:
        either_address.path.touch()
    database = OmaDatabase(either_address)
    database.execute("CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(DatabaseError, match="has no table replication_jobs") as raised:
        upgrade(either_address)
    assert "\n" not in str(raised.value)
    assert tables(database) == {"invoices"}


def test_a_later_version_is_applied_alone_and_keeps_the_rows(
    oma: OmaDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(oma.address)
    oma.execute(
        "INSERT INTO oma_poller_jobs (job_id, observation, observed_since) VALUES ('j', 'f', '2026-01-01')"
    )
    with_a_later_version(tmp_path, monkeypatch)
    assert upgrade(oma.address) == ("9001: Add a mood.",)
    assert oma.execute("SELECT job_id, mood FROM oma_poller_jobs") == [{"job_id": "j", "mood": None}]


def test_all_versions_are_applied_in_order_to_a_database_without_any(
    oma: OmaDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_later_version(tmp_path, monkeypatch)
    done = upgrade(oma.address)
    assert [line[:4] for line in done] == sorted(line[:4] for line in done)
    assert done[-1] == "9001: Add a mood."
    assert "mood" in columns(oma, "oma_poller_jobs")


def test_tables_of_a_newer_program_are_refused_in_one_line(
    oma: OmaDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        with_a_later_version(tmp_path, newer)
        upgrade(oma.address)
    with pytest.raises(
        DatabaseError, match="are of version 9001, but this program knows them up to 0"
    ) as raised:
        upgrade(oma.address)
    assert "\n" not in str(raised.value)
    assert "mood" in columns(oma, "oma_poller_jobs")


def test_a_program_with_two_newest_versions_says_so_in_one_line(
    oma: OmaDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_later_version(tmp_path, monkeypatch)
    versions = upgrade_module._MIGRATIONS / "versions"
    twin = (versions / "v9001_mood.py").read_text("utf-8").replace("9001", "9002")
    (versions / "v9002_twin.py").write_text(twin, "utf-8")
    with pytest.raises(DatabaseError, match="Multiple heads") as raised:
        upgrade(oma.address)
    assert "\n" not in str(raised.value)
    assert "oma_poller_jobs" not in tables(oma)


def test_a_run_cut_off_between_the_table_and_its_version_is_taken_up(oma: OmaDatabase) -> None:
    upgrade(oma.address)
    oma.execute("DELETE FROM oma_poller_schema")
    assert upgrade(oma.address) != ()
    assert upgrade(oma.address) == ()


def test_what_is_remembered_has_columns_from_the_second_version_on(oma: OmaDatabase) -> None:
    upgrade(oma.address)
    assert {"memory", "accepted_at"} <= columns(oma, "oma_poller_jobs")


def test_a_version_cut_off_between_two_columns_is_taken_up_with_its_rows(oma: OmaDatabase) -> None:
    upgrade(oma.address)
    oma.execute(
        "INSERT INTO oma_poller_jobs (job_id, observation, observed_since) VALUES ('j', 'f', '2026-01-01')"
    )
    oma.execute("ALTER TABLE oma_poller_jobs DROP COLUMN accepted_at")
    oma.execute("UPDATE oma_poller_schema SET version_num = '0001'")
    assert upgrade(oma.address)[0].startswith("0002: Add to oma_poller_jobs what is remembered")
    assert oma.execute("SELECT job_id, memory, accepted_at FROM oma_poller_jobs") == [
        {"job_id": "j", "memory": None, "accepted_at": None}
    ]


def test_processes_that_upgrade_at_the_same_time_do_the_work_once(oma: OmaDatabase) -> None:
    spawn = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[object] = spawn.Queue()
    processes = [spawn.Process(target=upgrade_in_a_process, args=(oma.address, results)) for _ in range(3)]
    for process in processes:
        process.start()
    outcomes = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert outcomes.count(()) == 2
    assert upgrade(oma.address) == ()


def test_no_other_process_changes_tables_meanwhile(oma: OmaDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.database.connect.LOCK_S", 0.01)
    with closing(connect(oma.address, autocommit=True)) as other:
        take_schema_lock(other, oma.address)
        monkeypatch.setattr("oma_poller.database.schema_lock.WAIT_S", 0)
        for change in (upgrade, init):
            with pytest.raises(DatabaseLockedError):
                change(oma.address)
    assert upgrade(oma.address) != ()


def test_nothing_is_logged(
    oma: OmaDatabase, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        upgrade(oma.address)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_an_absent_sqlite_file_is_not_made(tmp_path: Path) -> None:
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    with pytest.raises(DatabaseError, match="does not exist"):
        upgrade(address)
    assert not address.path.exists()


def test_a_failure_half_way_leaves_an_sqlite_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    before = tables(OmaDatabase(address).create())
    with_a_later_version(tmp_path, monkeypatch)
    later = upgrade_module._MIGRATIONS / "versions" / "v9001_mood.py"
    later.write_text(later.read_text("utf-8").replace('"oma_poller_jobs"', '"no_such_table"'), "utf-8")
    with pytest.raises(DatabaseError, match="no_such_table") as raised:
        upgrade(address)
    assert "\n" not in str(raised.value)
    assert tables(OmaDatabase(address)) == before


def test_a_file_that_another_program_writes_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oma_poller.database.connect.LOCK_S", 0.01)
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    init(address)
    with closing(sqlite3.connect(address.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked"):
            upgrade(address)


def test_the_versions_travel_in_the_wheel(tmp_path: Path) -> None:
    """Built from the sources as they are, without fetching anything."""
    root = Path(upgrade_module.__file__).parents[3]
    [wheel] = WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    shutil.unpack_archive(wheel, tmp_path / "content", "zip")
    packed = tmp_path / "content" / "oma_poller" / "database" / "migrations"
    names = {file.name for file in (packed / "versions").glob("v*.py")}
    assert names == {file.name for file in (upgrade_module._MIGRATIONS / "versions").glob("v*.py")}
    assert "v0001_jobs.py" in names


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("charset", "collation"),
    [("utf8mb4", "utf8mb4_bin"), ("latin1", "latin1_swedish_ci"), ("utf8mb3", "utf8mb3_czech_ci")],
)
def test_on_mariadb_a_job_s_id_has_the_collation_of_the_oma_s(
    mariadb_address: DatabaseAddress, charset: str, collation: str
) -> None:
    database = OmaDatabase(mariadb_address)
    database.create().execute(
        f"ALTER TABLE replication_jobs MODIFY id VARCHAR(191) CHARACTER SET {charset} COLLATE {collation}"
    )
    upgrade(mariadb_address)
    assert database.execute(ID_CHARACTERS, ("oma_poller_jobs", "job_id")) == [
        {"charset": charset, "collation": collation}
    ]
    database.execute("SELECT 1 FROM replication_jobs r JOIN oma_poller_jobs o ON o.job_id = r.id")


@pytest.mark.mariadb
def test_a_user_who_may_make_no_tables_is_told_so_in_one_line(
    mariadb_server: MariadbServer, mariadb_address: DatabaseAddress
) -> None:
    init(mariadb_address)
    name = mariadb_address.name
    mariadb_server.query(f"CREATE USER {name}@'%' IDENTIFIED BY 'r'")
    mariadb_server.query(f"GRANT SELECT ON {name}.* TO {name}@'%'")
    reader = msgspec.structs.replace(mariadb_address, user=name, password="r")  # noqa: S106 - of this test's user
    with pytest.raises(DatabaseError, match="CREATE command denied") as raised:
        upgrade(reader)
    assert "\n" not in str(raised.value)
