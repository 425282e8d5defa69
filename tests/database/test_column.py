"""How values are made to fit their columns."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from oma_poller.database.column import Column, Kind, fit_number, fit_text
from oma_poller.database.written import percent

TEXT = Column("c", Kind.TEXT)
PERCENT = Column("c", Kind.DECIMAL, highest=Decimal("999.99"), scale=2)

columns = st.builds(
    Column,
    name=st.just("c"),
    kind=st.just(Kind.TEXT),
    characters=st.integers(0, 300),
    octets=st.integers(0, 300),
    charset=st.sampled_from(["", "utf8mb4", "utf8mb3", "latin1", "ascii", "gbk", "cp1251"]),
)


@given(column=columns, text=st.text(st.characters(codec=None), max_size=400))
def test_every_text_fits_after_it_was_fitted(column: Column, text: str) -> None:
    fitted = fit_text(column, text)
    assert fitted is not None
    assert "\0" not in fitted
    assert not column.characters or len(fitted) <= column.characters
    assert column.charset != "utf8mb4" or not column.octets or len(fitted.encode()) <= column.octets
    assert fit_text(column, fitted) == fitted


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300))
def test_a_text_that_fits_is_left_as_it_is(text: str) -> None:
    assert fit_text(TEXT, text) == text


@pytest.mark.parametrize(
    ("charset", "fitted"),
    [
        ("utf8mb4", "aé€ł漢😀"),
        ("utf8mb3", "aé€ł漢?"),
        ("latin1", "aé€???"),
        ("ascii", "a?????"),
        ("koi8r", "a?????"),
    ],
)
def test_what_a_character_set_lacks_becomes_a_question_mark(charset: str, fitted: str) -> None:
    assert fit_text(replace(TEXT, charset=charset), "aé€ł漢😀") == fitted


def test_a_text_is_cut_between_characters_and_not_within_one() -> None:
    assert fit_text(replace(TEXT, charset="utf8mb4", octets=5), "ééé") == "éé"


def test_a_word_that_an_enum_lacks_is_none() -> None:
    enum = replace(TEXT, choices=("full", "incremental"))
    assert fit_text(enum, "FULL") == "FULL"
    assert fit_text(enum, "mirror") is None


@given(basis_points=st.integers(0, 10000))
def test_a_percentage_is_exact(basis_points: int) -> None:
    assert fit_number(PERCENT, percent(basis_points)) == Decimal(basis_points) / 100


@given(number=st.integers(0, 10**30) | st.floats(0, 1e300), scale=st.integers(0, 6))
def test_a_number_is_never_rounded_up_and_never_out_of_range(number: float, scale: int) -> None:
    fitted = fit_number(replace(PERCENT, scale=scale), number)
    assert fitted is not None
    assert 0 <= fitted <= Decimal("999.99")
    assert fitted <= Decimal(repr(number)) or number > 999


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_none(number: float) -> None:
    assert fit_number(PERCENT, number) is None


def test_a_whole_number_stays_one() -> None:
    fitted = fit_number(replace(PERCENT, scale=0), Decimal("7.9"))
    assert fitted == 7
    assert isinstance(fitted, int)
