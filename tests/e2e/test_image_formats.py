"""Images of virtual machines, the whole way from the file to the completed row, on both databases."""

from pathlib import Path

import pytest
from copier_process import running_copier
from migration import Migration, spread
from nbd_exports import MIB, missing_nbd_packages
from patience import PATIENCE_S
from poller_process import running
from row_trace import tracing

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
BOTH = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]


@pytest.mark.parametrize("oma", BOTH, indirect=True)
@pytest.mark.parametrize("form", ["qcow2", "vmdk"])
def test_an_image_with_a_format_is_copied_and_its_job_completed(
    migration: Migration, socket: Path, form: str
) -> None:
    disk = migration.disk(128 * MIB, spread(32, 128), form)
    migration.add_job("job-1", disk)
    plan = migration.plan("vm", socket, disk)
    with (
        tracing(migration.oma, "job-1", disk) as trace,
        running(migration.folder, migration.settings) as trace.poller,
        running_copier("--plan", plan, "--rate", "12M") as copier,
    ):
        trace.follow_to_end()
        assert copier.wait(PATIENCE_S) == 0
    migration.check_completed("job-1", disk)
    assert trace.percents == sorted(trace.percents)
    assert len([percent for percent in set(trace.percents) if 0 < percent < 100]) >= 2
