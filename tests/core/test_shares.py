"""How the polls in flight are divided among VMAs (P4, P8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.shares import shares

FLEETS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 300), max_size=30)


@pytest.mark.parametrize(
    ("jobs", "slots", "expected"),
    [
        ({}, 10, {}),
        ({"a": 1000}, 10, {"a": 10}),
        ({"a": 3}, 10, {"a": 3}),
        ({"a": 1000, "b": 1000}, 10, {"a": 5, "b": 5}),
        ({"a": 1000, "b": 1}, 10, {"a": 9, "b": 1}),
        ({"a": 1000, "b": 0}, 10, {"a": 10}),
        ({"a": 9, "b": 9, "c": 9}, 10, {"a": 3, "b": 3, "c": 4}),
        ({"a": 9, "b": 9, "c": 9}, 2, {"a": 1, "b": 1, "c": 1}),
    ],
)
def test_each_gets_what_it_needs_and_at_most_an_equal_part(
    jobs: dict[str, int], slots: int, expected: dict[str, int]
) -> None:
    assert shares(jobs, slots) == expected


@given(FLEETS, st.integers(1, 100))
def test_no_slot_is_given_twice_none_is_wasted_and_nobody_starves(jobs: dict[str, int], slots: int) -> None:
    given_out = shares(jobs, slots)
    busy = {vma: count for vma, count in jobs.items() if count}
    assert given_out.keys() == busy.keys()
    assert all(1 <= given_out[vma] <= count for vma, count in busy.items())
    if len(busy) <= slots:
        assert sum(given_out.values()) == min(slots, sum(busy.values()))
    else:
        assert set(given_out.values()) == {1}


@given(FLEETS, st.integers(1, 100))
def test_nobody_has_more_than_one_slot_above_another_who_could_use_it(
    jobs: dict[str, int], slots: int
) -> None:
    given_out = shares(jobs, slots)
    for vma, share in given_out.items():
        if share < jobs[vma]:
            assert max(given_out.values()) <= share + 1
