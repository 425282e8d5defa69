"""When each job is due (P3, P4)."""

from collections import Counter
from math import inf, log2, nextafter
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oma_poller.core.timetable import BULK_TICKS, FEW_OUTDATED, TICK_S, Timetable

INTERVALS = st.sampled_from([0.05, 0.1, 0.3, 0.7, 1.0, 5.0, 7.3, 60.0]) | st.floats(0.05, 3600.0)
MOMENTS = st.floats(0.0, 1e9)
IDS = st.text(min_size=1, max_size=40)
JOBS = 10_000


@given(job_id=IDS, interval_s=INTERVALS, after_s=MOMENTS)
def test_a_slot_is_later_and_at_most_an_interval_away(job_id: str, interval_s: float, after_s: float) -> None:
    slot_s = Timetable(interval_s).slot_after(job_id, after_s)
    assert after_s < slot_s <= after_s + interval_s * (1 + 1e-6) + 1e-6


@given(job_id=IDS, interval_s=INTERVALS, after_s=MOMENTS, turns=st.integers(1, 20))
def test_slots_follow_each_other_without_drift(
    job_id: str, interval_s: float, after_s: float, turns: int
) -> None:
    timetable = Timetable(interval_s)
    first_s = slot_s = timetable.slot_after(job_id, after_s)
    for turn in range(1, turns + 1):
        slot_s = timetable.slot_after(job_id, slot_s)
        assert slot_s == pytest.approx(first_s + turn * interval_s, rel=1e-12, abs=1e-6)


@given(job_id=IDS, interval_s=INTERVALS, after_s=MOMENTS, late=st.floats(0.0, 0.999))
def test_a_late_poll_is_back_on_the_grid_at_its_next_slot(
    job_id: str, interval_s: float, after_s: float, late: float
) -> None:
    timetable = Timetable(interval_s)
    slot_s = timetable.slot_after(job_id, after_s)
    next_s = timetable.slot_after(job_id, slot_s)
    late_s = slot_s + late * interval_s
    assume(late_s < next_s)
    assert timetable.slot_after(job_id, late_s) == next_s


@pytest.mark.parametrize(("interval_s", "job_id"), [(0.3, "job-0"), (5.0, "job-1"), (7.3, "job-2")])
def test_a_moment_beside_a_slot_is_told_from_it_whatever_is_rounded(interval_s: float, job_id: str) -> None:
    timetable = Timetable(interval_s)
    for after_s in [1000.0 * number for number in range(1, 2_000)]:
        slot_s = timetable.slot_after(job_id, after_s)
        assert timetable.slot_after(job_id, nextafter(slot_s, -inf)) == slot_s
        assert slot_s < timetable.slot_after(job_id, slot_s) < slot_s + 1.1 * interval_s


def test_the_place_of_a_job_is_the_same_in_every_program() -> None:
    assert Timetable(5.0).slot_after("job-20250905-162427", 1000.0) == 1004.05


def test_places_are_whole_ticks_so_that_what_is_due_comes_in_groups() -> None:
    timetable = Timetable(5.0)
    slots = {timetable.slot_after(f"job-{number}", 1000.0) for number in range(JOBS)}
    assert len(slots) == round(5.0 / TICK_S)
    assert all(slot_s == pytest.approx(round(slot_s / TICK_S) * TICK_S) for slot_s in slots)


@pytest.mark.parametrize(
    "pattern", ["job-{0}", "job-{0:06d}", "{0:08x}", "job-20250905-{0:06d}", "repl-{0}000", "{0:032x}"]
)
def test_10000_ids_are_spread_evenly_over_the_interval(pattern: str) -> None:
    """Chi-square with 99 degrees of freedom exceeds 190 by chance once in ten million times."""
    timetable = Timetable(5.0)
    counts = Counter(timetable.slot_after(pattern.format(number), 0.0) for number in range(JOBS))
    expected = JOBS / 100
    assert len(counts) == 100
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 190


@given(job_id=IDS, interval_s=INTERVALS, after_s=MOMENTS, ticks=st.integers(1, 7))
def test_neighbours_that_share_a_place_are_due_at_most_so_many_ticks_before_their_own(
    job_id: str, interval_s: float, after_s: float, ticks: int
) -> None:
    timetable = Timetable(interval_s)
    shared_s = timetable.slot_after(job_id, after_s, ticks)
    assert after_s < shared_s <= after_s + interval_s * (1 + 1e-6) + 1e-6
    tick_s = interval_s / max(1, round(interval_s / TICK_S))
    own_s = timetable.slot_after(job_id, shared_s - tick_s / 2)
    assert own_s - shared_s < ticks * tick_s


def test_jobs_of_a_vma_that_answers_in_bulk_are_due_twice_a_second() -> None:
    timetable = Timetable(5.0)
    counts = Counter(timetable.slot_after(f"job-{number}", 1000.0, BULK_TICKS) for number in range(JOBS))
    assert sorted(counts) == pytest.approx([1000.5 + number / 2 for number in range(10)])
    assert min(counts.values()) > 400


def test_jobs_that_are_due_at_one_time_come_out_in_the_order_in_which_they_were_placed() -> None:
    timetable = Timetable(5.0)
    for job_id in ("b", "a", "c"):
        timetable.place(job_id, 1.0)
    timetable.place("b", 2.0)
    timetable.place("b", 1.0)
    assert [job_id for job_id, _ in timetable.pop_due(1.0, limit=2)] == ["b", "a"]
    assert timetable.pop_due(1.0, limit=2) == [("c", 1.0)]
    assert timetable.next_due_s() is None


def test_what_is_due_comes_out_most_overdue_first() -> None:
    timetable = Timetable(5.0)
    for job_id, due_s in (("c", 3.0), ("a", 1.0), ("d", 4.1), ("b", 2.0)):
        timetable.place(job_id, due_s)
    assert timetable.pop_due(4.0, limit=10) == [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    assert timetable.next_due_s() == 4.1
    assert len(timetable) == 1


def test_no_more_come_out_than_there_is_room_for() -> None:
    timetable = Timetable(5.0)
    for number in range(5):
        timetable.place(f"job-{number}", float(number))
    assert timetable.pop_due(10.0, limit=0) == []
    assert [job_id for job_id, _ in timetable.pop_due(10.0, limit=2)] == ["job-0", "job-1"]
    assert len(timetable) == 3


def test_with_more_work_than_time_every_job_is_served_in_turn() -> None:
    timetable = Timetable(5.0)
    now_s, served = 0.0, Counter[str]()
    for number in range(60):
        timetable.place(f"job-{number}", 0.0)
    for _ in range(60):
        for job_id, _ in timetable.pop_due(now_s, limit=10):
            served[job_id] += 1
            timetable.place(job_id, timetable.slot_after(job_id, now_s))
        now_s += 5.0
    assert set(served.values()) == {10}


def test_a_job_that_was_moved_is_due_once_at_its_new_time() -> None:
    timetable = Timetable(5.0)
    for due_s in (1.0, 9.0, 1.0, 5.0):
        timetable.place("a", due_s)
    assert len(timetable) == 1
    assert timetable.next_due_s() == 5.0
    assert timetable.pop_due(100.0, limit=10) == [("a", 5.0)]
    assert timetable.next_due_s() is None


def test_a_job_that_was_removed_is_not_due() -> None:
    timetable = Timetable(5.0)
    timetable.place("a", 1.0)
    timetable.remove("a")
    timetable.remove("unknown")
    assert len(timetable) == 0
    assert timetable.next_due_s() is None
    assert timetable.pop_due(100.0, limit=10) == []


@pytest.mark.parametrize("leave", ["remove", "pop"])
def test_outdated_entries_stay_bounded(leave: str) -> None:
    timetable = Timetable(5.0)
    for number in range(1000):
        timetable.place(f"job-{number}", float(number + 5000))
        timetable.place(f"job-{number}", float(number))
    for number in range(990):
        if leave == "remove":
            timetable.remove(f"job-{number}")
        else:
            timetable.pop_due(10_000.0, limit=1)
        assert sum(map(len, timetable._groups.values())) <= 2 * len(timetable) + FEW_OUTDATED


class CountedTime(float):
    """A due time that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        CountedTime.comparisons += 1
        return float(self) == other

    def __lt__(self, other: float) -> bool:
        CountedTime.comparisons += 1
        return float(self) < other

    __hash__ = float.__hash__


def test_moving_and_taking_a_job_costs_the_logarithm_of_their_number() -> None:
    random, jobs, moves = Random(7), 4096, 20_000  # noqa: S311 - a repeatable order, not a secret
    timetable = Timetable(5.0)
    CountedTime.comparisons = 0
    for number in range(jobs):
        timetable.place(f"job-{number}", CountedTime(random.random()))
    for turn in range(moves):
        timetable.place(f"job-{random.randrange(jobs)}", CountedTime(random.random() + turn))
        for job_id, due_s in timetable.pop_due(turn / 2, limit=1):
            timetable.place(job_id, CountedTime(due_s + jobs))
    assert CountedTime.comparisons < 6 * (jobs + 2 * moves) * log2(jobs)


def test_it_can_be_told_when_a_job_is_due() -> None:
    timetable = Timetable(5.0)
    assert timetable.due_s_of("a") is None
    timetable.place("a", 7.0)
    assert timetable.due_s_of("a") == 7.0
    timetable.remove("a")
    assert timetable.due_s_of("a") is None
