"""`accept` notes a person's word, and only where there is something to accept (T5)."""

from datetime import UTC, datetime

import pytest
from oma_database import OmaDatabase

from oma_poller.database.acceptance import accept
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.moment import read_moment
from oma_poller.database.upgrade import upgrade
from oma_poller.errors import AcceptError, DatabaseError, UnknownJobError


@pytest.fixture
def oma(either_address: DatabaseAddress) -> OmaDatabase:
    """Return a database with the OMA's tables and ours, and one job."""
    oma = OmaDatabase(either_address).create()
    upgrade(either_address)
    oma.add_job("job-1", "v-1")
    return oma


def see(oma: OmaDatabase, observation: str, job_id: str = "job-1") -> None:
    """Say how a job is seen."""
    oma.execute(
        "INSERT INTO oma_poller_jobs (job_id, observation, observed_since) VALUES (?, ?, '2026-01-01')",
        (job_id, observation),
    )


def accepted_at(oma: OmaDatabase, job_id: str = "job-1") -> datetime | None:
    """Return when a job was accepted."""
    rows = oma.execute("SELECT accepted_at FROM oma_poller_jobs WHERE job_id = ?", (job_id,))
    return read_moment(rows[0]["accepted_at"]) if rows else None


@pytest.mark.parametrize("observation", ["unverified", "previous_run"])
def test_a_job_whose_entry_is_older_is_accepted_by_the_databases_clock(
    oma: OmaDatabase, observation: str
) -> None:
    see(oma, observation)
    oma.add_job("job-2")
    see(oma, observation, "job-2")
    accept(oma.address, "job-1", force=observation == "previous_run")
    moment = accepted_at(oma)
    assert moment is not None
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
    assert accepted_at(oma, "job-2") is None


@pytest.mark.parametrize("observation", ["fresh", "pending", "blind", "parked", "stalled"])
def test_a_job_that_is_seen_in_another_way_has_nothing_to_accept(oma: OmaDatabase, observation: str) -> None:
    see(oma, observation)
    with pytest.raises(AcceptError) as raised:
        accept(oma.address, "job-1")
    assert str(raised.value) == (
        f"job 'job-1' is seen as {observation}: only one that is previous_run or unverified can be accepted"
    )
    assert accepted_at(oma) is None


def test_a_job_that_shows_an_earlier_run_is_accepted_by_force_only(oma: OmaDatabase) -> None:
    see(oma, "previous_run")
    with pytest.raises(AcceptError) as raised:
        accept(oma.address, "job-1")
    assert str(raised.value) == (
        "job 'job-1' is seen as previous_run: the VMA's entry is older than this job and has not "
        "moved since; it is believed once it moves; if it is this job's all the same: --force"
    )
    assert accepted_at(oma) is None


def test_force_makes_nothing_else_acceptable(oma: OmaDatabase) -> None:
    see(oma, "stalled")
    with pytest.raises(AcceptError, match="only one that is previous_run or unverified can be accepted"):
        accept(oma.address, "job-1", force=True)
    assert accepted_at(oma) is None


def test_a_job_that_was_not_polled_yet_has_nothing_to_accept(oma: OmaDatabase) -> None:
    with pytest.raises(AcceptError, match="job 'job-1' was not polled yet"):
        accept(oma.address, "job-1")


def test_a_job_that_has_ended_has_nothing_to_accept(oma: OmaDatabase) -> None:
    see(oma, "unverified")
    oma.execute("UPDATE replication_jobs SET status = 'failed'")
    with pytest.raises(AcceptError, match="job 'job-1' has ended as failed: there is nothing to accept"):
        accept(oma.address, "job-1")
    assert accepted_at(oma) is None


@pytest.mark.parametrize("job_id", ["nobody", "JOB-1", "", "' OR 1=1 -- ", "%s"])
def test_an_unknown_job_is_named(oma: OmaDatabase, job_id: str) -> None:
    see(oma, "unverified")
    with pytest.raises(UnknownJobError, match="is not in replication_jobs"):
        accept(oma.address, job_id)
    assert accepted_at(oma) is None


def test_without_our_tables_the_way_to_them_is_told(either_address: DatabaseAddress) -> None:
    oma = OmaDatabase(either_address).create()
    oma.add_job("job-1")
    with pytest.raises(DatabaseError, match="run: oma-poller db upgrade") as raised:
        accept(either_address, "job-1")
    assert "\n" not in str(raised.value)
