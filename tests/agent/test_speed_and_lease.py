"""Speeds that are measured, and copiers that fall silent."""

from typing import Any

import pytest
from agent_http import AgentHttp

from oma_poller.agent.server.register import Limits

MIB = 2**20


def step(agent: AgentHttp, seconds: float, moved_mib: int, **more: object) -> Any:  # noqa: ANN401 - JSON
    """Let time pass, report, return the entry."""
    agent.clock.s += seconds
    report = {"stage": "Transfer", "status": "running", "bytes_transferred": moved_mib * MIB}
    agent.report("k", **report | {"total_bytes": 1000 * MIB} | more)
    return agent.entry("k")


def speeds(entry: Any) -> tuple[float, float, float]:  # noqa: ANN401 - JSON
    throughput = entry["throughput"]
    return throughput["current_mbps"], throughput["average_mbps"], throughput["peak_mbps"]


def test_current_average_and_peak_are_three_measured_numbers() -> None:
    agent = AgentHttp()
    assert speeds(step(agent, 0, 0, throughput_bps=7 * MIB)) == (7, 7, 7), "the copier's, until measured"
    assert speeds(step(agent, 2, 100, throughput_bps=7 * MIB)) == (50, 50, 50)
    assert speeds(step(agent, 2, 120)) == (30, 30, 50)
    entry = step(agent, 10, 140)
    assert speeds(entry) == (2, 10, 50)
    assert entry["timing"]["eta_seconds"] == 430


def test_the_current_speed_is_that_of_the_last_ten_seconds() -> None:
    agent = AgentHttp()
    for second in range(20):
        step(agent, 1, second * 10)
    for _ in range(9):
        entry = step(agent, 1, 190)
    assert speeds(entry)[0] == pytest.approx(1)
    assert speeds(step(agent, 1, 190)) == pytest.approx((0, 190 / 29, 10))


def test_setup_time_does_not_count_into_the_average() -> None:
    agent = AgentHttp()
    step(agent, 0, 0, stage="Creating Snapshot")
    step(agent, 300, 0)
    assert speeds(step(agent, 10, 100))[1] == 10


def test_bytes_of_before_the_first_report_are_no_speed() -> None:
    agent = AgentHttp()
    step(agent, 0, 500)
    assert speeds(step(agent, 5, 510)) == (2, 2, 2)


def test_reports_in_a_burst_measure_nothing_and_hold_few_samples() -> None:
    agent = AgentHttp()
    step(agent, 0, 0)
    for count in range(2000):
        entry = step(agent, 0.01, count // 20)
    assert speeds(entry)[0] == pytest.approx(5, rel=0.2)
    kept = agent.register._ledger.get("k")
    assert kept is not None
    assert len(kept.whole.meter.samples) <= 22


def test_speed_and_eta_fall_to_0_when_nothing_comes() -> None:
    agent = AgentHttp()
    step(agent, 0, 0)
    entry = step(agent, 2, 100)
    assert (speeds(entry)[0], entry["timing"]["eta_seconds"]) == (50, 18)
    agent.clock.s += 9.9
    assert agent.entry("k") == entry
    agent.clock.s += 0.2
    later = agent.entry("k")
    assert speeds(later) == (0, 50, 50)
    assert later["timing"]["eta_seconds"] == 0
    assert later["timing"]["last_update"] == entry["timing"]["last_update"]


def test_a_copier_that_reports_rarely_is_given_three_gaps_but_not_more_than_two_minutes() -> None:
    agent = AgentHttp()
    step(agent, 0, 0)
    step(agent, 20, 100)
    agent.clock.s += 59
    assert speeds(agent.entry("k"))[0] == 5
    agent.clock.s += 1
    assert speeds(agent.entry("k"))[0] == 0
    step(agent, 1000, 200)
    agent.clock.s += 121
    assert speeds(agent.entry("k"))[0] == 0


def test_a_run_that_ended_has_no_current_speed() -> None:
    agent = AgentHttp()
    step(agent, 0, 0)
    step(agent, 2, 100)
    entry = step(agent, 2, 1000, status="completed")
    assert speeds(entry) == (0, 250, 250)


def test_the_time_left_is_at_least_a_second_and_never_beyond_reason() -> None:
    agent = AgentHttp()
    assert step(agent, 0, 999, throughput_bps=900 * MIB)["timing"]["eta_seconds"] == 1
    agent.report("e", stage="Transfer", bytes_transferred=1, total_bytes=2**62, throughput_bps=1)
    assert agent.entry("e")["timing"]["eta_seconds"] == 0


def test_a_lease_that_is_not_renewed_shows_the_run_as_stalled() -> None:
    agent = AgentHttp()
    step(agent, 0, 0, lease_seconds=30)
    entry = step(agent, 5, 10)
    agent.clock.s += 29
    assert agent.entry("k")["status"] == "running"
    agent.clock.s += 1
    stalled = agent.entry("k")
    assert (stalled["status"], stalled["phase"]) == ("stalled", "Transfer")
    assert stalled["last_error"] == "no report since 2026-11-23T15:54:29Z; the copier's lease of 30 s ran out"
    assert stalled["timing"]["last_update"] == entry["timing"]["last_update"]
    assert (stalled["bytes_transferred"], speeds(stalled)[0]) == (10 * MIB, 0)
    assert agent.ask("GET", "/api/v1/status/k").json == {
        "key": "k",
        "status": "stalled",
        "phase": "Transfer",
        "percent": 1,
        "bytes_transferred": 10 * MIB,
        "total_bytes": 1000 * MIB,
        "stalled": True,
    }


def test_a_later_report_revives_a_stalled_run() -> None:
    agent = AgentHttp()
    step(agent, 0, 10, lease_seconds=5)
    agent.clock.s += 60
    assert agent.entry("k")["status"] == "stalled"
    entry = step(agent, 1, 20)
    assert (entry["status"], entry["last_error"], entry["bytes_transferred"]) == ("running", None, 20 * MIB)
    assert entry["timing"]["start_time"] == "2026-11-23T15:54:24Z"
    agent.clock.s += 5
    assert agent.entry("k")["status"] == "stalled", "the lease holds for the next report too"


def test_a_lease_can_be_taken_away_and_ends_with_its_run() -> None:
    agent = AgentHttp()
    step(agent, 0, 10, lease_seconds=5)
    step(agent, 1, 10, lease_seconds=0)
    agent.clock.s += 1000
    assert agent.entry("k")["status"] == "running"
    step(agent, 1, 10, lease_seconds=5)
    step(agent, 1, 1000, status="completed")
    agent.clock.s += 1000
    assert agent.entry("k")["status"] == "completed"


def test_the_server_may_give_a_lease_to_runs_that_name_none() -> None:
    agent = AgentHttp(Limits(lease_s=60))
    step(agent, 0, 10)
    agent.clock.s += 60
    assert agent.entry("k")["status"] == "stalled"
