"""A whole VM under one key, the id of its job, its disks told apart by their ids."""

from pathlib import Path

import pytest
from copier_process import running_copier
from migration import Migration
from nbd_exports import MIB, missing_nbd_packages
from patience import PATIENCE_S
from poller_process import running
from row_trace import tracing

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.mariadb, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

JOB = "job-1"
SIZES_MIB = (16, 24, 32)
LOOK_AHEAD_BYTES = 4 * MIB
"""qemu-img counts a request when it begins."""


def test_a_vm_under_its_jobs_id_is_complete_when_all_its_disks_are(
    migration: Migration, socket: Path
) -> None:
    disks = [migration.disk(size * MIB) for size in SIZES_MIB]
    total_bytes = sum(SIZES_MIB) * MIB
    migration.add_job(JOB, *disks)
    plan = migration.plan("vm", socket, *disks, job_id=JOB)
    settings = migration.settings | {"VMA_PROGRESS_COMPLETION_HOLD": "2s"}
    with (
        tracing(migration.oma, JOB, *disks) as trace,
        running(migration.folder, settings) as poller,
        running_copier("--plan", plan, "--rate", "10M") as copier,
    ):
        trace.poller = poller
        trace.follow_to_end()
        assert copier.wait(PATIENCE_S) == 0
        assert poller.stop() == 0
    migration.check_completed(JOB, *disks)
    assert trace.percents == sorted(trace.percents)
    moving = [sight for sight in trace.sights if 0 < sight.percent < 100]
    assert {sight.total_bytes for sight in moving} == {total_bytes}
    ended = [sum(status == "completed" for status in sight.disk_statuses) for sight in moving]
    assert ended == sorted(ended)
    assert {0, 1, 2} <= set(ended)
    early = {sight.status for sight in trace.sights if sight.disk_statuses != ("completed",) * 3}
    assert early == {"running", "replicating"}
    for sight in moving:  # a disk that has ended counts whole
        sizes_mib = zip(SIZES_MIB, sight.disk_statuses, strict=True)
        ended_bytes = sum(size_mib * MIB for size_mib, status in sizes_mib if status == "completed")
        assert sight.bytes_transferred >= ended_bytes
    assert trace.ahead_percent() <= 2 + 100 * LOOK_AHEAD_BYTES / total_bytes
