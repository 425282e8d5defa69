"""The OMA in memory as scenarios use it."""

import pytest
from oma_rows import ACTIVE
from updates import copying, copying_disk

from oma_poller.database.memory import MemoryJobSink, MemoryJobSource, MemoryOma
from oma_poller.errors import DatabaseUnavailableError


def test_a_scenario_adds_jobs_and_disks_and_reads_what_was_written() -> None:
    oma = MemoryOma()
    oma.add_job("job-1", source_vm_name="vm")
    oma.add_job("job-2", "completed")
    disk_id = oma.add_disk("job-1", "volume-1", 2**30)
    bare_id = oma.add_disk("job-1", None)
    source, sink = MemoryJobSource(oma, ACTIVE), MemoryJobSink(oma, ACTIVE, True)  # noqa: FBT003  # as the port's makers
    assert source.active() == {"job-1"}
    (job,) = source.details(["job-1"])
    assert [(disk.id, disk.volume_id) for disk in job.disks] == [(disk_id, "volume-1"), (bare_id, None)]
    sink.write([copying("job-1", copying_disk(disk_id))])
    assert oma.jobs["job-1"]["bytes_transferred"] == 933232640
    assert oma.disks[disk_id]["sync_status"] == "syncing"
    assert oma.flushes == 1


def test_a_database_that_is_away_fails_every_call_until_it_is_back() -> None:
    oma = MemoryOma()
    oma.add_job("job-1")
    source, sink = MemoryJobSource(oma, ACTIVE), MemoryJobSink(oma, ACTIVE, True)  # noqa: FBT003  # as above
    oma.is_away = True
    for call in (source.active, lambda: source.details(["job-1"]), lambda: sink.write([copying()])):
        with pytest.raises(DatabaseUnavailableError):
            call()
    oma.is_away = False
    sink.write([copying()])
    assert oma.jobs["job-1"]["current_operation"] == "Transfer"
