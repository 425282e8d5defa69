"""What each VMA's lane lets through, and where a job goes that changes its VMA (P4, P8)."""

from collections import Counter

import pytest
from core_values import a_reading
from engine_world import DOWN, Bench, job, jobs, key

from oma_poller.model.job import Job
from oma_poller.model.observation import Observation
from oma_poller.model.vma import VmaRule

COPYING = a_reading(50, 100)
RULES = tuple(VmaRule(f"vma-{number}", vcenter_host=f"vc-{number}") for number in range(1, 21))


def at(vma: int, *numbers: int) -> list[Job]:
    """Return jobs of `vma-N`."""
    return [job(number, vcenter_host=f"vc-{vma}") for number in numbers]


def test_each_vma_has_at_most_its_share_of_what_is_in_flight() -> None:
    bench = Bench(*at(1, *range(1, 100)), *at(2, *range(101, 200)), *at(3, 201), rules=RULES)
    asked = Counter(request.vma for request in bench.ask())
    assert asked == {"vma-1": 4, "vma-2": 5, "vma-3": 1}
    assert bench.poller.next_due_s() is None


def test_a_share_grows_with_the_jobs_and_when_another_vma_has_none_left() -> None:
    bench = Bench(*at(1, *range(1, 100)), *at(2, 101, 102), rules=RULES)
    requests = bench.ask()
    assert Counter(request.vma for request in requests) == {"vma-1": 8, "vma-2": 2}
    bench.answer(requests, COPYING)
    bench.poller.drop_all_but(frozenset(job.id for job in at(1, *range(1, 100))))
    assert len(bench.ask()) == 10


def test_with_more_vmas_than_slots_all_are_served_in_turn() -> None:
    fleet = [one for vma in range(1, 21) for one in at(vma, *range(vma * 10, vma * 10 + 5))]
    bench = Bench(*fleet, rules=RULES, max_concurrent=4)
    asked: Counter[str] = Counter()
    for _ in range(25):
        requests = bench.ask()
        assert len(requests) == len({request.vma for request in requests}) == 4
        asked.update(request.vma for request in requests)
        bench.answer(requests, COPYING)
    assert set(asked.values()) == {5}


def test_the_most_overdue_go_first_whatever_their_vma() -> None:
    bench = Bench(rules=RULES, max_concurrent=4)
    dues = [(1, 1, 5.0), (2, 2, 9.0), (1, 3, 8.0), (2, 4, 1.0), (1, 5, 7.0)]
    for vma, number, late_s in dues:
        bench.poller.take_up([(one, bench.clock.now_s - late_s) for one in at(vma, number)])
    assert [request.key for request in bench.ask()] == [key(2), key(3), key(5), key(4)]


def test_a_job_that_goes_to_another_vma_is_asked_there_at_once() -> None:
    bench = Bench(*at(1, 1, 2), rules=RULES)
    bench.answer(bench.ask(), DOWN)
    assert bench.ask() == []
    bench.reread(*at(2, 1))
    assert [request.vma for request in bench.ask()] == ["vma-2"]
    bench.reread(*at(1, 1))
    assert bench.ask() == []


def test_a_failure_of_a_job_that_has_gone_to_another_vma_still_tells_of_the_first() -> None:
    bench = Bench(*at(1, 1), rules=RULES)
    requests = bench.ask()
    bench.reread(*at(2, 1))
    bench.answer(requests, DOWN)
    assert bench.tally.vmas_down == {"vma-1"}
    (request,) = bench.ask()
    assert request.vma == "vma-2"
    assert bench.answer([request], COPYING) == []
    assert bench.held("job-00001").context.sighting.observation is Observation.FRESH


def test_a_vma_whose_last_job_went_to_another_is_not_probed() -> None:
    bench = Bench(*at(1, 1), rules=RULES)
    bench.poll(DOWN)
    bench.ask()
    bench.health(DOWN, vma="vma-1")
    bench.reread(*at(2, 1))
    bench.clock.now_s += 60.0
    bench.ask()
    assert bench.fetcher.probed == ["vma-1"]


def test_jobs_are_set_aside_also_while_others_use_all_there_is() -> None:
    bench = Bench(*at(1, 1), rules=RULES, max_concurrent=2)
    bench.poll(DOWN)
    assert bench.tally.vmas_down == {"vma-1"}
    bench.watch(*at(2, 2, 3), *at(3, 4, 5))
    assert len(bench.ask()) == bench.poller.in_flight == 2
    bench.watch(*at(1, 6))
    assert bench.poller.next_due_s() == bench.clock.now_s
    bench.ask()
    assert bench.held("job-00006").context.sighting.observation is Observation.BLIND
    assert bench.poller.next_due_s() is None


def test_polls_of_a_vma_that_answers_in_bulk_take_no_place_in_flight() -> None:
    bench = Bench(*at(1, *range(1, 100)), *at(2, *range(101, 200)), rules=RULES)
    bench.fetcher.bulk = {"vma-1"}
    requests = bench.ask()
    assert Counter(request.vma for request in requests) == {"vma-1": 99, "vma-2": 5}
    bench.answer(requests, COPYING)
    assert Counter(request.vma for request in bench.ask()) == {"vma-2": 5}


def test_a_vma_that_stops_answering_in_bulk_has_its_share_from_then_on() -> None:
    bench = Bench(*at(1, *range(1, 31)), rules=RULES)
    bench.fetcher.bulk = {"vma-1"}
    in_bulk = bench.ask()
    assert len(in_bulk) == 30
    bench.fetcher.bulk = set()
    bench.watch(*at(1, *range(31, 61)))
    singly = bench.ask()
    assert len(singly) == 10
    bench.answer(in_bulk, COPYING)
    assert bench.ask() == []
    bench.answer(singly[:3], COPYING)
    assert len(bench.ask()) == 3
    assert bench.poller.abandon() == 10


@pytest.mark.parametrize(
    ("count", "bulk", "places"),
    [(150, False, 80), (150, True, 10), (200, False, 10), (1999, False, 10), (2000, False, 50)],
)
def test_jobs_of_a_vma_with_many_or_in_bulk_come_due_in_fewer_and_larger_groups(
    count: int, *, bulk: bool, places: int
) -> None:
    bench = Bench(*jobs(count), max_concurrent=count)
    if bulk:
        bench.fetcher.bulk.add("default")
    while requests := bench.ask():
        bench.answer(requests, COPYING)
    dues_s = {bench.poller.due_s_of(watch) for watch in bench.poller.watches()}
    assert len(dues_s) == places
