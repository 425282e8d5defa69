"""A whole HTTP reply to one key into its Outcome."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus

from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome
from oma_poller.vma.text import first_line, one_line
from oma_poller.vma.wire import decode

DETAIL_LIMIT = 200
"""Characters of a failure's detail."""
_DATE_LIMIT = 64
"""Characters of a date that are looked at, and kept by the cache; a good one has 29."""
_LONGEST_WAIT_DIGITS = 9
"""Digits of a `Retry-After` in seconds that make sense: 30 years fit."""


def outcome(key: str, status: int, headers: Mapping[str, str], body: bytes, now_utc: datetime) -> Outcome:
    """Return what a reply means; pure, never raises.

    `headers` has lower-case names; `date` and `retry-after` are read. `now_utc` is our wall clock when
    the reply came, aware.
    """
    date = _http_date(headers.get("date", "")[:_DATE_LIMIT])
    if status == HTTPStatus.OK:
        return decode(body, key, clock_skew_s=(now_utc - date).total_seconds() if date else 0.0)
    wait_s = _retry_after_s(headers.get("retry-after", ""), date or now_utc)
    if status == HTTPStatus.NOT_FOUND:
        return Missing(first_line(body, DETAIL_LIMIT) or "job not found", wait_s)
    return Failure(_kind(status), _detail(status, body), wait_s)


def _kind(status: int) -> FailureKind:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return FailureKind.RATE_LIMITED
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return FailureKind.REFUSED
    if HTTPStatus.INTERNAL_SERVER_ERROR <= status < 600:  # noqa: PLR2004 - the end of the 5xx
        return FailureKind.SERVER_ERROR
    return FailureKind.UNEXPECTED_STATUS


def _detail(status: int, body: bytes) -> str:
    line = first_line(body, DETAIL_LIMIT)
    return one_line(f"HTTP {status}: {line}" if line else f"HTTP {status}", DETAIL_LIMIT)


def _retry_after_s(value: str, now_utc: datetime) -> float | None:
    """Return seconds to wait, 0 or more; None when the header is absent or unreadable."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) <= _LONGEST_WAIT_DIGITS:
        return float(value)
    date = _http_date(value[:_DATE_LIMIT])
    return max((date - now_utc).total_seconds(), 0.0) if date else None


@lru_cache(maxsize=512)
def _http_date(value: str) -> datetime | None:
    """Parse an HTTP date. Cached: a VMA's `Date` is the same for all replies of a second."""
    try:
        date = parsedate_to_datetime(value)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
