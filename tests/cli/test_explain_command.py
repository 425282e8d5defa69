"""`explain` tells why, and what it saves can be run again."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase
from patience import until
from poller_process import running
from scripted_vma import ScriptedVma, entry, serving

from oma_poller.database.upgrade import upgrade

Command = Callable[..., CommandResult]
KEY = "migration-vol-v-1"


@pytest.fixture
def job(oma: OmaDatabase) -> str:
    """A running job of one disk."""
    return oma.add_job("job-1", "v-1", capacity_bytes=1000)


def explained(command: Command, *options: str) -> dict[str, Any]:
    result = command("explain", "job-1", "--json", *options)
    assert (result.status, result.err) == (0, "")
    told: dict[str, Any] = json.loads(result.out)
    return told


def rules(told: dict[str, Any]) -> dict[str, str]:
    return {rule["name"]: rule["text"] for rule in told["rules"]}


def test_a_running_copy_is_explained_from_key_to_next_poll(
    command: Command, job: str, vma: ScriptedVma
) -> None:
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
    told = explained(command)
    (key,) = told["keys"]
    assert (key["key"], key["shape"]) == (KEY, "C")
    assert json.loads(key["body"]) == vma.entries[KEY]
    assert rules(told)["T1"] == "1 disk in all: 500 of 1000 bytes, 50.00 %, rounded down"
    assert "this job's run" in rules(told)["T5"]
    assert told["written"] == "50.00 %, 500 of 1000 bytes, operation 'Transfer', status replicating"
    assert told["next"] == "within 5 s"
    for_a_person = command("explain", job).out
    for text in (KEY, "shape C", "Rules that decided", "T1", "Written", "Next     within 5 s"):
        assert text in for_a_person


def test_an_entry_of_an_earlier_run_is_named_and_nothing_is_written(
    command: Command, oma: OmaDatabase, job: str, vma: ScriptedVma
) -> None:
    old = {"start_time": "2001-01-01T00:00:00Z"}
    vma.entries[KEY] = entry(KEY, bytes_transferred=1000, total_bytes=1000, timing=old, status="completed")
    told = explained(command)
    assert "earlier job's run" in rules(told)["T5"]
    assert told["written"].startswith("no number")
    assert oma.job(job)["status"] == "running"


def test_completed_with_fewer_bytes_is_told_as_not_believed(
    command: Command, job: str, vma: ScriptedVma
) -> None:
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000, status="completed")
    assert "not every disk is" in rules(explained(command))["T2"]
    assert job


def test_a_first_failed_is_told_to_need_a_second(command: Command, job: str, vma: ScriptedVma) -> None:
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000, status="failed")
    assert "two polls in a row" in rules(explained(command))["T3"]
    assert job


def test_keys_that_nobody_knows_are_all_listed(command: Command, job: str, vma: ScriptedVma) -> None:
    told = explained(command)
    assert [(key["key"], key["answer"]) for key in told["keys"]] == [
        (KEY, "not known: job not found"),
        (job, "not known: job not found"),
    ]
    assert set(rules(told)) >= {"P2", "P6"}
    assert vma.asked[job] == 1


@pytest.mark.usefixtures("no_vma")
def test_a_vma_that_cannot_be_reached_leaves_the_job_blind_and_counts_no_error(
    command: Command, job: str
) -> None:
    told = explained(command)
    assert told["decided"]["observation"] == "blind"
    assert told["decided"]["reason"].startswith("the VMA cannot be reached: ")
    assert "P5" not in rules(told)
    assert rules(told)["T8"].startswith("blind: the VMA cannot be reached: ")
    assert "no error is counted" in rules(told)["P8"]
    assert told["next"] == "once the VMA can be reached again; its health is asked every 5 s"
    assert ", seen as blind" in command("explain", job).out


def test_a_key_that_gets_no_reply_of_a_vma_that_is_well_is_the_jobs_own_error(
    command: Command, job: str, vma: ScriptedVma, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMA_PROGRESS_HTTP_TIMEOUT", "200ms")
    vma.hold = Event()
    told = explained(command)
    assert told["decided"]["observation"] == "pending"
    assert set(rules(told)) >= {"P5", "T8"}
    assert told["next"] == "after 5 s, as error backs off"
    assert job


@pytest.mark.usefixtures("no_vma")
def test_a_saved_poll_of_a_vma_that_cannot_be_reached_runs_again_to_the_same_end(
    command: Command, job: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "away.json")
    assert command("explain", job, "--save", file).status == 0
    assert "0 of 1 polls decided differently" in command("replay", file).out


def test_a_job_that_the_poller_has_as_blind_is_told_so(
    command: Command, job: str, oma: OmaDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upgrade(oma.address)
    settings = {"OMA_API_LISTEN": "off", "VMA_PROGRESS_POLL_INTERVAL": "100ms", "OMA_DATABASE_URL": oma.url}
    scripted = ScriptedVma()
    scripted.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
    with ExitStack() as away:
        url = away.enter_context(serving(scripted))
        monkeypatch.setenv("VMA_PROGRESS_CLIENT_URL", url)
        with running(tmp_path, settings | {"VMA_PROGRESS_CLIENT_URL": url}):
            until(lambda: oma.job(job)["progress_percent"] == 50, "a poll")
            away.close()
            until(lambda: seen(oma) == "blind", "the outage to be seen")
    assert explained(command)["decided"]["observation"] == "blind"


def seen(oma: OmaDatabase) -> str:
    """Return how the poller has seen the job last."""
    return str(oma.execute("SELECT observation FROM oma_poller_jobs")[0]["observation"])


def test_a_job_that_is_not_active_is_told_not_to_be_written(
    command: Command, oma: OmaDatabase, vma: ScriptedVma
) -> None:
    oma.add_job("job-1", "v-1", status="completed")
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
    told = explained(command)
    assert told["written"] == "nothing: the row's status is completed, which is not an active one"
    assert told["next"] == "it is not polled: its status is not an active one"


def test_a_saved_poll_runs_again_to_the_same_end(
    command: Command, job: str, vma: ScriptedVma, tmp_path: Path
) -> None:
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
    file = str(tmp_path / "field report.json")
    assert "Saved to" in command("explain", job, "--save", file).out
    again = command("replay", file)
    assert (again.status, again.err) == (0, "")
    assert "0 of 1 polls decided differently" in again.out
    told = json.loads(command("replay", file, "--json").out)
    assert told["differ"] == 0
    assert told["polls"][0]["now"]["percent_bp"] == 5000


def test_a_poll_that_is_decided_differently_today_is_found(
    command: Command, job: str, vma: ScriptedVma, tmp_path: Path
) -> None:
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
    file = tmp_path / "field.json"
    command("explain", job, "--save", str(file))
    file.write_text(file.read_text().replace('"percent_bp": 5000', '"percent_bp": 4000'))
    again = command("replay", str(file))
    assert again.status == 1
    assert "differs: percent_bp: was 4000, is 5000" in again.out


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"format":"oma-poller flights 2"}'])
def test_a_file_without_flights_is_refused_in_one_line(
    command: Command, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    result = command("replay", str(file))
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(f"oma-poller: {file} holds no flights")
    assert result.err.count("\n") == 1


def test_a_file_that_cannot_be_read_or_written_is_wrong_usage(
    command: Command, job: str, vma: ScriptedVma, tmp_path: Path
) -> None:
    assert command("replay", str(tmp_path / "none.json")).status == 2
    vma.entries[KEY] = entry(KEY)
    result = command("explain", job, "--save", str(tmp_path / "no" / "where.json"))
    assert (result.status, result.err.count("\n")) == (2, 1)


def test_an_unknown_job_is_one_line(command: Command, oma: OmaDatabase, vma: ScriptedVma) -> None:
    result = command("explain", "job-9")
    assert (result.status, result.err) == (1, "oma-poller: job 'job-9' is not in replication_jobs\n")
    assert not vma.asked
    assert not oma.statuses()


def test_what_is_logged_on_the_way_does_not_stand_in_the_document(
    command: Command, job: str, oma: OmaDatabase, vma: ScriptedVma
) -> None:
    vma.entries[KEY] = entry(KEY, bytes_transferred=500, total_bytes=1000)
    upgrade(oma.address)
    columns = "job_id, observation, observed_since, reason, memory"
    values = (job, "fresh", "2026-01-01 00:00:00", "", "nonsense")
    oma.execute(f"INSERT INTO oma_poller_jobs ({columns}) VALUES (?, ?, ?, ?, ?)", values)  # noqa: S608 - fixed names
    end = command("explain", job, "--json")
    assert (end.status, json.loads(end.out)["job_id"]) == (0, job)
    assert "memory not readable" in end.err
