"""The percent in the row is how much of the data is really on the targets."""

from pathlib import Path

import pytest
from copier_process import running_copier
from migration import Migration, spread
from nbd_exports import MIB, missing_nbd_packages
from patience import PATIENCE_S
from poller_process import running
from row_trace import RowTrace, tracing

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.mariadb, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

GIB = 1024 * MIB
JOB = "job-20250905-162427"
INTERVAL_S = 1.0
FLUSH_S = 0.1
"""A result waits a tenth of the interval for its flush."""
REPORT_S = 0.5
"""The copier reports no more than twice a second."""
MOST_PERCENT = 2.0


def check_rise(trace: RowTrace) -> None:
    """The percent never goes back, and is 100 with the end only."""
    assert trace.percents == sorted(trace.percents)
    assert all((sight.percent == 100) == (sight.status == "completed") for sight in trace.sights)
    assert set(trace.statuses) <= {"running", "replicating", "completed"}
    assert len(set(trace.percents)) >= 10


def test_the_percent_of_three_disks_follows_what_is_written_to_their_targets(
    migration: Migration, socket: Path
) -> None:
    """300 MiB, so that the 4 MiB that qemu-img may run ahead are less than the 2 % allowed."""
    disks = [migration.disk(100 * MIB) for _ in range(3)]
    migration.add_job(JOB, *disks)
    plan = migration.plan("vm", socket, *disks)
    settings = migration.settings | {"VMA_PROGRESS_POLL_INTERVAL": f"{INTERVAL_S:g}s"}
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
    assert len(trace.sights) > 100
    assert trace.ahead_percent() <= MOST_PERCENT
    assert trace.behind_percent(INTERVAL_S + FLUSH_S + REPORT_S) <= MOST_PERCENT
    check_rise(trace)


def test_the_percent_of_a_sparse_disk_is_that_of_its_data(migration: Migration, socket: Path) -> None:
    """20 GiB with 300 MiB of data: were it the percent of the disk, it would end at 1.46."""
    disk = migration.disk(20 * GIB, spread(300, 20 * 1024))
    migration.add_job(JOB, disk)
    plan = migration.plan("vm", socket, disk)
    with (
        tracing(migration.oma, JOB, disk) as trace,
        running(migration.folder, migration.settings) as trace.poller,
        running_copier("--plan", plan, "--rate", "40M") as copier,
    ):
        trace.follow_to_end()
        assert copier.wait(PATIENCE_S) == 0
    migration.check_completed(JOB, disk)
    check_rise(trace)
    assert trace.ahead_percent() <= MOST_PERCENT
    moving = [sight for sight in trace.sights if 0 < sight.percent < 100]
    assert {sight.total_bytes for sight in moving} == {300 * MIB}
    assert {int(sight.percent // 25) for sight in moving} == {0, 1, 2, 3}
