"""Several disks under one key."""

from typing import Any

from agent_http import AgentHttp

FULL = {"stage": "Transfer", "status": "completed", "bytes_transferred": 100, "total_bytes": 100}


def disk(disk_id: str, moved_bytes: int, total_bytes: int = 100, **more: object) -> dict[str, object]:
    """Return a report of one disk."""
    report = {"stage": "Transfer", "status": "Streaming", "disk_id": disk_id}
    return report | {"bytes_transferred": moved_bytes, "total_bytes": total_bytes} | more


def seen(agent: AgentHttp) -> tuple[str, int, int, float]:
    """Return what the entry says of the whole."""
    entry = agent.entry("k")
    return entry["status"], entry["bytes_transferred"], entry["total_bytes"], entry["percentage"]


def disks(agent: AgentHttp) -> list[Any]:
    return [(d["disk_id"], d["status"], d["percent"]) for d in agent.entry("k")["disk_progresses"]]


def test_disks_are_summed() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 50))
    agent.report("k", **disk("b", 10, 200))
    assert seen(agent) == ("Streaming", 60, 300, 20)
    assert disks(agent) == [("a", "Streaming", 50), ("b", "Streaming", 5)]


def test_a_job_is_completed_when_all_announced_disks_are() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 100, status="completed", disks_total=2))
    assert seen(agent) == ("in_progress", 100, 100, 100)
    agent.report("k", **disk("b", 50))
    assert seen(agent) == ("Streaming", 150, 200, 75)
    agent.report("k", **disk("b", 100, status="Succeeded"))
    assert seen(agent) == ("Succeeded", 200, 200, 100)


def test_announced_disks_count_before_they_begin() -> None:
    agent = AgentHttp()
    announced = [
        {"disk_id": "a", "total_bytes": 100},
        {"disk_id": "b", "total_bytes": 300, "label": "Data"},
    ]
    agent.report("k", stage="Creating Snapshot", status="Snapshotting", percent=10, disks=announced)
    assert seen(agent) == ("Snapshotting", 0, 400, 10)
    agent.report("k", **disk("a", 100, status="completed"))
    assert seen(agent) == ("in_progress", 100, 400, 25)
    assert disks(agent) == [("a", "completed", 100), ("b", "Queued", 0)]
    assert [d["label"] for d in agent.entry("k")["disk_progresses"]] == ["Disk a", "Data"]
    agent.report("k", **disk("b", 300, 300, status="completed"))
    assert seen(agent) == ("completed", 400, 400, 100)


def test_a_completed_whole_waits_for_its_disks() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 50))
    agent.report("k", stage="Transfer", status="completed", bytes_transferred=100)
    assert seen(agent) == ("Streaming", 50, 100, 50)
    agent.report("k", **disk("a", 100, status="completed"))
    assert seen(agent) == ("completed", 100, 100, 100)
    agent.report("k", stage="Finalize", status="Finalizing")
    assert seen(agent)[0] == "completed"


def test_announced_disks_that_never_report_keep_the_whole_from_completing() -> None:
    agent = AgentHttp()
    agent.report("k", **FULL, disks_total=2)
    assert seen(agent) == ("in_progress", 100, 100, 100)


def test_one_more_disk_reopens_a_run_that_announced_none() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 100, status="completed"))
    assert seen(agent)[0] == "completed"
    agent.clock.s += 60
    agent.report("k", **disk("b", 0))
    assert seen(agent) == ("Streaming", 100, 200, 50)
    assert agent.entry("k")["timing"]["start_time"] == "2026-11-23T15:54:24Z"


def test_a_disk_that_copies_again_after_the_end_begins_a_new_run() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 100, status="completed"))
    agent.report("k", **disk("b", 100, status="completed"))
    agent.report("k", **disk("b", 5))
    assert seen(agent) == ("Streaming", 5, 100, 5)
    assert disks(agent) == [("b", "Streaming", 5)]


def test_a_completed_disk_stays_completed_while_others_go_on() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 100, status="completed", disks_total=2))
    agent.report("k", **disk("a", 40))
    assert disks(agent) == [("a", "completed", 100)]


def test_a_run_has_failed_as_soon_as_one_disk_has() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 10))
    agent.report("k", **disk("b", 20, status="failed", error_message="target full"))
    agent.report("k", **disk("a", 30))
    agent.report("k", **disk("a", 100, status="completed"))
    assert seen(agent) == ("failed", 120, 200, 60)
    assert agent.entry("k")["last_error"] == "disk b: target full"
    assert disks(agent) == [("a", "completed", 100), ("b", "failed", 20)]


def test_a_run_that_failed_does_not_go_back_to_work() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 10, status="failed", disks_total=2))
    agent.report("k", **disk("a", 10, status="completed"))
    assert seen(agent)[0] == "failed"
    agent.report("k", **disk("a", 10))
    assert seen(agent) == ("Streaming", 10, 100, 10)


def test_a_run_reports_by_disk_or_as_a_whole_but_not_both() -> None:
    agent = AgentHttp()
    agent.report("k", stage="Transfer", bytes_transferred=5)
    reply = agent.post("k", disk("a", 10))
    assert reply.status == 400
    assert reply.text == (
        "this run has reported bytes without disk_id; to report by disk begin another run (run_id)\n"
    )
    agent.report("k", **disk("a", 10, run_id="two"))
    agent.report("k", stage="Transfer", status="running", bytes_transferred=99, total_bytes=1000)
    assert seen(agent) == ("running", 10, 1000, 1)


def test_a_disk_that_waits_does_not_hold_back_the_stage_of_those_that_copy() -> None:
    agent = AgentHttp()
    agent.report("k", stage="Discover", status="Queued", disk_id="a")
    assert (agent.entry("k")["status"], agent.entry("k")["phase"]) == ("Queued", "Discover")
    agent.report("k", **disk("a", 0))
    agent.report("k", stage="PrepareVolumes", status="Queued", disk_id="b", total_bytes=100)
    assert (agent.entry("k")["status"], agent.entry("k")["phase"]) == ("Streaming", "Transfer")
    agent.report("k", **disk("a", 100, status="completed"))
    agent.report("k", stage="Creating Snapshot", status="Snapshotting", disk_id="b")
    assert (agent.entry("k")["status"], agent.entry("k")["phase"]) == ("Snapshotting", "Creating Snapshot")


def test_totals_that_are_not_known_yet_never_make_bytes_exceed_the_total() -> None:
    agent = AgentHttp()
    agent.report("k", stage="Transfer", disk_id="a", bytes_transferred=50, percent=40)
    agent.report("k", stage="Transfer", disk_id="b", bytes_transferred=10, percent=20)
    assert seen(agent) == ("Queued", 60, 0, 30)
    agent.report("k", disk_id="b", total_bytes=20)
    assert seen(agent) == ("Queued", 60, 70, 85.71)
    agent.report("k", disks=[{"disk_id": "a", "total_bytes": 30}])
    assert seen(agent)[2] == 70, "an announced total below what was moved is not taken"


def test_the_sum_of_all_disks_stays_a_number_that_fits() -> None:
    agent = AgentHttp()
    agent.report("k", **disk("a", 1, 2**63 - 1))
    reply = agent.post("k", disk("b", 1, 2**63 - 1))
    assert reply.text == "the bytes of all disks together are more than 9223372036854775807\n"
    assert seen(agent)[2] == 2**63 - 1


def test_disks_are_bounded() -> None:
    agent = AgentHttp()
    agent.report("k", disks=[{"disk_id": str(number)} for number in range(256)])
    assert agent.post("k", disk("one more", 1)).text == "257 disks under one key, allowed are 256\n"
