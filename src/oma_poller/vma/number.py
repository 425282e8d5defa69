"""Numbers from the wire, checked: what passes here fits a BIGINT column."""

from oma_poller.model.reading import BIGINT_MAX, FailureKind

BYTES_PER_MIB = 1024 * 1024

_SURELY_FITS = 2**62
"""Spares nearly every number the exact check, which has to tell floats from whole numbers."""

WireNumber = int | float | None
"""A JSON number, whole or not, or null."""


class NumberRefusedError(Exception):
    """A number that must not reach the database. It never leaves the decoder."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        self.kind = kind
        super().__init__(detail)


def whole_bytes(value: WireNumber, field: str) -> int:
    """Return a count of bytes: null is 0, and less than 0 is 0, since a real server sends -100."""
    if isinstance(value, int) and 0 <= value <= BIGINT_MAX:
        return value
    if value is None:
        return 0
    if isinstance(value, float):
        _check_range(value, field)
        if not value.is_integer():
            raise NumberRefusedError(FailureKind.WRONG_TYPE, f"{field} is {value}, not whole bytes")
        value = int(value)
    if -BIGINT_MAX <= value <= BIGINT_MAX:
        return max(value, 0)
    raise _out_of_range(field)


def speed_bps(value: WireNumber, field: str, *, scale: int = 1) -> int:
    """Return bytes per second: `value` times `scale`, rounded, 0 or more."""
    if not value:
        return 0
    scaled = value * scale
    if not 0 < scaled < _SURELY_FITS:
        _check_range(scaled, field)
    return max(round(scaled), 0)


def finite(value: WireNumber, field: str) -> float | None:
    """Return the number as it is; null stays None."""
    if value is None:
        return None
    if not -_SURELY_FITS < value < _SURELY_FITS:
        _check_range(value, field)
    return float(value)


def eta_s(value: WireNumber, field: str) -> int | None:
    """Return whole seconds to go; 0 or less means unknown or done, so None."""
    if value is None:
        return None
    if not -_SURELY_FITS < value < _SURELY_FITS:
        _check_range(value, field)
    return int(value) if value >= 1 else None


def _check_range(value: float, field: str) -> None:
    # As a float BIGINT_MAX rounds up to 2**63, which no longer fits: hence the strict comparison there.
    fits = -BIGINT_MAX <= value <= BIGINT_MAX if isinstance(value, int) else -(2.0**63) < value < 2.0**63
    if not fits:
        raise _out_of_range(field)


def _out_of_range(field: str) -> NumberRefusedError:
    return NumberRefusedError(FailureKind.OUT_OF_RANGE, f"{field} is beyond what a BIGINT column holds")
