"""What a database has, and which is no OMA's (D1)."""

from collections.abc import Iterator

import pytest
from oma_rows import ACTIVE, SqlRows, add_job
from updates import copying, copying_disk

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.capabilities import read_capabilities, version_numbers
from oma_poller.database.column import Kind
from oma_poller.database.source import SqlJobSource
from oma_poller.errors import DatabaseError, DatabaseUnavailableError
from oma_poller.model.job import Disk

REQUIRED = (
    "id VARCHAR(99) PRIMARY KEY, status VARCHAR(50), progress_percent DECIMAL(5,2), "
    "current_operation VARCHAR(255), bytes_transferred BIGINT, total_bytes BIGINT, "
    "transfer_speed_bps BIGINT, updated_at DATETIME"
)


@pytest.fixture
def bare(either_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return a database without any table."""
    rows = SqlRows(either_address, None)
    yield rows
    rows.close()


def test_a_database_without_jobs_is_refused_in_one_line(bare: SqlRows) -> None:
    with pytest.raises(DatabaseError, match="has no table replication_jobs") as caught:
        bare.source.active()
    assert not isinstance(caught.value, DatabaseUnavailableError)
    assert str(caught.value).startswith(bare.address.redacted)


def test_the_columns_that_are_missing_are_named(bare: SqlRows) -> None:
    bare.execute(
        "CREATE TABLE replication_jobs (id VARCHAR(99) PRIMARY KEY, status VARCHAR(9), total_bytes BIGINT)"
    )
    missing = "progress_percent, current_operation, bytes_transferred, transfer_speed_bps, updated_at"
    for call in (bare.source.active, lambda: bare.sink.write([copying()])):
        with pytest.raises(DatabaseError, match=f"the table replication_jobs lacks {missing}; needed are"):
            call()


def test_a_database_that_is_made_good_is_used_at_the_next_call(bare: SqlRows) -> None:
    with pytest.raises(DatabaseError):
        bare.source.active()
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED})")
    add_job(bare)
    assert bare.source.active() == {"job-1"}


def test_the_required_columns_are_enough(bare: SqlRows) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED})")
    add_job(bare)
    (job,) = bare.source.details(["job-1"])
    assert (job.id, job.created_at, job.disks) == ("job-1", None, ())
    bare.sink.write([copying("job-1", copying_disk(1))])
    bare.sink.write([], ["job-1"])
    assert bare.row("replication_jobs", "job-1")["current_operation"] == "Transfer"


def test_disks_without_a_job_are_found_by_the_vm_of_both(bare: SqlRows) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED}, vm_context_id VARCHAR(64))")
    bare.execute(
        "CREATE TABLE vm_disks (id INT PRIMARY KEY, vm_context_id VARCHAR(64), sync_status VARCHAR(20))"
    )
    add_job(bare, vm_context_id="ctx")
    add_job(bare, "job-2", status="completed", vm_context_id="ctx")
    bare.insert("vm_disks", {"id": 5, "vm_context_id": "ctx", "sync_status": "pending"})
    (job,) = bare.source.details(["job-1"])
    assert job.disks == (Disk(5, "5", None, 0),)
    bare.sink.write([copying("job-2", copying_disk(5))])
    assert bare.row("vm_disks", 5)["sync_status"] == "pending"
    bare.sink.write([copying("job-1", copying_disk(5))])
    assert bare.row("vm_disks", 5)["sync_status"] == "syncing"


@pytest.mark.parametrize("kind", ["INT", "VARCHAR(64) DEFAULT ''"])
def test_disks_that_name_no_job_are_those_of_the_last_of_undated_jobs(bare: SqlRows, kind: str) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED}, vm_context_id {kind})")
    bare.execute(
        "CREATE TABLE vm_disks (id INT PRIMARY KEY, job_id VARCHAR(64), "
        f"vm_context_id {kind}, sync_status VARCHAR(20))"
    )
    add_job(bare, vm_context_id="7")
    add_job(bare, "job-2", vm_context_id="7")
    bare.insert("vm_disks", {"id": 5, "vm_context_id": "7", "sync_status": "pending"})
    found = {job.id: job.disks for job in bare.source.details(["job-1", "job-2"])}
    assert found == {"job-1": (), "job-2": (Disk(5, "5", None, 0),)}
    bare.sink.write([copying("job-2", copying_disk(5))])
    assert bare.row("vm_disks", 5)["sync_status"] == "syncing"


def test_disks_and_volumes_that_cannot_be_told_apart_are_unknown(bare: SqlRows) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED})")
    bare.execute("CREATE TABLE vm_disks (id INT PRIMARY KEY, label VARCHAR(9))")
    bare.execute("CREATE TABLE ossea_volumes (id INT PRIMARY KEY)")
    add_job(bare)
    bare.insert("vm_disks", {"id": 1, "label": "x"})
    assert bare.source.details(["job-1"])[0].disks == ()


def test_limits_are_read_as_declared(bare: SqlRows) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED}, vma_eta_seconds INT NOT NULL)")
    jobs = read_capabilities(bare.connection, bare.address).jobs
    operation, percent = jobs.columns["current_operation"], jobs.columns["progress_percent"]
    assert (operation.kind, operation.characters) == (Kind.TEXT, 255)
    assert (percent.kind, percent.scale, str(percent.highest)) == (Kind.DECIMAL, 2, "999.99")
    assert jobs.columns["updated_at"].kind is Kind.MOMENT
    assert jobs.columns["id"].in_primary_key
    assert not jobs.columns["vma_eta_seconds"].nullable
    if bare.address.engine is Engine.MYSQL:
        assert (operation.charset, operation.collation) == ("utf8mb4", "utf8mb4_unicode_ci")
        assert jobs.columns["vma_eta_seconds"].highest == 2**31 - 1


def test_a_column_that_the_database_computes_is_not_written(bare: SqlRows) -> None:
    computed = "vma_current_phase VARCHAR(99) AS (current_operation)"
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED}, {computed})")
    add_job(bare)
    bare.sink.write([copying(phase="Cleanup")])
    assert bare.row("replication_jobs", "job-1")["vma_current_phase"] == "Transfer"


def test_names_in_capitals_are_the_same_names(bare: SqlRows) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED.upper()}, VCENTER_HOST VARCHAR(99))")
    bare.execute("INSERT INTO replication_jobs (id, status, vcenter_host) VALUES ('job-1', 'running', 'vc')")
    assert bare.source.details(["job-1"])[0].vcenter_host == "vc"
    bare.sink.write([copying()])


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("10.11.19-MariaDB-0+deb12u1", (10, 11)), ("8.0.36", (8, 0)), ("3.40.1", (3, 40)), ("?", (0, 0))],
)
def test_a_version_is_read_by_its_first_two_numbers(version: str, numbers: tuple[int, int]) -> None:
    assert version_numbers(version) == numbers


def test_a_server_that_is_too_old_is_named(bare: SqlRows, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.execute(f"CREATE TABLE replication_jobs ({REQUIRED})")
    for module in ("catalog_sqlite", "catalog_mysql"):
        monkeypatch.setattr(
            f"oma_poller.database.{module}.read_product", lambda _: ("MariaDB", "10.5.8-MariaDB")
        )
    with pytest.raises(
        DatabaseError, match=r"is MariaDB 10\.5\.8-MariaDB; the oldest that work are MariaDB 10\.6"
    ):
        SqlJobSource(bare.address, ACTIVE).active()
