"""Whatever reports come in whatever order: entries stay valid, go only forward, and cursors tell all."""

import json
from typing import Any

from agent_http import AgentHttp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from oma_poller.agent.server.number import wire_float
from oma_poller.agent.server.register import Limits

BYTES = st.integers(0, 300) | st.sampled_from([2**62, 2**63 - 1])
WORDS = st.sampled_from(
    ["", "Queued", "Creating Snapshot", "Transfer", "Streaming", "cleanup", "completed", "FAILED", "odd"]
)


@st.composite
def reports(draw: st.DrawFn) -> dict[str, object]:
    """Return a report in which each field may be missing; bytes never exceed the total beside them."""
    total = draw(BYTES)
    moved = min(draw(BYTES), total or 2**63 - 1)
    report = {
        "stage": draw(WORDS),
        "status": draw(WORDS),
        "bytes_transferred": moved,
        "total_bytes": total,
        "throughput_bps": draw(st.floats(0, 2**40)),
        "percent": draw(st.floats(0, 100)),
        "disk_id": draw(st.sampled_from(["a", "b", "c"])),
        "run_id": draw(st.sampled_from(["one", "two", "three"])),
        "lease_seconds": draw(st.integers(0, 20)),
        "disks_total": draw(st.integers(0, 3)),
        "error_message": "no route",
    }
    said = draw(st.sets(st.sampled_from(sorted(report))))
    return {name: value for name, value in report.items() if name in said}


HISTORIES = st.lists(st.tuples(reports(), st.floats(0, 30)), min_size=1, max_size=25)


def check_valid(entry: dict[str, Any]) -> None:
    """Check one entry by itself."""
    moved, total = entry["bytes_transferred"], entry["total_bytes"]
    assert 0 <= entry["percentage"] <= 100
    assert 0 <= moved <= 2**63 - 1
    assert total == 0 or moved <= total <= 2**63 - 1
    current, average, peak = (
        entry["throughput"][name] for name in ("current_mbps", "average_mbps", "peak_mbps")
    )
    assert 0 <= current <= peak
    assert average >= 0
    assert 0 <= entry["timing"]["eta_seconds"] < 2**31
    assert entry["timing"]["elapsed_ms"] >= entry["timing"]["phase_elapsed_ms"] >= 0
    assert [phase["name"] for phase in entry["phases"]].count(entry["phase"]) == 1
    assert entry["phases"][-1]["name"] == entry["phase"]
    assert len(entry["errors"]) <= 20
    disks = entry.get("disk_progresses", [])
    for disk in disks:
        assert 0 <= disk["percent"] <= 100
        assert disk["total_bytes"] == 0 or disk["bytes_transferred"] <= disk["total_bytes"]
    if disks:
        assert moved == sum(disk["bytes_transferred"] for disk in disks)


def check_forward(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check that nothing went back between two looks at one run."""
    assert after["bytes_transferred"] >= before["bytes_transferred"]
    assert after["throughput"]["peak_mbps"] >= before["throughput"]["peak_mbps"]
    grew = after["total_bytes"] > before["total_bytes"] or (before["total_bytes"] == 0 < after["total_bytes"])
    known = [disk["disk_id"] for disk in before.get("disk_progresses", [])]
    joined = len(after.get("disk_progresses", [])) > len(known)
    if before["bytes_transferred"] and not grew and not joined:
        assert after["percentage"] >= before["percentage"]


def run_of(agent: AgentHttp) -> object:
    """Return what stays the same within a run and changes with it."""
    entry = agent.register._ledger.get("k")
    return entry and (entry.started, entry.run_id, entry.past_runs)


@given(HISTORIES)
@settings(deadline=None)
def test_any_history_gives_valid_entries_that_never_go_back_within_a_run(
    history: list[tuple[dict[str, object], float]],
) -> None:
    agent = AgentHttp()
    before: dict[str, Any] | None = None
    run = None
    for report, pause_s in history:
        agent.clock.s += 0.001  # so that each run has a start of its own
        reply = agent.post("k", json.dumps(report).encode())
        assert reply.status in {200, 400, 409}
        if reply.status != 200 and before is not None:
            assert agent.entry("k")["bytes_transferred"] == before["bytes_transferred"]
        for wait_s in (0.0, pause_s):
            agent.clock.s += wait_s
            if agent.get("k").status == 404:
                continue
            entry = agent.entry("k")
            check_valid(entry)
            if before is not None and run_of(agent) == run:
                check_forward(before, entry)
            before, run = entry, run_of(agent)


@given(HISTORIES, st.integers(0, 24))
@settings(deadline=None, max_examples=50)
def test_a_restart_in_any_history_loses_nothing(
    history: list[tuple[dict[str, object], float]], cut: int
) -> None:
    agent, kept = AgentHttp(), AgentHttp()
    for number, (report, pause_s) in enumerate(history):
        if number == cut:
            entry = kept.register._ledger.get("k")
            now_s = kept.clock.s
            kept = AgentHttp()
            kept.clock.s = now_s
            kept.register.restore([entry] if entry else [])
        body = json.dumps({name: value for name, value in report.items() if name != "lease_seconds"}).encode()
        assert agent.post("k", body).status == kept.post("k", body).status
        for each in (agent, kept):
            each.clock.s += pause_s
        assert agent.get("k").text == kept.get("k").text


@given(st.floats(0, 1e300))
def test_a_number_on_the_wire_reads_back_the_same(value: float) -> None:
    written = wire_float(value)
    text = str(written) if isinstance(written, int) else bytes(written).decode()
    assert float(text) == value
    assert ".0" not in text[-2:]
    assert "e-0" not in text


class FollowingClient(RuleBasedStateMachine):
    """A client that follows the cursor always comes to the list that everybody sees."""

    def __init__(self) -> None:
        super().__init__()
        self.agent = AgentHttp(Limits(max_keys=6))
        self.cursor = ""
        self.held: dict[str, Any] = {}

    @rule(key=st.sampled_from("abcdefgh"), report=reports())
    def report(self, key: str, report: dict[str, object]) -> None:
        """A copier reports."""
        assert self.agent.post(key, json.dumps(report).encode()).status in {200, 400, 409, 503}

    @rule(key=st.sampled_from("abcdefgh"))
    def delete(self, key: str) -> None:
        """Somebody deletes a key."""
        assert self.agent.ask("DELETE", f"/api/v1/progress/{key}").status in {204, 404}

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        """Time passes: speeds fall, leases run out."""
        self.agent.clock.s += seconds

    @rule(limit=st.integers(1, 4))
    def follow_one_page(self, limit: int) -> None:
        """The client takes one page."""
        page = self.agent.listing(f"?since={self.cursor}&limit={limit}")
        assert len(page["entries"]) + len(page["deleted"]) <= limit
        if page["full"]:
            self.held.clear()
        for key in page["deleted"]:
            self.held.pop(key, None)
        self.held |= {entry["job_id"]: entry for entry in page["entries"]}
        self.cursor = page["cursor"]
        if page["complete"]:
            self.check_same()

    @rule()
    def follow_to_the_end(self) -> None:
        """The client takes all pages."""
        complete = False
        while not complete:
            complete = self.agent.listing(f"?since={self.cursor}&limit=2")["complete"]
            self.follow_one_page(2)

    def check_same(self) -> None:
        """Compare with the whole list, and with each entry asked for alone."""
        listed = {entry["job_id"]: entry for entry in self.agent.listing()["entries"]}
        assert self.held == listed
        assert listed == {key: self.agent.entry(key) for key in listed}

    @invariant()
    def keys_are_bounded(self) -> None:
        """Never more than allowed."""
        assert len(self.agent.listing()["entries"]) <= 6


FollowingClient.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
TestFollowingClient = FollowingClient.TestCase
