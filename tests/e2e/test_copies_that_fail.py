"""A copy that fails fails its job, with the reason, and no other job."""

from pathlib import Path
from typing import Any

import pytest
from copier_process import running_copier
from migration import Migration
from nbd_exports import MIB, missing_nbd_packages, nbd_server
from patience import PATIENCE_S
from poller_process import running
from row_trace import tracing

MISSING = missing_nbd_packages()
pytestmark = [
    pytest.mark.nbd, pytest.mark.mariadb, pytest.mark.skipif(bool(MISSING), reason=MISSING),
]  # fmt: skip


def failed_row(migration: Migration, job_id: str) -> dict[str, Any]:
    """Return the row of a job that must have failed; none of its disks may say otherwise."""
    row = migration.oma.job(job_id)
    assert (row["status"], row["completed_at"] is not None) == ("failed", True)
    assert [disk["sync_status"] for disk in migration.oma.disks(job_id)] == ["failed"]
    return row


def test_a_target_that_gets_full_fails_its_job_and_no_other(migration: Migration, socket: Path) -> None:
    full, fine = migration.disk(48 * MIB), migration.disk(48 * MIB)
    migration.add_job("job-full", full)
    migration.add_job("job-fine", fine)
    is_full = migration.folder / "is-full"
    limit = ("error-pwrite=ENOSPC", "error-pwrite-rate=100%", f"error-file={is_full}")
    with (
        nbd_server("--filter=error", "file", f"dir={migration.exports}", *limit) as filling,
        tracing(migration.oma, "job-full", full) as trace,
        tracing(migration.oma, "job-fine", fine) as other,
        running(migration.folder, migration.settings) as trace.poller,
        running_copier("--plan", migration.plan("full", filling, full), "--rate", "8M") as failing,
        running_copier("--plan", migration.plan("fine", socket, fine), "--rate", "8M") as copier,
    ):
        before = trace.follow_to(40)
        is_full.touch()
        trace.follow_to_end()
        assert failing.wait(PATIENCE_S) == 1
        other.follow_to_end()
        assert copier.wait(PATIENCE_S) == 0
    row = failed_row(migration, "job-full")
    assert row["error_message"].startswith("qemu-img ended with exit status 1: ")
    assert "No space left on device" in row["error_message"]
    assert before.percent <= float(row["progress_percent"]) < 100
    assert trace.percents == sorted(trace.percents)
    migration.check_completed("job-fine", fine)
    assert "failed" not in other.statuses


def test_an_export_that_is_missing_fails_its_job_and_no_other(migration: Migration, socket: Path) -> None:
    homeless, fine = migration.disk(MIB), migration.disk(16 * MIB)
    homeless.target.unlink()
    migration.add_job("job-homeless", homeless)
    migration.add_job("job-fine", fine)
    with (
        tracing(migration.oma, "job-fine", fine) as trace,
        running(migration.folder, migration.settings) as trace.poller,
        running_copier("--plan", migration.plan("homeless", socket, homeless)) as failing,
        running_copier("--plan", migration.plan("fine", socket, fine), "--rate", "8M") as copier,
    ):
        trace.follow_to_end()
        assert (failing.wait(PATIENCE_S), copier.wait(PATIENCE_S)) == (1, 0)
        told = trace.poller.wait_for("job failed")
    assert told["job_id"] == "job-homeless"
    row = failed_row(migration, "job-homeless")
    assert row["error_message"].startswith(f"target nbd+unix:///{homeless.export}?socket={socket}")
    assert "No such file or directory" in row["error_message"]
    assert (row["progress_percent"], row["bytes_transferred"]) == (0, 0)
    migration.check_completed("job-fine", fine)
    assert "failed" not in trace.statuses
