"""What cells hold: numbers and percentages, or nonsense."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.database.cells import basis_points_of, count_of, text_of

NONSENSE = [None, "", "abc", "NaN", "-Infinity", math.nan, math.inf, -1, b"\xff\x00", "1e999999"]


@pytest.mark.parametrize("cell", [*NONSENSE, 2**63, 10**30])
def test_a_count_that_makes_no_sense_is_none(cell: object) -> None:
    assert count_of(cell) is None


@pytest.mark.parametrize("cell", [*NONSENSE, 100.01, 101, -0.01])
def test_a_percentage_that_makes_no_sense_is_none(cell: object) -> None:
    assert basis_points_of(cell) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(0, 0), (2**63 - 1, 2**63 - 1), (7.9, 7), (Decimal(12), 12), ("933232640", 933232640), (b" 5 ", 5)],
)
def test_a_count_is_read_in_any_form(cell: object, expected: int) -> None:
    assert count_of(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(Decimal("2.17"), 217), (0.29, 29), (99.999, 9999), (100, 10000), ("50", 5000), (0, 0)],
)
def test_a_percentage_is_rounded_down_to_basis_points(cell: object, expected: int) -> None:
    assert basis_points_of(cell) == expected


@given(st.integers(0, 10000))
def test_basis_points_survive_both_forms_a_database_stores_them_in(basis_points: int) -> None:
    assert basis_points_of(Decimal(basis_points) / 100) == basis_points
    assert basis_points_of(basis_points / 100) == basis_points


@given(st.one_of(st.text(), st.binary(), st.floats(), st.integers(), st.decimals(), st.booleans(), st.none()))
def test_no_cell_raises(cell: object) -> None:
    assert count_of(cell) is None or 0 <= (count_of(cell) or 0) < 2**63
    assert basis_points_of(cell) is None or 0 <= (basis_points_of(cell) or 0) <= 10000
    assert isinstance(text_of(cell), str)


def test_a_text_is_text_whatever_the_driver_gives() -> None:
    assert [text_of(cell) for cell in (None, "Żółw", "Żółw".encode(), b"\xff", 5)] == [
        "",
        "Żółw",
        "Żółw",
        "�",
        "5",
    ]
