"""How the values of one table's columns are made to fit: worked out once, applied to all rows of a flush."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from oma_poller.database.column import BIGINT_MAX, Column, Kind, fit_number, fit_text

Value = str | int | float | None
Row = Sequence[Value]
"""The values of a row in the order of the fields that its statement reads."""
Fit = Callable[[Sequence[Value]], Sequence[Value]]
"""Takes the values of one column, a row each: so a call is paid once a flush."""
Fits = Mapping[str, Fit]
"""By the name of the column."""

DECIMALS = 2
"""Digits after the point that a number of this program has at most: percent, and MiB a second."""
_REMEMBERED = 20_000
"""Texts and percentages come again and again: a state's word, 10,001 hundredths of a percent."""


def fits_of(columns: Mapping[str, Column], uncut: frozenset[str] = frozenset()) -> Fits:
    """Return the fits of *columns*; those of *uncut* take any value as it is."""
    return {name: _as_they_are if name in uncut else fit_of(column) for name, column in columns.items()}


def fit_of(column: Column) -> Fit:
    """Return what makes values fit into *column*; it gives None for one that cannot fit at all."""
    if column.kind is Kind.MOMENT:  # hardly one comes twice
        return lambda values: [_fit(column, value) for value in values]
    slow = lru_cache(_REMEMBERED)(lambda value: _fit(column, value))
    if column.kind is Kind.TEXT:
        return lambda values: _fitted_words(values, slow)
    least, most = column.lowest, min(int(column.highest), BIGINT_MAX)

    def whole(values: Sequence[Value]) -> Sequence[Value]:
        return [
            value if value is None or (type(value) is int and least <= value <= most) else slow(value)
            for value in values
        ]

    def broken(values: Sequence[Value]) -> Sequence[Value]:
        return [
            value if value is None or (type(value) is float and least <= value <= most) else slow(value)
            for value in values
        ]

    return broken if column.scale >= DECIMALS else whole


def _as_they_are(values: Sequence[Value]) -> Sequence[Value]:
    return values


def _fitted_words(values: Sequence[Value], fit: Callable[[Value], Value]) -> Sequence[Value]:
    """Return texts made to fit; the jobs of a flush share most of them."""
    fitted = {value: fit(value) for value in set(values)}
    return [fitted[value] for value in values]


def _fit(column: Column, value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, str):
        return fit_text(column, value)
    fitted = fit_number(column, value)
    return float(fitted) if isinstance(fitted, Decimal) else fitted
