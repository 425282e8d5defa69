"""Bodies that are no entry: each is told for what it is, and none raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import KEY, SHAPE_A, SHAPE_B, SHAPE_C, read

from oma_poller.model.reading import BIGINT_MAX, Failure, FailureKind, Missing, Reading
from oma_poller.vma.wire import decode


def refused(body: bytes | dict[str, Any]) -> FailureKind:
    outcome = decode(body if isinstance(body, bytes) else json.dumps(body).encode(), KEY)
    assert isinstance(outcome, Failure), outcome
    assert "\n" not in outcome.detail
    assert 0 < len(outcome.detail) <= 200
    return outcome.kind


def test_the_largest_bigint_is_accepted_and_one_more_is_not() -> None:
    assert read({"total_bytes": BIGINT_MAX}).total_bytes == BIGINT_MAX
    assert refused({"total_bytes": BIGINT_MAX + 1}) is FailureKind.OUT_OF_RANGE


@pytest.mark.parametrize(
    "number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1e30", "9" * 30, "9" * 5000]
)
@pytest.mark.parametrize(
    "body",
    [
        '{"bytes_transferred": %s}',
        '{"percentage": %s}',
        '{"throughput": {"current_mbps": %s}}',
        '{"timing": {"eta_seconds": %s}}',
        '{"aggregate": {"throughput_bps": %s}}',
        '{"disk_progresses": [{"bytes_transferred": %s}]}',
        '{"disks": [{"percent": %s}]}',
    ],
)
def test_numbers_no_column_holds_are_out_of_range(body: str, number: str) -> None:
    # `disks` alone does not make an entry nested, so its percent is only read with a stage.
    whole = body.replace('{"disks"', '{"stage": "Transfer", "disks"') % number
    assert refused(whole.encode()) is FailureKind.OUT_OF_RANGE


def test_a_speed_that_overflows_in_bytes_is_out_of_range() -> None:
    assert refused({"throughput": {"current_mbps": BIGINT_MAX}}) is FailureKind.OUT_OF_RANGE


@pytest.mark.parametrize(
    "body",
    [
        {"bytes_transferred": "5"},
        {"bytes_transferred": 1.5},
        {"total_bytes": True},
        {"percentage": "50"},
        {"percentage": [1]},
        {"status": 5},
        {"throughput": 5},
        {"timing": []},
        {"disk_progresses": {"a": 1}},
        {"disk_progresses": [5]},
        {"aggregate": "x"},
        {},
        {"job_id": KEY},
        {"error": "internal error"},
        b"[1, 2]",
        b"null",
        b"5",
        b'"text"',
    ],
)
def test_wrong_types_are_told(body: bytes | dict[str, Any]) -> None:
    assert refused(body) is FailureKind.WRONG_TYPE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"<html><body>502 Bad Gateway</body></html>",
        b'{"status": "Streaming"',
        b'{"bytes_transferred": "5"',
        b'{"status": "Streaming"} trailing',
        b'{"status": "\xff\xfe"}',
        b'{"ignored": "\xff\xfe", "status": "Streaming"}',
        b'{"status": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"\x00\x01\x02",
        b"\x1f\x8b\x08\x00gzip",
        b"[" * 200_000,
        b'{"status": ' + b'{"a":' * 200_000,
        b'{"ignored": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"last_error": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_what_is_not_json_is_told(body: bytes) -> None:
    assert refused(body) is FailureKind.NOT_JSON


def test_an_echo_of_another_key_is_refused() -> None:
    assert refused(SHAPE_C | {"job_id": "migration-vol-other"}) is FailureKind.WRONG_JOB
    assert read(SHAPE_C | {"job_id": ""}).word == "in_progress"
    assert read(SHAPE_C | {"job_id": None}).word == "in_progress"


@pytest.mark.parametrize(
    "body",
    [
        b"job not found\n",
        b"404: Job Not Found",
        b'"job not found"',
        b'{"error": "job not found"}',
        b'{"error": "JOB NOT FOUND: x", "status": 404}',
        b'{"status": "error", "message": "Job not found"}',
    ],
)
def test_a_200_that_says_not_found_is_a_missing_key(body: bytes) -> None:
    assert isinstance(decode(body, KEY), Missing)


def check_sane(outcome: object) -> None:
    """Assert what holds for the outcome of any body."""
    assert isinstance(outcome, Reading | Missing | Failure)
    if isinstance(outcome, Reading):
        counts = [outcome.bytes_transferred, outcome.total_bytes, outcome.speed_bps]
        for disk in outcome.disks:
            counts += [disk.bytes_transferred, disk.total_bytes, disk.speed_bps]
        assert all(type(count) is int and 0 <= count <= BIGINT_MAX for count in counts)
        assert outcome.percent is None or abs(outcome.percent) < float("inf")
        assert outcome.eta_s is None or 0 < outcome.eta_s <= BIGINT_MAX
        texts = (outcome.word, outcome.phase, outcome.operation, outcome.sync_type, outcome.error or "")
        assert all(text.isprintable() and len(text) <= 1000 for text in texts)
        assert all(len(word) <= 64 + len("status=") for word in outcome.unknown_words)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(body: bytes) -> None:
    check_sane(decode(body, KEY))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats()
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    (shape, path)
    for shape in (SHAPE_A, SHAPE_B, SHAPE_C)
    for field, value in shape.items()
    for path in [
        (field,),
        *((field, inner) for inner in (value if isinstance(value, dict) else ())),
        *((field, 0, inner) for inner in (value[0] if isinstance(value, list) and value else ())),
    ]
]


@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_in_any_field_gives_an_outcome(
    place: tuple[dict[str, Any], tuple[Any, ...]], value: object
) -> None:
    shape, path = place
    document = json.loads(json.dumps(shape))
    inside = document
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    check_sane(decode(json.dumps(document).encode(), KEY))


@given(cut=st.integers(min_value=0, max_value=400), junk=st.binary(max_size=5))
def test_a_cut_or_dirtied_body_gives_an_outcome(cut: int, junk: bytes) -> None:
    body = json.dumps(SHAPE_C).encode()
    check_sane(decode(body[:cut] + junk + body[cut + len(junk) :], KEY))
