"""The case the project began with: the VMA knows the job's progress only under the export's name."""

from pathlib import Path

from oma_database import OmaDatabase
from patience import until
from poller_process import oma_poller, running
from scripted_vma import ScriptedVma, entry

JOB = "job-20250905-162427"
VOLUME = "c290646c-41ba-4d50-a31f-f497320ca0bd"
EXPORT = f"migration-vol-{VOLUME}"
BYTES, TOTAL_BYTES = 933_232_640, 42_949_672_960


def numbers(oma: OmaDatabase) -> tuple[float, int, int, str]:
    row = oma.job(JOB)
    return (
        float(row["progress_percent"] or 0),
        row["bytes_transferred"],
        row["total_bytes"],
        row["current_operation"],
    )


def test_a_job_whose_progress_is_stored_under_its_export_is_written(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    oma.add_job(JOB, VOLUME)
    vma.entries[EXPORT] = entry(
        EXPORT, percentage=2.17, bytes_transferred=BYTES, total_bytes=TOTAL_BYTES, phase="Transfer"
    )
    with running(tmp_path, settings) as poller:
        until(lambda: numbers(oma)[0], "the first numbers in the row")
        assert numbers(oma) == (2.17, BYTES, TOTAL_BYTES, "Transfer")
        assert oma.job(JOB)["status"] == "replicating"
        assert poller.stop() == 0
    assert not vma.asked[JOB]  # the export answered, so the job id was never asked


def test_the_export_names_of_the_job_are_told(
    oma: OmaDatabase, settings: dict[str, str], tmp_path: Path
) -> None:
    oma.add_job(JOB, VOLUME)
    told = oma_poller("exports", JOB, cwd=tmp_path, settings=settings)
    assert (told.returncode, told.stdout.split(), told.stderr) == (0, [EXPORT], "")


def test_a_whole_migration_of_three_disks_ends_as_completed_with_all_its_bytes(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    volumes = ("v-1", "v-2", "v-3")
    oma.add_job(JOB, *volumes, capacity_bytes=1000)

    def report(volume: str, moved: int, status: str = "in_progress") -> None:
        key = f"migration-vol-{volume}"
        vma.entries[key] = entry(key, status=status, bytes_transferred=moved, total_bytes=1000)

    report("v-1", 500)
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job(JOB)["bytes_transferred"] == 500, "the first disk's bytes")
        assert (float(oma.job(JOB)["progress_percent"]), oma.job(JOB)["total_bytes"]) == (16.66, 3000)
        report("v-1", 1000, "completed")
        report("v-2", 1000, "completed")
        until(lambda: oma.job(JOB)["bytes_transferred"] == 2000, "two whole disks")
        assert (float(oma.job(JOB)["progress_percent"]), oma.job(JOB)["status"]) == (66.66, "replicating")
        report("v-3", 1000, "completed")
        until(lambda: oma.job(JOB)["status"] == "completed", "the end of the job")
        poller.wait_for("job completed")
        assert poller.stop() == 0
    row = oma.job(JOB)
    assert (float(row["progress_percent"]), row["bytes_transferred"], row["total_bytes"]) == (100, 3000, 3000)
    assert row["current_operation"] == "Completed"
    assert row["completed_at"] is not None
    seen = [(d["sync_status"], float(d["sync_progress_percent"]), d["bytes_synced"]) for d in oma.disks(JOB)]
    assert seen == [("completed", 100, 1000)] * 3
