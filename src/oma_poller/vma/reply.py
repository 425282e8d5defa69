"""A whole HTTP reply into what it means: the Outcome of one key, or a page of many."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus

from msgspec import Struct

from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome
from oma_poller.vma.exchange import Received
from oma_poller.vma.page import Page, read_page
from oma_poller.vma.text import first_line, one_line
from oma_poller.vma.wire import decode

DETAIL_LIMIT = 200
"""Characters of a failure's detail."""
_OK = 200
"""No member of HTTPStatus: to look one up takes as long as to compare ten numbers."""
_DATE_LIMIT = 64
"""Characters of a date that are looked at, and kept by the cache; a good one has 29."""
_CAPABILITIES_LIMIT = 500
"""Characters of the header that are looked at."""
_BULK_WORDS = frozenset({"bulk", "since"})
_LONGEST_WAIT_DIGITS = 9
"""Digits of a `Retry-After` in seconds that make sense: 30 years fit."""
_TROUBLES = frozenset({FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR})


def outcome(  # noqa: PLR0913, PLR0917 - the parts of a reply
    key: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now_utc: datetime,
    skew_s: float | None = None,
) -> Outcome:
    """Return what a reply means; pure, never raises.

    `headers` has lower-case names; `date` and `retry-after` are read. `now_utc` is our wall clock when
    the reply came, aware. `skew_s` is our clock minus the VMA's; None for what the date shows.
    """
    if status == _OK:
        return decode(body, key, clock_skew_s=clock_skew_s(headers, now_utc) if skew_s is None else skew_s)
    wait_s = _retry_after_s(headers.get("retry-after", ""), _date(headers) or now_utc)
    if status == HTTPStatus.NOT_FOUND:
        return Missing(first_line(body, DETAIL_LIMIT) or "job not found", wait_s)
    return Failure(_kind(status), _detail(status, body), wait_s)


class Fetched(Struct, frozen=True, gc=False):
    """What came of asking for one key."""

    outcome: Outcome
    duration_s: float
    body: bytes = b""
    """The raw reply, at most 1 MiB, for whoever has to explain it; empty where none came."""


def fetched(
    key: str, reply: Received | Failure, duration_s: float, now_utc: datetime, skew_s: float | None = None
) -> Fetched:
    """Return what a single request for a key came to; `skew_s` as in `outcome`."""
    if isinstance(reply, Failure):
        return Fetched(reply, duration_s)
    result = outcome(key, reply.status, reply.headers, reply.body, now_utc, skew_s)
    return Fetched(result, duration_s, reply.body)


def bulk_page(
    status: int, headers: Mapping[str, str], body: bytes, now_utc: datetime
) -> Page | Failure | None:
    """Return what a reply to a bulk request means; pure, never raises.

    None is a VMA that does not know such requests: any status or body that says nothing of its health.
    """
    if status == _OK:
        return read_page(body)
    if status == HTTPStatus.NOT_IMPLEMENTED or _kind(status) not in _TROUBLES:
        return None
    wait_s = _retry_after_s(headers.get("retry-after", ""), _date(headers) or now_utc)
    return Failure(_kind(status), _detail(status, body), wait_s)


def offers_bulk(headers: Mapping[str, str]) -> bool:
    """Whether a reply says that the VMA answers bulk requests."""
    words = headers.get("x-progress-capabilities")
    return words is not None and _names_bulk(words[:_CAPABILITIES_LIMIT])


def clock_skew_s(headers: Mapping[str, str], now_utc: datetime) -> float:
    """Return our wall clock minus the VMA's; 0 where the reply has no date."""
    date = _date(headers)
    return (now_utc - date).total_seconds() if date else 0.0


def _date(headers: Mapping[str, str]) -> datetime | None:
    return _http_date(headers.get("date", "")[:_DATE_LIMIT])


@lru_cache(maxsize=64)
def _names_bulk(value: str) -> bool:
    """Cached: a VMA says the same in all its replies."""
    return {word.strip().lower() for word in value.split(",")} >= _BULK_WORDS


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
