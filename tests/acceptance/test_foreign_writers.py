"""The OMA changes its rows in the middle of a poll: what it wrote stands."""

from pathlib import Path
from threading import Event

from oma_database import OmaDatabase
from patience import until
from poller_process import running
from scripted_vma import ScriptedVma, entry

ENDED = {"status": "completed", "percentage": 100, "bytes_transferred": 1000, "total_bytes": 1000}


def key(name: str) -> str:
    return f"migration-vol-v-{name}"


def test_what_the_oma_writes_in_the_middle_of_a_poll_stands(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    names = ("cancelled", "completed", "failed", "odd", "deleted", "remade", "pointed", "bystander")
    for name in names:
        oma.add_job(name, f"v-{name}", capacity_bytes=1000, created_at="2026-01-02 03:04:05")
        vma.entries[key(name)] = entry(key(name), bytes_transferred=10, total_bytes=1000)
    oma.add_job("heir", created_at="2026-01-02 03:04:05")

    def has_numbers(name: str) -> bool:
        return bool(oma.job(name)["bytes_transferred"] == 10)

    with running(tmp_path, settings | {"VMA_PROGRESS_MAX_CONCURRENT": "20"}) as poller:
        until(lambda: all(map(has_numbers, names)), "the first numbers of all")
        vma.hold = Event()
        until(lambda: all(vma.in_flight[key(name)] for name in names), "a poll of each in flight")
        for name in names:
            vma.entries[key(name)] = entry(key(name), **ENDED)
        for status in ("cancelled", "completed", "failed"):
            change = "UPDATE replication_jobs SET status = ?, error_message = 'the OMA' WHERE id = ?"
            oma.execute(change, (status, status))
        oma.execute("UPDATE replication_jobs SET status = 'gone fishing' WHERE id = 'odd'")
        oma.execute("DELETE FROM vm_disks WHERE job_id IN ('deleted', 'remade')")
        oma.execute("DELETE FROM replication_jobs WHERE id IN ('deleted', 'remade')")
        oma.add_job("remade", created_at="2026-01-02 03:04:06", status="running")
        oma.execute("UPDATE vm_disks SET job_id = 'heir' WHERE job_id = 'pointed'")
        withheld = ("cancelled", "completed", "failed", "odd")
        before = {name: oma.job(name) for name in withheld}
        disks = {name: oma.disks(name) for name in (*withheld, "heir")}
        vma.hold.set()
        until(lambda: oma.job("bystander")["status"] == "completed", "the end of the bystander")
        assert {name: oma.job(name) for name in withheld} == before
        assert {name: oma.disks(name) for name in withheld} == {name: disks[name] for name in withheld}
        assert "deleted" not in oma.statuses()
        assert oma.statuses()["remade"] != "completed"
        assert oma.job("remade")["bytes_transferred"] == 0
        assert poller.stop() == 0
    assert {name: oma.job(name) for name in withheld} == before


def test_an_end_that_waited_for_the_database_is_not_written_to_the_job_made_anew(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    oma.add_job("job-1", "v-1", capacity_bytes=1000, created_at="2026-01-02 03:04:05")
    oma.add_job("job-2", "v-2", capacity_bytes=1000, created_at="2026-01-02 03:04:05")
    for name in ("1", "2"):
        vma.entries[key(name)] = entry(key(name), bytes_transferred=10, total_bytes=1000)
    slow = settings | {"VMA_PROGRESS_DISCOVERY_INTERVAL": "1h"}  # it learns of the new row by no other way
    with running(tmp_path, slow) as poller:
        until(lambda: oma.job("job-2")["bytes_transferred"] == 10, "the first numbers")
        until(lambda: oma.job("job-1")["bytes_transferred"] == 10, "the first numbers")
        vma.hold = Event()
        until(lambda: vma.in_flight[key("1")], "a poll in flight")
        oma.execute("DELETE FROM vm_disks WHERE job_id = 'job-1'")
        oma.execute("DELETE FROM replication_jobs WHERE id = 'job-1'")
        oma.add_job("job-1", created_at="2026-01-02 03:04:06")
        before = oma.job("job-1")
        for name in ("1", "2"):
            vma.entries[key(name)] = entry(key(name), **ENDED)
        vma.hold.set()
        until(lambda: oma.job("job-2")["status"] == "completed", "the end of the other job")
        until(lambda: vma.in_flight.total() == 0, "no more polls")
        assert poller.stop() == 0
    assert oma.job("job-1") == before
