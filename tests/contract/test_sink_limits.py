"""Values that a column cannot hold as they are: none of them makes a flush fail."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from oma_rows import SqlRows, add_disk, add_job
from schema_variants import Variant
from updates import copying, copying_disk, ended, unseen

from oma_poller.database import mysql_dialect
from oma_poller.database.address import Engine
from oma_poller.database.sink import SqlJobSink
from oma_poller.model.observation import Observation, Sighting

JOBS, DISKS = "replication_jobs", "vm_disks"
HUGE = 2**80


def test_a_text_is_cut_to_the_characters_of_its_column(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([copying(operation="ö" * 300, phase="ä" * 300)])
    row = sql.row(JOBS, "job-1")
    assert row["current_operation"] == "ö" * 255
    if sql.has(JOBS, "vma_current_phase"):
        assert row["vma_current_phase"] == "ä" * (8 if sql.variant is Variant.DRIFTED else 100)


def test_a_character_that_the_column_lacks_becomes_a_question_mark(sql: SqlRows) -> None:
    add_job(sql)
    told = ended("failed", operation="\U0001f600 łé €")
    sql.sink.write([told])
    latin = sql.address.engine is Engine.MYSQL and sql.variant is Variant.DRIFTED
    assert sql.row(JOBS, "job-1")["current_operation"] == ("? ?é €" if latin else "\U0001f600 łé €")


def test_half_a_character_and_a_null_byte_become_question_marks(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([copying(operation="a\ud800b\0c")])
    assert sql.row(JOBS, "job-1")["current_operation"] == "a?b?c"


def test_quotes_and_backslashes_are_kept(sql: SqlRows) -> None:
    add_job(sql)
    text = 'it\'s "C:\\temp\\" 100% ?\n\t$.x'
    sql.sink.write([copying(operation=text)])
    assert sql.row(JOBS, "job-1")["current_operation"] == text


def test_a_number_is_clamped_to_its_column(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write(
        [copying(bytes_transferred=HUGE, total_bytes=-1, speed_bps=HUGE, eta_s=HUGE, setup_percent=1e300)]
    )
    row = sql.row(JOBS, "job-1")
    assert row["bytes_transferred"] == 2**63 - 1
    unsigned = sql.address.engine is Engine.MYSQL and sql.variant is Variant.DRIFTED
    assert row["total_bytes"] == (0 if unsigned else -1)
    assert row["transfer_speed_bps"] == (2**31 - 1 if unsigned else 2**63 - 1)
    if sql.has(JOBS, "vma_throughput_mbps"):
        highest = "9999.9" if sql.variant is Variant.DRIFTED else "99999999.99"
        assert Decimal(str(row["vma_throughput_mbps"])) == Decimal(highest)
    if sql.has(JOBS, "setup_progress_percent"):
        assert Decimal(str(row["setup_progress_percent"])) == Decimal(100)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_left_out(sql: SqlRows, number: float) -> None:
    add_job(sql)
    sql.sink.write([copying(setup_percent=number)])
    assert sql.row(JOBS, "job-1")["current_operation"] == "Transfer"
    assert sql.row(JOBS, "job-1").get("setup_progress_percent") is None


def test_a_speed_is_rounded_down_to_the_digits_of_its_column(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([copying(speed_bps=12_999_999)])
    if sql.has(JOBS, "vma_throughput_mbps"):
        digits = "12.3" if sql.variant is Variant.DRIFTED else "12.39"
        assert Decimal(str(sql.row(JOBS, "job-1")["vma_throughput_mbps"])) == Decimal(digits)


def test_a_long_reason_is_cut_and_harms_nothing(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([unseen(sighting=Sighting(Observation.LATE, ended().sighting.since, "x" * 100_000))])
    assert sql.row(JOBS, "job-1").get("vma_error_classification", "late") == "late"
    assert len(sql.row(JOBS, "job-1").get("vma_error_details") or "x" * 4000) == 4000


def test_a_huge_error_message_is_cut(sql: SqlRows) -> None:
    add_job(sql)
    sql.sink.write([replace(ended("failed"), error_message="ü" * 200_000)])
    expected = 100 if sql.variant is Variant.DRIFTED else 4000
    assert sql.row(JOBS, "job-1")["error_message"] == "ü" * expected


def test_one_odd_value_does_not_keep_the_other_rows_from_being_written(sql: SqlRows) -> None:
    jobs = [add_job(sql, f"job-{number}") for number in range(1, 6)]
    disks = [add_disk(sql, number, job_id) for number, job_id in enumerate(jobs, 1)]
    odd = {"operation": "\U0001f600" * 999, "bytes_transferred": HUGE, "speed_bps": HUGE, "phase": "\0" * 999}
    pairs = zip(jobs, disks, strict=True)
    sql.sink.write([copying(job_id, copying_disk(disk_id, 10000, HUGE), **odd) for job_id, disk_id in pairs])
    assert {sql.row(JOBS, job_id)["status"] for job_id in jobs} == {"replicating"}
    assert {sql.row(DISKS, disk_id)["sync_status"] for disk_id in disks} == {"syncing"}


@pytest.mark.parametrize("status", ["it's", "a\\", "100% %s", "'; --", 'so "called"', "?1 :x $y"])
def test_a_status_that_counts_as_active_is_never_read_as_sql(sql: SqlRows, status: str) -> None:
    add_job(sql, "job-1", status)
    add_job(sql, "job-2", "running")
    sink = SqlJobSink(sql.address, frozenset({status}), True)  # noqa: FBT003  # as the port's makers
    sink.write([replace(copying(job_id), status=None) for job_id in ("job-1", "job-2")])
    sink.close()
    assert (sql.row(JOBS, "job-1")["current_operation"], sql.row(JOBS, "job-1")["status"]) == (
        "Transfer",
        status,
    )
    assert sql.row(JOBS, "job-2")["current_operation"] == "before"


def test_more_than_one_packet_takes_is_written_in_several(
    sql: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_dialect, "LONGEST_JSON_BYTES", 300)
    ids = [add_job(sql, f"job-{number}") for number in range(9)]
    disks = [
        [add_disk(sql, 2 * at + 1, job_id), add_disk(sql, 2 * at + 2, job_id)]
        for at, job_id in enumerate(ids)
    ]
    sql.sink.write(
        [
            copying(job_id, *(copying_disk(disk_id) for disk_id in own), operation=job_id * 9)
            for job_id, own in zip(ids, disks, strict=True)
        ]
    )
    assert [sql.row(JOBS, job_id)["current_operation"] for job_id in ids] == [job_id * 9 for job_id in ids]
    assert {sql.row(DISKS, disk_id)["sync_status"] for own in disks for disk_id in own} == {"syncing"}
