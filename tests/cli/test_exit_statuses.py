"""How the program ends: an exit status, and at most one line on standard error."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase
from patience import PATIENCE_S
from poller_process import environment

from oma_poller import __version__
from oma_poller.database import status_rows
from oma_poller.errors import DatabaseError

Command = Callable[..., CommandResult]


def _raise(error: BaseException) -> Callable[..., None]:
    def raising(*_args: object, **_named: object) -> None:
        raise error

    return raising


def test_the_version_is_told(command: Command) -> None:
    assert command("--version") == (0, f"oma-poller {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help_names_every_command(arguments: list[str], command: Command) -> None:
    status, out, err = command(*arguments)
    assert (status, err) == (0, "")
    for name in ("run", "demo", "check", "status", "exports", "db", "vma", "--config", "--version"):
        assert name in out


@pytest.mark.parametrize(
    "path",
    [
        ["run"],
        ["demo"],
        ["check"],
        ["status"],
        ["exports"],
        ["db", "init"],
        ["db", "upgrade"],
        ["vma", "serve"],
        ["vma", "copy"],
    ],
)
def test_every_command_has_help_and_json(path: list[str], command: Command) -> None:
    status, out, err = command(*path, "--help")
    assert (status, err) == (0, "")
    assert "--json" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "Missing command (see oma-poller --help)"),
        (["no\nsuch"], "No such command 'no\\nsuch' (see oma-poller --help)"),
        (["db"], "Missing command (see oma-poller db --help)"),
        (["--no"], "No such option: --no (see oma-poller --help)"),
        (["status", "--qq"], "No such option: --qq (see oma-poller status --help)"),
        (["exports"], "Missing argument 'JOB' (see oma-poller exports --help)"),
        (["status", "--config"], "Option '--config' requires an argument (see oma-poller --help)"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], line: str, command: Command) -> None:
    result = command(*arguments)
    assert (result.status, result.out, result.complaint) == (2, "", line)


@pytest.mark.parametrize("limit", ["0", "many"])
def test_a_wrong_number_is_one_line(limit: str, command: Command) -> None:
    result = command("status", "--limit", limit)
    assert (result.status, result.out) == (2, "")
    assert result.complaint.startswith("Invalid value for '--limit': ")


def test_an_error_of_our_own_is_its_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_rows, "read_status", _raise(DatabaseError("odd\nthing")))
    result = command("status")
    assert (result.status, result.out, result.complaint) == (1, "", "odd thing")


def test_an_unexpected_error_is_one_line_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_rows, "read_status", _raise(ValueError("odd\x1b[31m")))
    result = command("status")
    assert (result.status, result.out) == (1, "")
    assert result.complaint == "unexpected ValueError: odd\\x1b[31m (LOG_LEVEL=debug shows where)"


def test_debug_shows_where_an_unexpected_error_arose(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_rows, "read_status", _raise(ValueError("odd")))
    monkeypatch.setenv("LOG_LEVEL", "debug")
    result = command("status")
    assert result.status == 1
    assert "Traceback (most recent call last)" in result.err
    assert result.err.endswith("oma-poller: unexpected ValueError: odd\n")


def test_an_error_of_the_machine_names_the_file(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_rows, "read_status", _raise(PermissionError(13, "Permission denied", "/x")))
    result = command("status")
    assert (result.status, result.complaint) == (1, "Permission denied: /x (LOG_LEVEL=debug shows where)")


def test_ctrl_c_is_quiet(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_rows, "read_status", _raise(KeyboardInterrupt()))
    assert command("status") == (130, "", "")


def test_a_reader_that_has_gone_is_no_error(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_rows, "read_status", _raise(BrokenPipeError(32, "Broken pipe")))
    assert command("status") == (141, "", "")


def test_output_in_ascii_escapes_what_it_lacks(
    oma: OmaDatabase, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    oma.add_job("job-ü")
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert command("status").status == 0
    assert b"job-\\xfc" in raw.getvalue()


def test_without_an_output_a_command_still_does_its_work(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    result = command("db", "init")
    assert (result.status, result.err) == (0, "")
    assert Path("oma-poller.db").exists()


def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "oma_poller", "db", "init"],
            cwd=tmp_path,
            env=environment({}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    assert ended.returncode == 1
    assert ended.stderr == "oma-poller: No space left on device (LOG_LEVEL=debug shows where)\n"
