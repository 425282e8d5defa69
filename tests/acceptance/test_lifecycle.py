"""Start and stop, a VMA that goes away, a database that goes away: what an operator sees of it."""

import json
import signal
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest
from oma_database import OmaDatabase
from patience import until
from poller_process import oma_poller, running
from scripted_vma import ScriptedVma, entry, serving

KEY = "migration-vol-v-1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_after_everything_pending_is_written(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path, number: int
) -> None:
    oma.add_job("job-1", "v-1")
    vma.entries[KEY] = entry(KEY, bytes_transferred=10, total_bytes=1000)
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job("job-1")["bytes_transferred"] == 10, "the first numbers")
        vma.hold = Event()
        until(lambda: vma.in_flight.total() == 1, "a poll in flight")
        vma.entries[KEY] = entry(KEY, bytes_transferred=700, total_bytes=1000)
        poller.process.send_signal(number)
        vma.hold.set()
        assert poller.stop(number) == 0
    assert oma.job("job-1")["bytes_transferred"] == 700
    assert poller.said("stopped")


def test_a_vma_that_goes_away_fails_no_job(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    oma.add_job("job-1", "v-1")
    vma.entries[KEY] = entry(KEY, bytes_transferred=10, total_bytes=1000)
    with ExitStack() as up, ExitStack() as stack:
        url = up.enter_context(serving(vma))
        poller = stack.enter_context(running(tmp_path, settings | {"VMA_PROGRESS_CLIENT_URL": url}))
        until(lambda: oma.job("job-1")["bytes_transferred"] == 10, "the first numbers")
        up.close()
        until(lambda: oma.job("job-1")["vma_error_classification"] == "blind", "the blind job")
        assert oma.job("job-1")["status"] == "replicating"
        vma.entries[KEY] = entry(KEY, bytes_transferred=900, total_bytes=1000)
        up.enter_context(serving(vma, int(url.rpartition(":")[2])))
        until(lambda: oma.job("job-1")["bytes_transferred"] == 900, "the numbers after the outage")
        until(lambda: oma.job("job-1")["vma_error_classification"] is None, "the observation cleared")
        assert poller.stop() == 0


def test_a_wrong_database_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "other.db").touch()
    ended = oma_poller("run", cwd=tmp_path, settings={"OMA_DATABASE_URL": "sqlite:///other.db"})
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "replication_jobs" in ended.stderr.splitlines()[-1]


def test_check_of_a_working_set_up_finds_nothing_wrong(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    oma.add_job("job-1", "v-1")
    vma.entries[KEY] = entry(KEY, bytes_transferred=10, total_bytes=1000)
    checked = oma_poller("check", "--json", cwd=tmp_path, settings=settings)
    assert checked.returncode == 0, checked
    assert json.loads(checked.stdout)
