"""`oma-poller accept JOB`: one line for a person, one document for a program, one line of complaint."""

from collections.abc import Callable

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase

from oma_poller.database.upgrade import upgrade

Command = Callable[..., CommandResult]


@pytest.fixture
def unverified(oma: OmaDatabase) -> OmaDatabase:
    """Return a database with a job that is unverified."""
    upgrade(oma.address)
    oma.add_job("job-1", "v-1")
    oma.execute(
        "INSERT INTO oma_poller_jobs (job_id, observation, observed_since)"
        " VALUES ('job-1', 'unverified', '2026-01-01')"
    )
    return oma


def test_a_job_is_accepted_and_that_is_said(unverified: OmaDatabase, command: Command) -> None:
    expected = "job-1: accepted; the poller takes the VMA's entry for this job's from its next look on\n"
    assert command("accept", "job-1") == (0, expected, "")
    assert unverified.execute("SELECT accepted_at FROM oma_poller_jobs")[0]["accepted_at"] is not None


def test_a_program_is_told_in_json(unverified: OmaDatabase, command: Command) -> None:
    result = command("accept", "job-1", "--json")
    assert (result.status, result.err) == (0, "")
    assert result.document == {"job_id": "job-1", "accepted": True}
    assert unverified.job("job-1")["status"] == "running"


@pytest.mark.parametrize(
    ("job_id", "status", "complaint"),
    [
        ("nobody", "running", "job 'nobody' is not in replication_jobs"),
        ("job-1", "completed", "job 'job-1' has ended as completed"),
        ("job-2", "running", "job 'job-2' was not polled yet"),
    ],
)
def test_where_there_is_nothing_to_accept_one_line_says_why(
    unverified: OmaDatabase, command: Command, job_id: str, status: str, complaint: str
) -> None:
    unverified.add_job("job-2", "v-2")
    unverified.execute("UPDATE replication_jobs SET status = ?", (status,))
    result = command("accept", job_id)
    assert (result.status, result.out) == (1, "")
    assert complaint in result.complaint


def test_an_earlier_run_is_accepted_with_force_only(unverified: OmaDatabase, command: Command) -> None:
    unverified.execute("UPDATE oma_poller_jobs SET observation = 'previous_run'")
    refused = command("accept", "job-1")
    assert (refused.status, refused.out) == (1, "")
    assert refused.complaint.endswith(
        "it is believed once it moves; if it is this job's all the same: --force"
    )
    assert unverified.execute("SELECT accepted_at FROM oma_poller_jobs")[0]["accepted_at"] is None
    assert command("accept", "job-1", "--force").status == 0
    assert unverified.execute("SELECT accepted_at FROM oma_poller_jobs")[0]["accepted_at"] is not None


def test_without_the_programs_tables_the_way_to_them_is_told(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1")
    result = command("accept", "job-1")
    assert (result.status, result.out) == (1, "")
    assert result.complaint.endswith("run: oma-poller db upgrade")
