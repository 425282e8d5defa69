"""What is kept in columns is what reading each entry by itself would say, or it is not kept there."""

from math import isnan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_entries import PLAIN, page, reading, request, wire
from wire_samples import KEY

from oma_poller.engine.cohort_request import ELSE, CohortRequest, Said
from oma_poller.model.reading import BIGINT_MAX, Missing, Reading
from oma_poller.vma import only_moved as only_moved_module
from oma_poller.vma.mirror import KEEP_S, Mirror
from oma_poller.vma.moving import NOWHERE, Moving
from oma_poller.vma.wire import decode


def listed(*keys: str) -> Mirror:
    """Return a mirror that took a whole list."""
    mirror = Mirror()
    mirror.take(page(1, *keys, full=True), 0.0, 0.0)
    return mirror


def moved(mirror: Mirror, asked: CohortRequest) -> list[int]:
    return mirror.numbers(asked, 0.1).bytes_transferred


def test_a_cohort_is_told_how_far_its_keys_are() -> None:
    mirror, asked = listed("a", "b"), request("a", "b")
    assert moved(mirror, asked) == [100, 100]
    mirror.take(page(2, "a", bytes_transferred=200, total_bytes=2000, percentage=None), 0.0, 1.0)
    answer = mirror.numbers(asked, 0.1)
    assert (answer.bytes_transferred, answer.total_bytes) == ([200, 100], [2000, 1000])
    assert isnan(answer.percent[0])
    assert answer.percent[1] == 2.5


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "completed"},
        {"phase": "Finalizing"},
        {"current_operation": "else"},
        {"sync_type": "incremental"},
        {"timing": {"start_time": "2026-11-24T11:00:00Z"}},
        {"timing": None},
        {"last_error": "slow disk"},
        {"errors": ["slow disk"]},
        {"disk_progresses": [{"disk_id": "2000"}]},
        {"stage": "Transfer"},
        {"aggregate": {"bytes_transferred": 200}},
        {"vm_info": {"disk_size_gb": 40.5}},
        {"bytes_transferred": 0},
        {"bytes_transferred": -1},
        {"bytes_transferred": None},
        {"bytes_transferred": 10.5},
        {"bytes_transferred": BIGINT_MAX + 1},
        {"total_bytes": 0},
        {"percentage": 1e300},
        {"throughput": {"current_mbps": 1e300}},
        {"timing": {"start_time": "2026-11-24T10:00:00Z", "eta_seconds": 1e300}},
    ],
)
@pytest.mark.parametrize("told_before", [0, 1, 2])
def test_a_key_that_says_anything_else_is_told_as_such_and_read_as_ever(
    fields: dict[str, Any], told_before: int
) -> None:
    mirror, asked = listed("a", "b"), request("a", "b")
    moved(mirror, asked)
    for version in range(told_before):
        mirror.take(page(version, "a", bytes_transferred=110 + version), 0.0, 1.0)
    mirror.take(page(9, "a", **({"bytes_transferred": 200} | fields)), 0.0, 1.0)
    body = msgspec.json.encode(PLAIN | {"job_id": "a", "bytes_transferred": 200} | fields)
    assert moved(mirror, asked) == [ELSE, 100]
    assert mirror.outcome("a") == decode(body, "a")


def test_words_that_are_written_otherwise_and_mean_the_same_go_on() -> None:
    mirror, asked = listed("a"), request("a")
    moved(mirror, asked)
    for version, zone in ((2, "+00:00"), (3, "Z"), (4, "+00:00")):
        timing = {"start_time": f"2026-11-24T10:00:00{zone}"}
        mirror.take(page(version, "a", bytes_transferred=100 + version, timing=timing), 0.0, 1.0)
        assert moved(mirror, asked) == [100 + version]
        assert mirror.outcome("a") == reading(bytes_transferred=100 + version, timing=timing)


def test_a_whole_number_of_bytes_that_is_written_with_a_point_is_read_as_ever() -> None:
    mirror, asked = listed("a"), request("a")
    moved(mirror, asked)
    for version in (2, 3):
        mirror.take(page(version, "a", bytes_transferred=200.0), 0.0, 1.0)
        assert mirror.outcome("a") == reading(bytes_transferred=200)


def test_a_deleted_key_is_told_as_such() -> None:
    mirror, asked = listed("a", "b"), request("a", "b")
    moved(mirror, asked)
    mirror.take(page(2, deleted=("a",)), 0.0, 1.0)
    assert moved(mirror, asked) == [ELSE, 100]
    assert mirror.outcome("a") == Missing()


def test_a_whole_list_anew_takes_all_seats_back() -> None:
    mirror, asked = listed("a", "b"), request("a", "b")
    moved(mirror, asked)
    mirror.take(page(2, "a", full=True, bytes_transferred=150), 0.0, 1.0)
    assert moved(mirror, asked) == [150, ELSE]
    assert mirror.outcome("b") == Missing()


def test_a_key_that_is_not_followed_is_told_as_such() -> None:
    assert moved(listed("a"), request("b", "a")) == [ELSE, 100]


def test_a_cohort_that_knows_other_words_is_told_so_until_it_knows_these() -> None:
    mirror = listed("a")
    assert moved(mirror, request("a", phase="Else")) == [ELSE]
    assert moved(mirror, request("a")) == [100]
    assert moved(mirror, request("a", phase="Else")) == [ELSE]
    assert moved(mirror, request("a", bytes_transferred=7)) == [100]
    mirror.take(page(2, "a", bytes_transferred=150), 0.0, 1.0)
    assert moved(mirror, request("a")) == [150]


def test_a_key_that_nobody_asks_for_any_longer_gives_its_seat_back() -> None:
    mirror = listed("a", "b")
    both, one = request("a", "b"), request("a")
    moved(mirror, both)
    mirror.turn(KEEP_S)
    mirror.take(page(2, "b", bytes_transferred=120), 0.0, 0.0)
    assert moved(mirror, one) == [100]
    mirror.turn(2 * KEEP_S)
    assert (mirror.follows("a"), mirror.follows("b")) == (True, False)
    assert moved(mirror, both) == [100, ELSE]


def test_seats_are_used_again() -> None:
    moving = Moving()
    seats = [moving.seat(Said(reading()), reading()) for _ in range(3)]
    moving.leave(seats[1])
    assert len(moving) == 2
    assert moving.seat(Said(reading()), reading(bytes_transferred=5)) == seats[1]
    assert moving.reading(seats[1], 1.5) == msgspec.structs.replace(
        reading(bytes_transferred=5), clock_skew_s=1.5
    )
    assert moving.seat(Said(reading()), reading(bytes_transferred=0)) == NOWHERE
    moving.leave(seats[0])
    assert moving.reseat(seats[0], Said(reading())) == NOWHERE
    assert not moving.take(seats[0], KEY, wire())
    with pytest.raises(IndexError):
        moving.reading(seats[0], 0.0)


def test_words_without_end_are_not_held_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(only_moved_module, "_MOST_SHARED", 3)
    mirror = Mirror()
    keys = [f"k{number}" for number in range(9)]
    for number, key in enumerate(keys):
        mirror.take(page(number, key, full=number == 0, current_operation=key), 0.0, 0.0)
        mirror.expect([key])
        mirror.take(page(number, key, current_operation=key), 0.0, 0.0)
        asked = request(key, current_operation=key)
        assert moved(mirror, asked) == [100]
        mirror.take(page(number, key, current_operation=key, bytes_transferred=200), 0.0, 0.0)
        assert moved(mirror, asked) == [200]


numbers = st.none() | st.integers(-5, 2000) | st.floats(-5, 2000) | st.sampled_from([BIGINT_MAX, 2**63, 1e30])
words = st.none() | st.sampled_from(["", "in_progress", "Transfer", "running", "completed", "Queued"])
fields = st.fixed_dictionaries(
    {},
    optional={
        "status": words,
        "phase": words,
        "current_operation": words,
        "sync_type": words,
        "percentage": numbers,
        "bytes_transferred": numbers,
        "total_bytes": numbers,
        "throughput": st.none() | numbers.map(lambda number: {"current_mbps": number}),
        "timing": st.none()
        | st.builds(
            lambda start, eta: {"start_time": start, "eta_seconds": eta},
            st.sampled_from(["2026-11-24T10:00:00Z", "0001-01-01T00:00:00Z", "", None, 5, "x"]),
            numbers,
        ),
        "vm_info": st.sampled_from([None, {"disk_size_gb": 4}, {"disk_size_gb": 4.5}]),
        "last_error": st.sampled_from([None, "", "slow", {"message": "slow"}]),
        "error": st.sampled_from([None, "job not found"]),
    },
)
steps = st.lists(st.integers(101, 900).map(lambda moved: {"bytes_transferred": moved}) | fields, max_size=6)


@given(told=steps, asks=st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_key_says_the_same_whether_a_cohort_asks_for_it_or_not(
    told: list[dict[str, Any]], asks: list[bool]
) -> None:
    seen, alone = listed("a"), listed("a")
    asked = request("a")
    moved(seen, asked)
    for version, entry in enumerate(told):
        for mirror in (seen, alone):
            mirror.take(page(version, "a", **entry), 0.25, 1.0)
        expected = alone.outcome("a")
        if asks[version]:
            answer = seen.numbers(asked, 0.1)
            if answer.bytes_transferred != [ELSE]:
                assert isinstance(expected, Reading)
                assert answer.bytes_transferred == [expected.bytes_transferred]
                assert answer.total_bytes == [expected.total_bytes]
                assert (
                    isnan(answer.percent[0])
                    if expected.percent is None
                    else answer.percent == [expected.percent]
                )
        assert seen.outcome("a") == expected
