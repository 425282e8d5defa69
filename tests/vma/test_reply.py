"""HTTP status, headers and body together into an outcome."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.model.reading import Failure, FailureKind, Missing, Reading
from oma_poller.vma.reply import outcome

NOW = datetime(2026, 11, 23, 15, 54, 30, tzinfo=UTC)
GOOD = b'{"status": "Streaming"}'


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.REFUSED),
        (401, FailureKind.REFUSED),
        (403, FailureKind.REFUSED),
        (410, FailureKind.REFUSED),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.SERVER_ERROR),
        (503, FailureKind.SERVER_ERROR),
        (599, FailureKind.SERVER_ERROR),
        (201, FailureKind.UNEXPECTED_STATUS),
        (204, FailureKind.UNEXPECTED_STATUS),
        (301, FailureKind.UNEXPECTED_STATUS),
        (304, FailureKind.UNEXPECTED_STATUS),
        (600, FailureKind.UNEXPECTED_STATUS),
        (0, FailureKind.UNEXPECTED_STATUS),
    ],
)
def test_every_status_but_200_and_404_is_a_failure_of_its_kind(status: int, kind: FailureKind) -> None:
    assert outcome("k", status, {}, GOOD, NOW) == Failure(kind, f'HTTP {status}: {{"status": "Streaming"}}')


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"job not found\n", "job not found"),
        (b'{"error":"job not found"}', '{"error":"job not found"}'),
        (b"", "job not found"),
        (b"\n\nsecond\nthird", "second"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 999, "x" * 200),
        (b"a\x1b[31mb\r\nc", "a [31mb"),
    ],
)
def test_a_404_is_a_missing_key_with_its_first_line(body: bytes, detail: str) -> None:
    assert outcome("k", 404, {}, body, NOW) == Missing(detail)


def test_a_404_keeps_its_retry_after() -> None:
    assert outcome("k", 404, {"retry-after": "30"}, b"", NOW) == Missing("job not found", 30.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        (http_date(NOW + timedelta(seconds=45)), 45.0),
        (http_date(NOW - timedelta(seconds=45)), 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, None),
        ("²", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, expected: float | None) -> None:
    got = outcome("k", 503, {"retry-after": value}, b"", NOW)
    assert isinstance(got, Failure)
    assert got.retry_after_s == expected


def test_a_retry_date_is_taken_against_the_replys_own_date() -> None:
    there = NOW - timedelta(days=400)
    headers = {"date": http_date(there), "retry-after": http_date(there + timedelta(seconds=10))}
    got = outcome("k", 503, headers, b"", NOW)
    assert isinstance(got, Failure)
    assert got.retry_after_s == 10.0


@pytest.mark.parametrize(
    ("date", "skew_s"),
    [
        (http_date(NOW - timedelta(seconds=90)), 90.0),
        (http_date(NOW + timedelta(hours=1)), -3600.0),
        ("Mon, 23 Nov 2026 16:54:30 +0100", 0.0),
        ("not a date", 0.0),
        ("x" * 100_000, 0.0),
    ],
)
def test_the_clock_skew_is_ours_minus_theirs(date: str, skew_s: float) -> None:
    got = outcome("k", 200, {"date": date}, GOOD, NOW)
    assert isinstance(got, Reading)
    assert got.clock_skew_s == skew_s


def test_without_a_date_there_is_no_skew() -> None:
    got = outcome("k", 200, {}, GOOD, NOW)
    assert isinstance(got, Reading)
    assert got.clock_skew_s == 0.0


@given(status=st.integers(0, 999), date=st.text(), wait=st.text(), body=st.binary())
def test_any_reply_gives_an_outcome_with_a_line_that_can_be_printed(
    status: int, date: str, wait: str, body: bytes
) -> None:
    got = outcome("k", status, {"date": date, "retry-after": wait}, body, NOW)
    assert isinstance(got, Reading | Missing | Failure)
    if not isinstance(got, Reading):
        assert got.detail.isprintable()
        assert 0 < len(got.detail) <= 200
        assert got.retry_after_s is None or got.retry_after_s >= 0
