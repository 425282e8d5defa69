"""Every recorded exchange, replayed: what differs from the original is listed here, with the reason."""

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from agent_http import AgentHttp

WIRE = Path(__file__).parent.parent / "wire"
FILES = sorted(path.stem for path in WIRE.glob("*.jsonl"))
STEP_S = 0.012
"""Recorded between a report and the look at it."""

ELAPSED = ("elapsed_ms", "duration_ms")
"""They end at `last_update`, not at the time of the GET (F2): not compared here, checked elsewhere."""

MIB_10 = 9.5367431640625e-06
T25, T27 = (f"2026-11-23T15:54:{second}Z" for second in (25, 27))

REFUSED: dict[tuple[str, int], str] = {
    ("08-negative-bytes", 0): "bytes_transferred is -5, allowed are 0 to 9223372036854775807",
    ("08-negative-bytes", 2): "bytes_transferred is -5, allowed are 0 to 9223372036854775807",
    ("09-bytes-over-total", 0): "bytes_transferred 150 is more than total_bytes 100",
    ("10-percent-over-100", 0): "percent is 123456.789, allowed are 0 to 100",
    ("10-percent-over-100", 2): "percent is -3.0, allowed are 0 to 100",
    ("13-empty-and-bad-json", 0): "it is empty, a JSON object is expected",
    ("13-empty-and-bad-json", 1): "Input data was truncated",
    ("13-empty-and-bad-json", 2): "Expected `object`, got `array`",
    ("13-empty-and-bad-json", 3): "Expected `object`, got `null`",
    ("13-empty-and-bad-json", 4): "Expected `str | null`, got `int` - at `$.stage`",
    ("13-empty-and-bad-json", 5): "Expected `float | null`, got `str` - at `$.percent`",
    ("13-empty-and-bad-json", 6): "JSON is malformed: trailing characters (byte 15)",
}
"""Reports answered with 400 and this reason. The original accepts 8, 9, 10, `null` and trailing garbage."""

NEVER_REPORTED = {
    ("08-negative-bytes", 1),
    ("08-negative-bytes", 3),
    ("09-bytes-over-total", 1),
    ("10-percent-over-100", 1),
    ("10-percent-over-100", 3),
    ("13-empty-and-bad-json", 7),
}
"""GETs of keys whose reports were all refused: 404 here."""

OTHER_STATUS = {("15-http", 0): 404, ("15-http", 2): 200}
"""DELETE exists here (and s1 is unknown in that file); so does the list of all entries."""

SNAPSHOT_FIRST: dict[str, object] = {
    "timing.phase_start": T25,
    "phases.0.name": "Creating Snapshot",
    "phases.0.status": "completed",
    "phases.0.end_time": T25,
    "phases.1.name": "Transfer",
    "phases.1.start_time": T25,
}
"""The phases that a run went through are kept, each with its own start."""

BETTER: dict[tuple[str, int], dict[str, object]] = {
    ("03-migratekit-single-disk", 3): SNAPSHOT_FIRST
    | {"phases.1.status": "in_progress", "phases.1.end_time": ""},
    ("03-migratekit-single-disk", 5): SNAPSHOT_FIRST
    | {"phases.1.status": "in_progress", "phases.1.end_time": ""},
    ("03-migratekit-single-disk", 7): SNAPSHOT_FIRST
    | {"phases.1.status": "completed", "phases.1.end_time": T25}
    # an end in any letter case is told as such; the peak stays what it was (F8)
    | {"current_operation": "Completed", "throughput.average_mbps": 100, "throughput.peak_mbps": 100},
    ("04-multi-disk", 5): {"throughput.average_mbps": 150, "throughput.peak_mbps": 150},
    # the time of the update, not of the look (F2)
    ("05-streaming", 2): {"throughput.last_update": T25, "timing.last_update": T25},
    ("06-succeeded", 2): {
        "throughput.average_mbps": MIB_10,
        "throughput.peak_mbps": MIB_10,
        "phases.0.name": "Transfer",
        "phases.0.status": "completed",
        "phases.0.end_time": T27,
        "phases.1.name": "PersistChangeIDs",
        "phases.1.status": "Succeeded",
        "phases.1.start_time": T27,
        "phases.1.end_time": T27,
    },
    # a failure has a reason
    ("07-failed", 2): {
        "throughput.average_mbps": MIB_10,
        "throughput.peak_mbps": MIB_10,
        "phases.0.end_time": T27,
        "errors": None,
        "errors.0": "the copier reported Failed and gave no reason",
        "last_error": "the copier reported Failed and gave no reason",
    },
    ("07-failed", 4): {
        "current_operation": "Failed",
        "phases.0.end_time": T27,
        "errors": None,
        "errors.0": "nbdkit: VDDK error 14009: host not reachable",
        "last_error": "nbdkit: VDDK error 14009: host not reachable",
    },
    ("14-regress-and-reuse", 1): {"current_operation": "Completed", "phases.0.end_time": T27},
    # a new run under a used key begins at 0 (F3)
    ("14-regress-and-reuse", 3): {
        "percentage": 0,
        "bytes_transferred": 0,
        "total_bytes": 0,
        "vm_info.disk_size_bytes": 0,
    },
    ("15-http", 3): {"uptime": "3s", "keys": 0}
    | {
        f"capabilities.{place}": name
        for place, name in enumerate(("bulk", "since", "etag", "gzip", "delete", "lease", "run_id", "disks"))
    },
}
"""Fields of replies that differ, with what they are here; None for one that is not there."""


def flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every leaf of a JSON document with its path, in order."""
    children: list[tuple[str, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = [(str(place), item) for place, item in enumerate(value)]
    if not children:
        yield path, value
    for name, child in children:
        yield from flat(child, f"{path}.{name}" if path else name)


def compared(body: str) -> dict[str, object]:
    """Return the fields of a body that are compared."""
    return {path: value for path, value in flat(json.loads(body)) if not path.endswith(ELAPSED)}


def check_json(place: tuple[str, int], recorded: str, ours: str) -> None:
    """Compare two bodies field by field, in order."""
    better = BETTER.get(place, {})
    expected = {path: value for path, value in compared(recorded).items() if better.get(path, "") is not None}
    differing = {path: value for path, value in better.items() if value is not None}
    seen = compared(ours)
    assert seen == expected | differing
    assert [path for path in seen if path in expected] == list(expected), "the order of fields"
    if not better and not any(field in recorded for field in ELAPSED):
        assert ours == recorded
    assert ours.endswith("}\n")


def check_headers(recorded: dict[str, str], ours: dict[str, str]) -> None:
    for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options"):
        assert ours.get(name.lower()) == recorded.get(name), name


@pytest.mark.parametrize("name", FILES)
def test_a_recorded_exchange_ends_as_recorded_or_as_documented(name: str) -> None:
    agent = AgentHttp()
    began_s = agent.clock.s
    for number, line in enumerate((WIRE / f"{name}.jsonl").read_text().splitlines()):
        exchange: dict[str, Any] = json.loads(line)
        date_s = parsedate_to_datetime(exchange["headers"]["Date"]).timestamp()
        agent.clock.s = max(agent.clock.s + STEP_S, date_s) if name != "15-http" else began_s + 3
        reply = agent.ask(exchange["method"], exchange["path"], (exchange["request"] or "").encode())
        place = (name, number)
        if place in REFUSED:
            assert (reply.status, reply.text) == (400, f"invalid request body: {REFUSED[place]}\n")
            assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        elif place in NEVER_REPORTED:
            assert (reply.status, reply.text) == (404, "job not found\n")
        elif place in OTHER_STATUS:
            assert reply.status == OTHER_STATUS[place]
        else:
            assert reply.status == exchange["status"]
            check_headers(exchange["headers"], reply.headers)
            if exchange["body"].startswith("{"):
                check_json(place, exchange["body"], reply.text)
            else:
                assert reply.text == exchange["body"]


def test_every_exception_is_of_a_recorded_exchange() -> None:
    lengths = {name: len((WIRE / f"{name}.jsonl").read_text().splitlines()) for name in FILES}
    for name, number in {*REFUSED, *NEVER_REPORTED, *OTHER_STATUS, *BETTER}:
        assert number < lengths[name]


def test_numbers_stand_as_the_original_writes_them() -> None:
    agent = AgentHttp()
    for speed, written in ((10, "0.0000095367431640625"), (1, "9.5367431640625e-7"), (10485760, "10")):
        key = f"k{speed}"
        agent.report(key, stage="Transfer", bytes_transferred=1, total_bytes=300, throughput_bps=speed)
        assert f'"current_mbps":{written},' in agent.get(key).text
    agent.report("p", stage="Transfer", bytes_transferred=2330000000, total_bytes=107374182400, percent=2.17)
    assert '"percentage":2.17,' in agent.get("p").text
