"""Starting and stopping the polling of a job by a call, at the real program; and how it says it polls."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_world import ApiWorld, api_world, moves, path_of, sqlite_oma, volume_of
from patience import until
from scripted_vma import ScriptedVma

from oma_poller import __version__


def export_of(job_id: str) -> str:
    """Return the export of a job's one disk."""
    return f"migration-vol-{volume_of(job_id)}"


POLLED = "it is polled at once, or as soon as its VMA can be reached"
STARTS = [("/api/test/start-polling/", ""), ("/api/v1/polling/", "/start")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    """Return a program that watches one job that moves."""
    oma = sqlite_oma(tmp_path)
    oma.add_job("job-1", volume_of("job-1"))
    vma = ScriptedVma()
    moves(vma, "job-1", 250)
    with api_world(tmp_path, oma, vma, VMA_PROGRESS_MAX_ERRORS="1") as made:
        yield made


@pytest.mark.parametrize("path", STARTS)
def test_a_parked_job_is_polled_again_when_it_is_started(world: ApiWorld, path: tuple[str, str]) -> None:
    world.vma.answer = lambda _: (500, b"", {})
    world.wait_for("job-1", observation="parked")
    world.vma.answer = None
    world.moves("job-1", 500)
    answer = world.ask(path_of("job-1", *path), "POST")
    assert answer.status == 202
    assert answer.document == {"job_id": "job-1", "state": "started", "detail": POLLED}
    world.wait_for("job-1", observation="fresh", percent=50, stopped=False)


def test_a_stopped_job_is_asked_for_no_more_until_it_is_started(world: ApiWorld) -> None:
    world.wait_for("job-1", percent=25)
    stop, start = (
        path_of("job-1", "/api/v1/polling/", "/stop"),
        path_of("job-1", "/api/v1/polling/", "/start"),
    )
    answer = world.ask(stop, "POST")
    detail = "it is polled no more until it is started"
    assert (answer.status, answer.document) == (
        202,
        {"job_id": "job-1", "state": "stopped", "detail": detail},
    )
    assert "stopped by hand" in world.wait_for("job-1", observation="parked", stopped=True)["reason"]
    assert world.ask("/api/v1/progress/job-1").document["polling"]["stopped"]
    asked = world.vma.asked[export_of("job-1")]
    world.moves("job-2", 1)  # another job is polled meanwhile: time goes by
    world.oma.add_job("job-2", volume_of("job-2"))
    until(lambda: world.vma.asked[export_of("job-2")] > 5, "polls of the other job")
    assert world.vma.asked[export_of("job-1")] == asked
    assert world.ask(stop, "POST").status == 202  # and again
    assert world.ask(start, "POST").status == 202
    world.moves("job-1", 500)
    world.wait_for("job-1", percent=50, stopped=False)


def test_a_job_that_is_in_no_row_can_be_neither_started_nor_stopped(world: ApiWorld) -> None:
    for path in (*STARTS, ("/api/v1/polling/", "/stop")):
        answer = world.ask(path_of("job-9", *path), "POST")
        assert (answer.status, answer.detail) == (404, "job 'job-9' is not in replication_jobs")


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_job_that_is_over_can_be_neither_started_nor_stopped(world: ApiWorld, status: str) -> None:
    world.oma.add_job("job-3", volume_of("job-3"), status=status)
    for path in (*STARTS, ("/api/v1/polling/", "/stop")):
        answer = world.ask(path_of("job-3", *path), "POST")
        assert (answer.status, answer.detail) == (409, f"job 'job-3' is over: its status is {status}")
    assert world.oma.job("job-3")["status"] == status


def test_a_job_that_is_not_active_yet_cannot_be_started_and_is_told_what_is(world: ApiWorld) -> None:
    world.oma.add_job("job-3", volume_of("job-3"), status="pending")
    for path in (*STARTS, ("/api/v1/polling/", "/stop")):
        answer = world.ask(path_of("job-3", *path), "POST")
        assert answer.status == 409
        assert answer.detail == (
            "job 'job-3' is not active: its status is pending; active are queued, replicating, running"
        )


def test_a_job_that_is_new_in_the_database_is_taken_up_when_it_is_started(tmp_path: Path) -> None:
    oma = sqlite_oma(tmp_path)
    with api_world(tmp_path, oma, ScriptedVma(), VMA_PROGRESS_DISCOVERY_INTERVAL="1h") as world:
        until(lambda: world.ask("/readyz").status == 200, "the first look at the database")
        oma.add_job("job-1", volume_of("job-1"))
        stop = world.ask("/api/v1/polling/job-1/stop", "POST")
        assert stop.status in {202, 409}
        world.moves("job-1", 250)
        answer = world.ask("/api/test/start-polling/job-1", "POST")
        assert (answer.status, answer.document["state"]) == (202, "started")
        world.wait_for("job-1", percent=25)


def test_the_program_tells_how_it_polls(world: ApiWorld) -> None:
    world.oma.add_job("job-2", volume_of("job-2"), source_vm_name="<b>")
    world.wait_for("job-1", percent=25, total_bytes=1000)
    world.wait_for("job-2", observation="parked")
    told = world.ask("/api/v1/polling").document
    assert (told["running"], told["waiting"], told["version"]) == (True, False, __version__)
    assert (told["interval_seconds"], told["active_jobs"], told["max_concurrent"]) == (0.05, 2, 10)
    assert told["observations"] == {"fresh": 1, "parked": 1}
    assert told["states"] == {"replicating": 1, "queued": 1}
    assert told["polls"]["ok"] > 0
    assert told["database"] == {"up": True, "since": None, "detail": None, "pending_rows": 0}
    assert [(vma["name"], vma["up"], vma["since"]) for vma in told["vmas"]] == [("default", True, None)]
    assert told["totals"]["bytes_transferred"] == 250
    assert told["totals"]["total_bytes"] == 1000


def test_a_vma_that_is_away_is_told_with_since_when_and_why(tmp_path: Path) -> None:
    oma = sqlite_oma(tmp_path)
    oma.add_job("job-1", volume_of("job-1"))
    nobody = {"VMA_PROGRESS_CLIENT_URL": "http://127.0.0.1:1"}
    with api_world(tmp_path, oma, ScriptedVma(), **nobody) as world:
        world.wait_for("job-1", observation="blind")
        vma = world.ask("/api/v1/polling").document["vmas"][0]
        assert (vma["name"], vma["url"], vma["up"], vma["jobs"]) == (
            "default",
            "http://127.0.0.1:1",
            False,
            1,
        )
        assert vma["since"].endswith("Z")
        assert vma["detail"]


def test_a_poller_that_waits_for_another_says_so_and_claims_nothing(world: ApiWorld, tmp_path: Path) -> None:
    world.wait_for("job-1", percent=25)
    with api_world(tmp_path, world.oma, world.vma) as second:
        until(lambda: second.ask("/api/v1/polling").document["waiting"], "the second poller to wait")
        state = second.ask("/api/v1/polling").document
        assert (state["running"], state["active_jobs"]) == (False, 0)
        assert state["database"]["up"] is True
        assert [vma["up"] for vma in state["vmas"]] == [None]
        for path in (path_of("job-1", *STARTS[1]), path_of("job-1", "/api/v1/polling/", "/stop")):
            answer = second.ask(path, "POST")
            assert (answer.status, answer.detail) == (
                503,
                "another poller is at work on this database, and this one polls nothing; ask that one",
            )
        metrics = second.ask("/metrics").body.decode()
        assert "oma_poller_db_up 1.0" in metrics
        assert "oma_poller_waiting_for_rival 1.0" in metrics
        assert "oma_poller_vma_up{" not in metrics


def test_an_end_that_the_oma_was_quicker_with_is_not_shown_as_the_vmas(world: ApiWorld) -> None:
    world.wait_for("job-1", percent=25)
    shown: list[str] = []
    world.oma.execute("UPDATE replication_jobs SET status = 'cancelled' WHERE id = 'job-1'")
    moves(world.vma, "job-1", 1000, status="completed")

    def look() -> bool:
        answer = world.ask("/api/v1/progress/job-1")
        if answer.status == 200:
            shown.append(answer.document["job"]["status"])
        return answer.status == 404

    until(look, "the job to leave")
    assert "completed" not in shown
