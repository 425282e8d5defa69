"""What every JobSource does, in memory and on each database."""

from datetime import UTC, datetime, timedelta

from oma_rows import CREATED, HOSTILE_IDS, OmaRows, add_disk, add_job, dates_jobs

from oma_poller.model.job import Disk, Job

GIB = 2**30


def only(jobs: list[Job]) -> Job:
    """Return the one job there is."""
    assert len(jobs) == 1
    return jobs[0]


def test_active_jobs_are_those_with_an_active_status(oma: OmaRows) -> None:
    for status in ("queued", "running", "replicating", "pending", "completed", "failed", "cancelled", "odd"):
        add_job(oma, f"job-{status}", status)
    assert oma.source.active() == {"job-queued", "job-replicating", "job-running"}


def test_no_job_is_no_error(oma: OmaRows) -> None:
    assert oma.source.active() == frozenset()
    assert oma.source.details([]) == []
    assert oma.source.details(["nobody"]) == []


def test_a_job_comes_with_what_a_poll_needs(oma: OmaRows) -> None:
    add_job(oma, source_vm_name="vm ü", nbd_export_name="export-1", vcenter_host="vc1", datacenter="DC")
    job = only(oma.source.details(["job-1"]))
    assert (job.id, job.status, job.name) == ("job-1", "running", "vm ü")
    assert job.created_at == (CREATED if dates_jobs(oma) else None)
    assert (job.nbd_export_name, job.vcenter_host) == ("export-1", "vc1")
    assert job.datacenter == ("DC" if oma.has("replication_jobs", "datacenter") else None)
    assert job.disks == ()


def test_empty_columns_are_unknown(oma: OmaRows) -> None:
    add_job(oma, source_vm_name=None, nbd_export_name="", vcenter_host=None, created_at=None)
    job = only(oma.source.details(["job-1"]))
    assert (job.name, job.nbd_export_name, job.vcenter_host, job.created_at) == ("", None, None, None)


def test_each_disk_comes_with_its_volume(oma: OmaRows) -> None:
    add_job(oma)
    add_job(oma, "job-2")
    first, second = add_disk(oma, 1), add_disk(oma, 2, volume_id=None)
    other = add_disk(oma, 3, "job-2")
    jobs = {job.id: job for job in oma.source.details(["job-1", "job-2"])}
    assert jobs["job-1"].disks == (
        Disk(first, "2001", "volume-1", 2 * GIB),
        Disk(second, "2002", None, 2 * GIB),
    )
    assert jobs["job-2"].disks == (Disk(other, "2003", "volume-3", 2 * GIB),)


def test_a_disk_whose_volume_is_in_no_row_has_none(oma: OmaRows) -> None:
    add_job(oma)
    add_disk(oma, 1, volume_id=None, ossea_volume_id=4711)
    assert only(oma.source.details(["job-1"])).disks[0].volume_id is None


def test_disks_come_in_the_order_of_their_unit_numbers(oma: OmaRows) -> None:
    add_job(oma)
    for number, unit in ((1, 2), (2, 0), (3, None), (4, 0)):
        add_disk(oma, number, unit_number=unit)
    names = [disk.disk_id for disk in only(oma.source.details(["job-1"])).disks]
    by_unit, by_id = ["2002", "2004", "2001", "2003"], ["2001", "2002", "2003", "2004"]
    assert names == (by_unit if oma.has("vm_disks", "unit_number") else by_id)


def test_a_size_comes_from_gigabytes_where_bytes_are_unknown(oma: OmaRows) -> None:
    add_job(oma)
    for number, capacity_bytes in enumerate((None, 0, -5), 1):
        add_disk(oma, number, capacity_bytes=capacity_bytes, size_gb=3)
    add_disk(oma, 9, capacity_bytes=None, size_gb=None)
    sizes = [disk.capacity_bytes for disk in only(oma.source.details(["job-1"])).disks]
    assert sizes == [3 * GIB, 3 * GIB, 3 * GIB, 0]


def test_a_disk_belongs_to_the_job_it_points_to_now(oma: OmaRows) -> None:
    add_job(oma)
    add_job(oma, "job-2")
    disk_id = add_disk(oma, 1)
    assert [disk.id for disk in only(oma.source.details(["job-1"])).disks] == [disk_id]
    oma.change("vm_disks", disk_id, job_id="job-2")
    assert only(oma.source.details(["job-1"])).disks == ()
    assert [disk.id for disk in only(oma.source.details(["job-2"])).disks] == [disk_id]


def test_jobs_come_newest_first_and_undated_ones_last(oma: OmaRows) -> None:
    for number in range(3):
        add_job(oma, f"job-{number}", created_at=CREATED + timedelta(days=number))
    add_job(oma, "undated", created_at=None)
    found = oma.source.details(["job-0", "undated", "job-2", "job-1"])
    newest_first = ["job-2", "job-1", "job-0", "undated"]
    assert [job.id for job in found] == (newest_first if dates_jobs(oma) else sorted(newest_first))


def test_the_newest_active_jobs_are_found(oma: OmaRows) -> None:
    for number in (1, 3, 2, 0):
        add_job(oma, f"job-{number}", created_at=CREATED + timedelta(days=number))
    add_job(oma, "over", status="completed", created_at=CREATED + timedelta(days=9))
    assert set(oma.source.newest(9)) == {"job-0", "job-1", "job-2", "job-3"}
    assert len(oma.source.newest(2)) == 2
    if dates_jobs(oma):
        assert oma.source.newest(2) == ["job-3", "job-2"]


def test_the_moment_of_creation_is_utc(oma: OmaRows) -> None:
    noon = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    add_job(oma, created_at=noon)
    created = only(oma.source.details(["job-1"])).created_at
    if not dates_jobs(oma):
        assert created is None
        return
    assert created == noon
    assert created is not None
    assert created.tzinfo is UTC


def test_a_job_that_is_not_active_has_details_too(oma: OmaRows) -> None:
    add_job(oma, status="completed")
    assert only(oma.source.details(["job-1"])).status == "completed"


def test_hostile_ids_are_only_ids(oma: OmaRows) -> None:
    for job_id in HOSTILE_IDS:
        add_job(oma, job_id)
    assert oma.source.active() == set(HOSTILE_IDS)
    assert {job.id for job in oma.source.details(HOSTILE_IDS)} == set(HOSTILE_IDS)
    assert oma.source.details(["' OR 1=1 -- "]) == []


def test_many_jobs_are_found_and_none_twice(oma: OmaRows) -> None:
    ids = {f"jöb-{number}" for number in range(100)}
    for job_id in ids:
        add_job(oma, job_id)
    assert oma.source.active() == ids


def test_an_id_with_a_line_break_is_one_id(oma: OmaRows) -> None:
    for job_id in ("job-1", "two\nlines", "\n", "job-3 "):
        add_job(oma, job_id)
    for _ in range(2):
        assert oma.source.active() == {"job-1", "two\nlines", "\n", "job-3 "}


def test_an_id_in_other_letters_is_another_id(oma: OmaRows) -> None:
    add_job(oma, "job-a")
    assert oma.source.details(["JOB-A", "job-a ", "jöb-a", "job-\U0001f600", "job-\ud800"]) == []


def test_what_changed_meanwhile_is_seen_at_the_next_call(oma: OmaRows) -> None:
    add_job(oma)
    assert oma.source.active() == {"job-1"}
    oma.change("replication_jobs", "job-1", status="replicating")
    assert oma.source.active() == {"job-1"}
    assert only(oma.source.details(["job-1"])).status == "replicating"
    oma.change("replication_jobs", "job-1", status="completed")
    assert oma.source.active() == frozenset()


def test_a_source_may_be_closed_twice(oma: OmaRows) -> None:
    add_job(oma)
    oma.source.active()
    oma.source.close()
    oma.source.close()
    assert oma.source.active() == {"job-1"}
