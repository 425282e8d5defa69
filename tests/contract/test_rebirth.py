"""A job that the OMA deleted and made anew under its id: what is left of the old one is not written to it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from oma_rows import ACTIVE, CREATED, MemoryRows, OmaRows, SqlRows, add_disk, add_job, dates_jobs
from schema_variants import Variant
from updates import copying, copying_disk, ended

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.source import SqlJobSource
from oma_poller.model.update import Update

JOBS, DISKS, OWN = "replication_jobs", "vm_disks", "oma_poller_jobs"


def born(oma: OmaRows) -> str | None:
    """Return the birth of the job as a poll has it."""
    (job,) = oma.source.details(["job-1"])
    return job.born


def remade(oma: OmaRows, created_at: object = CREATED) -> None:
    """Delete the job and insert it anew, as its row shows it."""
    if isinstance(oma, MemoryRows):
        del oma.oma.jobs["job-1"]
    else:
        assert isinstance(oma, SqlRows)
        oma.execute("DELETE FROM replication_jobs WHERE id = 'job-1'")
    add_job(oma, created_at=created_at)


def test_an_update_is_written_to_the_row_that_it_is_of(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([replace(copying(), born=born(oma))])
    assert oma.row(JOBS, "job-1")["current_operation"] == "Transfer"
    oma.sink.write([replace(ended(), born=born(oma))])
    assert oma.row(JOBS, "job-1")["status"] == "completed"


@pytest.mark.parametrize("late", [ended("completed"), ended("failed"), copying()])
def test_what_is_left_of_an_earlier_job_is_not_written_to_a_later_one(oma: OmaRows, late: Update) -> None:
    if not dates_jobs(oma):
        return  # nothing tells two jobs of one id apart; see test_moving_birth.py
    add_job(oma)
    disk_id = add_disk(oma, 1)
    late = replace(late, born=born(oma), progress=copying("job-1", copying_disk(disk_id)).progress)
    remade(oma, created_at=CREATED + timedelta(seconds=1))
    before = (oma.row(JOBS, "job-1"), oma.row(DISKS, disk_id))
    oma.sink.write([late])
    oma.seed_sink.write([late])
    assert (oma.row(JOBS, "job-1"), oma.row(DISKS, disk_id)) == before
    oma.sink.write([replace(late, born=born(oma))])
    assert oma.row(JOBS, "job-1")["current_operation"] == "Transfer"


def test_how_an_earlier_job_was_seen_is_not_told_of_a_later_one(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    late = replace(copying(), born=born(oma))
    remade(oma, created_at=CREATED + timedelta(days=1))
    oma.sink.write([late])
    assert oma.row(OWN, "job-1") == {}


def test_a_job_without_a_date_is_told_from_one_that_has_one(oma: OmaRows) -> None:
    if not dates_jobs(oma):
        return  # as above
    add_job(oma, created_at=None)
    undated = born(oma)
    oma.sink.write([replace(copying(percent_bp=100), born=undated)])
    assert float(oma.row(JOBS, "job-1")["progress_percent"]) == 1.0
    remade(oma)
    oma.sink.write([replace(copying(percent_bp=200), born=undated)])
    assert float(oma.row(JOBS, "job-1")["progress_percent"]) == 1.5
    dated = born(oma)
    remade(oma, created_at=None)
    oma.sink.write([replace(copying(percent_bp=200), born=dated)])
    assert float(oma.row(JOBS, "job-1")["progress_percent"]) == 1.5


def test_an_update_that_knows_no_birth_is_written_to_any(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    assert oma.row(JOBS, "job-1")["current_operation"] == "Transfer"


TYPES = {
    Engine.MYSQL: (
        ("DATETIME(6)", "2026-03-01 12:00:00.123456", "2026-03-01 12:00:00.123457"),
        ("DATETIME(3)", "2026-03-01 12:00:00.123", "2026-03-01 12:00:00.124"),
        ("TIMESTAMP(6) NULL", "2026-03-01 12:00:00.000001", "2026-03-01 12:00:00"),
        ("BIGINT", 1772366400123, 1772366400124),
        ("DOUBLE", 1772366400.25, 1772366400.5),
        (
            "VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_general_ci",
            "2026-03-01t12:00:00z",
            "2026-03-01T12:00:00Z",
        ),
        ("TEXT CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci", "März", "Marz"),
        ("DATE", "2026-03-01", "2026-03-02"),
    ),
    Engine.SQLITE: (
        ("DATETIME", "2026-03-01 12:00:00.123456", "2026-03-01 12:00:00.123457"),
        ("DATETIME", "2026-03-01 12:00:00", "2026-03-01T12:00:00"),
        ("TEXT COLLATE NOCASE", "2026-03-01t12:00:00z", "2026-03-01T12:00:00Z"),
        ("INTEGER", 1772366400123, 1772366400124),
        ("REAL", 2461101.012345678, 2461101.0123456786),
        ("DATETIME", b"\xff\x00", b"\xff\x01"),
        ("DATETIME", "", "0"),
    ),
}


@pytest.fixture(
    params=[
        pytest.param(
            (engine, at),
            id=f"{engine}-{kind[0]}-{kind[1]!r}",
            marks=[pytest.mark.mariadb] if engine is Engine.MYSQL else [],
        )
        for engine, types in TYPES.items()
        for at, kind in enumerate(types)
    ],
)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SqlRows, object, object]]:
    """Return a database whose `created_at` has another type, and two values that differ by little."""
    engine, at = request.param
    declared, first, second = TYPES[engine][at]
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    if engine is Engine.MYSQL:
        address = request.getfixturevalue("mariadb_address")
    rows = SqlRows(address, Variant.SEED)
    rows.execute(f"ALTER TABLE {JOBS} DROP COLUMN created_at")
    rows.execute(f"ALTER TABLE {JOBS} ADD COLUMN created_at {declared}")
    yield rows, first, second
    rows.close()


def test_births_are_compared_to_the_last_digit_whatever_their_type(
    odd: tuple[SqlRows, object, object],
) -> None:
    rows, first, second = odd
    add_job(rows, created_at=first)
    of_first = born(rows)
    rows.sink.write([replace(copying(percent_bp=100), born=of_first)])
    assert float(rows.row(JOBS, "job-1")["progress_percent"]) == 1.0
    rows.change(JOBS, "job-1", created_at=second)
    rows.sink.write([replace(copying(percent_bp=200), born=of_first)])
    assert float(rows.row(JOBS, "job-1")["progress_percent"]) == 1.0
    rows.sink.write([replace(copying(percent_bp=300), born=born(rows))])
    assert float(rows.row(JOBS, "job-1")["progress_percent"]) == 3.0


def test_without_a_date_of_creation_jobs_are_written_all_the_same(tmp_path: Path) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), Variant.SEED)
    rows.execute(f"ALTER TABLE {JOBS} DROP COLUMN created_at")
    source, sink = SqlJobSource(rows.address, ACTIVE), SqlJobSink(rows.address, ACTIVE, True)  # noqa: FBT003  # as the port's makers
    add_job(rows)
    (job,) = source.details(["job-1"])
    assert job.born is None
    sink.write([replace(copying(), born=job.born)])
    assert rows.row(JOBS, "job-1")["current_operation"] == "Transfer"
    for port in (source, sink, rows):
        port.close()
