"""A recorded poll runs through the rules again to the same decision."""

from collections.abc import Mapping

import msgspec
import pytest
from core_values import NOW, a_context, a_disk, a_job, a_poll
from hypothesis import given
from hypothesis import strategies as st
from job_story import Story, by_exports, completed, copying, failed
from msgspec.structs import replace

from oma_poller.core.decide import decide
from oma_poller.core.flight import (
    LONGEST_BODIES_BYTES,
    LONGEST_FAILED,
    boarding,
    decided_of,
    plain_outcome,
    record,
)
from oma_poller.core.keys import KeyPlan
from oma_poller.errors import VolumeNameError
from oma_poller.model.flight import Flight
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome

KEY = "migration-vol-vol-1"
OUTCOMES: list[Outcome] = [
    copying(10),
    copying(60),
    copying(40),
    completed(100),
    failed(50),
    Missing("job not found", 7.0),
    Failure(FailureKind.TIMEOUT, "too slow", 9.0),
]


def recorded(story: Story, *outcomes: Outcome, bodies: Mapping[str, bytes] | None = None) -> Flight:
    """Poll, and return the record of it."""
    before = story.context
    decision = story.poll(*outcomes)
    assert story.last_poll is not None
    given = bodies or {}
    return record(before, story.last_poll, decision, [given.get(key, b"") for key in story.last_poll.keys])


def stored(flight: Flight) -> Flight:
    """Return a flight as it is read back."""
    return msgspec.json.decode(msgspec.json.encode(flight), type=Flight)


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=6))
def test_a_recorded_poll_is_decided_the_same_again(outcomes: list[Outcome]) -> None:
    story = Story()
    for outcome in outcomes:
        flight = recorded(story, outcome)
        again = stored(flight)
        assert again == flight
        answers = [plain_outcome(answer) for answer in again.answers]
        assert answers == [outcome]
        assert decided_of(decide(*boarding(again, [outcome]))) == again.decided


def test_an_entry_is_kept_as_its_body_or_as_it_was_decoded() -> None:
    reading = copying(10, clock_skew_s=2.5)
    (with_body,) = recorded(Story(), reading, bodies={KEY: b"{...}"}).answers
    assert (with_body.body, with_body.clock_skew_s, with_body.reading) == ("{...}", 2.5, None)
    assert plain_outcome(with_body) is None
    for bodies in ({}, {KEY: b""}, {KEY: b"x" * (LONGEST_BODIES_BYTES + 1)}):
        (without,) = recorded(Story(), reading, bodies=bodies).answers
        assert (without.body, without.reading) == ("", reading)


def test_the_bodies_of_a_poll_have_one_bound_together() -> None:
    story = Story(by_exports(3))
    keys = [f"migration-vol-vol-{number}" for number in (1, 2, 3)]
    half = b"x" * (LONGEST_BODIES_BYTES // 2)
    flight = recorded(story, copying(1), copying(2), copying(3), bodies=dict.fromkeys(keys, half))
    assert [bool(answer.body) for answer in flight.answers] == [True, True, False]
    assert [answer.reading for answer in flight.answers] == [None, None, copying(3)]


def test_a_body_that_could_not_be_used_is_kept_short_and_a_missing_one_not_at_all() -> None:
    odd = b"\xff" + "é".encode() * LONGEST_FAILED * 3
    failure = Failure(FailureKind.NOT_JSON, "not JSON")
    (answer,) = recorded(Story(), failure, bodies={KEY: odd}).answers
    assert answer.body == "\ufffd" + "é" * (LONGEST_FAILED - 1)
    assert plain_outcome(answer) == failure
    (missing,) = recorded(Story(), Missing("gone"), bodies={KEY: b"gone"}).answers
    assert missing.body == ""


def test_a_job_that_cannot_be_asked_for_is_decided_the_same_again() -> None:
    job = a_job(a_disk(volume_id="../x"))
    refusal = Failure(FailureKind.BAD_KEY, "volume id '../x'")
    poll = replace(a_poll(refusal), job=job, plan=KeyPlan(tiers=((job.id,),), exports=()))
    context = a_context(job)
    flight = record(context, poll, decide(context, poll), [])
    assert decided_of(decide(*boarding(stored(flight), [refusal]))) == flight.decided
    with pytest.raises(VolumeNameError):
        boarding(replace(flight, answers=()), [])


def test_a_flight_whose_keys_are_not_its_jobs_is_refused() -> None:
    flight = recorded(Story(), copying(10))
    assert flight.at >= NOW
    for wrong in ([], [copying(1), copying(2)]):
        with pytest.raises(ValueError, match="keys"):
            boarding(flight, wrong)
    for tier in (9, -1):
        with pytest.raises(ValueError, match="keys"):
            boarding(replace(flight, tier=tier), [copying(1)])


def test_a_flight_of_the_first_version_is_read() -> None:
    flight = recorded(Story(), copying(10), bodies={KEY: b"{...}"})
    document = msgspec.to_builtins(flight)
    assert set(document["answers"][0]) == {"key", "body", "clock_skew_s"}
    assert msgspec.convert(document, Flight) == flight
