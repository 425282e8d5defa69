"""Moments as databases hold them: datetimes, text in many forms, seconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?(?: [A-Z]+)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 1e11
"""Numbers from here on are milliseconds; as seconds they would lie beyond the year 5000."""
_STEPS = 3
"""Milliseconds, microseconds, nanoseconds."""


def read_moment(value: object) -> datetime | None:
    """Return *value* as an aware moment in UTC; a moment without a zone is UTC. None where it is none."""
    try:
        if isinstance(value, datetime):
            return _in_utc(value)
        if isinstance(value, str):
            return _from_text(value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_number(value)
    except (ValueError, OverflowError):
        return None
    return None


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _from_text(text: str) -> datetime | None:
    matched = _TEXT.fullmatch(text)
    if matched is not None:
        day, time, zone = matched.groups()
        offset = {"UTC": "+00:00", None: "+00:00", "Z": "+00:00"}.get(zone, zone)
        return _in_utc(datetime.fromisoformat(f"{day}T{time or '00:00'}{offset}"))
    return _from_number(float(text))


def _from_number(number: float) -> datetime | None:
    """Read seconds since 1970, or thousandths, millionths or billionths of them. Zero says nothing."""
    seconds = number
    for _ in range(_STEPS):
        if seconds >= _SECONDS_BELOW:
            seconds /= 1000
    return _EPOCH + timedelta(seconds=seconds) if seconds > 0 else None
