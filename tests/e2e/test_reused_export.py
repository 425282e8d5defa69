"""Two jobs one after the other through the same export: the second is never taken for the first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from copier_process import running_copier
from migration import Migration, MovingDisk
from nbd_exports import MIB, missing_nbd_packages
from oma_database import OmaDatabase
from original_vma import original_vma
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from row_trace import RowTrace, tracing
from vma_process import vma_serve

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.mariadb, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


@pytest.fixture(params=["own", "original"])
def migration(request: pytest.FixtureRequest, folder: Path, oma: OmaDatabase) -> Iterator[Migration]:
    """Return a migration by this program's VMA, and by one that keeps what the first run left (F3)."""
    if request.param == "original":
        with original_vma() as url:
            yield Migration(folder, oma, url)
    else:
        with vma_serve("--state", str(folder / "vma-state")) as server:
            yield Migration(folder, oma, f"http://127.0.0.1:{server.port}")


def copy(migration: Migration, plan: Path, job_id: str, disk: MovingDisk, poller: RunningPoller) -> RowTrace:
    """Copy the disk and follow the job to its end."""
    with (
        tracing(migration.oma, job_id, disk) as trace,
        running_copier("--plan", plan, "--rate", "8M") as copier,
    ):
        trace.poller = poller
        trace.follow_to_end()
        assert copier.wait(PATIENCE_S) == 0
    migration.check_completed(job_id, disk)
    assert trace.percents == sorted(trace.percents)
    assert trace.percents[0] == 0
    assert len([percent for percent in set(trace.percents) if 0 < percent < 100]) >= 3
    assert min(percent for percent in trace.percents if percent) < 70
    return trace


def test_the_second_job_waits_for_its_own_copy_and_then_runs_from_nothing_to_all(
    migration: Migration, socket: Path
) -> None:
    disk = migration.disk(32 * MIB)
    plan = migration.plan("vm", socket, disk)
    with running(migration.folder, migration.settings) as poller:
        migration.add_job("job-1", disk)
        copy(migration, plan, "job-1", disk, poller)
        migration.add_job("job-2", disk)
        with tracing(migration.oma, "job-2", disk) as trace:
            trace.follow(lambda sight: sight.observation == "previous_run", "the observation")
            polls = len(poller.said("poll"))
            until(lambda: len(poller.said("poll")) >= polls + 4, "a few polls more")
            seen = trace.follow(lambda _: True, "one more look")
        assert (seen.observation, seen.status, seen.numbers) == ("previous_run", "running", (0, 0, 0))
        assert seen.disk_statuses == ("pending",)
        second = copy(migration, plan, "job-2", disk, poller)
        assert second.sights[-1].observation == ""
        assert poller.stop() == 0
    migration.check_completed("job-1", disk)
