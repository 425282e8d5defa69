"""The events of the real program: what a reader outside is told, and when it comes back."""

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from api_world import QUICK, ApiWorld, api_world, moves, path_of, sqlite_oma, volume_of
from event_reader import EventReader
from oma_database import OmaDatabase
from patience import until
from poller_process import running
from scripted_vma import ScriptedVma, serving

HOSTILE = '<script>alert("1")</script>\n\nevent: left'


@pytest.fixture
def oma(tmp_path: Path) -> OmaDatabase:
    """Return an OMA with two jobs."""
    made = sqlite_oma(tmp_path)
    made.add_job("job-1", volume_of("job-1"), source_vm_name=HOSTILE)
    made.add_job("job-2", volume_of("job-2"))
    return made


@pytest.fixture
def world(tmp_path: Path, oma: OmaDatabase) -> Iterator[ApiWorld]:
    """Return a program that watches them; the first moves."""
    with api_world(tmp_path, oma, ScriptedVma()) as made:
        made.moves("job-1", 250)
        made.moves("job-2", 100)
        made.wait_for("job-1", percent=25)
        made.wait_for("job-2", percent=10)
        yield made


def test_a_change_is_told_after_the_commit_with_the_whole_row(world: ApiWorld) -> None:
    with EventReader(world.url) as reader:
        hello = reader.wait_for("hello")
        assert hello.data["interval_seconds"] == 0.05
        assert hello.id.startswith(hello.data["epoch"])
        world.moves("job-1", 500)
        told = reader.wait_for("progress", lambda row: row["percent"] == 50)
        assert int(world.oma.job("job-1")["bytes_transferred"]) >= 500
        assert told.data["job_id"] == "job-1"
        assert set(told.data) == set(world.row("job-1"))


def test_a_vm_called_script_is_text_in_one_line_of_json(world: ApiWorld) -> None:
    with EventReader(world.url) as reader:
        reader.wait_for("hello")
        world.moves("job-1", 500)
        told = reader.wait_for("progress", lambda row: row["percent"] == 50)
        assert told.data["name"] == HOSTILE
        assert reader.of("left") == []


def test_the_end_of_a_job_is_told_by_its_state_and_by_its_last_row(world: ApiWorld) -> None:
    with EventReader(world.url) as reader:
        reader.wait_for("hello")
        world.moves("job-1", 1000, status="completed", phase="Completed", percentage=100)
        left = reader.wait_for("left", lambda row: row["job_id"] == "job-1")
        assert (left.data["status"], left.data["percent"]) == ("completed", 100)
        world.oma.execute("UPDATE replication_jobs SET status = 'cancelled' WHERE id = 'job-2'")
        reader.wait_for("left", lambda row: row["job_id"] == "job-2")


def test_stop_and_start_by_hand_are_told(world: ApiWorld) -> None:
    with EventReader(world.url) as reader:
        reader.wait_for("hello")
        assert world.ask(path_of("job-1", "/api/v1/polling/", "/stop"), "POST").status == 202
        parked = reader.wait_for("observation", lambda row: row["stopped"])
        assert (parked.data["job_id"], parked.data["observation"]) == ("job-1", "parked")
        assert world.ask(path_of("job-1", "/api/v1/polling/", "/start"), "POST").status == 202
        reader.wait_for("observation", lambda row: not row["stopped"] and row["observation"] == "fresh")


def test_a_reader_may_follow_some_jobs_only(world: ApiWorld) -> None:
    with EventReader(world.url, "?job_id=job-2&job_id=job-3") as reader, EventReader(world.url) as other:
        reader.wait_for("hello")
        other.wait_for("hello")
        world.moves("job-1", 500)
        other.wait_for("progress", lambda row: row["percent"] == 50)
        world.moves("job-2", 700)
        reader.wait_for("progress", lambda row: row["percent"] == 70)
        assert {event.data["job_id"] for event in reader.of("progress", "state", "observation")} == {"job-2"}


def test_who_comes_back_gets_what_was_missed_each_job_once_and_nothing_twice(world: ApiWorld) -> None:
    with EventReader(world.url) as reader:
        reader.wait_for("hello")
        world.moves("job-1", 300)
        reader.wait_for("progress", lambda row: row["percent"] == 30)
        until(lambda: reader.last_event_id > reader.events[0].id, "the id of the change")
        last = reader.last_event_id
    for moved in (400, 500, 600):
        world.moves("job-1", moved)
        world.wait_for("job-1", percent=moved / 10)
    with EventReader(world.url, last_event_id=last) as back:
        back.wait_for("progress", lambda row: row["percent"] == 60)
        assert back.of("hello")[0].id == ""
        assert back.of("reset") == []
        missed = [event.data["percent"] for event in back.of("progress") if event.data["job_id"] == "job-1"]
        assert missed[0] == 60
        until(lambda: back.last_event_id != last, "the id of what was missed")
        last = back.last_event_id
    with EventReader(world.url, last_event_id=last) as again:
        again.wait_for("hello")
        world.moves("job-2", 900)
        again.wait_for("progress", lambda row: row["job_id"] == "job-2" and row["percent"] == 90)
        known = [event.data for event in back.of("progress", "state", "observation")]
        assert [event for event in again.of("progress", "state", "observation") if event.data in known] == []


@pytest.mark.parametrize("last", ["nonsense", "a-b-c", "0123456789ab-1", "-", "x" * 500, "\u00b2-\u00b2"])
def test_an_id_that_was_never_given_leads_to_a_reset(world: ApiWorld, last: str) -> None:
    with EventReader(world.url, last_event_id=last.encode().decode("latin-1")) as reader:
        reset = reader.wait_for("reset")
        assert (reset.data, reset.id.split("-")[0]) == ({}, reader.of("hello")[0].data["epoch"])
        world.moves("job-1", 500)
        reader.wait_for("progress", lambda row: row["percent"] == 50)


def test_the_database_is_told_when_it_goes_and_comes(world: ApiWorld) -> None:
    file = Path(world.oma.address.name)
    with EventReader(world.url) as reader:
        assert reader.wait_for("service").data["database"]["up"] is True
        file.rename(file.with_suffix(".gone"))
        file.mkdir()  # nothing that can be opened as a database
        away = reader.wait_for("service", lambda told: not told["database"]["up"])
        assert away.data["database"]["detail"]
        file.rmdir()
        file.with_suffix(".gone").rename(file)
        until(lambda: reader.of("service")[-1].data["database"]["up"], "the database back")


def test_a_vma_is_told_when_it_goes_and_comes_and_how_its_jobs_are_seen(
    tmp_path: Path, oma: OmaDatabase
) -> None:
    vma, settings = ScriptedVma(), QUICK | {"OMA_DATABASE_URL": oma.url}
    with ExitStack() as stack:
        first = ExitStack()
        vma_url = first.enter_context(serving(vma))
        moves(vma, "job-1", 250)
        settings["VMA_PROGRESS_CLIENT_URL"] = vma_url
        with first:
            world = ApiWorld(oma, vma, stack.enter_context(running(tmp_path, settings)))
            world.wait_for("job-1", percent=25)
            reader = stack.enter_context(EventReader(world.url))
            assert reader.wait_for("vma").data["up"] is True
        gone = reader.wait_for("vma", lambda told: not told["up"])
        assert (gone.data["url"], gone.data["jobs"]) == (vma_url, 2)
        assert gone.data["detail"]
        assert gone.data["since"]
        blind = reader.wait_for("observation", lambda row: row["observation"] == "blind")
        assert blind.data["vma"] == gone.data["name"]
        moves(vma, "job-1", 500)
        stack.enter_context(serving(vma, int(vma_url.rpartition(":")[2])))
        until(lambda: reader.of("vma")[-1].data["up"], "the VMA back")
        reader.wait_for("progress", lambda row: row["job_id"] == "job-1" and row["percent"] == 50)


def _has_moved(moved: int, row: dict[str, object]) -> bool:
    return row["percent"] == moved / 10


def test_a_slow_reader_holds_up_nobody_and_gets_the_newest_values(world: ApiWorld) -> None:
    slow = EventReader(world.url, buffer_bytes=4096)
    with EventReader(world.url) as quick:
        for moved in range(300, 400, 5):
            world.moves("job-1", moved)
            quick.wait_for("progress", partial(_has_moved, moved))
    with slow:
        slow.wait_for("progress", lambda row: row["percent"] == 39.5)


def test_sigterm_ends_the_program_at_once_though_twenty_readers_are_there(world: ApiWorld) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(EventReader(world.url)) for _ in range(20)]
        for reader in readers:
            reader.wait_for("hello")
        before = len(world.poller.lines)
        assert world.poller.stop(signal.SIGTERM) == 0
        until(lambda: all(reader.ended for reader in readers), "the whole end of each stream")
    levels = {str(line["level"]).upper() for line in world.poller.lines[before:]}
    assert not levels & {logging.getLevelName(level) for level in (logging.WARNING, logging.ERROR)}
    assert [line for line in world.poller.output if not line.startswith("{")] == []


def test_a_job_stopped_by_hand_stays_so_after_a_restart_and_readers_start_afresh(
    tmp_path: Path, oma: OmaDatabase
) -> None:
    vma = ScriptedVma()
    with serving(vma) as vma_url:
        settings = QUICK | {"OMA_DATABASE_URL": oma.url, "VMA_PROGRESS_CLIENT_URL": vma_url}
        with running(tmp_path, settings) as first:
            world = ApiWorld(oma, vma, first)
            world.moves("job-1", 250)
            world.wait_for("job-1", percent=25)
            with EventReader(world.url) as reader:
                reader.wait_for("hello")
                assert world.ask(path_of("job-1", "/api/v1/polling/", "/stop"), "POST").status == 202
                reader.wait_for("observation", lambda row: row["stopped"])
                last = reader.last_event_id
            assert first.stop() == 0
        asked = vma.asked[f"migration-vol-{volume_of('job-1')}"]
        world.moves("job-1", 500)
        world.moves("job-2", 700)
        with running(tmp_path, settings) as second:
            world = ApiWorld(oma, vma, second)
            with EventReader(world.url, last_event_id=last) as reader:
                reader.wait_for("reset")
                world.wait_for("job-2", percent=70)
                row = world.wait_for("job-1", stopped=True, observation="parked")
                assert row["percent"] == 25
                assert vma.asked[f"migration-vol-{volume_of('job-1')}"] == asked
                assert world.ask(path_of("job-1", "/api/v1/polling/", "/start"), "POST").status == 202
                reader.wait_for("progress", lambda row: row["job_id"] == "job-1" and row["percent"] == 50)
