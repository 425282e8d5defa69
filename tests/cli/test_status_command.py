"""`status`: the jobs as they stand in the database, once or for as long as somebody watches."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import environment

from oma_poller.database import status_rows
from oma_poller.database.status_rows import StatusPage
from oma_poller.errors import DatabaseUnavailableError

Command = Callable[..., CommandResult]


@contextmanager
def _watching(cwd: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", list[str]]]:
    """Run `status --watch` into a pipe; yield the process and the lines as they come."""
    process = subprocess.Popen(
        [sys.executable, "-m", "oma_poller", "status", "--watch", *arguments],
        cwd=cwd,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    assert process.stdout is not None
    reader = Thread(target=lambda out: lines.extend(line.decode() for line in out), args=(process.stdout,))
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        reader.join(PATIENCE_S)
        process.stdout.close()


def test_active_jobs_are_shown_and_ended_ones_with_all(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1", progress_percent=12.5, bytes_transferred=2**30, total_bytes=2**33)
    oma.add_job("job-2", status="completed", progress_percent=100)
    status, out, err = command("status")
    assert (status, err) == (0, "")
    assert "job-1" in out
    assert "12.50 %" in out
    assert "1.00 GiB of 8.00 GiB" in out
    assert "job-2" not in out
    assert "job-2" in command("status", "--all").out


def test_the_newest_come_first_and_the_rest_is_counted(oma: OmaDatabase, command: Command) -> None:
    for number in range(5):
        oma.add_job(f"job-{number}", created_at=f"2026-01-0{number + 1} 00:00:00")
    document = command("status", "--limit", "2", "--json").document
    assert ([job["job_id"] for job in document["jobs"]], document["total"]) == (["job-4", "job-3"], 5)
    assert command("status", "--limit", "2").out.splitlines()[-1].strip() == "and 3 more"


def test_a_name_of_the_database_is_shown_as_it_is(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1", source_vm_name="[red]x\n\x1b[2J")
    assert "[red]x\\n\\x1b[2J" in command("status").out
    assert command("status", "--json").document["jobs"][0]["name"] == "[red]x\n\x1b[2J"


def test_watching_as_json_is_one_document_a_line_and_ends_with_ctrl_c(
    oma: OmaDatabase, tmp_path: Path
) -> None:
    oma.add_job("job-1", progress_percent=1)
    with _watching(tmp_path, "--json") as (process, lines):
        until(lambda: lines, "a document")
        assert json.loads(lines[0])["jobs"][0]["percent"] == 1
        oma.execute("UPDATE replication_jobs SET progress_percent = 2")
        until(lambda: json.loads(lines[-1])["jobs"][0]["percent"] == 2, "the new percentage")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert all(json.loads(line)["total"] == 1 for line in lines)


def test_watching_plainly_prints_a_job_when_it_changed(oma: OmaDatabase, tmp_path: Path) -> None:
    oma.add_job("job-1", progress_percent=1)
    with _watching(tmp_path) as (process, lines):
        until(lambda: lines, "the first line")
        oma.execute("UPDATE replication_jobs SET progress_percent = 2")
        until(lambda: len(lines) > 1, "the second line")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert ["1.00 %" in lines[0], "2.00 %" in lines[1]] == [True, True]
    assert len(lines) == 2


def test_watching_outlives_a_database_that_goes_away(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = DatabaseUnavailableError("the database is away")
    looks: Iterator[StatusPage | BaseException] = iter(
        [StatusPage((), 1), away, away, StatusPage((), 2), away, KeyboardInterrupt()]
    )

    def read_status(*_args: object, **_named: object) -> StatusPage:
        look = next(looks)
        if isinstance(look, BaseException):
            raise look
        return look

    monkeypatch.setattr(status_rows, "read_status", read_status)
    monkeypatch.setattr("oma_poller.cli.status._EVERY_S", 0)
    status, out, err = command("status", "--watch", "--json")
    assert status == 0
    assert [json.loads(line)["total"] for line in out.splitlines()] == [1, 2]
    assert err == "oma-poller: the database is away\n" * 2, "told once each time it goes"


def test_a_terminal_is_drawn_anew_and_ctrl_c_ends_it(oma: OmaDatabase, tmp_path: Path) -> None:
    oma.add_job("job-1", progress_percent=1)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "oma_poller", "status", "--watch"],
        cwd=tmp_path,
        env=environment({}) | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    drawn: list[bytes] = []
    reader = Thread(target=_read_terminal, args=(ours, drawn), daemon=True)
    reader.start()
    try:
        until(lambda: b"1.00 %" in b"".join(drawn), "the first drawing")
        oma.execute("UPDATE replication_jobs SET progress_percent = 2")
        until(lambda: b"2.00 %" in b"".join(drawn), "the second drawing")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        reader.join(PATIENCE_S)
        os.close(ours)


def _read_terminal(file: int, drawn: list[bytes]) -> None:
    while True:
        try:
            drawn.append(os.read(file, 4096))
        except OSError:  # the other side is closed
            return


def test_a_reader_that_has_gone_ends_the_watching_quietly(oma: OmaDatabase, tmp_path: Path) -> None:
    oma.add_job("job-1")
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run(
        [sys.executable, "-m", "oma_poller", "status", "--watch"],
        cwd=tmp_path,
        env=environment({}),
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
        timeout=PATIENCE_S,
    )
    os.close(write_end)
    assert (process.returncode, process.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [["status"], ["--help"], ["check"]])
def test_a_reader_that_has_gone_gets_no_traceback(
    arguments: list[str], oma: OmaDatabase, tmp_path: Path
) -> None:
    oma.add_job("job-1")
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run(
        [sys.executable, "-m", "oma_poller", *arguments],
        cwd=tmp_path,
        env=environment({"VMA_PROGRESS_CLIENT_URL": "http://127.0.0.1:1"}),
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
        timeout=PATIENCE_S,
    )
    os.close(write_end)
    assert (process.returncode, process.stderr) == (141, b"")
