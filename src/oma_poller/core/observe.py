"""How well a job is seen after a poll (T7, T8)."""

from collections.abc import Sequence
from datetime import datetime

from oma_poller.model.context import PollingContext
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, State

LATE_INTERVALS = 3.0
"""Without a good reply for this many intervals a job is late."""

_BLIND = frozenset({FailureKind.UNREACHABLE, FailureKind.TIMEOUT, FailureKind.TLS})


def observe_reading(context: PollingContext, now_s: float, policy: Policy) -> tuple[Observation, str]:
    """Return (observation, reason) of a job whose last poll brought a reading."""
    runs = [run for run in context.runs if run is not None]
    if any(run.previous and not run.trusted for run in runs):
        return (
            Observation.PREVIOUS_RUN,
            "the VMA still shows a run from before this job was created; nothing is written until it moves",
        )
    if not any(run.trusted for run in runs):
        return Observation.PENDING, "the VMA's entry names no start time; waiting to see it move"
    moved_at_s = max(run.moved_at_s for run in runs)
    copying = any(run.state is State.REPLICATING for run in runs)
    if copying and now_s - moved_at_s >= policy.stall_after_s:
        return (
            Observation.STALLED,
            f"no bytes have moved for {policy.stall_after_s:g} s although the VMA answers",
        )
    return Observation.FRESH, ""


def observe_error(
    context: PollingContext, outcomes: Sequence[Outcome], now_s: float, policy: Policy
) -> tuple[Observation, str]:
    """Return (observation, reason) of a job whose last poll brought no reading."""
    reason = describe(outcomes)
    if context.is_parked:
        return Observation.PARKED, f"{context.consecutive_errors} errors in a row, the last: {reason}"
    failure = _failure(outcomes)
    if failure is None:
        return _observe_missing(context, reason, now_s, policy)
    if failure.kind in _BLIND:
        return Observation.BLIND, f"the VMA cannot be reached: {reason}"
    seen_s = context.last_good_s if context.last_good_s is not None else context.first_poll_s
    if seen_s is not None and now_s - seen_s >= LATE_INTERVALS * policy.interval_s:
        return Observation.LATE, reason
    if context.last_good_s is None:
        return Observation.PENDING, reason
    return context.sighting.observation, context.sighting.reason


def _observe_missing(
    context: PollingContext, reason: str, now_s: float, policy: Policy
) -> tuple[Observation, str]:
    if context.last_good_s is not None:
        return Observation.VANISHED, f"the VMA knew the key and does not any more: {reason}"
    if in_grace(context, now_s, policy):
        return Observation.PENDING, "the VMA does not know the job yet"
    return Observation.NEVER_REPORTED, f"the VMA has never known any key of the job: {reason}"


def in_grace(context: PollingContext, now_s: float, policy: Policy) -> bool:
    """Whether a 404 is still no error: the copier may not have started (P6)."""
    first_s = now_s if context.first_poll_s is None else context.first_poll_s
    return now_s - first_s < policy.startup_grace_s


def sight(last: Sighting, observation: Observation, reason: str, now: datetime) -> Sighting:
    """Return the next sighting; the time it counts from stays while the observation does."""
    since = last.since if observation is last.observation else now
    return Sighting(observation, since, reason)


def describe(outcomes: Sequence[Outcome]) -> str:
    """Return one line on why these outcomes are no reading: the first failure, else the first 404."""
    failure = _failure(outcomes)
    if failure is not None:
        return failure.detail
    return next((outcome.detail for outcome in outcomes if isinstance(outcome, Missing)), "no answer")


def _failure(outcomes: Sequence[Outcome]) -> Failure | None:
    return next((outcome for outcome in outcomes if isinstance(outcome, Failure)), None)
