"""Numbers as the recorded servers write them: `10`, `2.17`, `0.0000095367431640625`, `9.5367431640625e-7`."""

import msgspec

WireFloat = int | msgspec.Raw
BYTES_PER_MIB = 1024 * 1024
_EXPONENT_BELOW = 1e-6
_EXPONENT_FROM = 1e21


def wire_float(value: float) -> WireFloat:
    """Return a finite number in the fewest digits that read back the same, never as `10.0` or `1e-05`."""
    if value.is_integer() and abs(value) < _EXPONENT_FROM:
        return int(value)
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return msgspec.Raw(mantissa.encode())
    power = int(exponent)
    if _EXPONENT_BELOW <= abs(value) < _EXPONENT_FROM:
        digits = mantissa.lstrip("-").replace(".", "")
        sign = "-" if value < 0 else ""
        return msgspec.Raw(f"{sign}0.{'0' * (-power - 1)}{digits}".encode())
    return msgspec.Raw(f"{mantissa}e{power:+d}".encode())


def mib_per_s(speed_bps: float) -> WireFloat:
    """Return bytes a second as MiB a second."""
    return wire_float(speed_bps / BYTES_PER_MIB)


def percent_of(moved_bytes: int, total_bytes: int) -> float:
    """Return 100 x bytes / total, rounded down to hundredths. `total_bytes` is above 0."""
    return moved_bytes * 10_000 // total_bytes / 100
