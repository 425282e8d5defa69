"""Times as VMAs write them."""

from datetime import UTC, datetime

_SHORTEST = len("2026-11-23T15:54:24")
_ZERO_TIME = "0001-01-01"
"""How Go writes a time that was never set."""


def read_moment(value: object) -> datetime | None:
    """Return an ISO 8601 time as aware UTC; None for a time that is absent, never set or unreadable.

    Nanoseconds are cut to microseconds. A time without an offset is UTC.
    """
    if not isinstance(value, str) or len(value) < _SHORTEST or value.startswith(_ZERO_TIME):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
