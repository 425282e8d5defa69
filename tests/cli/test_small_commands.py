"""`exports`, `db init`, `db upgrade`: what they print for a person and for a program."""

from collections.abc import Callable
from pathlib import Path

from command_result import CommandResult
from oma_database import OmaDatabase

Command = Callable[..., CommandResult]


def test_exports_are_printed_one_a_line(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1", "v-1", "v-2")
    assert command("exports", "job-1") == (0, "migration-vol-v-1\nmigration-vol-v-2\n", "")


def test_exports_as_json_have_the_fields_of_the_api(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1", "v-1", "v-2")
    result = command("exports", "job-1", "--json")
    assert (result.status, result.err) == (0, "")
    assert result.document == {
        "job_id": "job-1",
        "nbd_export_names": ["migration-vol-v-1", "migration-vol-v-2"],
    }


def test_a_job_without_volumes_has_no_exports(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1")
    assert command("exports", "job-1") == (0, "", "no disk of this job has a volume yet\n")


def test_db_init_makes_the_tables_of_an_oma(command: Command) -> None:
    result = command("db", "init", "--json")
    assert (result.status, result.err) == (0, "")
    assert result.document["database"] == "sqlite:///oma-poller.db"
    assert "replication_jobs" in result.document["created"]


def test_db_init_says_what_it_made(command: Command) -> None:
    status, out, err = command("db", "init")
    assert (status, err) == (0, "")
    assert out.startswith("sqlite:///oma-poller.db: made the tables replication_jobs, ")


def test_db_init_changes_no_database_that_has_tables(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1")
    result = command("db", "init")
    assert (result.status, result.out) == (1, "")
    assert "is not empty" in result.complaint
    assert oma.statuses() == {"job-1": "running"}


def test_db_upgrade_makes_our_tables_once(oma: OmaDatabase, command: Command) -> None:
    first = command("db", "upgrade", "--json").document
    assert first["database"] == "sqlite:///oma-poller.db"
    assert first["done"]
    assert oma.execute("SELECT COUNT(*) AS rows FROM oma_poller_jobs") == [{"rows": 0}]
    assert command("db", "upgrade", "--json").document["done"] == []
    assert command("db", "upgrade") == (0, "sqlite:///oma-poller.db: nothing to do\n", "")


def test_db_upgrade_says_each_step(oma: OmaDatabase, command: Command) -> None:
    assert oma.statuses() == {}
    status, out, err = command("db", "upgrade")
    assert (status, err) == (0, "")
    assert all(line.startswith("sqlite:///oma-poller.db: 00") for line in out.splitlines())
    assert out


def test_a_named_configuration_file_is_read_before_and_after_the_command(
    oma: OmaDatabase, command: Command
) -> None:
    oma.add_job("job-1", "v-1")
    Path("oma-poller.db").rename("elsewhere.db")
    Path("other.toml").write_text('oma_database_url = "sqlite:///elsewhere.db"')
    assert command("--config", "other.toml", "exports", "job-1").out == "migration-vol-v-1\n"
    assert command("exports", "job-1", "--config", "other.toml").out == "migration-vol-v-1\n"
