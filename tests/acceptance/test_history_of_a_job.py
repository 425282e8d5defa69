"""A real run leaves a history that the command shows."""

import json
from pathlib import Path

from oma_database import OmaDatabase
from patience import until
from poller_process import oma_poller, running
from scripted_vma import ScriptedVma, entry

KEY = "migration-vol-v-1"


def test_a_job_that_ran_to_its_end_has_its_first_and_its_last_sample(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    assert oma_poller("db", "upgrade", cwd=tmp_path, settings=settings).returncode == 0
    oma.add_job("job-1", "v-1", capacity_bytes=1000)
    vma.entries[KEY] = entry(KEY, bytes_transferred=10, total_bytes=1000)
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job("job-1")["bytes_transferred"] == 10, "the first numbers")
        vma.entries[KEY] = entry(
            KEY, status="completed", percentage=100, bytes_transferred=1000, total_bytes=1000
        )
        until(lambda: oma.job("job-1")["status"] == "completed", "the end")
        assert poller.stop() == 0
    shown = oma_poller("history", "job-1", "--json", "--since", "1h", cwd=tmp_path, settings=settings)
    samples = json.loads(shown.stdout)["samples"]
    assert 2 <= len(samples) <= 5, samples
    assert samples[0]["bytes_transferred"] in {None, 10}
    assert (samples[-1]["percent"], samples[-1]["bytes_transferred"]) == (100.0, 1000)
    assert samples[-1]["grain_s"] == 3600
