"""`run`: it ends with status 0 when it is told to, and its events go to standard error."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import environment
from scripted_vma import ScriptedVma, entry

from oma_poller import app

KEY = "migration-vol-v-1"


def _run(cwd: Path, *arguments: str, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "oma_poller", "run", *arguments],
        cwd=cwd,
        env=environment({"VMA_PROGRESS_POLL_INTERVAL": "200ms", **settings}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _until_said(process: "subprocess.Popen[str]", event: str) -> list[str]:
    """Return the lines of standard error up to the one that holds *event*."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if event in line:
            return lines
    raise AssertionError(f"{event!r} was never said: {lines}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(
    number: signal.Signals,
    oma: OmaDatabase,
    vma: ScriptedVma,
    tmp_path: Path,
) -> None:
    oma.add_job("job-1", "v-1")
    vma.entries[KEY] = entry(KEY, bytes_transferred=512, total_bytes=1024)
    process = _run(tmp_path, "--json", VMA_PROGRESS_CLIENT_URL=os.environ["VMA_PROGRESS_CLIENT_URL"])
    _until_said(process, '"started"')
    until(lambda: oma.job("job-1")["bytes_transferred"] == 512, "the bytes in the row")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, "")
    assert json.loads(err.splitlines()[-1])["event"] == "stopped"


def test_a_signal_before_the_poller_has_begun_ends_it_with_status_0(
    command: Callable[..., CommandResult], oma: OmaDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    oma.add_job("job-1")
    monkeypatch.setattr(app, "run", lambda _settings: signal.raise_signal(signal.SIGTERM))
    assert command("run") == (0, "", "")


def test_events_can_be_read_by_a_person(oma: OmaDatabase, tmp_path: Path) -> None:
    oma.add_job("job-1", "v-1")
    process = _run(tmp_path, LOG_FORMAT="console", VMA_PROGRESS_CLIENT_URL="http://127.0.0.1:1")
    line = _until_said(process, "job taken up")[-1]
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    assert " info    job taken up job_id=job-1 name='vm of job-1' disks=1" in line
    assert process.returncode == 0


def test_a_warning_of_the_settings_is_logged_as_one(oma: OmaDatabase, tmp_path: Path) -> None:
    oma.add_job("job-1")
    process = _run(tmp_path, "--json", OMA_COLOUR="red", VMA_PROGRESS_POLL_INTERVAL="1s")
    line = json.loads(_until_said(process, "configuration")[-1])
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    assert (line["level"], line["event"]) == ("warning", "configuration")
    assert line["detail"] == "OMA_COLOUR in the environment is no variable of this program"
