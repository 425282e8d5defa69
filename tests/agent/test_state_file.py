"""What survives the server, and what happens where the disk does not play along."""

import sqlite3
from pathlib import Path

import pytest
from agent_http import AgentHttp

from oma_poller.agent.server.entry import Entry
from oma_poller.agent.server.moment import Moment
from oma_poller.agent.server.register import Limits
from oma_poller.agent.server.state_file import StateFile, StateFileError

RUNNING = {"stage": "Transfer", "status": "running", "total_bytes": 1000}


def reopened(path: Path, at_s: float, limits: Limits | None = None) -> tuple[AgentHttp, StateFile]:
    """Return a server in a later life."""
    state = StateFile(path)
    agent = AgentHttp(limits, state)
    agent.clock.s = at_s
    agent.register.restore(state.load())
    return agent, state


def test_entries_are_the_same_in_the_next_life(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    agent = AgentHttp(state=state)
    agent.report("a", **RUNNING, bytes_transferred=5, run_id="one", sync_type="initial")
    agent.report("d", **RUNNING, bytes_transferred=5, disk_id="2000", disks_total=2, error_message="odd")
    agent.clock.s += 3
    agent.report("a", bytes_transferred=50)
    agent.report("gone", **RUNNING)
    agent.ask("DELETE", "/api/v1/progress/gone")
    before = [agent.get(key).text for key in "ad"]
    state.close()
    later, state = reopened(tmp_path / "state.db", agent.clock.s)
    assert [later.get(key).text for key in "ad"] == before
    assert later.get("gone").status == 404
    assert later.post("a", RUNNING | {"run_id": "one", "bytes_transferred": 60}).json == {
        "job_id": "a",
        "status": "success",
    }
    state.close()


def test_speed_is_measured_across_a_restart_over_real_time(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    agent = AgentHttp(state=state)
    for moved in (0, 100):
        agent.report("a", stage="Transfer", bytes_transferred=moved * 2**20)
        agent.clock.s += 2
    state.close()
    later, state = reopened(tmp_path / "state.db", agent.clock.s + 18)
    assert later.entry("a")["throughput"]["current_mbps"] == 0
    later.report("a", stage="Transfer", bytes_transferred=300 * 2**20)
    assert later.entry("a")["throughput"] | {"last_update": ""} == {
        "current_mbps": 10,
        "average_mbps": pytest.approx(300 / 22),
        "peak_mbps": 50,
        "last_update": "",
    }
    state.close()


def test_a_clock_that_was_set_back_measures_anew(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    agent = AgentHttp(state=state)
    for moved in (0, 100):
        agent.report("a", stage="Transfer", bytes_transferred=moved * 2**20, lease_seconds=30)
        agent.clock.s += 2
    state.close()
    later, state = reopened(tmp_path / "state.db", agent.clock.s - 3600)
    assert later.entry("a")["throughput"]["current_mbps"] == 0
    for moved in (110, 120):
        later.report("a", stage="Transfer", bytes_transferred=moved * 2**20)
        later.clock.s += 2
    entry = later.entry("a")
    assert (entry["throughput"]["current_mbps"], entry["timing"]["elapsed_ms"]) == (5, 0)
    later.clock.s += 28
    assert later.entry("a")["status"] == "stalled"
    state.close()


def test_a_lease_does_not_run_out_while_nobody_could_renew_it(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    agent = AgentHttp(state=state)
    agent.report("a", **RUNNING, lease_seconds=30)
    state.close()
    later, state = reopened(tmp_path / "state.db", agent.clock.s + 3600)
    assert later.entry("a")["status"] == "running"
    later.clock.s += 30
    assert later.entry("a")["status"] == "stalled"
    state.close()


def test_an_evicted_key_does_not_come_back(tmp_path: Path) -> None:
    limits = Limits(max_keys=2)
    state = StateFile(tmp_path / "state.db")
    agent = AgentHttp(limits, state)
    for key in "abc":
        agent.report(key, stage="Transfer", status="completed")
    state.close()
    later, state = reopened(tmp_path / "state.db", agent.clock.s, limits)
    assert [later.get(key).status for key in "abc"] == [404, 200, 200]
    state.close()


def test_more_keys_than_a_smaller_bound_allows_give_way_to_new_ones(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    agent = AgentHttp(state=state)
    for key in "abcd":
        agent.report(key, stage="Transfer", status="completed")
    state.close()
    later, state = reopened(tmp_path / "state.db", agent.clock.s, Limits(max_keys=2))
    later.report("e", **RUNNING)
    assert sorted(entry["job_id"] for entry in later.listing()["entries"]) == ["d", "e"]
    assert sorted(entry.key for entry in state.load()) == ["d", "e"]
    state.close()


class BrokenState:
    """A disk that is full until told otherwise."""

    def __init__(self) -> None:
        self.broken = False

    def save(self, entry: Entry, evicted: tuple[str, ...]) -> None:
        """Fail to write."""
        if self.broken:
            raise StateFileError(f"state file x cannot be written: {entry.key} {evicted}")

    def remove(self, key: str) -> None:
        """Fail to write."""
        if self.broken:
            raise StateFileError(f"state file x cannot be written: {key}")


def test_a_report_that_could_not_be_kept_is_not_acknowledged_and_changes_nothing() -> None:
    state = BrokenState()
    agent = AgentHttp(state=state)
    agent.report("a", **RUNNING, bytes_transferred=5)
    before = agent.get("a")
    state.broken = True
    reply = agent.post("a", RUNNING | {"bytes_transferred": 6})
    assert (reply.status, reply.text) == (503, "state file x cannot be written: a ()\n")
    assert agent.ask("DELETE", "/api/v1/progress/a").status == 503
    assert agent.get("a") == before
    health = agent.ask("GET", "/api/v1/health").json
    assert (health["status"], health["reason"]) == ("degraded", "state file x cannot be written: a")
    state.broken = False
    agent.report("a", bytes_transferred=6)
    assert agent.ask("GET", "/api/v1/health").json["status"] == "healthy"


def test_a_full_disk_is_one_line_and_the_file_stays_good(tmp_path: Path) -> None:
    moment = Moment(1.0, 1.0)
    entry = Entry("a", moment, moment, 1.0)
    state = StateFile(tmp_path / "state.db")
    state.save(entry, ())
    state._database.execute("PRAGMA max_page_count = 1")
    big = Entry("b", moment, moment, 1.0, errors=("x" * 100_000,))
    with pytest.raises(StateFileError, match="cannot be written: database or disk is full"):
        state.save(big, ())
    with pytest.raises(StateFileError, match="cannot be written: database or disk is full"):
        state.save(big, ("a",))
    assert state.load() == [entry]
    state.close()


def test_a_state_file_belongs_to_one_server_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = StateFile(path)
    with pytest.raises(StateFileError, match="cannot be opened: another server is using it"):
        StateFile(path)
    state.close()
    StateFile(path).close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to look like one" * 100])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(StateFileError, match="cannot be opened: file is not a database"):
        StateFile(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "oma.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE replication_jobs (id TEXT)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StateFileError, match="is a database of another program"):
        StateFile(path)
    assert path.read_bytes() == before


def test_a_state_file_of_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    StateFile(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(StateFileError, match="has format 2, this program reads 1"):
        StateFile(path)


@pytest.mark.parametrize("value", [b"", b"\x93\x01", None])
def test_a_damaged_row_is_told_in_one_line(tmp_path: Path, value: bytes | None) -> None:
    path = tmp_path / "state.db"
    StateFile(path).close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO entry VALUES ('k', ?)", (value,))
    database.close()
    state = StateFile(path)
    with pytest.raises(StateFileError, match=r"is damaged: .*; move it away to begin with none"):
        state.load()
    state.close()
