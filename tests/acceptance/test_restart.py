"""The real command, killed and started again: what was proven survives, nothing is done twice (P9, T5)."""

from collections import Counter
from pathlib import Path
from random import randint
from signal import SIGKILL
from typing import Any

import pytest
from oma_database import OmaDatabase
from patience import until
from poller_process import oma_poller, running
from scripted_vma import ScriptedVma, entry

from oma_poller.database.upgrade import upgrade

JOBS = 20
KILLS = 7
TOTAL_BYTES = 1000
OLD = {"timing": {"start_time": "2019-01-01T00:00:00Z", "last_update": "", "elapsed_ms": 1, "eta_seconds": 0}}
"""A key's first run, which began long before the job: keys keep that date (F3)."""


class Copies:
    """A VMA on which each question moves the copy of its key on, from another job's end to its own end."""

    def __init__(self, vma: ScriptedVma, names: list[str]) -> None:
        self._vma = vma
        self._turns: Counter[str] = Counter()
        self._lengths = {f"migration-vol-v-{name}": 8 + 2 * at for at, name in enumerate(names)}
        for key in self._lengths:
            self._vma.entries[key] = self._entry(key, TOTAL_BYTES, "completed")
        vma.answer = self._move

    def _move(self, key: str) -> None:
        turn = self._turns[key] = self._turns[key] + 1
        length = self._lengths.get(key, 0)
        if 3 < turn <= length:
            moved = TOTAL_BYTES * (turn - 3) // (length - 3)
            self._vma.entries[key] = self._entry(key, moved, "in_progress" if turn < length else "completed")

    @staticmethod
    def _entry(key: str, moved: int, status: str) -> dict[str, Any]:
        return entry(key, bytes_transferred=moved, total_bytes=TOTAL_BYTES, status=status, **OLD)


class Rows:
    """The rows as they were last seen. A look fails where one went back or an end was changed."""

    def __init__(self, oma: OmaDatabase) -> None:
        self._oma = oma
        self._last: dict[str, dict[str, Any]] = {}

    def look(self) -> int:
        """Return how many jobs have ended."""
        rows = {row["id"]: row for row in self._oma.execute("SELECT * FROM replication_jobs")}
        for job_id, row in rows.items():
            last = self._last.get(job_id, row)
            assert row["bytes_transferred"] >= last["bytes_transferred"], job_id
            assert row["progress_percent"] >= last["progress_percent"], job_id
            assert row["status"] in {"running", "replicating", "completed"}, job_id
            assert last["status"] != "completed" or row == last, job_id
        self._last = rows
        return sum(row["status"] == "completed" for row in rows.values())


def test_a_poller_killed_at_any_moment_loses_no_end_and_does_nothing_twice(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    upgrade(oma.address)
    names = [f"job-{number:02}" for number in range(JOBS)]
    for name in names:
        oma.add_job(name, f"v-{name}", capacity_bytes=TOTAL_BYTES)
    Copies(vma, names)
    rows, ends = Rows(oma), Counter[str]()
    for _ in range(KILLS):
        with running(tmp_path, settings) as poller:
            until_asked = vma.asked.total() + randint(0, 10 * JOBS)  # noqa: S311 - any moment will do
            until(lambda least=until_asked: rows.look() == JOBS or vma.asked.total() >= least, "questions")  # type: ignore[misc] # mypy cannot infer a lambda with defaults
            poller.stop(SIGKILL)
            ends.update(line["job_id"] for line in poller.said("job completed"))
    with running(tmp_path, settings) as poller:
        poller.wait_for("started")
        until(lambda: rows.look() == JOBS, "the end of every job")
        assert poller.stop() == 0
        ends.update(line["job_id"] for line in poller.said("job completed"))
        assert not [line for line in poller.lines if line["level"] == "error"]
    assert set(ends.values()) == {1}
    row = oma.job(names[0])
    assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, TOTAL_BYTES)


@pytest.fixture
def unverified(oma: OmaDatabase, vma: ScriptedVma) -> str:
    """Return a job that was made long before it is polled, on a key that shows an older end."""
    upgrade(oma.address)
    oma.add_job("job-1", "v-1", capacity_bytes=TOTAL_BYTES, created_at="2024-01-01 00:00:00")
    key = "migration-vol-v-1"
    vma.entries[key] = entry(
        key, bytes_transferred=TOTAL_BYTES, total_bytes=TOTAL_BYTES, status="completed", **OLD
    )
    return "job-1"


def test_an_unverified_job_is_completed_by_a_persons_word(
    oma: OmaDatabase, unverified: str, settings: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job(unverified)["vma_error_classification"] == "unverified", "the observation")
        assert "oma-poller accept job-1" in oma.job(unverified)["vma_error_details"]
        assert (oma.job(unverified)["status"], oma.job(unverified)["bytes_transferred"] or 0) == (
            "running",
            0,
        )
        accepted = oma_poller("accept", unverified, cwd=tmp_path, settings=settings)
        assert (accepted.returncode, accepted.stderr) == (0, "")
        until(lambda: oma.job(unverified)["status"] == "completed", "the end")
        assert poller.stop() == 0
    assert oma.job(unverified)["bytes_transferred"] == TOTAL_BYTES
    again = oma_poller("accept", unverified, cwd=tmp_path, settings=settings)
    assert again.returncode == 1
    assert (
        again.stderr == f"oma-poller: job '{unverified}' has ended as completed: there is nothing to accept\n"
    )


def test_a_word_given_while_the_poller_is_down_is_heard_when_it_starts(
    oma: OmaDatabase, unverified: str, settings: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job(unverified)["vma_error_classification"] == "unverified", "the observation")
        assert poller.stop() == 0
    assert oma_poller("accept", unverified, cwd=tmp_path, settings=settings).returncode == 0
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job(unverified)["status"] == "completed", "the end")
        assert poller.stop() == 0


def test_a_memory_that_cannot_be_read_costs_one_line(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    upgrade(oma.address)
    key = "migration-vol-v-1"
    oma.add_job("job-1", "v-1", capacity_bytes=TOTAL_BYTES)
    vma.entries[key] = entry(key, bytes_transferred=10, total_bytes=TOTAL_BYTES)
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job("job-1")["bytes_transferred"] == 10, "the first numbers")
        assert poller.stop() == 0
    oma.execute("UPDATE oma_poller_jobs SET memory = '{not json'")
    vma.entries[key] = entry(key, bytes_transferred=700, total_bytes=TOTAL_BYTES)
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job("job-1")["bytes_transferred"] == 700, "the next numbers")
        assert poller.stop() == 0
        assert [line["job_id"] for line in poller.said("memory not readable")] == ["job-1"]


def test_without_the_programs_tables_it_polls_and_says_once_what_it_forgets(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> None:
    key = "migration-vol-v-1"
    oma.add_job("job-1", "v-1", capacity_bytes=TOTAL_BYTES)
    for moved in (10, 700):
        vma.entries[key] = entry(key, bytes_transferred=moved, total_bytes=TOTAL_BYTES)
        with running(tmp_path, settings) as poller:
            until(lambda moved=moved: oma.job("job-1")["bytes_transferred"] == moved, "the numbers")  # type: ignore[misc] # mypy cannot infer a lambda with defaults
            assert poller.stop() == 0
            (line,) = poller.said("nothing is remembered across a restart")
            assert line["detail"].endswith("run: oma-poller db upgrade")
