"""A recorded poll runs through the rules again to the same decision."""

import msgspec
import pytest
from core_values import NOW
from hypothesis import given
from hypothesis import strategies as st
from job_story import Story, completed, copying, failed

from oma_poller.core.flight import decided_of, fly_again, plain_outcome, record
from oma_poller.model.flight import Flight
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome

OUTCOMES: list[Outcome] = [
    copying(10),
    copying(60),
    copying(40),
    completed(100),
    failed(50),
    Missing("job not found", 7.0),
    Failure(FailureKind.TIMEOUT, "too slow", 9.0),
]


def recorded(story: Story, outcome: Outcome) -> Flight:
    """Poll, and return the record of it."""
    before = story.context
    decision = story.poll(outcome)
    assert story.last_poll is not None
    return record(before, story.last_poll, decision, {})


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=6))
def test_a_recorded_poll_is_decided_the_same_again(outcomes: list[Outcome]) -> None:
    story = Story()
    for outcome in outcomes:
        flight = recorded(story, outcome)
        stored = msgspec.json.decode(msgspec.json.encode(flight), type=Flight)
        assert stored == flight
        assert decided_of(fly_again(stored, [outcome])) == stored.decided


def test_an_answer_without_an_entry_is_an_outcome_by_itself() -> None:
    story = Story()
    for outcome in OUTCOMES:
        plain = plain_outcome(recorded(story, outcome).answers[0])
        assert plain == (outcome if isinstance(outcome, Missing | Failure) else None)


def test_a_flight_whose_keys_are_not_its_jobs_is_refused() -> None:
    flight = recorded(Story(), copying(10))
    assert flight.at >= NOW
    for wrong in ([], [copying(1), copying(2)]):
        with pytest.raises(ValueError, match="keys"):
            fly_again(flight, wrong)
    with pytest.raises(ValueError, match="keys"):
        fly_again(msgspec.structs.replace(flight, tier=9), [copying(1)])
