"""A job's context to its memory and back (P9)."""

from datetime import timedelta

import msgspec
import pytest
from core_values import BEFORE, CREATED, NOW, NOW_S, a_context, a_disk, a_job, a_run
from hypothesis import given, settings
from hypothesis import strategies as st
from job_story import BROKEN, MISSING, REFUSED, Story, by_exports, by_job_id, completed, copying, failed
from msgspec.structs import replace
from restarts import SECOND, at, back, memory_of, told

from oma_poller.core.keys import plan_keys
from oma_poller.core.memory import recall, remember
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import EventKind
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory, Past
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Outcome, State

KEY = "migration-vol-vol-1"


def test_a_job_without_a_past_is_a_new_one() -> None:
    assert recall(a_job(), at()) is None


def test_every_moment_is_kept_by_its_age_and_not_by_this_programs_clock() -> None:
    run = a_run(50, since_s=NOW_S - 90, read_at_s=NOW_S - 5, moved_at_s=NOW_S - 10, changed_at_s=NOW_S - 20)
    context = a_context(
        tier=0,
        keys=(KEY,),
        runs=(run,),
        first_poll_s=NOW_S - 100,
        last_poll_s=NOW_S - 5,
        last_good_s=NOW_S - 6,
        clear_since_s=NOW_S - 30,
        vanished_at_s=NOW_S - 40,
        held_since_s=NOW_S - 7,
    )
    found = recall(a_job(past=memory_of(context)), at(50.0, NOW + 10 * SECOND))
    assert found is not None
    by_s = 50.0 - 10.0 - NOW_S
    for one, before in ((found, context), (found.runs[0], run)):
        for field in msgspec.structs.fields(type(one)):  # type: ignore[arg-type] # a run is there
            if field.name.endswith("_s"):
                assert getattr(one, field.name) == getattr(before, field.name) + by_s, field.name


def test_a_memory_of_another_job_under_the_same_id_is_ignored() -> None:
    past = memory_of(a_context())
    assert recall(a_job(past=past), at()) is not None
    assert recall(a_job(past=past, created_at=CREATED + SECOND), at()) is None
    assert recall(a_job(past=past, id="job-2"), at()) is None


def test_a_job_that_had_ended_and_is_active_again_starts_anew() -> None:
    past = memory_of(a_context(state=State.COMPLETED))
    assert recall(a_job(past=past), at()) is None
    kept = recall(a_job(past=past), at(write_status=False))  # its status is not this program's to write
    assert kept is not None
    assert kept.state is State.COMPLETED


def test_moments_that_lie_ahead_become_now() -> None:
    run = a_run(50, read_at_s=NOW_S + 1e9, moved_at_s=NOW_S + 1e9)
    context = a_context(tier=0, keys=(KEY,), runs=(run,), last_good_s=NOW_S + 1e9, started_at=NOW + SECOND)
    context = replace(context, sighting=replace(context.sighting, since=NOW + SECOND))
    memory = replace(remember(context, NOW_S, NOW), taken_at=NOW + timedelta(days=9))
    found = recall(a_job(past=Past(memory)), at())
    assert found is not None
    assert (found.last_good_s, found.sighting.since, found.started_at) == (NOW_S, NOW, NOW)
    assert found.runs[0] is not None
    assert found.runs[0].read_at_s == found.runs[0].moved_at_s == NOW_S


def test_a_tier_is_found_by_its_keys_when_the_keys_have_changed() -> None:
    context = a_context(tier=0, keys=("a", KEY), runs=(a_run(1), a_run(2)))
    two = a_job(a_disk(2), a_disk(1))
    found = recall(a_job(a_disk(2), a_disk(1), past=memory_of(context)), at(job=two))
    assert found is not None
    assert (found.tier, found.keys) == (0, ("migration-vol-vol-2", KEY))
    assert found.runs[0] is None
    assert found.runs[1] is not None
    assert found.runs[1].raw_bytes == 2


def test_a_job_none_of_whose_keys_is_known_any_more_has_no_runs() -> None:
    context = a_context(tier=0, keys=("a",), runs=(a_run(1),), consecutive_errors=2)
    found = recall(a_job(past=memory_of(context)), at())
    assert found is not None
    assert (found.tier, found.keys, found.runs, found.consecutive_errors) == (None, (), (), 2)


OUTCOMES = st.sampled_from(
    [copying(moved, percent=percent) for moved in (0, 10, 50, 96, 100) for percent in (None, 50.0)]
    + [copying(5, started_at=BEFORE), completed(100, started_at=BEFORE), copying(30, started_at=None)]
    + [completed(60, 100), failed(), copying(5, state=State.PREPARING, word="Snapshot"), copying(1, 80)]
    + [MISSING, REFUSED, BROKEN]
)
PAUSES = st.sampled_from([5.0, 5.0, 12.5, 31.0, 400.0])
JOBS = st.sampled_from([by_exports(1), by_exports(2), by_job_id(2), by_job_id(0)])


@settings(max_examples=300, deadline=None)
@given(
    job=JOBS,
    polls=st.lists(st.tuples(OUTCOMES, OUTCOMES, PAUSES, st.sampled_from([0, 0, 1])), max_size=8),
    last=st.tuples(OUTCOMES, OUTCOMES, PAUSES, st.sampled_from([0, 0, 1])),
    fail_after_s=st.sampled_from([None, 60.0]),
)
def test_a_restart_without_a_pause_changes_no_decision_but_speed(
    job: Job,
    polls: list[tuple[Outcome, Outcome, float, int]],
    last: tuple[Outcome, Outcome, float, int],
    fail_after_s: float | None,
) -> None:
    tiers = plan_keys(job).tiers
    story = Story(job, Policy(fail_after_s=fail_after_s))
    for first, second, after_s, tier in polls:
        story.tier = tier % len(tiers)
        told(story, *(first, second)[: len(tiers[story.tier])], after_s=after_s)
    if story.context.state in {State.COMPLETED, State.FAILED, State.CANCELLED}:
        return
    later = back(story)
    first, second, after_s, tier = last
    for one in (story, later):
        one.tier = tier % len(tiers)
        told(one, *(first, second)[: len(tiers[one.tier])], after_s=after_s)
    assert story.decision is not None
    assert later.decision is not None
    assert without_speed(later.context) == without_speed(story.context)
    assert later.decision.delay_s == story.decision.delay_s
    assert later.decision.result == story.decision.result
    assert [e for e in later.decision.events if e.kind is not EventKind.UNSEEN] == [
        e for e in story.decision.events if e.kind is not EventKind.UNSEEN
    ]
    updates = [without_numbers_of_speed(one) for one in (later, story)]
    assert updates[0] == updates[1]


def without_speed(context: PollingContext) -> PollingContext:
    """Return *context* without what a restart forgets."""
    runs = tuple(run and replace(run, speed_bps=0.0, sampled=False, recalled=False) for run in context.runs)
    return replace(context, runs=runs)


def without_numbers_of_speed(story: Story) -> object:
    """Return what is written, without speed and what follows from it."""
    assert story.decision is not None
    update = story.decision.update
    if update.progress is None:
        return update
    return replace(update, progress=replace(update.progress, speed_bps=0, eta_s=None))


@given(st.binary() | st.text().map(str.encode))
def test_anything_stored_is_a_memory_or_an_error_that_names_it(stored: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeError)):
        msgspec.json.decode(stored, type=JobMemory)


@pytest.mark.parametrize(
    ("field", "value"),
    [("percent_bp", 10_001), ("percent_bp", -1), ("bytes_transferred", -1), ("state", "odd"), ("runs", [7])],
)
def test_a_memory_outside_its_limits_is_refused(field: str, value: object) -> None:
    stored = msgspec.to_builtins(remember(a_context(), NOW_S, NOW))
    msgspec.convert(stored, JobMemory)
    stored["context"][field] = value
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(stored, JobMemory)


def test_a_memory_of_another_version_and_one_without_a_zone_are_refused() -> None:
    stored = msgspec.to_builtins(remember(a_context(), NOW_S, NOW))
    for wrong in (stored | {"version": 2}, stored | {"taken_at": "2026-11-23T12:00:00"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, JobMemory)


def test_fields_that_a_newer_program_has_added_are_left_out() -> None:
    stored = msgspec.to_builtins(remember(a_context(), NOW_S, NOW))
    stored["context"]["mood"] = "good"
    assert msgspec.convert(stored, JobMemory) == remember(a_context(), NOW_S, NOW)
