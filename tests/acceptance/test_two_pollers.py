"""Two pollers started by mistake on one database: one is at work, the other waits and takes over."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faulty_mariadb import FaultyMariadb
from mariadb_server import missing_programs
from oma_database import OmaDatabase
from patience import until
from poller_process import RunningPoller, oma_poller, running
from scripted_vma import ScriptedVma, entry, serving

KEY = "migration-vol-v-1"
WAITS = "waiting, nothing is polled or written"


def copied(oma: OmaDatabase, vma: ScriptedVma, bytes_transferred: int) -> None:
    """Let the VMA tell of so many bytes, and wait for them in the row."""
    vma.entries[KEY] = entry(KEY, bytes_transferred=bytes_transferred, total_bytes=1000)
    until(lambda: oma.job("job-1")["bytes_transferred"] == bytes_transferred, f"{bytes_transferred} bytes")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_second_waits_without_a_request_or_a_row_until_the_first_ends(
    oma: OmaDatabase, settings: dict[str, str], vma: ScriptedVma, tmp_path: Path, number: int
) -> None:
    oma.add_job("job-1", "v-1")
    quiet = ScriptedVma()  # the second has a VMA of its own, so that its requests would be seen
    with ExitStack() as stack:
        quiet_url = stack.enter_context(serving(quiet))
        first = stack.enter_context(running(tmp_path, settings))
        copied(oma, vma, 10)
        second = stack.enter_context(running(tmp_path, settings | {"VMA_PROGRESS_CLIENT_URL": quiet_url}))
        assert "another poller is at work" in second.wait_for(WAITS)["detail"]
        copied(oma, vma, 20)
        copied(oma, vma, 30)
        assert quiet.asked.total() == 0
        assert len(second.said(WAITS)) == 1
        quiet.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
        first.stop(number)
        until(lambda: oma.job("job-1")["bytes_transferred"] == 500, "what the second writes")
        second.wait_for("taking over")
        assert second.stop() == 0


def test_a_poller_that_waits_ends_when_it_is_told_to(
    oma: OmaDatabase, settings: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, settings) as first:
        first.wait_for("started")
        until(lambda: holds(oma, tmp_path), "the claim")
        with running(tmp_path, settings) as second:
            second.wait_for(WAITS)
            assert second.stop() == 0
        assert first.stop() == 0


def test_commands_that_only_look_work_beside_a_poller(
    oma: OmaDatabase, settings: dict[str, str], vma: ScriptedVma, tmp_path: Path
) -> None:
    oma.add_job("job-1", "v-1")
    with running(tmp_path, settings) as poller:
        copied(oma, vma, 10)
        looked = oma_poller("status", "--json", cwd=tmp_path, settings=settings)
        assert json.loads(looked.stdout)["jobs"][0]["job_id"] == "job-1", looked
        assert poller.stop() == 0


@pytest.fixture
def server() -> Iterator[FaultyMariadb]:
    """Start a server of this test's own, to be killed."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"MariaDB is not installed: {', '.join(missing)} not found")
    server = FaultyMariadb()
    yield server
    server.stop()


@pytest.mark.mariadb
def test_after_a_restart_of_the_server_one_of_them_goes_on_and_one_waits(
    server: FaultyMariadb, vma: ScriptedVma, vma_url: str, tmp_path: Path
) -> None:
    oma = OmaDatabase(server.address(server.create_database())).create()
    oma.add_job("job-1", "v-1")
    quick = {"OMA_DATABASE_URL": oma.url, "VMA_PROGRESS_CLIENT_URL": vma_url}
    quick |= {"VMA_PROGRESS_POLL_INTERVAL": "200ms", "VMA_PROGRESS_DISCOVERY_INTERVAL": "200ms"}
    with ExitStack() as stack:
        first = stack.enter_context(running(tmp_path, quick))
        copied(oma, vma, 10)
        second = stack.enter_context(running(tmp_path, quick))
        second.wait_for(WAITS)
        server.kill()
        first.wait_for("database for reading away")
        asked = vma.asked[KEY]
        until(lambda: vma.asked[KEY] > asked + 2, "polls although the database is away")
        server.start_again()
        copied(oma, vma, 20)
        until(lambda: idle(first) + idle(second) == 1, "one that waits")
        copied(oma, vma, 30)
        for poller in (first, second):
            assert poller.stop() == 0


def idle(poller: RunningPoller) -> bool:
    """Whether a poller waits, by the last that it said of it."""
    told = [line["event"] for line in poller.lines if line["event"] in {WAITS, "taking over"}]
    return told[-1:] == [WAITS]


def holds(oma: OmaDatabase, folder: Path) -> bool:
    """Whether some poller has the claim."""
    if oma.url.startswith("sqlite"):
        return (folder / "oma.db.poller-lock").exists()
    return oma.execute("SELECT IS_USED_LOCK(?) AS h", [f"oma_poller.{oma.address.name}"])[0]["h"] is not None
