"""The tables that this program makes itself are ones it can work with in full."""

from oma_rows import ACTIVE, SqlRows, add_disk, add_job
from updates import copying, copying_disk, unseen

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.oma_schema import init
from oma_poller.database.survey import survey
from oma_poller.database.upgrade import upgrade


def test_tables_that_were_just_made_lack_nothing(either_address: DatabaseAddress) -> None:
    init(either_address)
    upgrade(either_address)
    found = survey(either_address)
    assert found.is_usable
    assert found.missing_own_tables == ()
    assert found.unwritten == found.missing_tables == found.missing_required == ()
    assert found.missing_indexes == ()


def test_jobs_in_them_are_read_and_written(either_address: DatabaseAddress) -> None:
    init(either_address)
    upgrade(either_address)
    rows = SqlRows(either_address, None)
    add_job(rows)
    add_job(rows, "job-2")
    disk_id = add_disk(rows, 1)
    assert rows.source.active() == {"job-1", "job-2"}
    assert rows.source.details(["job-1"])[0].disks[0].id == disk_id
    rows.sink.write([copying("job-1", copying_disk(disk_id)), unseen("job-2")])
    assert rows.row("replication_jobs", "job-1")["status"] in ACTIVE
    assert rows.row("vm_disks", disk_id)["bytes_synced"] == 99
    assert rows.row("oma_poller_jobs", "job-2")["observation"] == "blind"
    rows.close()
