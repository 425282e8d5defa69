"""The three shapes of an entry into a Reading."""

from datetime import UTC, datetime
from typing import Any

import pytest
from wire_samples import KEY, MIB, SHAPE_A, SHAPE_B, SHAPE_C, read

from oma_poller.model.reading import DiskReading, Reading, State
from oma_poller.vma.wire import decode


def test_shape_c_is_read() -> None:
    assert read(SHAPE_C) == Reading(
        state=State.REPLICATING,
        word="in_progress",
        phase="Transfer",
        operation="Transfer",
        percent=2.17,
        bytes_transferred=932233240,
        total_bytes=42949672960,
        speed_bps=13107200,
        eta_s=77,
        started_at=datetime(2026, 11, 23, 15, 54, 24, tzinfo=UTC),
        sync_type="full",
        disks=(DiskReading("2000", "", State.REPLICATING, 5, 10, None, 2 * MIB),),
        shape="C",
    )


def test_shape_b_is_read() -> None:
    assert read(SHAPE_B) == Reading(
        state=State.REPLICATING,
        word="Streaming",
        phase="Transfer",
        operation="Transfer",
        percent=10.0,
        bytes_transferred=30,
        total_bytes=300,
        speed_bps=7,
        started_at=datetime(2026, 11, 23, 13, 54, 24, 123456, tzinfo=UTC),
        sync_type="incremental",
        disks=(DiskReading("d1", "Hard disk 1", State.REPLICATING, 30, 300, 10.0, 7),),
        shape="B",
    )


def test_shape_a_is_read() -> None:
    outcome = read(SHAPE_A)
    assert (outcome.shape, outcome.started_at, outcome.eta_s) == ("A", None, None)
    assert outcome.error == "lost the export"
    assert outcome.speed_bps == 13107200


@pytest.mark.parametrize(
    "mark",
    [
        {"vm_info": {"disk_size_gb": 40.5}},
        {"last_error": {"message": "x"}},
        {"errors": [{"message": "x"}]},
        {"timing": {"start_time": "0001-01-01T00:00:00Z"}},
    ],
)
def test_each_mark_of_the_oldest_shape_tells_it(mark: dict[str, Any]) -> None:
    assert read(SHAPE_C | mark).shape == "A"


@pytest.mark.parametrize("part", ["stage", "aggregate"])
def test_either_field_of_the_nested_shape_tells_it(part: str) -> None:
    assert read({part: SHAPE_B[part]}).shape == "B"


def test_missing_and_null_fields_take_defaults() -> None:
    nothing = Reading(state=State.UNKNOWN, percent=0.0)
    assert read({"percentage": 0}) == nothing
    assert read(dict.fromkeys(SHAPE_C) | {"percentage": 0, "job_id": ""}) == nothing
    assert read({"stage": "", "aggregate": None, "disks": [None]}) == Reading(state=State.UNKNOWN, shape="B")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T15:54:24Z", datetime(2026, 11, 23, 15, 54, 24, tzinfo=UTC)),
        ("2026-11-23T15:54:24.123456789Z", datetime(2026, 11, 23, 15, 54, 24, 123456, tzinfo=UTC)),
        ("2026-11-23T15:54:24.5-05:30", datetime(2026, 11, 23, 21, 24, 24, 500000, tzinfo=UTC)),
        ("2026-11-23T15:54:24", datetime(2026, 11, 23, 15, 54, 24, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("yesterday, about tea time", None),
        ("2026-13-45T99:99:99Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        (1700000000, None),
        ({"a": 1}, None),
    ],
)
def test_times_are_read_or_left_out(text: object, expected: datetime | None) -> None:
    assert read(SHAPE_C | {"timing": {"start_time": text}}).started_at == expected
    assert read(SHAPE_B | {"started_at": text}).started_at == expected


@pytest.mark.parametrize(("eta", "expected"), [(0, None), (-5, None), (None, None), (1, 1), (90.7, 90)])
def test_an_eta_of_zero_is_unknown(eta: object, expected: int | None) -> None:
    assert read(SHAPE_C | {"timing": {"eta_seconds": eta}}).eta_s == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"last_error": "disk\tfull\n"}, "disk full"),
        ({"last_error": ""}, None),
        ({"last_error": {}}, None),
        ({"errors": ["first", "second"]}, "second"),
        ({"errors": [{"message": "", "details": "why"}]}, "why"),
        ({"errors": [{"code": 5}]}, '{"code":5}'),
        ({"errors": ["old"], "last_error": "new"}, "new"),
        ({"last_error": "x" * 5000}, "x" * 1000),
    ],
)
def test_the_most_recent_error_is_told_in_one_line(fields: dict[str, Any], expected: str | None) -> None:
    assert read(SHAPE_C | fields).error == expected


def test_negative_counts_are_zero() -> None:
    outcome = read(
        SHAPE_C | {"total_bytes": -100, "bytes_transferred": -1.0, "throughput": {"current_mbps": -3}}
    )
    assert (outcome.total_bytes, outcome.bytes_transferred, outcome.speed_bps) == (0, 0, 0)


def test_whole_floats_are_whole_numbers() -> None:
    outcome = decode(b'{"bytes_transferred": 1.0e9, "total_bytes": 2E9}', KEY)
    assert isinstance(outcome, Reading)
    assert (outcome.bytes_transferred, outcome.total_bytes) == (1000000000, 2000000000)
    assert type(outcome.bytes_transferred) is int


def test_unknown_words_of_disks_are_counted_once() -> None:
    disks = [{"status": "frob"}, {"status": "frob"}, {"status": "Streaming"}]
    outcome = read({"status": "frob", "phase": "zip", "disk_progresses": disks})
    assert outcome.unknown_words == ("status=frob", "phase=zip")
    assert [disk.state for disk in outcome.disks] == [State.UNKNOWN, State.UNKNOWN, State.REPLICATING]


def test_an_error_that_mentions_a_lost_job_is_still_an_entry() -> None:
    assert read(SHAPE_C | {"last_error": "job not found"}).error == "job not found"
    failed = read(SHAPE_C | {"status": "failed", "error": "vCenter: job not found"})
    assert failed.state is State.FAILED


def test_texts_cannot_move_a_terminal_or_fill_the_memory() -> None:
    outcome = read(SHAPE_C | {"current_operation": "a\x1b[2Jb\r\nc" + "x" * 9999, "phase": "p" * 9999})
    assert outcome.operation.startswith("a [2Jb cx")
    assert (len(outcome.operation), len(outcome.phase)) == (255, 100)
