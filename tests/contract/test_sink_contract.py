"""What every JobSink does, in memory and on each database."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from oma_rows import CREATED, HOSTILE_IDS, OmaRows, Row, add_disk, add_job
from updates import BLIND, FRESH, copying, copying_disk, ended, unseen

from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import TERMINAL_STATUSES

JOBS, DISKS, OWN = "replication_jobs", "vm_disks", "oma_poller_jobs"
SEED = {"progress_percent", "current_operation", "bytes_transferred", "total_bytes", "transfer_speed_bps"}


def moment(value: object) -> datetime:
    """Return a moment of a row in UTC, however the driver has it."""
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    assert isinstance(read, datetime)
    return read.replace(tzinfo=UTC)


def is_now(value: object) -> bool:
    """Whether a moment of a row is the present one, in UTC."""
    return abs((datetime.now(UTC) - moment(value)).total_seconds()) < 60


def test_the_numbers_of_the_seed_are_written_exactly(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    row = oma.row(JOBS, "job-1")
    assert Decimal(str(row["progress_percent"])) == Decimal("2.17")
    assert row["current_operation"] == "Transfer"
    assert (row["bytes_transferred"], row["total_bytes"]) == (933232640, 42949672960)
    assert row["transfer_speed_bps"] == 3 * 2**20
    assert row["status"] == "replicating"
    assert is_now(row["updated_at"])


def test_a_percentage_is_written_to_its_last_digit(oma: OmaRows) -> None:
    jobs = {add_job(oma, f"job-{at}"): at for at in (0, 1, 29, 57, 115, 217, 1005, 9999, 10000)}
    oma.sink.write([copying(job_id, percent_bp=percent_bp) for job_id, percent_bp in jobs.items()])
    for job_id, percent_bp in jobs.items():
        assert Decimal(str(oma.row(JOBS, job_id)["progress_percent"])) * 100 == percent_bp


def test_what_is_new_since_the_seed_is_written_where_it_exists(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying(setup_percent=15.0)])
    row = oma.row(JOBS, "job-1")
    expected = {"vma_sync_type": "full", "vma_current_phase": "Transfer", "vma_eta_seconds": 77}
    expected |= {"vma_throughput_mbps": 3, "setup_progress_percent": 15}
    for name, value in expected.items():
        if oma.has(JOBS, name):
            assert row[name] == value, name
    if oma.has(JOBS, "vma_last_poll_at"):
        assert is_now(row["vma_last_poll_at"])


def test_an_unknown_time_left_is_null_and_not_the_last_one(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    oma.sink.write([copying(eta_s=None)])
    row = oma.row(JOBS, "job-1")
    if oma.has(JOBS, "vma_eta_seconds"):
        null_is_allowed = oma.has(JOBS, "vma_last_poll_at")  # the drifted database declares it NOT NULL
        assert row["vma_eta_seconds"] == (None if null_is_allowed else 77)


def test_what_an_update_does_not_know_stays_as_it_is(oma: OmaRows) -> None:
    add_job(oma, error_message="of old", current_operation="before")
    oma.sink.write([copying(setup_percent=15.0)])
    oma.sink.write([unseen()])
    oma.sink.write([copying(phase="", sync_type="", setup_percent=None)])
    row = oma.row(JOBS, "job-1")
    assert row["status"] == "replicating"
    assert row["error_message"] == "of old"
    for name, value in {"vma_sync_type": "full", "vma_current_phase": "Transfer"}.items():
        if oma.has(JOBS, name):
            assert row[name] == value
    if oma.has(JOBS, "setup_progress_percent"):
        assert row["setup_progress_percent"] == 15


def test_an_update_without_numbers_touches_no_number(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    before = oma.row(JOBS, "job-1")
    oma.sink.write([unseen()])
    after = oma.row(JOBS, "job-1")
    for name in (*SEED, "status", "vma_eta_seconds", "vma_throughput_mbps"):
        assert after.get(name) == before.get(name), name


def test_why_a_job_is_not_seen_is_written_and_cleared_on_recovery(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([unseen()])
    row = oma.row(JOBS, "job-1")
    if oma.has(JOBS, "vma_error_classification"):
        assert row["vma_error_classification"] == "blind"
    if oma.has(JOBS, "vma_error_details"):
        assert row["vma_error_details"] == BLIND.reason
    oma.sink.write([copying()])
    row = oma.row(JOBS, "job-1")
    assert not row.get("vma_error_classification")
    assert not row.get("vma_error_details")


def test_a_pending_observation_is_no_error(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([unseen(sighting=Sighting(Observation.PENDING, CREATED, "not polled yet"))])
    assert not oma.row(JOBS, "job-1").get("vma_error_classification")


def test_a_row_that_is_not_active_is_never_changed(oma: OmaRows) -> None:
    statuses = [*sorted(TERMINAL_STATUSES), "pending", "ready_for_sync", "gone fishing", ""]
    jobs = [add_job(oma, f"job-{number}", status) for number, status in enumerate(statuses, 1)]
    disks = [add_disk(oma, number, job_id) for number, job_id in enumerate(jobs, 1)]
    add_job(oma, "active")

    def rows() -> list[Row]:
        return [oma.row(JOBS, job_id) for job_id in jobs] + [oma.row(DISKS, disk_id) for disk_id in disks]

    before = rows()
    pairs = list(zip(jobs, disks, strict=True))
    oma.sink.write([copying("active"), *(copying(job_id, copying_disk(disk)) for job_id, disk in pairs)])
    oma.sink.write([ended("failed", job_id) for job_id in jobs], ["active"])
    oma.sink.write([], jobs)
    oma.seed_sink.write([copying(job_id) for job_id in jobs], ["active"])
    assert rows() == before
    assert oma.row(JOBS, "active")["current_operation"] == "Transfer"


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_end_is_written_with_its_moment_and_then_stays(oma: OmaRows, status: str) -> None:
    add_job(oma)
    oma.sink.write([ended(status)])
    row = oma.row(JOBS, "job-1")
    assert row["status"] == status
    assert row["error_message"] == ("disk full" if status == "failed" else None)
    if oma.has(JOBS, "completed_at"):
        assert is_now(row["completed_at"])
    oma.sink.write([copying(percent_bp=1)])
    assert oma.row(JOBS, "job-1") == row


def test_a_job_that_goes_on_has_no_moment_of_completion(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    row = oma.row(JOBS, "job-1")
    assert row.get("completed_at") is None
    assert row.get("started_at") is None


def test_the_moment_of_creation_never_changes(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    oma.sink.write([], ["job-1"])
    assert (
        moment(oma.row(JOBS, "job-1")["created_at"]) == CREATED
        or oma.row(JOBS, "job-1")["created_at"] == CREATED
    )


def test_a_heartbeat_touches_two_moments_and_nothing_else(oma: OmaRows) -> None:
    add_job(oma)
    before = oma.row(JOBS, "job-1")
    oma.sink.write([], ["job-1"])
    after = oma.row(JOBS, "job-1")
    assert is_now(after.pop("updated_at"))
    before.pop("updated_at")
    if oma.has(JOBS, "vma_last_poll_at"):
        assert is_now(after.pop("vma_last_poll_at"))
        before.pop("vma_last_poll_at", None)
    assert after == before


def test_disks_are_written_with_their_job(oma: OmaRows) -> None:
    add_job(oma)
    first, second = add_disk(oma, 1), add_disk(oma, 2)
    oma.sink.write([copying("job-1", copying_disk(first), copying_disk(second, 10000, None))])
    row = oma.row(DISKS, first)
    assert row["sync_status"] == "syncing"
    assert Decimal(str(row["sync_progress_percent"])) == Decimal("12.34")
    assert Decimal(str(oma.row(DISKS, second)["sync_progress_percent"])) == 100
    if oma.has(DISKS, "bytes_synced"):
        assert row["bytes_synced"] == 99
        assert oma.row(DISKS, second)["bytes_synced"] == 0
        assert is_now(row["updated_at"])


def test_the_disks_of_a_job_that_ends_are_written_in_the_same_flush(oma: OmaRows) -> None:
    add_job(oma)
    disk_id = add_disk(oma, 1)
    oma.sink.write([ended("completed", disks=(copying_disk(disk_id, 10000),))])
    assert Decimal(str(oma.row(DISKS, disk_id)["sync_progress_percent"])) == 100


def test_a_disk_that_now_belongs_to_another_job_is_not_touched(oma: OmaRows) -> None:
    add_job(oma)
    add_job(oma, "job-2")
    disk_id = add_disk(oma, 1)
    oma.change(DISKS, disk_id, job_id="job-2")
    before = oma.row(DISKS, disk_id)
    oma.sink.write([copying("job-1", copying_disk(disk_id))])
    assert oma.row(DISKS, disk_id) == before


def test_a_job_that_is_in_no_row_harms_no_other(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying("nobody", copying_disk("d77")), copying()], ["nobody either"])
    assert oma.row(JOBS, "job-1")["current_operation"] == "Transfer"
    assert oma.row(JOBS, "nobody") == {}


def test_only_the_six_columns_are_written_where_the_status_is_left_to_the_oma(oma: OmaRows) -> None:
    add_job(oma)
    disk_id = add_disk(oma, 1)
    before, disk = oma.row(JOBS, "job-1"), oma.row(DISKS, disk_id)
    oma.seed_sink.write([ended("failed", disks=(copying_disk(disk_id),))])
    oma.seed_sink.write([], ["job-1"])
    after = oma.row(JOBS, "job-1")
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {*SEED, "updated_at"}
    assert oma.row(DISKS, disk_id) == disk


def test_how_a_job_is_seen_goes_to_the_programs_own_table(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([unseen(), unseen("nobody")])
    row = oma.row(OWN, "job-1")
    assert (row["observation"], row["reason"], row["consecutive_errors"]) == ("blind", BLIND.reason, 2)
    assert moment(row["observed_since"]) == BLIND.since
    assert oma.row(OWN, "nobody") == {}
    oma.sink.write([copying()])
    row = oma.row(OWN, "job-1")
    assert (row["observation"], row["reason"], row["consecutive_errors"]) == ("fresh", FRESH.reason, 0)
    assert is_now(row["updated_at"])


def test_the_last_observation_of_a_job_that_ends_is_kept(remembering: OmaRows) -> None:
    oma = remembering
    add_job(oma)
    oma.sink.write([unseen()])
    oma.sink.write([ended()])
    assert oma.row(OWN, "job-1")["observation"] == "fresh"


def test_an_id_is_never_read_as_sql(oma: OmaRows) -> None:
    add_job(oma, "bystander")
    for number, job_id in enumerate(HOSTILE_IDS, 1):
        add_job(oma, job_id)
        disk_id = add_disk(oma, number, job_id)
        oma.sink.write([copying(job_id, copying_disk(disk_id))], ["' OR 1=1 -- "])
        assert oma.row(JOBS, job_id)["current_operation"] == "Transfer"
        assert oma.row(DISKS, disk_id)["sync_status"] == "syncing"
    assert oma.row(JOBS, "bystander")["current_operation"] == "before"


def test_nothing_to_write_is_no_error(oma: OmaRows) -> None:
    add_job(oma)
    before = oma.row(JOBS, "job-1")
    oma.sink.write([])
    assert oma.row(JOBS, "job-1") == before


def test_a_sink_may_be_closed_twice(oma: OmaRows) -> None:
    add_job(oma)
    oma.sink.write([copying()])
    oma.sink.close()
    oma.sink.close()
    assert oma.row(JOBS, "job-1")["current_operation"] == "Transfer"
