"""The quick way in which values are made to fit: it gives what the slow one gives."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from oma_poller.database.column import BIGINT_MAX, Column, Kind, fit_number, fit_text
from oma_poller.database.fitting import Fit, Value, fit_of, fits_of
from oma_poller.database.written import percent

PERCENT = Column("progress_percent", Kind.DECIMAL, lowest=0, highest=Decimal("999.99"), scale=2)
DOUBLE = Column("progress_percent", Kind.DOUBLE)
BYTES = Column("bytes_transferred", Kind.INTEGER, scale=0)
INT = Column("vma_eta_seconds", Kind.INTEGER, lowest=0, highest=Decimal(2**31 - 1), scale=0)
TEXT = Column("status", Kind.TEXT, characters=5, charset="utf8mb4")


def fitted(fit: Fit, value: Value) -> Value:
    """Return one value, made to fit among others of its column."""
    first, second, last = fit([value, None, value])
    assert second is None
    assert first == last
    return first


@given(
    st.integers(0, 10_000),
    st.sampled_from([PERCENT, DOUBLE, replace(PERCENT, scale=1), replace(PERCENT, scale=0)]),
)
def test_a_percentage_is_written_to_the_digit(basis_points: int, column: Column) -> None:
    exact = fit_number(column, Decimal(basis_points) / 100)
    found = fitted(fit_of(column), percent(basis_points))
    assert isinstance(found, float | int)
    assert Decimal(repr(found)) == exact


@given(st.integers(-(2**70), 2**70), st.sampled_from([BYTES, INT]))
def test_a_whole_number_is_clamped(number: int, column: Column) -> None:
    assert fitted(fit_of(column), number) == fit_number(column, number)


@given(st.text(max_size=20))
def test_a_text_is_cut_and_cleaned_each_time_it_comes(text: str) -> None:
    fit = fit_of(TEXT)
    assert fitted(fit, text) == fitted(fit, text) == fit_text(TEXT, text)


@pytest.mark.parametrize("column", [PERCENT, DOUBLE, BYTES, INT])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_does_not_fit(column: Column, number: float) -> None:
    assert fitted(fit_of(column), number) is None


def test_numbers_beyond_a_column_are_held_at_its_limit() -> None:
    assert fitted(fit_of(BYTES), BIGINT_MAX + 1) == BIGINT_MAX
    assert fitted(fit_of(PERCENT), 12345.6) == 999.99
    assert fitted(fit_of(INT), -1) == 0


def test_what_is_not_to_be_cut_is_handed_on_as_it_is() -> None:
    fits = fits_of({"status": TEXT, "memory": TEXT}, frozenset({"memory"}))
    assert fitted(fits["status"], "replicating") == "repli"
    assert fitted(fits["memory"], "replicating") == "replicating"
