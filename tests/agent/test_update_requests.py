"""What the server takes for a report, and what it refuses with which reason."""

import json

import pytest
from agent_http import AgentHttp
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.agent.server import routes
from oma_poller.agent.server.update import BIGINT_MAX, Update

GOOD = {"stage": "Transfer", "status": "in_progress", "bytes_transferred": 1, "total_bytes": 2}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is empty, a JSON object is expected"),
        (b" \n", "it is empty, a JSON object is expected"),
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b'"text"', "Expected `object`, got `str`"),
        (b"{} {}", "JSON is malformed: trailing characters (byte 4)"),
        (b'{"stage":', "Input data was truncated"),
        (b'{"percent":NaN}', "JSON is malformed: invalid character (byte 11)"),
        (b'{"percent":Infinity}', "JSON is malformed: invalid character (byte 11)"),
        (b'{"percent":1e400}', "Number out of range - at `$.percent`"),
        (b'{"percent":100.1}', "percent is 100.1, allowed are 0 to 100"),
        (b'{"percent":-0.1}', "percent is -0.1, allowed are 0 to 100"),
        (b'{"percent":true}', "Expected `float | null`, got `bool` - at `$.percent`"),
        (b'{"bytes_transferred":-1}', f"bytes_transferred is -1, allowed are 0 to {BIGINT_MAX}"),
        (b'{"bytes_transferred":1.5}', "Expected `int | null`, got `float` - at `$.bytes_transferred`"),
        (
            b'{"bytes_transferred":9223372036854775808}',
            f"bytes_transferred is 9223372036854775808, allowed are 0 to {BIGINT_MAX}",
        ),
        (b'{"total_bytes":-1}', f"total_bytes is -1, allowed are 0 to {BIGINT_MAX}"),
        (b'{"throughput_bps":-7}', f"throughput_bps is -7.0, allowed are 0 to {BIGINT_MAX}"),
        (b'{"throughput_bps":1e300}', f"throughput_bps is 1e+300, allowed are 0 to {BIGINT_MAX}"),
        (
            b'{"bytes_transferred":3,"total_bytes":2}',
            "bytes_transferred 3 is more than total_bytes 2",
        ),
        (b'{"stage":5}', "Expected `str | null`, got `int` - at `$.stage`"),
        (b'{"status":"\xff"}', "not UTF-8 at byte 11"),
        (b'{"unknown":"\xff"}', "not UTF-8 at byte 12"),
        (b'{"unknown":' + b"[" * 100_000, "nested too deeply"),
        (b'{"disk_id":"' + b"x" * 101 + b'"}', "disk_id must be at most 100 printable characters"),
        (b'{"disk_id":"a\\nb"}', "disk_id must be at most 100 printable characters"),
        (b'{"run_id":"' + b"x" * 101 + b'"}', "run_id must be at most 100 printable characters"),
        (b'{"lease_seconds":86401}', "lease_seconds is 86401.0, allowed are 0 to 86400"),
        (b'{"disks_total":257}', "disks_total is 257, allowed are 0 to 256"),
        (b'{"disks":[{}]}', "Object missing required field `disk_id` - at `$.disks[0]`"),
        (b'{"disks":[{"disk_id":""}]}', "disk_id of disks is empty"),
        (
            b'{"disks":[{"disk_id":"a","total_bytes":-1}]}',
            f"total_bytes of disks is -1, allowed are 0 to {BIGINT_MAX}",
        ),
        (
            json.dumps({"disks": [{"disk_id": str(number)} for number in range(257)]}).encode(),
            "disks lists 257, allowed are 256",
        ),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    agent = AgentHttp()
    reply = agent.post("k", body)
    assert (reply.status, reply.text) == (400, f"invalid request body: {reason}\n")
    assert agent.get("k").status == 404


def test_a_refused_report_leaves_the_entry_as_it_was() -> None:
    agent = AgentHttp()
    agent.report("k", **GOOD)
    before = agent.get("k")
    agent.clock.s += 5
    assert agent.post("k", GOOD | {"percent": 101}).status == 400
    assert agent.post("k", {"bytes_transferred": 3}).status == 400
    assert agent.get("k") == before


def test_bytes_beyond_the_total_that_the_run_reported_are_refused() -> None:
    agent = AgentHttp()
    agent.report("k", **GOOD)
    reply = agent.post("k", bytes_transferred=3)
    assert reply.status == 400
    assert reply.text == (
        "bytes_transferred 3 is more than the total_bytes 2 that this run reported; "
        "send the new total_bytes along\n"
    )
    agent.report("k", bytes_transferred=3, total_bytes=4)
    assert agent.entry("k")["bytes_transferred"] == 3


def test_unknown_fields_are_ignored_and_null_is_a_field_not_said() -> None:
    agent = AgentHttp()
    agent.report("k", **GOOD)
    agent.report("k", stage=None, status=None, bytes_transferred=None, total_bytes=None, more={"x": [1]})
    entry = agent.entry("k")
    assert (entry["phase"], entry["status"]) == ("Transfer", "in_progress")
    assert (entry["bytes_transferred"], entry["total_bytes"]) == (1, 2)


def test_a_total_of_zero_is_a_total_not_said() -> None:
    agent = AgentHttp()
    agent.report("k", **GOOD)
    agent.report("k", bytes_transferred=2, total_bytes=0)
    assert (agent.entry("k")["bytes_transferred"], agent.entry("k")["total_bytes"]) == (2, 2)


def test_words_the_vocabulary_lacks_are_shown_in_one_line_and_bounded() -> None:
    agent = AgentHttp()
    agent.report("k", stage="Warp\n" + "x" * 500, status="\x1b[31mOdd", sync_type="y" * 500)
    entry = agent.entry("k")
    assert entry["phase"] == ("Warp " + "x" * 500)[:64]
    assert entry["status"] == "[31mOdd"
    assert entry["sync_type"] == "y" * 50


@pytest.mark.parametrize("key", ["", "a%2Fb", "a/b/c"])
def test_a_path_that_is_no_key_is_not_found(key: str) -> None:
    agent = AgentHttp()
    reply = agent.get(key)
    assert (reply.status, reply.text) == (404, "404 page not found\n")


@pytest.mark.parametrize("key", ["x" * 201, "a%0Ab", "%FF"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    agent = AgentHttp()
    reply = agent.post(key, GOOD)
    assert (reply.status, reply.text) == (400, "a key has 1 to 200 printable characters\n")
    assert agent.get(key).status == 404


def test_a_key_may_hold_what_a_url_has_to_encode() -> None:
    agent = AgentHttp()
    agent.report("Disk%201%20%C3%BC%25%3F%23%22", **GOOD)
    assert agent.entry("Disk%201%20%C3%BC%25%3F%23%22")["job_id"] == 'Disk 1 ü%?#"'


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/progress/k", "DELETE, GET, HEAD"),
        ("GET", "/api/v1/progress/k/update", "POST"),
        ("DELETE", "/api/v1/progress/k/update", "POST"),
        ("POST", "/api/v1/progress", "GET, HEAD"),
        ("POST", "/api/v1/health", "GET, HEAD"),
        ("BREW", "/api/v1/status/k", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(method: str, path: str, allowed: str) -> None:
    reply = AgentHttp().ask(method, path)
    assert (reply.status, reply.headers["allow"], reply.body) == (405, allowed, b"")


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1/progress/", "/api/v1/health/", "/api/v2/health"])
def test_an_unknown_path_is_not_found(path: str) -> None:
    reply = AgentHttp().ask("GET", path)
    assert (reply.status, reply.text) == (404, "404 page not found\n")


def test_a_body_of_more_than_a_mebibyte_is_refused_whether_declared_or_not() -> None:
    agent = AgentHttp()
    path = "/api/v1/progress/k/update"
    body = b"{" + b" " * 1024 * 1024 + b"}"
    for reply in (agent.ask("POST", path, body), agent.ask("POST", path, b"", content_length=str(len(body)))):
        assert (reply.status, reply.headers["connection"]) == (413, "close")
    assert agent.ask("POST", path, body[:-3] + b"}").status == 200


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BODY_TIMEOUT_S", 0.0)
    reply = AgentHttp().ask("POST", "/api/v1/progress/k/update", None)
    assert (reply.status, reply.headers["connection"]) == (408, "close")
    assert reply.text == "the body did not come within 0 s\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=10), child, max_size=3),
    max_leaves=5,
)
FIELDS = Update.__struct_fields__


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6) | JSON, max_size=4))
def test_no_document_brings_the_server_down(documents: list[object]) -> None:
    agent = AgentHttp()
    for document in documents:
        assert agent.post("k", json.dumps(document).encode()).status in {200, 400, 409}
        assert agent.get("k").status in {200, 404}
        assert agent.listing()["complete"]


@given(st.binary(max_size=60))
def test_no_bytes_bring_the_server_down(body: bytes) -> None:
    assert AgentHttp().post("k", body).status in {200, 400}


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_no_query_brings_the_server_down(since: str, limit: str) -> None:
    agent = AgentHttp()
    query = "&".join(
        f"{name}={text.encode().hex('%')}" for name, text in (("since", since), ("limit", limit)) if text
    )
    reply = agent.ask("GET", f"/api/v1/progress?{query.replace('=', '=%')}")
    assert reply.status in {200, 400}
