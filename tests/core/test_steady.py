"""The short way of the ordinary poll: it says what all the rules say, or nothing."""

from datetime import timedelta
from typing import Any

import pytest
from core_values import BEFORE, NOW, NOW_S, POLICY, STARTED, a_disk, a_job
from hypothesis import given
from hypothesis import strategies as st
from job_story import MISSING, REFUSED, Story, by_exports, by_job_id, completed, copying
from msgspec.structs import replace

from oma_poller.core.decide import decide, decide_by_all_rules
from oma_poller.core.keys import plan_keys
from oma_poller.core.poll import Poll
from oma_poller.core.steady import steady
from oma_poller.model.context import EndedDisk, PollingContext
from oma_poller.model.job import Job
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.reading import BIGINT_MAX, Outcome, Reading, State

HUGE = BIGINT_MAX - 1


def under_way(disks: int = 2, policy: Policy = POLICY) -> Story:
    """Return a job whose disks have been copying for three polls; the next one is ordinary."""
    story = Story(by_exports(disks), policy)
    for moved in (10, 20, 30):
        story.poll(*[copying(moved)] * disks)
    return story


def next_poll(story: Story, *outcomes: Outcome, after_s: float = 5.0, tier: int = 0, **job: Any) -> Poll:  # noqa: ANN401 - as in core_values
    """Return the poll that would come next."""
    passed_s = story.passed_s + after_s
    made = replace(story.job, **job)
    now = NOW + timedelta(seconds=passed_s)
    return Poll(made, plan_keys(made), story.policy, tier, outcomes, NOW_S + passed_s, now)


def test_an_ordinary_poll_goes_the_short_way_and_means_the_same() -> None:
    story = under_way()
    poll = next_poll(story, copying(40), copying(30))
    decision = steady(story.context, poll)
    assert decision is not None
    assert decision == decide(story.context, poll)
    assert replace(decision, went_on=False) == decide_by_all_rules(story.context, poll)
    progress = decision.update.progress
    assert progress is not None
    assert (progress.percent_bp, progress.bytes_transferred) == (3500, 70)
    assert [row.percent_bp for row in progress.disks] == [4000, 3000]


def test_nothing_goes_the_short_way_where_no_byte_moved() -> None:
    story = under_way()
    assert steady(story.context, next_poll(story, copying(30), copying(30))) is None


def test_a_disk_that_stands_while_another_moves_has_no_speed_after_a_while() -> None:
    story = under_way()
    speeds = []
    for moved in (40, 50, 60):
        poll = next_poll(story, copying(moved), copying(30))
        assert steady(story.context, poll) is not None
        story.poll(*poll.outcomes)
        speeds.append([run.speed_bps for run in story.context.runs if run is not None])
    assert [speed[0] for speed in speeds] == [2.0] * 3
    assert speeds[0][1] > speeds[1][1] > speeds[2][1] == 0.0


@pytest.mark.parametrize(
    "outcome",
    [
        MISSING,
        REFUSED,
        completed(),
        copying(29),
        copying(40, 0),
        copying(40, word="running"),
        copying(40, phase="Finalizing"),
        copying(40, operation="else"),
        copying(40, sync_type="incremental"),
        copying(40, error="slow disk"),
        copying(40, started_at=NOW),
        copying(40, started_at=None),
        copying(40, state=State.UNKNOWN),
        copying(40, state=State.FINALIZING),
    ],
)
def test_a_key_that_says_anything_new_takes_its_job_to_all_the_rules(outcome: Outcome) -> None:
    story = under_way()
    assert steady(story.context, next_poll(story, copying(40), outcome)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.QUEUED},
        {"state": State.FINALIZING},
        {"sighting": Sighting(Observation.LATE, NOW)},
        {"sighting": Sighting(Observation.FRESH, NOW, "why")},
        {"proven": False},
        {"consecutive_errors": 1},
        {"error_kind": "timeout"},
        {"first_poll_s": None},
        {"clear_since_s": None},
        {"last_good_s": None},
        {"last_good_s": NOW_S},
        {"vanished_at_s": NOW_S},
        {"held_since_s": NOW_S},
        {"ended": (EndedDisk(1, 1),)},
        {"tier": 1},
        {"keys": ("migration-vol-vol-2", "migration-vol-vol-1")},
        {"runs": (None, None)},
    ],
)
def test_a_job_that_was_not_simply_fine_is_taken_to_all_the_rules(fields: dict[str, Any]) -> None:
    story = under_way()
    context = replace(story.context, **fields)
    assert steady(context, next_poll(story, copying(40), copying(40))) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.COMPLETED},
        {"trusted": False},
        {"previous": True},
        {"sampled": False},
        {"recalled": True},
        {"resumed": True},
        {"unwatched": True},
        {"ended_polls": 1},
        {"stale_bytes": 30},
        {"raw_bytes": 31},
        {"read_at_s": NOW_S - 20.0},
        {"read_at_s": NOW_S + 20.0},
        {"started_at": BEFORE},
    ],
)
def test_a_run_that_was_not_simply_going_on_is_taken_to_all_the_rules(fields: dict[str, Any]) -> None:
    story = under_way()
    first, second = story.context.runs
    assert first is not None
    context = replace(story.context, runs=(replace(first, **fields), second))
    assert steady(context, next_poll(story, copying(40), copying(40))) is None


def test_keys_of_other_kinds_are_taken_to_all_the_rules() -> None:
    shared = a_job(a_disk(1), a_disk(2, volume_id="vol-1"))
    without = a_job(a_disk(1), a_disk(2, volume_id=None))
    for job, tier in ((by_job_id(1), 0), (shared, 0), (without, 0), (by_exports(1), 1)):
        story = Story(job, tier=tier)
        for moved in (10, 20, 30):
            story.poll(copying(moved))
        assert steady(story.context, next_poll(story, copying(40), tier=tier)) is None


def test_what_a_person_has_just_accepted_is_taken_to_all_the_rules() -> None:
    story = under_way()
    outcomes = copying(40), copying(40)
    assert steady(story.context, next_poll(story, *outcomes, accepted_at=NOW)) is None
    accepted = replace(story.context, accepted_at=NOW)
    assert steady(accepted, next_poll(story, *outcomes, accepted_at=NOW)) is not None


def readings(before: Reading) -> st.SearchStrategy[Outcome]:
    """Draw what may come after a reading: mostly that it goes on."""
    moved = before.bytes_transferred
    steps = st.integers(0, 20) | st.sampled_from([0, 0, HUGE])
    ordinary = steps.map(lambda step: replace(before, bytes_transferred=min(HUGE, moved + step)))
    odd = st.sampled_from(
        [
            MISSING,
            REFUSED,
            completed(100),
            replace(before, word="Streaming"),
            replace(before, bytes_transferred=max(0, moved - 1)),
            replace(before, total_bytes=before.total_bytes * 2),
            replace(before, total_bytes=HUGE),
            replace(before, total_bytes=0),
            replace(before, percent=12.5, bytes_transferred=moved + 1),
            replace(before, started_at=NOW),
            replace(before, phase="", operation=""),
            replace(before, speed_bps=77),
        ]
    )
    return st.one_of(ordinary, ordinary, ordinary, ordinary, odd)


@given(
    data=st.data(),
    disks=st.integers(1, 3),
    policy=st.sampled_from(
        [
            POLICY,
            Policy(write_status=False),
            Policy(fail_after_s=5.0),
            Policy(active_statuses=frozenset({"x"})),
        ]
    ),
)
def test_the_short_way_never_says_anything_but_what_all_the_rules_say(
    data: st.DataObject, disks: int, policy: Policy
) -> None:
    job: Job = by_exports(disks)
    context: PollingContext = under_way(disks, policy).context
    newest: list[Reading] = [copying(30, sync_type="") for _ in range(disks)]
    passed_s = 15.0
    for _ in range(data.draw(st.integers(1, 6))):
        passed_s += data.draw(st.sampled_from([5.0, 5.0, 5.0, 4.7, 14.9, 15.1, 40.0]))
        outcomes = tuple(data.draw(readings(reading)) for reading in newest)
        now = NOW + timedelta(seconds=passed_s)
        poll = Poll(job, plan_keys(job), policy, 0, outcomes, NOW_S + passed_s, now)
        short, long = steady(context, poll), decide_by_all_rules(context, poll)
        assert short is None or short == replace(long, went_on=True)
        context = long.context
        newest = [one if isinstance(one, Reading) else old for one, old in zip(outcomes, newest, strict=True)]


def test_the_run_of_a_single_disk_that_began_before_the_job_and_moved_goes_the_short_way() -> None:
    story = Story(by_exports(1))
    for moved in (10, 20, 30):
        story.poll(copying(moved, started_at=BEFORE))
    assert steady(story.context, next_poll(story, copying(40, started_at=BEFORE))) is not None
    assert steady(story.context, next_poll(story, copying(40, started_at=STARTED))) is None
