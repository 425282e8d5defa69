"""Disks whose row names no job, in databases where the VM of both is known."""

from datetime import timedelta

import pytest
from oma_rows import CREATED, OmaRows, add_disk, add_job
from updates import copying, copying_disk

from oma_poller.model.job import Disk

LATER = CREATED + timedelta(hours=1)
GIB = 2**30
JOBS = [f"job-{number}" for number in range(1, 6)]


def disks_of(oma: OmaRows, job_id: str) -> list[int | str]:
    """Return the ids of the disks that a job is read with."""
    (job,) = oma.source.details([job_id])
    return [disk.id for disk in job.disks]


def test_disks_that_name_no_job_are_those_of_the_one_of_their_vm(remembering: OmaRows) -> None:
    add_job(remembering, vm_context_id="vm-1")
    add_disk(remembering, 1, None, vm_context_id="vm-1")
    add_disk(remembering, 2, None, volume_id=None, vm_context_id="vm-1")
    add_disk(remembering, 3, None, vm_context_id="vm-2")
    (job,) = remembering.source.details(["job-1"])
    assert job.disks == (Disk(1, "2001", "volume-1", 2 * GIB), Disk(2, "2002", None, 2 * GIB))


@pytest.mark.parametrize("status", ["completed", "running"])
def test_they_are_the_newest_jobs_and_no_other_ones(remembering: OmaRows, status: str) -> None:
    add_job(remembering, "job-2", status, vm_context_id="vm-1")
    add_job(remembering, "job-1", vm_context_id="vm-1", created_at=LATER)
    add_disk(remembering, 1, None, vm_context_id="vm-1")
    assert disks_of(remembering, "job-1") == [1]
    assert disks_of(remembering, "job-2") == []


def test_of_jobs_made_at_once_the_one_that_sorts_last_is_the_newest(remembering: OmaRows) -> None:
    add_job(remembering, "job-1", vm_context_id="vm-1")
    add_job(remembering, "job-2", vm_context_id="vm-1")
    add_disk(remembering, 1, None, vm_context_id="vm-1")
    assert (disks_of(remembering, "job-1"), disks_of(remembering, "job-2")) == ([], [1])


def test_jobs_without_a_date_are_the_oldest(remembering: OmaRows) -> None:
    for job_id, created_at in (("job-1", CREATED), ("job-2", None), ("job-3", None)):
        add_job(remembering, job_id, vm_context_id="vm-1", created_at=created_at)
    add_job(remembering, "job-4", vm_context_id="vm-2", created_at=None)
    add_job(remembering, "job-5", vm_context_id="vm-2", created_at=None)
    add_disk(remembering, 1, None, vm_context_id="vm-1")
    add_disk(remembering, 2, None, vm_context_id="vm-2")
    found = {job.id: [disk.id for disk in job.disks] for job in remembering.source.details(JOBS)}
    assert found == {"job-1": [1], "job-2": [], "job-3": [], "job-4": [], "job-5": [2]}


def test_a_job_that_a_disk_names_has_no_others(remembering: OmaRows) -> None:
    add_job(remembering, vm_context_id="vm-1")
    add_disk(remembering, 1, vm_context_id="vm-1")
    add_disk(remembering, 2, None, vm_context_id="vm-1")
    assert disks_of(remembering, "job-1") == [1]


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_vm_without_a_name_ties_nothing(remembering: OmaRows, nothing: str | None) -> None:
    add_job(remembering, vm_context_id=nothing)
    add_disk(remembering, 1, None, vm_context_id=nothing)
    assert disks_of(remembering, "job-1") == []


def test_a_disk_that_is_given_to_its_job_at_last_stays_the_same(remembering: OmaRows) -> None:
    add_job(remembering, vm_context_id="vm-1")
    disk_id = add_disk(remembering, 1, None, vm_context_id="vm-1")
    before = remembering.source.details(["job-1"])
    remembering.change("vm_disks", disk_id, job_id="job-1")
    assert remembering.source.details(["job-1"]) == before


def test_a_disk_that_names_no_job_is_written(remembering: OmaRows) -> None:
    add_job(remembering, vm_context_id="vm-1")
    add_job(remembering, "job-2", vm_context_id="vm-2")
    disk_id = add_disk(remembering, 1, None, vm_context_id="vm-1")
    remembering.sink.write([copying("job-2", copying_disk(disk_id))])
    assert remembering.row("vm_disks", disk_id)["sync_status"] == "pending"
    remembering.sink.write([copying("job-1", copying_disk(disk_id))])
    row = remembering.row("vm_disks", disk_id)
    assert (row["sync_status"], row["job_id"]) == ("syncing", None)


def test_a_disk_that_was_given_to_another_job_meanwhile_is_not_touched(remembering: OmaRows) -> None:
    add_job(remembering, vm_context_id="vm-1")
    add_job(remembering, "job-2", vm_context_id="vm-1")
    disk_id = add_disk(remembering, 1, None, vm_context_id="vm-1")
    remembering.change("vm_disks", disk_id, job_id="job-2")
    remembering.sink.write([copying("job-1", copying_disk(disk_id))])
    assert remembering.row("vm_disks", disk_id)["sync_status"] == "pending"
