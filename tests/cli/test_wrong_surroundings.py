"""What is wrong around the program is one line, whichever command meets it. Never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase

from oma_poller.database.address import DatabaseAddress

Command = Callable[..., CommandResult]
NEEDS_DATABASE = [["run"], ["status"], ["status", "--watch"], ["exports", "job-1"], ["db", "upgrade"]]
NEEDS_SETTINGS = [*NEEDS_DATABASE, ["check"], ["db", "init"]]


@pytest.mark.usefixtures("no_vma")
@pytest.mark.parametrize("arguments", NEEDS_DATABASE)
def test_a_missing_database_is_one_line(arguments: list[str], command: Command) -> None:
    result = command(*arguments)
    assert (result.status, result.out) == (1, "")
    assert "sqlite:///oma-poller.db does not exist" in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert not Path("oma-poller.db").exists()


@pytest.mark.parametrize("arguments", NEEDS_SETTINGS)
def test_a_garbage_database_url_is_one_line(
    arguments: list[str], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMA_DATABASE_URL", "garbage")
    result = command(*arguments)
    assert (result.status, result.out) == (2, "")
    assert result.complaint.startswith("OMA_DATABASE_URL has no scheme; allowed are sqlite:///FILE")


@pytest.mark.parametrize("arguments", NEEDS_SETTINGS)
def test_garbage_toml_is_one_line(arguments: list[str], command: Command) -> None:
    Path("oma-poller.toml").write_text("a = = 1")
    result = command(*arguments)
    assert (result.status, result.out) == (2, "")
    assert result.complaint == "oma-poller.toml is not TOML: Invalid value (at line 1, column 5)"


@pytest.mark.parametrize("arguments", NEEDS_SETTINGS)
@pytest.mark.parametrize("before", [True, False])
def test_a_missing_configuration_file_is_one_line(
    arguments: list[str], command: Command, *, before: bool
) -> None:
    config = ["--config", "no.toml"]
    result = command(*config, *arguments) if before else command(*arguments, *config)
    assert (result.status, result.out) == (2, "")
    assert result.complaint == "cannot read the configuration file no.toml: No such file or directory"


@pytest.mark.parametrize("content", [b"", b"no database at all, but quite some text" * 100])
def test_a_file_that_is_no_database_of_an_oma_is_one_line(content: bytes, command: Command) -> None:
    Path("oma-poller.db").write_bytes(content)
    result = command("status")
    assert (result.status, result.out) == (1, "")
    assert "sqlite:///oma-poller.db" in result.complaint


@pytest.mark.parametrize("arguments", NEEDS_DATABASE[1:])  # `run` waits for the server to come back
def test_a_database_server_that_is_away_is_one_line(
    arguments: list[str], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMA_DATABASE_URL", "mysql://oma:s3cret@127.0.0.1:1/oma")
    result = command(*arguments)
    assert (result.status, result.out) == (1, "")
    assert "mysql://oma@127.0.0.1:1/oma" in result.complaint
    assert "s3cret" not in result.err


@pytest.mark.mariadb
@pytest.mark.parametrize("arguments", [["status"], ["exports", "job-1"], ["db", "upgrade"], ["db", "init"]])
def test_a_wrong_password_is_one_line(
    arguments: list[str],
    mariadb_address: DatabaseAddress,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = mariadb_address
    url = f"mysql://{at.user}:wr0ng@{at.host}:{at.port}/{at.name}"
    monkeypatch.setenv("OMA_DATABASE_URL", url)
    result = command(*arguments)
    assert (result.status, result.out) == (1, "")
    assert at.redacted in result.complaint
    assert "wr0ng" not in result.err


@pytest.mark.parametrize("arguments", [["exports", "no-job"], ["exports", "no-job", "--json"]])
def test_an_unknown_job_is_one_line(arguments: list[str], oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1")
    result = command(*arguments)
    assert (result.status, result.out) == (1, "")
    assert result.complaint == "job 'no-job' is not in replication_jobs"


def test_a_volume_id_that_names_no_export_is_one_line(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1", "../x")
    result = command("exports", "job-1")
    assert (result.status, result.out) == (1, "")
    assert result.complaint.startswith("volume id '../x' cannot name an NBD export")
