"""Jobs in the order in which they changed last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.web import change_order as change_order_module
from oma_poller.web.change_order import ChangeOrder


def test_each_job_stands_once_at_its_last_change() -> None:
    order = ChangeOrder()
    for version, job_id in enumerate("abca", 1):
        order.changed(job_id, version)
    assert list(order.since(0)) == ["b", "c", "a"]
    assert list(order.since(2)) == ["c", "a"]
    assert list(order.since(4)) == []


def test_a_job_that_was_dropped_stands_nowhere_until_it_changes_again() -> None:
    order = ChangeOrder()
    order.changed("a", 1)
    order.drop("a")
    order.drop("b")
    assert list(order.since(0)) == []
    order.changed("a", 2)
    assert list(order.since(0)) == ["a"]


def test_what_is_outdated_stays_bounded_however_often_jobs_change() -> None:
    order = ChangeOrder()
    for version in range(1, 10_000):
        order.changed(f"job-{version % 3}", version)
    assert len(order._places) <= 2 * 3 + change_order_module._FEWEST
    assert list(order.since(0)) == ["job-1", "job-2", "job-0"]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef")), max_size=60), st.integers(0, 60))
def test_it_is_what_a_plain_walk_over_all_changes_tells(steps: list[tuple[bool, str]], version: int) -> None:
    newest: dict[str, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change_order_module, "_FEWEST", 1)
        order = ChangeOrder()
        for number, (is_change, job_id) in enumerate(steps, 1):
            if is_change:
                order.changed(job_id, number)
                newest[job_id] = number
            else:
                order.drop(job_id)
                newest.pop(job_id, None)
    expected = sorted((at, job_id) for job_id, at in newest.items() if at > version)
    assert list(order.since(version)) == [job_id for _, job_id in expected]
