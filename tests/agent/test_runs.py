"""Which run a report belongs to, and what an entry is worth over its runs."""

import pytest
from agent_http import AgentHttp

GIB = 2**30


def copying(moved_bytes: int, **more: object) -> dict[str, object]:
    """Return a report of a copy of 1 GiB."""
    report = {"stage": "Transfer", "status": "in_progress", "bytes_transferred": moved_bytes}
    return report | {"total_bytes": GIB} | more


def completed(**more: object) -> dict[str, object]:
    return copying(GIB, status="completed", percent=100) | more


def test_a_report_that_comes_late_takes_nothing_back() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(600))
    agent.report("k", **copying(500, total_bytes=510, percent=1))
    entry = agent.entry("k")
    assert (entry["bytes_transferred"], entry["total_bytes"]) == (600, GIB)


def test_a_total_below_what_was_moved_is_of_an_older_plan() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(600))
    agent.report("k", total_bytes=500)
    assert agent.entry("k")["total_bytes"] == GIB
    agent.report("k", total_bytes=1200)
    assert agent.entry("k")["percentage"] == 50


def test_a_used_key_that_copies_again_begins_a_new_run() -> None:
    agent = AgentHttp()
    agent.report("k", **completed(sync_type="initial", error_message="odd"))
    first = agent.entry("k")
    agent.clock.s += 60
    agent.report("k", stage="Transfer", status="in_progress", bytes_transferred=0)
    entry = agent.entry("k")
    assert entry["timing"]["start_time"] == "2026-11-23T15:55:24Z" != first["timing"]["start_time"]
    assert (entry["percentage"], entry["bytes_transferred"], entry["total_bytes"]) == (0, 0, 0)
    assert (entry["sync_type"], entry["errors"], entry["throughput"]["peak_mbps"]) == ("", [], 0)
    assert [phase["name"] for phase in entry["phases"]] == ["Transfer"]


@pytest.mark.parametrize(
    "last_words",
    [
        {"stage": "Finalize", "status": "Finalizing"},
        {"stage": "cleanup", "status": "in_progress"},
        {"stage": "PersistChangeIDs"},
        {"status": "Succeeded"},
        {"error_message": "the snapshot could not be removed"},
        {"bytes_transferred": 5},
        {},
    ],
)
def test_last_words_of_a_run_that_ended_begin_no_new_one(last_words: dict[str, object]) -> None:
    agent = AgentHttp()
    agent.report("k", **completed())
    agent.clock.s += 60
    agent.report("k", **last_words)
    entry = agent.entry("k")
    assert entry["status"].lower() in {"completed", "succeeded"}
    assert entry["current_operation"] == "Completed"
    assert (entry["bytes_transferred"], entry["percentage"]) == (GIB, 100)
    assert entry["timing"]["start_time"] == "2026-11-23T15:54:24Z"


def test_a_stage_alone_begins_a_new_run_where_it_is_one_of_copying() -> None:
    agent = AgentHttp()
    agent.report("k", **completed())
    agent.report("k", stage="Transfer", bytes_transferred=7, total_bytes=70)
    entry = agent.entry("k")
    assert (entry["status"], entry["bytes_transferred"]) == ("Queued", 7)


def test_another_run_id_begins_a_new_run_whatever_the_old_one_is_doing() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(600, run_id="one"))
    agent.report("k", **copying(1, run_id="two"))
    assert agent.entry("k")["bytes_transferred"] == 1


def test_a_report_without_run_id_belongs_to_the_run_that_is_there() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(600, run_id="one"))
    agent.report("k", **copying(700))
    agent.report("k", **copying(650, run_id="one"))
    assert agent.entry("k")["bytes_transferred"] == 700


def test_a_report_of_an_earlier_run_is_refused() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(600, run_id="one"))
    agent.report("k", **copying(1, run_id="two"))
    reply = agent.post("k", copying(700, run_id="one"))
    assert (reply.status, reply.text) == (409, "run 'one' was followed by another run\n")
    assert agent.entry("k")["bytes_transferred"] == 1


def test_a_report_that_overtook_the_end_of_its_run_is_refused() -> None:
    agent = AgentHttp()
    agent.report("k", **completed(run_id="one"))
    reply = agent.post("k", copying(700, run_id="one"))
    assert (reply.status, reply.text) == (
        409,
        "run 'one' has ended as completed; a new run needs another run_id\n",
    )
    agent.report("k", **completed(run_id="one"))
    assert agent.entry("k")["status"] == "completed"


def test_a_setup_percentage_gives_way_to_that_of_the_copy() -> None:
    agent = AgentHttp()
    seen = []
    for report in (
        {"stage": "Discover", "percent": 5},
        {"stage": "Creating Snapshot", "percent": 10, "total_bytes": GIB},
        {"stage": "Creating Snapshot", "percent": 7},
        copying(0),
        copying(GIB // 3),
        copying(GIB // 2, percent=50.4),
        copying(GIB // 2),
        copying(GIB // 2, percent=90),
        copying(GIB - 1, percent=100),
        completed(),
    ):
        agent.report("k", **report)
        seen.append(agent.entry("k")["percentage"])
    assert seen == [5, 10, 10, 0, 33.33, 50.4, 50.4, 50.4, 99.99, 100]


def test_a_percentage_without_a_total_is_taken_as_reported() -> None:
    agent = AgentHttp()
    agent.report("k", stage="Transfer", bytes_transferred=5, percent=12.5)
    assert agent.entry("k")["percentage"] == 12.5
    agent.report("k", stage="Transfer", bytes_transferred=6, percent=11)
    assert agent.entry("k")["percentage"] == 12.5


def test_the_copy_that_found_no_change_is_completed_at_100_percent() -> None:
    agent = AgentHttp()
    agent.report("k", stage="Transfer", status="completed", bytes_transferred=0, total_bytes=0, percent=100)
    entry = agent.entry("k")
    assert (entry["status"], entry["percentage"]) == ("completed", 100)
    assert (entry["bytes_transferred"], entry["total_bytes"]) == (0, 0)


def test_a_failure_keeps_its_numbers_and_tells_its_reason() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(GIB // 4))
    agent.report("k", status="error", bytes_transferred=0, error_message="no\nroute  to host")
    entry = agent.entry("k")
    assert (entry["status"], entry["current_operation"], entry["percentage"]) == ("error", "Failed", 25)
    assert (entry["last_error"], entry["errors"]) == ("no route to host", ["no route to host"])


def test_errors_are_bounded_in_number_and_length() -> None:
    agent = AgentHttp()
    for number in range(30):
        agent.report("k", error_message=f"{number} {'x' * 2000}")
        agent.report("k", error_message=f"{number} {'x' * 2000}")
    errors = agent.entry("k")["errors"]
    assert [error.split()[0] for error in errors] == [str(number) for number in range(10, 30)]
    assert {len(error) for error in errors} == {1000}
    assert agent.entry("k")["last_error"] == errors[-1]


def test_phases_keep_their_own_times_and_are_bounded() -> None:
    agent = AgentHttp()
    for stage in ("Discover", "Transfer", "Discover", "Transfer"):
        agent.report("k", stage=stage)
        agent.clock.s += 10
    agent.report("k", stage="Transfer", status="completed")
    entry = agent.entry("k")
    phases = [(phase["name"], phase["status"], phase["duration_ms"]) for phase in entry["phases"]]
    assert phases == [("Discover", "completed", 30_000), ("Transfer", "completed", 30_000)]
    assert entry["timing"]["phase_start"] == "2026-11-23T15:54:34Z"
    assert entry["timing"]["elapsed_ms"] == 40_000
    agent.clock.s += 100
    agent.report("k")
    assert agent.entry("k")["timing"]["elapsed_ms"] == 40_000, "an ended run's time stands still"
    for number in range(100):
        agent.report("k2", stage=f"s{number}")
    assert [phase["name"] for phase in agent.entry("k2")["phases"]] == [f"s{n}" for n in range(68, 100)]


def test_a_deleted_key_is_unknown_until_it_is_reported_again() -> None:
    agent = AgentHttp()
    agent.report("k", **copying(600))
    assert agent.ask("DELETE", "/api/v1/progress/k").status == 204
    assert agent.get("k").status == agent.ask("DELETE", "/api/v1/progress/k").status == 404
    assert agent.post("k", copying(1)).json["auto_initialized"] is True
    assert agent.entry("k")["bytes_transferred"] == 1
