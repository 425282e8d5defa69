"""A VMA that answers oddly, the real poller, and the report that its operator sends from the field."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oma_database import OmaDatabase
from patience import until
from poller_process import RunningPoller, oma_poller, running
from scripted_vma import ScriptedVma, entry

KEY = "migration-vol-v-1"
ODD = b"<html><body>It works!</body></html>"


@pytest.fixture
def poller(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], tmp_path: Path
) -> Iterator[RunningPoller]:
    """Run the poller with a job that moves."""
    assert oma_poller("db", "upgrade", cwd=tmp_path, settings=settings).returncode == 0
    oma.add_job("job-1", "v-1", capacity_bytes=1000)
    vma.entries[KEY] = entry(KEY, bytes_transferred=100, total_bytes=1000)
    with running(tmp_path, settings) as poller:
        until(lambda: oma.job("job-1")["bytes_transferred"] == 100, "the first numbers")
        yield poller


def recorded(oma: OmaDatabase, text: str) -> bool:
    """Whether a poll with this text in it is recorded."""
    return any(text in row["flight"] for row in oma.execute("SELECT flight FROM oma_poller_flights"))


def odd_replies(oma: OmaDatabase, vma: ScriptedVma) -> None:
    """Let the VMA answer with a web page, forget the job, go back in bytes, and end it."""
    kept = vma.entries[KEY]
    vma.answer = lambda _: (200, ODD, {"Content-Type": "text/html"})
    until(lambda: recorded(oma, "It works!"), "the web page recorded")
    vma.answer = None
    del vma.entries[KEY]
    until(lambda: recorded(oma, '"vanished"'), "the job vanished")
    vma.entries[KEY] = kept | {"bytes_transferred": 40}
    until(lambda: recorded(oma, '"regression"'), "bytes that went back")
    vma.entries[KEY] = kept | {"bytes_transferred": 1000, "percentage": 100, "status": "completed"}
    until(lambda: oma.job("job-1")["status"] == "completed", "the end")


def test_what_a_vma_answered_is_there_after_the_job_s_end_and_runs_again(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], poller: RunningPoller, tmp_path: Path
) -> None:
    odd_replies(oma, vma)
    assert poller.stop() == 0
    vma.answer = lambda _: (503, b"", {})

    def told(*arguments: str) -> Any:  # noqa: ANN401 - a JSON document
        return json.loads(oma_poller(*arguments, "--json", cwd=tmp_path, settings=settings).stdout)

    polls = told("explain", "job-1", "--save", "field.json")["recorded"]
    assert {"ok", "not_json"} <= {poll["result"] for poll in polls}, polls
    assert "vanished" in {poll["observation"] for poll in polls}, polls
    assert any("regression" in event for poll in polls for event in poll["events"]), polls
    assert (polls[-1]["state"], polls[-1]["percent"]) == ("completed", 100.0)
    answers = json.loads((tmp_path / "field.json").read_text())["flights"][-2]["answers"]
    assert json.loads(answers[0]["body"]) == vma.entries[KEY]
    assert told("replay", "field.json")["differ"] == 0
    assert len(polls) <= 20


def test_a_poller_that_is_killed_keeps_what_was_written_and_goes_on_behind_it(
    oma: OmaDatabase, vma: ScriptedVma, settings: dict[str, str], poller: RunningPoller, tmp_path: Path
) -> None:
    def flights() -> int:
        return len(oma.execute("SELECT slot FROM oma_poller_flights WHERE job_id = 'job-1'"))

    until(flights, "the first flight written")
    poller.stop(signal.SIGKILL)
    before = flights()
    with running(tmp_path, settings) as again:
        vma.answer = lambda _: (500, b"no\n", {})
        until(lambda: again.said("job does not answer"), "the error told")
        assert again.stop() == 0
    slots = {row["slot"] for row in oma.execute("SELECT slot FROM oma_poller_flights")}
    assert slots >= set(range(4, 4 + before + 1))
