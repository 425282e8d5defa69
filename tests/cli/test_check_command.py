"""`check`: one line a finding, exit status 1 where something is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase
from scripted_vma import ScriptedVma, entry

Command = Callable[..., CommandResult]


def _marked(result: CommandResult, mark: str) -> list[str]:
    """Return the texts of the findings with that mark."""
    return [finding["text"] for finding in result.document["findings"] if finding["mark"] == mark]


def _serve(vma: ScriptedVma, *volume_ids: str) -> None:
    for key in (f"migration-vol-{volume_id}" for volume_id in volume_ids):
        vma.entries[key] = entry(key, bytes_transferred=1, total_bytes=2)


def test_all_is_well(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    command("db", "upgrade")
    oma.add_job("job-1", "v-1", "v-2")
    _serve(vma, "v-1", "v-2")
    result = command("check", "--json")
    document = result.document
    assert (result.status, document["ok"], _marked(result, "wrong")) == (0, True, [])
    assert document["configuration"]["file"] is None
    assert [given["variable"] for given in document["configuration"]["given"]] == ["VMA_PROGRESS_CLIENT_URL"]
    assert document["database"]["reachable"]
    assert document["database"]["survey"]["product"] == "SQLite"
    assert document["vmas"][0]["health"]["status"] == "healthy"
    assert document["jobs"]["active"] == 1
    assert document["jobs"]["jobs"] == [
        {
            "job_id": "job-1",
            "status": "running",
            "vma": "default",
            "mark": "ok",
            "detail": "2 of 2 keys answer",
            "answering": ["migration-vol-v-1", "migration-vol-v-2"],
            "asked": ["migration-vol-v-1", "migration-vol-v-2"],
            "shapes": ["C"],
        }
    ]


def test_a_person_reads_one_line_a_finding(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    oma.add_job("job-1", "v-1")
    _serve(vma, "v-1")
    status, out, err = command("check")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[-1] == "it would work, with 1 hint"
    assert any(line.startswith("ok     database       sqlite:///oma-poller.db is SQLite ") for line in lines)
    assert any("oma-poller db upgrade" in line for line in lines if line.startswith("hint "))
    assert "ok     jobs           1 of 1 active jobs answer; replies have the shape C" in lines


def test_a_missing_database_is_wrong_and_the_vma_is_looked_at_all_the_same(
    vma: ScriptedVma, command: Command
) -> None:
    assert not vma.entries
    result = command("check", "--json")
    assert (result.status, result.document["ok"], result.document["jobs"]) == (1, False, None)
    assert result.document["vmas"][0]["health"]["reachable"]
    [wrong] = _marked(result, "wrong")
    assert wrong.startswith("cannot be used: sqlite:///oma-poller.db does not exist")


def test_a_vma_that_is_away_is_wrong_and_its_jobs_are_not_asked_for(
    oma: OmaDatabase, no_vma: str, command: Command
) -> None:
    oma.add_job("job-1", "v-1")
    result = command("check", "--json")
    assert result.status == 1
    [wrong] = _marked(result, "wrong")
    assert wrong.startswith(f"default at {no_vma} cannot be reached: ")
    assert "job-1 (running): not asked for: its VMA default cannot be reached" in _marked(result, "hint")


def test_keys_that_the_vma_does_not_know_are_wrong(
    oma: OmaDatabase, vma: ScriptedVma, command: Command
) -> None:
    oma.add_job("job-1", "v-1", created_at="2020-01-01 00:00:00")
    oma.add_job("job-2", "v-2", created_at="2020-01-01 00:00:00", status="queued")
    _serve(vma, "v-3")
    result = command("check", "--json")
    assert result.status == 1
    assert _marked(result, "wrong") == [
        "job-1 (running): default knows none of migration-vol-v-1, job-1",
    ]
    assert "job-2 (queued): default knows none of migration-vol-v-2, job-2 yet; the job is queued" in _marked(
        result, "hint"
    )


def test_a_disk_that_the_vma_does_not_know_yet_is_a_hint(
    oma: OmaDatabase, vma: ScriptedVma, command: Command
) -> None:
    oma.add_job("job-1", "v-1", "v-2")
    _serve(vma, "v-1")
    result = command("check", "--json")
    hint = "job-1 (running): 1 of 2 keys answer; unknown to its VMA: migration-vol-v-2"
    assert (result.status, hint in _marked(result, "hint")) == (0, True)


def test_a_reply_that_cannot_be_used_is_wrong(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    oma.add_job("job-1", "v-1")
    vma.answer = lambda _key: (200, b"<html>", {})
    result = command("check", "--json")
    assert result.status == 1
    assert _marked(result, "wrong") == ["job-1 (running): not_json: not JSON: <html>"]


def test_a_bad_volume_id_is_named(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    oma.add_job("job-1", "../v")
    result = command("check", "--json")
    [wrong] = _marked(result, "wrong")
    assert (result.status, vma.asked.total()) == (1, 0)
    assert wrong.startswith("job-1 (running): volume id '../v' cannot name an NBD export")


def test_at_most_twenty_jobs_are_asked_for(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    for number in range(25):
        oma.add_job(f"job-{number:02}", f"v-{number:02}")
        _serve(vma, f"v-{number:02}")
    result = command("check", "--json")
    assert (result.status, vma.asked.total()) == (0, 20)
    assert result.document["jobs"]["active"] == 25
    assert "20 of 20 newest jobs, of 25 active ones, answer; replies have the shape C" in _marked(
        result, "ok"
    )


def test_a_missing_index_is_a_hint_with_its_ddl(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    names = oma.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%(status%'")
    for row in names:
        oma.execute(f"DROP INDEX {row['name']}")
    result = command("check", "--json")
    assert (names != [], result.status, vma.asked.total()) == (True, 0, 0)
    assert any(
        "no index on replication_jobs.status; to add: CREATE INDEX" in text
        for text in _marked(result, "hint")
    )


def test_what_is_not_there_is_told(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    oma.execute("ALTER TABLE replication_jobs DROP COLUMN vma_eta_seconds")
    oma.execute("ALTER TABLE replication_jobs DROP COLUMN total_bytes")
    result = command("check", "--json")
    assert (result.status, vma.asked.total()) == (1, 0)
    assert "required and missing: replication_jobs.total_bytes" in _marked(result, "wrong")
    assert result.document["jobs"] is None
    assert "replication_jobs.vma_eta_seconds" in result.document["database"]["survey"]["unwritten"]


@pytest.mark.usefixtures("vma")
def test_no_secret_is_shown(oma: OmaDatabase, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    oma.add_job("job-1")
    monkeypatch.setenv("VMA_PROGRESS_TOKEN", "s3cret")
    Path("oma-poller.toml").write_text(
        'oma_api_token = "s3cret"\n[[vma]]\nname="b"\nurl="http://127.0.0.1:1"\ntoken="s3cret"\n'
        'match = { datacenter = "x" }\n'
    )
    for arguments in (["check"], ["check", "--json"]):
        result = command(*arguments)
        assert "s3cret" not in result.out + result.err
        assert "VMA_PROGRESS_TOKEN" in result.out
        assert "oma-poller.toml" in result.out


def test_a_warning_of_the_settings_is_a_hint(
    vma: ScriptedVma, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMA_PROGRESS_POLL_INTERVALL", "5s")
    hints = _marked(command("check", "--json"), "hint")
    assert not vma.entries
    assert any(
        hint.startswith("VMA_PROGRESS_POLL_INTERVALL in the environment is no variable") for hint in hints
    )


def test_the_newest_jobs_are_those_that_were_made_last(
    oma: OmaDatabase, vma: ScriptedVma, command: Command
) -> None:
    for number in range(25):
        oma.add_job(f"job-{24 - number:02}", f"v-{number:02}", created_at=f"2020-01-{number + 1:02} 00:00:00")
        _serve(vma, f"v-{number:02}")
    result = command("check", "--json")
    asked = [job["job_id"] for job in result.document["jobs"]["jobs"]]
    assert asked == [f"job-{number:02}" for number in range(20)]


def test_what_may_be_written_is_told(oma: OmaDatabase, vma: ScriptedVma, command: Command) -> None:
    result = command("check", "--json")
    assert (oma.statuses(), vma.asked.total(), result.status) == ({}, 0, 0)
    assert "all that will be written may be written" in _marked(result, "ok")


def test_a_table_that_may_not_be_written_is_wrong(
    oma: OmaDatabase, vma: ScriptedVma, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"replication_jobs": "UPDATE command denied to user"}
    monkeypatch.setattr("oma_poller.cli.check_database.unwritable", lambda *_, **__: refused)
    result = command("check", "--json")
    assert (oma.statuses(), vma.asked.total(), result.status) == ({}, 0, 1)
    assert _marked(result, "wrong") == ["replication_jobs may not be written: UPDATE command denied to user"]
