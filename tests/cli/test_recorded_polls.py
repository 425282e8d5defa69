"""`explain` shows the polls that were recorded, saves them, and `replay` runs them again."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from command_result import CommandResult
from core_values import NOW, a_job, a_poll, a_reading
from msgspec.structs import replace
from oma_database import OmaDatabase
from scripted_vma import ScriptedVma, entry

from oma_poller.core.decide import begin, decide
from oma_poller.core.flight import record
from oma_poller.database.flights import SqlFlightLog
from oma_poller.database.moment import read_moment
from oma_poller.engine.defect import after_defect
from oma_poller.model.flight import Flight, Recorded
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome
from oma_poller.vma.wire import decode

Command = Callable[..., CommandResult]
KEY = "migration-vol-vol-1"


class Field:
    """A job's recorded polls, and the file that they are saved to."""

    def __init__(self, command: Command, oma: OmaDatabase, job: str, file: Path) -> None:
        self.command = command
        self.oma = oma
        self.job = job
        self.file = file

    def save(self) -> CommandResult:
        """Save what is recorded, and a poll made now."""
        return self.command("explain", self.job, "--save", str(self.file))

    def replay(self, *options: str) -> CommandResult:
        """Run the file again."""
        return self.command("replay", str(self.file), *options)

    def tamper(self, was: str, becomes: str) -> None:
        """Change the first *was* in the file."""
        text = self.file.read_text()
        assert was in text
        self.file.write_text(text.replace(was, becomes, 1))


def recorded(oma: OmaDatabase, *outcomes: Outcome, body: bytes = b"") -> list[Flight]:
    """Have polls recorded, a minute apart, as the poller does."""
    job = a_job(created_at=read_moment(oma.job("job-1")["created_at"]), id="job-1")
    context, flights = begin(job, a_poll(Missing()).policy, NOW), []
    for minute, outcome in enumerate(outcomes):
        now = NOW + timedelta(minutes=minute)
        poll = replace(a_poll(outcome, job=job), now=now, now_s=1000.0 + 60 * minute)
        decision = decide(context, poll)
        flights.append(record(context, poll, decision, [body] if body else []))
        context = decision.context
    write(oma, flights)
    return flights


def write(oma: OmaDatabase, flights: list[Flight]) -> None:
    log = SqlFlightLog(oma.address)
    log.write([Recorded(flight, is_eventful=True) for flight in flights])
    log.close()


@pytest.fixture
def job(oma: OmaDatabase, command: Command) -> str:
    """A running job of one disk, in a database with our own tables."""
    assert command("db", "upgrade").status == 0
    return oma.add_job("job-1", "vol-1", capacity_bytes=1000, created_at="2026-11-23 11:59:40")


@pytest.fixture
def field(command: Command, oma: OmaDatabase, job: str, vma: ScriptedVma, tmp_path: Path) -> Field:
    """A job that is moving on a VMA, and where its polls are saved."""
    vma.entries[KEY] = entry(KEY, bytes_transferred=90, total_bytes=100)
    return Field(command, oma, job, tmp_path / "field.json")


def decoded(body: dict[str, Any]) -> Outcome:
    """Return what a body is read as."""
    return decode(json.dumps(body).encode(), KEY)


@pytest.mark.usefixtures("no_vma")
def test_what_was_recorded_of_a_job_that_ended_is_shown_while_its_vma_is_away(
    command: Command, oma: OmaDatabase, job: str
) -> None:
    recorded(oma, a_reading(50, 100), Failure(FailureKind.NOT_JSON, "not JSON: <html>"), a_reading(70, 100))
    oma.execute("UPDATE replication_jobs SET status = 'completed' WHERE id = ?", [job])
    result = command("explain", job)
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    at = lines.index("Recorded polls")
    assert lines[at + 1] == "  2026-11-23T12:00:00Z  ok: replicating, fresh, 50.00 %"
    assert lines[at + 2].startswith("    answered")
    assert "  2026-11-23T12:01:00Z  not_json: replicating, late, no number" in lines
    assert "    error: not JSON: <html>" in lines
    assert "  2026-11-23T12:02:00Z  ok: replicating, fresh, 70.00 %" in lines
    polls = command("explain", job, "--json").document["recorded"]
    assert [(poll["result"], poll["percent"], poll["of_this_job"]) for poll in polls] == [
        ("ok", 50.0, True),
        ("not_json", None, True),
        ("ok", 70.0, True),
    ]


@pytest.mark.usefixtures("no_vma")
def test_a_poll_of_an_earlier_job_with_the_same_id_is_told_as_such(
    command: Command, oma: OmaDatabase, job: str
) -> None:
    recorded(oma, a_reading(50, 100))
    oma.execute("UPDATE replication_jobs SET created_at = '2026-11-24 00:00:00' WHERE id = ?", [job])
    assert ", of an earlier job with this id" in command("explain", job).out


@pytest.mark.usefixtures("no_vma")
def test_a_job_of_which_nothing_is_recorded_says_so(command: Command, job: str) -> None:
    assert "No poll of it is recorded" in command("explain", job).out
    assert command("explain", job, "--json").document["recorded"] == []


@pytest.mark.usefixtures("no_vma")
def test_without_the_table_it_says_what_makes_it(command: Command, oma: OmaDatabase) -> None:
    oma.add_job("job-1", "vol-1")
    result = command("explain", "job-1")
    assert (result.status, result.err) == (0, "")
    assert "to add: oma-poller db upgrade" in result.out
    assert command("explain", "job-1", "--json").document["recorded"] is None


@pytest.mark.usefixtures("no_vma", "job")
def test_check_says_of_the_version_before_what_it_lacks(command: Command, oma: OmaDatabase) -> None:
    oma.execute("DROP TABLE oma_poller_flights")
    assert "of an earlier version: no recorded polls; to add: oma-poller db upgrade" in command("check").out


@pytest.mark.usefixtures("no_vma")
def test_a_row_that_is_no_flight_leaves_the_others_and_the_json_whole(
    command: Command, oma: OmaDatabase, job: str
) -> None:
    recorded(oma, a_reading(50, 100), a_reading(60, 100))
    oma.execute("UPDATE oma_poller_flights SET flight = '{' WHERE slot = 4")
    assert len(command("explain", job, "--json").document["recorded"]) == 1


def test_all_that_is_recorded_is_saved_and_decided_the_same_again(field: Field, vma: ScriptedVma) -> None:
    body = entry(KEY, bytes_transferred=50, total_bytes=100)
    recorded(field.oma, decoded(body), body=json.dumps(body).encode())
    recorded(field.oma, a_reading(50, 100), Missing("job not found"), a_reading(60, 100))
    vma.entries[KEY] = body
    assert f"Saved to {field.file}, 5 polls" in field.save().out
    assert len(json.loads(field.file.read_text())["flights"]) == 5
    again = field.replay()
    assert (again.status, again.err) == (0, "")
    assert "0 of 5 polls decided differently" in again.out
    assert again.out.count("the same") == 5


def test_each_poll_that_is_decided_differently_is_named(field: Field) -> None:
    recorded(field.oma, a_reading(50, 100), a_reading(60, 100))
    field.save()
    field.tamper('"bytes_transferred": 60', '"bytes_transferred": 70')
    again = field.replay()
    assert again.status == 1
    assert "1 of 3 polls decided differently" in again.out
    assert "  2026-11-23T12:01:00Z  differs" in again.out


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"tier": 0', '"tier": -1'),
        ('"tier": 0', '"tier": 7'),
        ('"volume_id": "vol-1"', '"volume_id": "../x"'),
    ],
)
def test_a_poll_that_cannot_be_run_is_told_in_one_line(field: Field, was: str, becomes: str) -> None:
    recorded(field.oma, a_reading(50, 100))
    field.save()
    field.tamper(was, becomes)
    again = field.replay()
    assert (again.status, again.err) == (1, "")
    assert again.out.count("it cannot be run") == 1


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"bytes_transferred": 50', '"bytes_transferred": "many"'),
        ('"version": 1', '"version": 2'),
        ('"observation": "pending"', '"observation": "flying"'),
        ('"raw_bytes": 50', '"raw_bytes": -1'),
        ('"flights": [', '"flights": [{},'),
    ],
)
def test_a_file_that_was_tampered_with_is_one_clear_line(field: Field, was: str, becomes: str) -> None:
    recorded(field.oma, a_reading(50, 100), a_reading(60, 100))
    field.save()
    field.tamper(was, becomes)
    result = field.replay()
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert result.err.startswith(f"oma-poller: {field.file} holds no flights that this version can read")


def test_a_poll_on_which_the_rules_broke_differs_once_they_are_mended(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = a_job(created_at=read_moment(field.oma.job("job-1")["created_at"]), id="job-1")
    poll = a_poll(a_reading(50, 100), job=row)
    context = begin(row, poll.policy, NOW)
    broken = after_defect(context, ZeroDivisionError("division by zero"), poll.policy, poll.now_s, poll.now)
    write(field.oma, [record(context, poll, broken, [])])
    field.save()
    assert "result: was 'defect', is 'ok'" in field.replay().out

    def raising(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("oma_poller.explain.replay.decide", raising)
    polls = field.replay("--json").document["polls"]
    assert polls[0]["differences"] == []


def test_no_secret_gets_into_a_file(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMA_PROGRESS_TOKEN", "s3cret-of-the-vma")
    recorded(field.oma, a_reading(50, 100))
    assert field.save().status == 0
    text = field.file.read_text()
    assert KEY in text
    assert "s3cret" not in text
    assert field.oma.url not in text
