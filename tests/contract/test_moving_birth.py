"""A `created_at` that the server sets with every change of a row: it dates no creation (T5, D5)."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from oma_rows import SqlRows, add_job
from schema_variants import Variant
from updates import copying, ended

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.survey import survey

pytestmark = pytest.mark.mariadb

JOBS = "replication_jobs"


@pytest.fixture(params=["TIMESTAMP", "DATETIME(3)"])
def moving(request: pytest.FixtureRequest, mariadb_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return an OMA whose `created_at` moves."""
    rows = SqlRows(mariadb_address, Variant.SEED)
    now = "CURRENT_TIMESTAMP(3)" if request.param == "DATETIME(3)" else "CURRENT_TIMESTAMP"
    rows.execute(
        f"ALTER TABLE {JOBS} MODIFY created_at {request.param} NOT NULL DEFAULT {now} ON UPDATE {now}"
    )
    add_job(rows)
    yield rows
    rows.close()


def test_a_job_has_no_birth_and_no_date(moving: SqlRows) -> None:
    (job,) = moving.source.details(["job-1"])
    assert (job.born, job.created_at) == (None, None)


def test_a_row_that_the_oma_changed_meanwhile_is_still_the_jobs_own(moving: SqlRows) -> None:
    (before,) = moving.source.details(["job-1"])
    moving.change(JOBS, "job-1", source_vm_name="renamed", created_at="2001-02-03 04:05:06")
    moving.change(JOBS, "job-1", source_vm_name="renamed again")
    (after,) = moving.source.details(["job-1"])
    assert (after.name, replace(after, name=before.name)) == ("renamed again", before)
    moving.sink.write([replace(copying(), born=before.born)])
    assert moving.row(JOBS, "job-1")["current_operation"] == "Transfer"
    moving.sink.write([replace(ended(), born=before.born)])
    assert moving.row(JOBS, "job-1")["status"] == "completed"


def test_an_update_with_a_birth_from_before_is_not_held_back(moving: SqlRows) -> None:
    moving.sink.write([replace(copying(), born="2001-02-03 04:05:06")])
    assert moving.row(JOBS, "job-1")["current_operation"] == "Transfer"


def test_a_survey_tells_it(moving: SqlRows) -> None:
    assert survey(moving.address).has_moving_birth


def test_a_survey_tells_nothing_of_one_that_stays(mariadb_address: DatabaseAddress) -> None:
    rows = SqlRows(mariadb_address, Variant.LATER)
    assert not survey(rows.address).has_moving_birth
    rows.close()
