"""Durations as people write them: `500ms`, `5s`, `2m`, `1h30m`."""

import re

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_FORM = re.compile("".join(rf"(?:(?P<{unit}>{_NUMBER}){unit})?" for unit in ("h", "m", "s", "ms")))
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def parse_duration(text: str) -> float:
    """Return the seconds that *text* stands for. Raises ValueError for anything that is no duration."""
    found = _FORM.fullmatch(text)
    parts = {unit: number for unit, number in found.groupdict().items() if number} if found else {}
    if not parts:
        raise ValueError("not a duration")
    # Summed in milliseconds: 100ms is then exactly 0.1.
    return sum(float(number) * _MILLISECONDS[unit] for unit, number in parts.items()) / 1000


def format_duration(seconds: float) -> str:
    """Return seconds in the form that `parse_duration` reads, to whole milliseconds."""
    left_ms = round(seconds * 1000)
    text = ""
    for unit, size_ms in _MILLISECONDS.items():
        count, left_ms = divmod(left_ms, size_ms)
        if count:
            text += f"{count}{unit}"
    return text or "0s"
