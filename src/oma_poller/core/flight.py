"""Records a poll as a value, and runs a recorded one through the rules again."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from oma_poller.core.decide import decide
from oma_poller.core.keys import plan_keys
from oma_poller.core.memory import remember
from oma_poller.core.poll import Poll
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.flight import Decided, Flight, KeyFlight
from oma_poller.model.reading import Failure, Missing, Outcome, Reading


def record(before: PollingContext, poll: Poll, decision: Decision, bodies: Mapping[str, str]) -> Flight:
    """Return the flight of a poll; *bodies* holds the raw replies by key."""
    return Flight(
        at=poll.now,
        job=replace(poll.job, past=None),
        policy=poll.policy,
        tier=poll.tier,
        answers=tuple(
            _answer(key, outcome, bodies.get(key, ""))
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


def fly_again(flight: Flight, outcomes: Sequence[Outcome]) -> Decision:
    """Return what today's rules make of a recorded poll; *outcomes* are its answers, decoded.

    Raises ValueError where the flight's keys are not those that its job has, and VolumeNameError where
    the job's volumes cannot name exports.
    """
    plan = plan_keys(flight.job)
    if flight.tier >= len(plan.tiers) or len(plan.tiers[flight.tier]) != len(outcomes):
        raise ValueError("its keys are not those of its job")
    known = flight.memory.context
    tier = next((tier for tier, keys in enumerate(plan.tiers) if keys == known.keys), None)
    poll = Poll(flight.job, plan, flight.policy, flight.tier, tuple(outcomes), 0.0, flight.at)
    return decide(replace(known, tier=tier), poll)


def _answer(key: str, outcome: Outcome, body: str) -> KeyFlight:
    if isinstance(outcome, Reading):
        return KeyFlight(key, body=body, clock_skew_s=outcome.clock_skew_s)
    if isinstance(outcome, Missing):
        return KeyFlight(key, missing=outcome.detail, retry_after_s=outcome.retry_after_s)
    return KeyFlight(
        key, body=body, failure=outcome.kind, detail=outcome.detail, retry_after_s=outcome.retry_after_s
    )


def plain_outcome(answer: KeyFlight) -> Missing | Failure | None:
    """Return an answer that brought no entry; None for one whose body is to be decoded."""
    if answer.missing is not None:
        return Missing(answer.missing, answer.retry_after_s)
    if answer.failure is not None:
        return Failure(answer.failure, answer.detail, answer.retry_after_s)
    return None
