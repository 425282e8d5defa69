"""More jobs than polls may be in flight: all are served, none twice at once."""

from pathlib import Path
from threading import Event

import pytest
from oma_database import OmaDatabase
from patience import until
from poller_process import running
from scripted_vma import ScriptedVma, entry

JOBS = 60
CONCURRENT = 10


@pytest.fixture
def jobs(oma: OmaDatabase, vma: ScriptedVma) -> list[str]:
    """Sixty jobs of one disk that are half done."""
    names = [f"job-{number:03}" for number in range(JOBS)]
    for name in names:
        oma.add_job(name, f"v-{name}")
        key = f"migration-vol-v-{name}"
        vma.entries[key] = entry(key, bytes_transferred=500, total_bytes=1000)
    return names


def test_sixty_jobs_are_served_in_turn_by_ten_polls_at_a_time(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path, jobs: list[str]
) -> None:
    vma.hold = Event()
    with running(tmp_path, settings | {"VMA_PROGRESS_MAX_CONCURRENT": str(CONCURRENT)}) as poller:
        until(lambda: vma.in_flight.total() == CONCURRENT, "as many polls in flight as may be")
        vma.hold.set()
        vma.hold = None
        keys = [f"migration-vol-v-{name}" for name in jobs]
        until(lambda: all(vma.asked[key] >= 3 for key in keys), "three polls of every job")
        until(lambda: set(oma.statuses().values()) == {"replicating"}, "every row")
        assert poller.stop() == 0
    assert vma.most_in_flight == CONCURRENT
    assert vma.most_of_one_key == 1
    percents = oma.execute("SELECT DISTINCT progress_percent FROM replication_jobs")
    assert [float(row["progress_percent"]) for row in percents] == [50]
