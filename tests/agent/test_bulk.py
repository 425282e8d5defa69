"""The list of all entries, changes after a cursor, tags and compression."""

import gzip
import json
from typing import Any

import pytest
from agent_http import AgentHttp

from oma_poller.agent.server import ledger as ledger_module
from oma_poller.agent.server.entry import Entry
from oma_poller.agent.server.register import Limits
from oma_poller.agent.server.shape import encoded

RUNNING = {"stage": "Transfer", "status": "running", "total_bytes": 1000}


def keys(page: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [entry["job_id"] for entry in page["entries"]]


def agent_with(*names: str, limits: Limits | None = None) -> AgentHttp:
    agent = AgentHttp(limits)
    for name in names:
        agent.report(name, **RUNNING, bytes_transferred=1)
    return agent


def test_the_list_holds_every_entry_as_one_get_shows_it() -> None:
    agent = agent_with("a", "b")
    page = agent.listing()
    assert (page["complete"], page["full"], page["deleted"]) == (True, True, [])
    assert page["entries"] == [agent.entry("a"), agent.entry("b")]
    assert list(page) == ["cursor", "complete", "full", "entries", "deleted"]


def test_a_cursor_brings_only_what_changed_and_what_was_deleted() -> None:
    agent = agent_with("a", "b", "c", "d")
    cursor = agent.listing()["cursor"]
    assert agent.listing(f"?since={cursor}")["entries"] == []
    agent.report("b", bytes_transferred=2)
    agent.report("a", bytes_transferred=2)
    agent.report("b", bytes_transferred=3)
    agent.ask("DELETE", "/api/v1/progress/c")
    page = agent.listing(f"?since={cursor}")
    assert (page["complete"], page["full"]) == (True, False)
    assert (keys(page), page["deleted"]) == (["a", "b"], ["c"])
    assert keys(agent.listing()) == ["d", "a", "b"]


def test_a_key_that_came_back_is_not_told_as_deleted() -> None:
    agent = agent_with("a")
    cursor = agent.listing()["cursor"]
    agent.ask("DELETE", "/api/v1/progress/a")
    agent.report("a", **RUNNING)
    page = agent.listing(f"?since={cursor}")
    assert (keys(page), page["deleted"]) == (["a"], [])


def test_what_changes_by_itself_is_a_change() -> None:
    agent = agent_with("a")
    agent.report("s", **RUNNING, bytes_transferred=1, throughput_bps=100)
    agent.report("l", **RUNNING, bytes_transferred=1, lease_seconds=30)
    cursor, tag = agent.listing()["cursor"], agent.get("l").headers["etag"]
    agent.clock.s += 10
    page = agent.listing(f"?since={cursor}")
    assert keys(page) == ["s"]
    assert page["entries"][0]["throughput"]["current_mbps"] == 0
    assert agent.get("l", if_none_match=tag).status == 304
    agent.clock.s += 20
    page = agent.listing(f"?since={page['cursor']}")
    assert keys(page) == ["l"]
    assert page["entries"][0]["status"] == "stalled"
    assert agent.get("l", if_none_match=tag).status == 200
    agent.clock.s += 1000
    assert keys(agent.listing(f"?since={page['cursor']}")) == []


@pytest.mark.parametrize("since", ["", "x", "1", "0.0", "deadbeef.1", ".1", "a.-1"])
def test_a_cursor_that_is_not_known_brings_the_whole_list_and_says_so(since: str) -> None:
    page = agent_with("a").listing(f"?since={since}")
    assert (page["full"], keys(page)) == (True, ["a"])


def test_a_cursor_of_another_life_brings_the_whole_list() -> None:
    cursor = agent_with("a", "b").listing()["cursor"]
    page = agent_with("a", "b", "c").listing(f"?since={cursor}")
    assert (page["full"], keys(page)) == (True, ["a", "b", "c"])


def test_a_cursor_of_before_the_remembered_deletions_brings_the_whole_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_module, "TOMBSTONES_LIMIT", 2)
    agent = agent_with("a", "b", "c", "d")
    cursors = [agent.listing()["cursor"]]
    for key in "abc":
        agent.ask("DELETE", f"/api/v1/progress/{key}")
        cursors.append(agent.listing()["cursor"])
    pages = [agent.listing(f"?since={cursor}") for cursor in cursors]
    assert [(page["full"], page["deleted"]) for page in pages] == [
        (True, []),
        (False, ["b", "c"]),
        (False, ["c"]),
        (False, []),
    ]


def test_pages_bring_everything_once_even_while_it_changes() -> None:
    agent = agent_with(*"abcdef")
    page = agent.listing("?limit=2")
    assert (keys(page), page["complete"], page["full"]) == (["a", "b"], False, True)
    agent.report("c", bytes_transferred=9)
    agent.ask("DELETE", "/api/v1/progress/a")
    seen = []
    while not page["complete"]:
        page = agent.listing(f"?limit=2&since={page['cursor']}")
        assert not page["full"]
        seen.append((keys(page), page["deleted"]))
    assert seen == [(["d", "e"], []), (["f", "c"], []), ([], ["a"])]


def test_a_page_stays_below_a_mebibyte_of_entries() -> None:
    agent = AgentHttp()
    disks = [{"disk_id": f"{number:0100}", "label": "x" * 100} for number in range(256)]
    for number in range(20):
        agent.report(f"k{number}", disks=disks)
    page = agent.ask("GET", "/api/v1/progress")
    assert len(page.body) < 1024 * 1024
    assert not page.json["complete"]
    rest = agent.listing(f"?since={page.json['cursor']}")
    assert sorted(keys(page.json) + keys(rest)) == sorted(f"k{number}" for number in range(20))


@pytest.mark.parametrize("limit", ["0", "10001", "-1", "x", "", "1.5", "99999999999999"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    reply = agent_with("a").ask("GET", f"/api/v1/progress?limit={limit}")
    assert (reply.status, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "1 to 10000" in reply.text


def test_asking_for_changes_does_not_walk_what_did_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = agent_with(*(f"k{number}" for number in range(500)))
    cursor = agent.listing()["cursor"]
    seen: list[str] = []

    def counted(entry: Entry, now_s: float) -> bytes:
        seen.append(entry.key)
        return encoded(entry, now_s)

    monkeypatch.setattr(ledger_module, "encoded", counted)
    for number in range(5):
        agent.report(f"k{number}", bytes_transferred=2)
    agent.clock.s += 5
    assert len(agent.listing(f"?since={cursor}")["entries"]) == 5
    assert len(agent.listing()["entries"]) == 500
    assert seen == [f"k{number}" for number in range(5)]


def test_a_tag_says_whether_an_entry_changed() -> None:
    agent = agent_with("a", "b")
    reply = agent.get("a")
    tag = reply.headers["etag"]
    agent.clock.s += 5
    agent.report("b", bytes_transferred=2)
    for condition in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = agent.get("a", if_none_match=condition)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert agent.get("a", if_none_match='"x"').status == 200
    agent.report("a")
    assert agent.get("a", if_none_match=tag).status == 200


def test_replies_are_compressed_only_where_asked_for() -> None:
    agent = agent_with("a", "b")
    for path in ("/api/v1/progress", "/api/v1/progress/a"):
        plain = agent.ask("GET", path)
        packed = agent.ask("GET", path, accept_encoding="deflate, GZIP;q=0.5")
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(packed.body) == plain.body
        assert "content-encoding" not in agent.ask("GET", path, accept_encoding="gzip;q=0, br").headers


def test_a_client_can_discover_what_the_server_adds() -> None:
    agent = agent_with("a")
    health = agent.ask("GET", "/api/v1/health").json
    assert {"bulk", "since", "etag", "gzip"} <= set(health["capabilities"])
    assert agent.get("a").headers["x-progress-capabilities"] == ", ".join(health["capabilities"])
    unknown = agent.get("unknown")  # a poller may see nothing but 404 before the first copy
    assert unknown.headers["x-progress-capabilities"] == ", ".join(health["capabilities"])


@pytest.mark.parametrize(
    ("seconds", "uptime"), [(0, "0s"), (2.942639, "2.942639s"), (60, "1m0s"), (3723.5, "1h2m3.5s")]
)
def test_health_tells_how_long_the_server_lives(seconds: float, uptime: str) -> None:
    agent = AgentHttp()
    agent.clock.s += seconds
    health = agent.ask("GET", "/api/v1/health").json
    assert (health["status"], health["uptime"], health["keys"]) == ("healthy", uptime, 0)


def test_the_run_that_ended_first_makes_room() -> None:
    agent = agent_with("a", "b", "c", limits=Limits(max_keys=3))
    cursor = agent.listing()["cursor"]
    agent.report("b", status="completed")
    agent.report("a", status="failed")
    agent.report("d", **RUNNING)
    page = agent.listing(f"?since={cursor}")
    assert (keys(page), page["deleted"]) == (["a", "d"], ["b"])
    agent.report("a", stage="Transfer", status="running")
    reply = agent.post("e", RUNNING)
    assert (reply.status, reply.text) == (503, "all 3 keys are in use by runs that go on\n")
    assert sorted(keys(agent.listing())) == ["a", "c", "d"]


def test_an_entry_that_was_silent_for_a_day_makes_room_too() -> None:
    agent = agent_with("a", "b", limits=Limits(max_keys=2))
    agent.clock.s += 86_400
    agent.report("a")
    agent.report("c", **RUNNING)
    assert sorted(keys(agent.listing())) == ["a", "c"]


def test_the_list_is_valid_json_whatever_the_keys_are() -> None:
    agent = agent_with("a%22b", "%5C")
    assert keys(json.loads(agent.ask("GET", "/api/v1/progress").text)) == ['a"b', "\\"]
