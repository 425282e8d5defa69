"""What a cell holds, as this program has it. Other programs write there too, so a cell may hold anything."""

from decimal import Decimal, InvalidOperation

_HIGHEST = 2**63 - 1
_WHOLE = 100


def text_of(cell: object) -> str:
    """Return the text of a cell; "" for NULL."""
    if cell is None:
        return ""
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def count_of(cell: object) -> int | None:
    """Return a number of things from 0 to what BIGINT holds, rounded down; None for anything else."""
    number = _number(cell)
    return int(number) if number is not None and 0 <= number <= _HIGHEST else None


def basis_points_of(cell: object) -> int | None:
    """Return a percentage of 0 to 100 in basis points, rounded down; None for anything else."""
    number = _number(cell)
    return int(number * _WHOLE) if number is not None and 0 <= number <= _WHOLE else None


def _number(cell: object) -> Decimal | None:
    """Read a number as it is written, so that a double's 0.29 is not 0.28999."""
    try:
        number = Decimal(text_of(cell).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
