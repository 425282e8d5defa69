"""What `status` reads from the database."""

from datetime import UTC, datetime

import pytest
from oma_database import OmaDatabase

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.status_rows import StatusPage, StatusRow, read_status
from oma_poller.database.upgrade import upgrade
from oma_poller.errors import DatabaseError

ACTIVE = frozenset({"queued", "running", "replicating"})
SEED_TABLE = (
    "CREATE TABLE replication_jobs (id VARCHAR(64) PRIMARY KEY, status VARCHAR(50),"
    " progress_percent DOUBLE, current_operation VARCHAR(255), bytes_transferred BIGINT, total_bytes BIGINT,"
    " transfer_speed_bps BIGINT, updated_at TIMESTAMP NULL)"
)
SEEN = "INSERT INTO oma_poller_jobs (job_id, observation, observed_since, reason) VALUES (?, ?, ?, ?)"


@pytest.fixture
def oma(either_address: DatabaseAddress) -> OmaDatabase:
    """Return a database with the OMA's tables and none of ours."""
    return OmaDatabase(either_address).create()


def page_of(oma: OmaDatabase, *, everything: bool = False, limit: int = 50) -> StatusPage:
    return read_status(oma.address, ACTIVE, everything=everything, limit=limit)


def ids(page: StatusPage) -> list[str]:
    return [row.job_id for row in page.rows]


def fill(oma: OmaDatabase) -> None:
    """Insert five jobs, a day apart; the second and the fourth have ended."""
    for day, status in enumerate(["running", "completed", "replicating", "failed", "queued"], 1):
        oma.add_job(f"job-{day}", status=status, created_at=f"2026-01-0{day} 00:00:00")


def test_a_row_shows_everything_the_database_has(oma: OmaDatabase) -> None:
    oma.add_job(
        "job-20250905-162427",
        source_vm_name="Żółw",
        status="replicating",
        progress_percent=2.17,
        current_operation="Transfer",
        bytes_transferred=933232640,
        total_bytes=42949672960,
        transfer_speed_bps=3400000,
        vma_eta_seconds=1200,
        error_message="the first attempt broke off",
        updated_at="2026-01-02 03:04:05",
    )
    upgrade(oma.address)
    oma.execute(SEEN, ("job-20250905-162427", "stalled", "2026-01-02 03:00:00", "no bytes for 300 s"))
    assert page_of(oma).rows == (
        StatusRow(
            job_id="job-20250905-162427",
            name="Żółw",
            status="replicating",
            percent_bp=217,
            operation="Transfer",
            bytes_transferred=933232640,
            total_bytes=42949672960,
            speed_bps=3400000,
            eta_s=1200,
            observation="stalled",
            reason="no bytes for 300 s",
            updated_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            error_message="the first attempt broke off",
        ),
    )


def test_active_jobs_come_newest_first(oma: OmaDatabase) -> None:
    fill(oma)
    page = page_of(oma)
    assert (ids(page), page.total) == (["job-5", "job-3", "job-1"], 3)


def test_everything_includes_the_jobs_that_ended(oma: OmaDatabase) -> None:
    fill(oma)
    page = page_of(oma, everything=True)
    assert (ids(page), page.total) == (["job-5", "job-4", "job-3", "job-2", "job-1"], 5)


@pytest.mark.parametrize(("limit", "shown"), [(2, ["job-5", "job-3"]), (1, ["job-5"]), (0, []), (-3, [])])
def test_the_limit_bounds_the_rows_and_not_the_count(oma: OmaDatabase, limit: int, shown: list[str]) -> None:
    fill(oma)
    page = page_of(oma, limit=limit)
    assert (ids(page), page.total) == (shown, 3)


def test_no_status_being_active_shows_no_job(oma: OmaDatabase) -> None:
    fill(oma)
    assert read_status(oma.address, frozenset(), everything=False, limit=9) == StatusPage((), 0)


def test_a_status_is_a_value_and_never_sql(oma: OmaDatabase) -> None:
    fill(oma)
    odd = frozenset({"running' OR '1'='1", "%s", "?"})
    assert read_status(oma.address, odd, everything=False, limit=9) == StatusPage((), 0)


def test_without_our_table_the_oma_s_own_columns_say_how_a_job_is_seen(oma: OmaDatabase) -> None:
    oma.add_job("job-1", vma_error_classification="blind", vma_error_details="connection refused")
    [row] = page_of(oma).rows
    assert (row.observation, row.reason) == ("blind", "connection refused")


def test_our_table_says_it_before_the_oma_s_columns_do(oma: OmaDatabase) -> None:
    for job_id in ("job-1", "job-2"):
        oma.add_job(job_id, vma_error_classification="blind", vma_error_details="connection refused")
    upgrade(oma.address)
    oma.execute(SEEN, ("job-1", "fresh", "2026-01-02 03:00:00", ""))
    rows = {row.job_id: (row.observation, row.reason) for row in page_of(oma).rows}
    assert rows == {"job-1": ("fresh", ""), "job-2": ("blind", "connection refused")}


def test_a_database_with_the_seed_s_columns_alone_is_enough(either_address: DatabaseAddress) -> None:
    if either_address.engine is Engine.SQLITE:
        either_address.path.touch()
    oma = OmaDatabase(either_address)
    oma.execute(SEED_TABLE)
    oma.execute("INSERT INTO replication_jobs (id, status, progress_percent) VALUES ('a', 'running', 0.29)")
    oma.execute("INSERT INTO replication_jobs (id, status) VALUES ('b', 'running')")
    page = page_of(oma)
    assert [(row.job_id, row.percent_bp, row.name, row.observation) for row in page.rows] == [
        ("b", None, "", ""),
        ("a", 29, "", ""),
    ]


def test_values_without_sense_are_shown_as_unknown(oma: OmaDatabase) -> None:
    oma.add_job(
        "job-1", progress_percent=100.5, bytes_transferred=-5, transfer_speed_bps=-1, vma_eta_seconds=0
    )
    oma.execute("UPDATE replication_jobs SET updated_at = NULL")
    [row] = page_of(oma).rows
    assert (row.percent_bp, row.bytes_transferred, row.speed_bps, row.eta_s) == (None, None, None, None)
    assert row.updated_at is None


def test_a_database_that_is_not_an_oma_s_is_refused_in_one_line(either_address: DatabaseAddress) -> None:
    if either_address.engine is Engine.SQLITE:
        either_address.path.touch()
    with pytest.raises(DatabaseError, match="has no table replication_jobs") as raised:
        page_of(OmaDatabase(either_address))
    assert "\n" not in str(raised.value)


@pytest.mark.mariadb
def test_a_job_is_found_in_our_table_after_its_id_changed_its_collation(
    mariadb_address: DatabaseAddress,
) -> None:
    oma = OmaDatabase(mariadb_address).create()
    oma.add_job("job-1")
    upgrade(mariadb_address)
    oma.execute(SEEN, ("job-1", "late", "2026-01-02 03:00:00", "busy"))
    oma.execute("ALTER TABLE replication_jobs MODIFY id VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_bin")
    [row] = page_of(oma).rows
    assert (row.observation, row.reason) == ("late", "busy")
    oma.execute(
        "ALTER TABLE replication_jobs MODIFY id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )
    assert page_of(oma).rows == (row,)
