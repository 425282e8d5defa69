"""Rows with nonsense in them: none of them keeps the other jobs from being read."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from oma_rows import SqlRows, add_disk, add_job
from schema_variants import Variant
from structlog.testing import capture_logs
from updates import copying

from oma_poller.database.active_ids import read_ids, split_ids
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.job_rows import group_jobs
from oma_poller.model.job import Job

WANTED = frozenset({"job-1"})
PAST = (None,) * 5
"""Its birth, when it was accepted, and what is remembered of it."""
JOB = ("job-1", "running", None, None, None, None, None, *PAST)


@pytest.mark.parametrize(
    ("job_id", "reason"),
    [
        (None, "its id is not text but NoneType"),
        (7, "its id is not text but int"),
        (b"\xff", "its id is not text but bytes"),
        ("", "its id is empty"),
        ("job-\ufffd", "its id is not valid UTF-8"),
    ],
)
def test_a_job_that_cannot_be_named_is_left_out_with_the_reason(job_id: object, reason: str) -> None:
    ids, left_out = read_ids([(job_id,), ("job-1",), ("job-2",)])
    assert ids == {"job-1", "job-2"}
    assert left_out == {repr(job_id): reason}


@pytest.mark.parametrize(
    ("count", "characters", "cell"),
    [
        (2, 2, b"a\nb"),  # not text
        (2, None, None),  # nothing but NULL
        (2, 1, "a"),  # one is NULL
        (3, 2, "a\nb"),  # one is NULL, or they are cut between two
        (2, 4, "ab\nc"),  # cut within the last
        (1, 3, "a\nb"),  # a line break
        (2, 3, "a\nb\n"),  # a line break, and one is NULL
        (2, 1, "a\n7"),  # one is a number
        (2, 1, "a\n"),  # one is empty
        (2, 3, "a\nb\ufffd"),  # one is not valid UTF-8
    ],
)
def test_ids_are_not_taken_from_a_cell_that_tells_too_little(
    count: int, characters: int | None, cell: object
) -> None:
    assert split_ids((count, characters, cell)) is None


def test_ids_are_taken_from_a_cell_that_has_them_all() -> None:
    assert split_ids((0, None, None)) == frozenset()
    assert split_ids((2, Decimal(4), "ab\ncd")) == frozenset({"ab", "cd"})
    assert split_ids((2, 2, "a\na")) == frozenset("a")  # a table without a key


def test_a_job_of_which_nothing_is_known_is_a_job() -> None:
    row = ("job-1", *(None,) * 17)
    assert group_jobs([row], WANTED) == [Job("job-1", "")]


def test_values_of_other_types_become_text_or_unknown() -> None:
    row = ("job-1", b"running", "never", 17, b"\xff", 1.5, "", *(None,) * 11)
    (job,) = group_jobs([row], WANTED)
    assert (job.status, job.created_at, job.name) == ("running", None, "17")
    assert (job.nbd_export_name, job.vcenter_host, job.datacenter) == ("\ufffd", "1.5", None)


@pytest.mark.parametrize(
    "nonsense", [None, -1, 0, 2**63, 2**200, float("nan"), float("inf"), "many", b"9", "-3"]
)
def test_a_size_that_no_disk_has_is_unknown(nonsense: object) -> None:
    (job,) = group_jobs([(*JOB, 1, "2000", nonsense, nonsense, nonsense, None)], WANTED)
    assert job.disks[0].capacity_bytes == 0


@pytest.mark.parametrize("size", [3, 3.0, "3"])
def test_a_size_in_gigabytes_may_be_any_number(size: object) -> None:
    (job,) = group_jobs([(*JOB, 1, "2000", 0, None, size, None)], WANTED)
    assert job.disks[0].capacity_bytes == 3 * 2**30


def test_a_disk_that_comes_twice_is_one_disk() -> None:
    rows = [(*JOB, 1, "2000", 0, 5, 1, volume) for volume in ("a", "b")]
    (job,) = group_jobs(rows, WANTED)
    assert [disk.volume_id for disk in job.disks] == ["a"]


def test_disks_with_ids_of_two_types_have_an_order() -> None:
    rows = [(*JOB, key, None, None, 5, 1, None) for key in ("b", 2, b"\xff", 1, "a", 2.5)]
    (job,) = group_jobs(rows, WANTED)
    assert [disk.id for disk in job.disks] == [1, 2, "2.5", "a", "b", "\ufffd"]


def test_the_whole_way_through_a_file_full_of_nonsense(tmp_path: Path) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), Variant.SEED)
    add_job(rows, created_at=datetime(2025, 9, 5, tzinfo=UTC))
    add_disk(rows, 1)
    nonsense = "'many', -5, 1e300, x'ff', 'never'"
    columns = "total_bytes, bytes_transferred, progress_percent, source_vm_name, created_at"
    for job_id in ("CAST(x'6aff' AS TEXT)", "x'00'", "''", "'odd'"):
        rows.execute(
            f"INSERT INTO replication_jobs (id, status, {columns}) VALUES ({job_id}, 'running', {nonsense})"  # noqa: S608  # the test's own
        )
    rows.execute(
        "INSERT INTO vm_disks VALUES (-9, 'odd', x'ff', '', 'x', 'y', 'z', '', 'q', NULL, 1, 2, 3, 4)"
    )
    with capture_logs() as told:
        for _ in range(2):
            assert rows.source.active() == {"job-1", "odd"}
    assert len(rows.source.left_out) == 3
    assert [line["event"] for line in told] == ["job left out"] * 3  # once each, not every pass
    by_id = {job.id: job for job in rows.source.details(["job-1", "odd"])}
    assert by_id["job-1"].created_at == datetime(2025, 9, 5, tzinfo=UTC)
    assert by_id["odd"].created_at is None
    assert by_id["odd"].disks[0].capacity_bytes == 0
    rows.sink.write([copying(), copying("odd")])
    assert rows.row("replication_jobs", "odd")["current_operation"] == "Transfer"
    rows.close()


@pytest.mark.parametrize("kind", ["INTEGER", "TEXT", "REAL", "", "TIMESTAMP"])
def test_moments_in_columns_of_any_type_are_read(tmp_path: Path, kind: str) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), None)
    rows.execute(
        "CREATE TABLE replication_jobs (id TEXT PRIMARY KEY, status TEXT, progress_percent REAL, "
        "current_operation TEXT, bytes_transferred INTEGER, total_bytes INTEGER, transfer_speed_bps INTEGER, "
        f"created_at {kind}, updated_at {kind})"
    )
    rows.execute(
        "INSERT INTO replication_jobs (id, status, created_at) VALUES ('job-1', 'running', 1757089467)"
    )
    (job,) = rows.source.details(["job-1"])
    assert job.created_at == datetime(2025, 9, 5, 16, 24, 27, tzinfo=UTC)
    rows.sink.write([copying()])
    updated = rows.row("replication_jobs", "job-1")["updated_at"]
    assert isinstance(updated, int if kind == "INTEGER" else str)
    rows.close()


def test_words_that_many_jobs_have_are_held_once() -> None:
    words = (b"running", None, None, None, b"vc1", b"d1")  # each row's cells are decoded anew
    rows = [(name, *words, *PAST, 1, b"2000", 0, 1, None, None) for name in ("job-1", "job-2")]
    one, other = group_jobs(rows, frozenset({"job-1", "job-2"}))
    assert one.status is other.status
    assert one.vcenter_host is other.vcenter_host
    assert one.datacenter is other.datacenter
    assert one.disks[0].disk_id is other.disks[0].disk_id
