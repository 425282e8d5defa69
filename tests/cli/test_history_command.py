"""`history`: what it prints for a person and for a program."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase

Command = Callable[..., CommandResult]


@pytest.fixture
def sampled(oma: OmaDatabase, command: Command) -> OmaDatabase:
    """Return a database with two samples of a job, of an hour and of a minute ago."""
    oma.add_job("job-1")
    command("db", "upgrade")
    now = datetime.now(UTC).replace(tzinfo=None)
    for ago, seen, numbers in (
        (timedelta(hours=1), "blind", (None, None, None, None)),
        (timedelta(minutes=1), "fresh", (217, 933232640, 42949672960, 3 * 2**20)),
    ):
        at = (now - ago).isoformat(" ", "microseconds")
        oma.execute(
            "INSERT INTO oma_poller_history VALUES (?, ?, 30, ?, ?, ?, ?, ?)", ("job-1", at, seen, *numbers)
        )
    return oma


@pytest.mark.usefixtures("sampled")
def test_samples_are_a_table_the_oldest_first(command: Command) -> None:
    status, out, err = command("history", "job-1")
    assert (status, err) == (0, "")
    heading, first, second = out.splitlines()
    assert heading.split("  ")[0] == "TIME (UTC)"
    assert first.split()[2:] == ["-", "-", "-", "blind"]
    assert second[21:] == "  2.17 %  890.00 MiB of 40.00 GiB  3.00 MiB/s  fresh"
    assert heading.endswith("SEEN")
    assert first.index("blind") == second.index("fresh") == heading.index("SEEN")


@pytest.mark.usefixtures("sampled")
def test_samples_as_json_have_numbers_and_moments(command: Command) -> None:
    document = command("history", "job-1", "--json").document
    assert document["job_id"] == "job-1"
    first, second = document["samples"]
    assert (first["percent"], first["observation"]) == (None, "blind")
    ago = datetime.now(UTC) - datetime.fromisoformat(second.pop("at"))
    assert timedelta(minutes=1) <= ago < timedelta(minutes=5)
    assert second == {
        "percent": 2.17,
        "bytes_transferred": 933232640,
        "total_bytes": 42949672960,
        "speed_bps": 3 * 2**20,
        "observation": "fresh",
        "grain_s": 30,
    }


@pytest.mark.usefixtures("sampled")
def test_what_is_older_and_what_is_more_is_left_out(command: Command) -> None:
    for arguments in (("--since", "30m"), ("--limit", "1")):
        (sample,) = command("history", "job-1", "--json", *arguments).document["samples"]
        assert sample["observation"] == "fresh"
    assert len(command("history", "job-1", "--json", "--since", "2h").document["samples"]) == 2


def test_a_job_without_samples_says_so(oma: OmaDatabase, command: Command) -> None:
    oma.add_job("job-1")
    command("db", "upgrade")
    assert command("history", "job-1") == (0, "no sample of this job\n", "")
    assert command("history", "job-1", "--json").document == {"job_id": "job-1", "samples": []}


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("since", ["2x", "", "-5m", "999999999h"])
def test_a_wrong_since_is_told_in_one_line(command: Command, since: str) -> None:
    result = command("history", "job-1", f"--since={since}")
    assert (result.status, result.out) == (2, "")
    assert "allowed is a duration" in result.complaint


@pytest.mark.usefixtures("sampled")
def test_an_unknown_job_is_told_in_one_line(command: Command) -> None:
    result = command("history", "nobody")
    assert (result.status, result.out) == (1, "")
    assert "'nobody' is not in replication_jobs" in result.complaint


@pytest.mark.usefixtures("oma")
def test_without_our_own_tables_it_says_what_makes_them(command: Command) -> None:
    result = command("history", "job-1")
    assert (result.status, result.out) == (1, "")
    assert "oma-poller db upgrade" in result.complaint
