"""Numbers as people read them."""

_KIB = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def human_bytes(count: int) -> str:
    """Return a number of bytes in the unit that leaves at most four digits: `867.00 MiB`, `40.00 GiB`."""
    value = float(max(count, 0))
    for unit in _UNITS:
        if round(value, 2) < _KIB or unit == _UNITS[-1]:
            break
        value /= _KIB
    return f"{value:.0f} B" if unit == "B" else f"{value:.2f} {unit}"


def human_speed(bytes_per_second: int) -> str:
    """Return a speed, `-` for none."""
    return f"{human_bytes(bytes_per_second)}/s" if bytes_per_second > 0 else "-"


def human_time(seconds: float | None) -> str:
    """Return a span of time in its two largest units: `45s`, `3m20s`, `2h05m`, `3d04h`; `-` for none."""
    if seconds is None:
        return "-"
    whole = max(int(seconds), 0)
    if whole < _MINUTE_S:
        return f"{whole}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m{whole % _MINUTE_S:02}s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}h{whole % _HOUR_S // _MINUTE_S:02}m"
    return f"{whole // _DAY_S}d{whole % _DAY_S // _HOUR_S:02}h"


def human_percent(basis_points: int) -> str:
    """Return hundredths of a percent as `2.17 %`."""
    return f"{basis_points / 100:.2f} %"
