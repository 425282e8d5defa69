"""Jobs decided together: it is what is said of each by itself, or nothing."""

from datetime import timedelta
from math import nan

import pytest
from core_values import NOW, NOW_S, POLICY
from hypothesis import given
from hypothesis import strategies as st
from job_story import Story, by_exports, copying
from msgspec.structs import replace

from oma_poller.core.cohort import Cohort, Told
from oma_poller.core.keys import plan_keys
from oma_poller.core.merge import merged
from oma_poller.core.poll import Poll
from oma_poller.core.steady import steady
from oma_poller.model.context import PollingContext
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import BIGINT_MAX, Reading
from oma_poller.model.update import DiskUpdate

THREE_POLLS_S = 15.0


def under_way(disks: int = 2, policy: Policy = POLICY) -> Story:
    """Return a job whose disks have been copying for three polls."""
    story = Story(by_exports(disks), policy)
    for moved in (10, 20, 30):
        story.poll(*[copying(moved)] * disks, after_s=policy.interval_s)
    assert story.decision is not None
    assert story.decision.went_on
    return story


def told(*moved: int, total: int = 100) -> Told:
    """Return the numbers of so many keys."""
    return Told(list(moved), [total] * len(moved), [nan] * len(moved))


def cohort_of(*stories: Story) -> Cohort:
    """Return a cohort of jobs, each at the place of its number."""
    cohort = Cohort(stories[0].policy)
    assert [cohort.join(story.context, story.job) for story in stories] == list(range(len(stories)))
    return cohort


def test_each_job_is_told_what_it_would_be_by_itself() -> None:
    first, second = under_way(2), under_way(1)
    cohort = cohort_of(first, second)
    updates = cohort.decide(told(40, 50, 31), NOW_S + THREE_POLLS_S + 5.0)
    alone = [first.poll(copying(40), copying(50)), second.poll(copying(31))]
    assert [update and replace(update, whole=False) for update in updates] == [one.update for one in alone]
    assert [cohort.context(place) for place in (0, 1)] == [one.context for one in alone]


def test_a_job_that_stands_altogether_or_goes_back_is_to_be_decided_by_itself() -> None:
    cohort = cohort_of(under_way(2), under_way(1), under_way(2))
    before = [cohort.context(place) for place in (0, 2)]
    updates = cohort.decide(told(30, 30, 31, 40, 29), NOW_S + THREE_POLLS_S + 5.0)
    assert [update is None for update in updates] == [True, False, True]
    assert [cohort.context(place) for place in (0, 2)] == before


def test_a_disk_that_stands_while_another_moves_has_no_speed_after_a_while() -> None:
    story = under_way(2)
    cohort = cohort_of(story)
    for poll in range(1, 5):
        moved, percent = 30 + 10 * poll, 12.5 if poll > 2 else 2.5
        numbers = Told([moved, 30], [100, 100], [nan, percent])
        (update,) = cohort.decide(numbers, NOW_S + THREE_POLLS_S + 5.0 * poll)
        alone = story.poll(copying(moved), copying(30, percent=percent))
        assert update is not None
        assert replace(update, whole=False) == alone.update
        assert cohort.context(0) == alone.context
    assert alone.context.runs[1] is not None
    assert alone.context.runs[1].speed_bps == 0.0


@pytest.mark.parametrize("after_s", [0.0, -1.0, 15.1])
def test_after_a_pause_that_is_none_or_too_long_each_is_to_be_decided_by_itself(after_s: float) -> None:
    cohort = cohort_of(under_way(1))
    assert cohort.decide(told(40), NOW_S + THREE_POLLS_S + after_s) == [None]


def test_a_job_that_left_is_decided_no_more_and_the_others_keep_their_places() -> None:
    cohort = cohort_of(under_way(1), under_way(2), under_way(1))
    cohort.leave(1)
    cohort.leave(1)
    updates = cohort.decide(told(40, 40, 40, 50), NOW_S + THREE_POLLS_S + 5.0)
    assert [update and update.progress and update.progress.bytes_transferred for update in updates] == [
        40,
        None,
        50,
    ]
    assert cohort.context(1) is None
    assert (len(cohort), cohort.places) == (2, 3)


def test_a_job_without_a_run_for_each_key_does_not_join() -> None:
    story = under_way(2)
    assert (
        Cohort(POLICY).join(replace(story.context, runs=(None, *story.context.runs[1:])), story.job) is None
    )
    assert Cohort(POLICY).join(replace(story.context, last_good_s=None), story.job) is None


def test_a_job_is_taken_over_with_its_numbers() -> None:
    one, other = cohort_of(under_way(2), under_way(1)), cohort_of(under_way(1))
    now_s = NOW_S + THREE_POLLS_S + 5.0
    one.decide(told(40, 50, 60), now_s)
    assert one.hand_over(1, other) == 1
    assert one.hand_over(0, other) == 2
    assert other.spans == [range(1), range(1, 2), range(2, 4)]
    one.leave(0)
    assert one.hand_over(0, other) is None
    assert other.context(1) == one.context(1)
    updates = other.decide(told(40, 61, 41, 51), now_s + 5.0)
    assert [update and update.progress and update.progress.bytes_transferred for update in updates] == [
        40,
        61,
        92,
    ]


def test_a_renewed_context_is_the_same_and_is_not_made_again() -> None:
    cohort = cohort_of(under_way(2))
    cohort.decide(told(40, 50), NOW_S + THREE_POLLS_S + 5.0)
    renewed = cohort.renew(0)
    assert renewed is cohort.context(0)
    assert renewed is not None
    assert renewed.last_good_s == cohort.read_at_s(0)
    cohort.leave(0)
    assert cohort.renew(0) is None


def test_an_update_of_a_cohort_leaves_nothing_of_an_older_one() -> None:
    cohort = cohort_of(under_way(1))
    (newer,) = cohort.decide(told(40), NOW_S + THREE_POLLS_S + 5.0)
    assert newer is not None
    assert newer.progress is not None
    numbers = replace(newer.progress, disks=(DiskUpdate(99, "syncing", 1, 1),))
    older = replace(newer, progress=numbers, whole=False)
    assert merged(older, newer) is newer
    assert merged(replace(older, error_message="was"), newer).error_message == "was"


def numbers(before: Reading) -> st.SearchStrategy[Reading]:
    """Draw what a key may say next: mostly that its copy moved."""
    moved = before.bytes_transferred
    steps = st.integers(1, 20) | st.sampled_from([0, -1, BIGINT_MAX])
    twice = min(BIGINT_MAX, before.total_bytes * 2)
    totals = st.sampled_from([before.total_bytes] * 5 + [twice, 1, BIGINT_MAX])
    percents = st.none() | st.floats(0, 200)
    return st.builds(
        lambda step, total, percent: replace(
            before,
            bytes_transferred=min(BIGINT_MAX, max(0, moved + step)),
            total_bytes=total,
            percent=percent,
        ),
        steps,
        totals,
        percents,
    )


@given(
    data=st.data(),
    disks=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    policy=st.sampled_from(
        [POLICY, Policy(write_status=False), Policy(active_statuses=frozenset({"x"})), Policy(interval_s=0.7)]
    ),
)
def test_a_cohort_never_says_anything_but_what_is_said_of_each_by_itself(
    data: st.DataObject, disks: list[int], policy: Policy
) -> None:
    stories = [under_way(count, policy) for count in disks]
    cohort = Cohort(policy)
    places = [cohort.join(story.context, story.job) for story in stories]
    contexts: list[PollingContext] = [story.context for story in stories]
    newest = [[copying(30)] * count for count in disks]
    passed_s = stories[0].passed_s
    for _ in range(data.draw(st.integers(1, 5))):
        passed_s += data.draw(st.sampled_from([5.0, 5.0, 4.7, 0.7, 14.9, 15.1]))
        newest = [[data.draw(numbers(one)) for one in of_job] for of_job in newest]
        flat = [one for of_job in newest for one in of_job]
        updates = cohort.decide(
            Told(
                [one.bytes_transferred for one in flat],
                [one.total_bytes for one in flat],
                [nan if one.percent is None else one.percent for one in flat],
            ),
            NOW_S + passed_s,
        )
        for number, (story, place) in enumerate(zip(stories, places, strict=True)):
            if place is None:
                continue
            update = updates[place]
            poll = poll_of(story.job, policy, tuple(newest[number]), passed_s)
            alone = steady(contexts[number], poll)
            if update is None:
                cohort.leave(place)
                places[number] = None
                continue
            assert alone is not None
            assert replace(update, whole=False) == alone.update
            assert cohort.context(place) == alone.context
            contexts[number] = alone.context


def poll_of(job: Job, policy: Policy, outcomes: tuple[Reading, ...], passed_s: float) -> Poll:
    """Return a poll of one job."""
    return Poll(job, plan_keys(job), policy, 0, outcomes, NOW_S + passed_s, NOW + timedelta(seconds=passed_s))
