"""The seed's look-up: a job's export names."""

import pytest
from core_values import a_disk
from engine_fakes import FakeDatabase
from engine_world import job

from oma_poller.engine.exports import get_nbd_export_names_for_job
from oma_poller.errors import DatabaseUnavailableError, UnknownJobError, VolumeNameError

VOLUME = "c290646c-41ba-4d50-a31f-f497320ca0bd"


def test_a_job_of_one_disk_has_one_export() -> None:
    source = FakeDatabase(job(1, disks=(a_disk(1, volume_id=VOLUME),)))
    assert get_nbd_export_names_for_job(source, "job-00001") == [f"migration-vol-{VOLUME}"]


def test_disks_have_their_exports_in_their_order_each_once() -> None:
    disks = (a_disk(2), a_disk(1), a_disk(3, volume_id=None), a_disk(4, volume_id="vol-2"))
    source = FakeDatabase(job(1, disks=disks))
    assert get_nbd_export_names_for_job(source, "job-00001") == ["migration-vol-vol-2", "migration-vol-vol-1"]


def test_a_job_without_disks_has_none() -> None:
    assert get_nbd_export_names_for_job(FakeDatabase(job(1, disks=())), "job-00001") == []


def test_an_unknown_job_is_an_error() -> None:
    with pytest.raises(UnknownJobError, match="job-00009"):
        get_nbd_export_names_for_job(FakeDatabase(job(1)), "job-00009")


def test_a_volume_id_that_cannot_name_an_export_is_an_error() -> None:
    source = FakeDatabase(job(1, disks=(a_disk(1, volume_id="a/b"),)))
    with pytest.raises(VolumeNameError, match="a/b"):
        get_nbd_export_names_for_job(source, "job-00001")


def test_a_database_that_does_not_answer_is_an_error() -> None:
    source = FakeDatabase(job(1))
    source.reading_fails = DatabaseUnavailableError("connection refused")
    with pytest.raises(DatabaseUnavailableError):
        get_nbd_export_names_for_job(source, "job-00001")
