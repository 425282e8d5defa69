"""Records a poll as a value, and runs a recorded one through the rules again."""

from collections.abc import Sequence
from itertools import repeat

from msgspec.structs import replace

from oma_poller.core.keys import KeyPlan, plan_keys
from oma_poller.core.memory import remember
from oma_poller.core.poll import Poll
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.flight import Decided, Flight, KeyFlight
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading

LONGEST_BODIES_BYTES = 64 * 2**10
"""Raw replies of one poll that are kept; of what is longer the decoded entry is."""
LONGEST_FAILED = 2000
"""Characters of a reply that could not be used: they are for a person, and not decoded again."""


def record(before: PollingContext, poll: Poll, decision: Decision, bodies: Sequence[bytes]) -> Flight:
    """Return the flight of a poll; *bodies* holds the raw replies, one a key, or none at all."""
    kept = _kept_bodies(poll, bodies)
    return Flight(
        at=poll.now,
        job=replace(poll.job, past=None),
        policy=poll.policy,
        tier=poll.tier,
        answers=tuple(
            _answer(key, outcome, kept.get(key))
            for key, outcome in zip(poll.keys, poll.outcomes, strict=True)
        ),
        memory=remember(before, poll.now_s, poll.now),
        decided=decided_of(decision),
    )


def decided_of(decision: Decision) -> Decided:
    """Return what is compared of a decision, and shown of it."""
    update, context = decision.update, decision.context
    progress = update.progress
    return Decided(
        result=decision.result,
        state=context.state.value,
        observation=context.sighting.observation.value,
        reason=context.sighting.reason,
        delay_s=decision.delay_s,
        status=update.status,
        percent_bp=progress.percent_bp if progress else None,
        bytes_transferred=progress.bytes_transferred if progress else None,
        total_bytes=progress.total_bytes if progress else None,
        operation=progress.operation if progress else None,
        error_message=update.error_message,
        events=decision.events,
    )


def boarding(flight: Flight, outcomes: Sequence[Outcome]) -> tuple[PollingContext, Poll]:
    """Return what the rules were given in a recorded poll; *outcomes* are its answers, decoded.

    Raises ValueError where the flight's keys are not those that its job has, and VolumeNameError where
    the job's volumes cannot name exports.
    """
    plan = _plan(flight)
    if not 0 <= flight.tier < len(plan.tiers) or len(plan.tiers[flight.tier]) != len(outcomes):
        raise ValueError("its keys are not those of its job")
    known = flight.memory.context
    tier = next((tier for tier, keys in enumerate(plan.tiers) if keys == known.keys), None)
    poll = Poll(flight.job, plan, flight.policy, flight.tier, tuple(outcomes), 0.0, flight.at)
    return replace(known, tier=tier), poll


def plain_outcome(answer: KeyFlight) -> Outcome | None:
    """Return an answer as it was recorded; None for one whose body is to be decoded."""
    if answer.missing is not None:
        return Missing(answer.missing, answer.retry_after_s)
    if answer.failure is not None:
        return Failure(answer.failure, answer.detail, answer.retry_after_s)
    return answer.reading


def _plan(flight: Flight) -> KeyPlan:
    """Return the keys of the flight's job; of one that could not be asked for at all, what stood for them."""
    if [answer.failure for answer in flight.answers] == [FailureKind.BAD_KEY]:
        return KeyPlan(tiers=((flight.answers[0].key,),), exports=())
    return plan_keys(flight.job)


def _kept_bodies(poll: Poll, bodies: Sequence[bytes]) -> dict[str, str]:
    """Return the replies that are kept as they came: not too much of them in all."""
    kept, room_bytes = {}, LONGEST_BODIES_BYTES
    for key, outcome, body in zip(poll.keys, poll.outcomes, bodies or repeat(b""), strict=False):
        if isinstance(outcome, Failure):
            kept[key] = body[: 4 * LONGEST_FAILED].decode("utf-8", "replace")[:LONGEST_FAILED]
        elif 0 < len(body) <= room_bytes and isinstance(outcome, Reading):
            kept[key] = body.decode("utf-8", "replace")  # an entry's body is valid, or it would be a failure
            room_bytes -= len(body)
    return kept


def _answer(key: str, outcome: Outcome, body: str | None) -> KeyFlight:
    if isinstance(outcome, Reading):
        if body is None:
            return KeyFlight(key, reading=outcome)
        return KeyFlight(key, body=body, clock_skew_s=outcome.clock_skew_s)
    if isinstance(outcome, Missing):
        return KeyFlight(key, missing=outcome.detail, retry_after_s=outcome.retry_after_s)
    return KeyFlight(
        key, body=body or "", failure=outcome.kind, detail=outcome.detail, retry_after_s=outcome.retry_after_s
    )
