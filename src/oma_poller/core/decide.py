"""The rules of truth over one poll of one job: answers in, decision out."""

from datetime import datetime

from msgspec.structs import replace

from oma_poller.core.aggregate import aggregate
from oma_poller.core.backoff import backoff_s, retry_after_s
from oma_poller.core.observe import in_grace, observe_error, observe_reading, sight
from oma_poller.core.outgoing import steps, update_for
from oma_poller.core.parts import FULL_BP, export_parts, whole_job_parts
from oma_poller.core.patience import frozen_reason, vanished_reason
from oma_poller.core.poll import Poll
from oma_poller.core.runs import absent_keys, follow_keys, is_accepted
from oma_poller.core.states import ENDS, advance, state_of_status
from oma_poller.core.steady import steady
from oma_poller.core.unseen import unseen_move
from oma_poller.core.whole_job import WholeJob, may_be_several, read_whole_job
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.job import Job
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, Missing, Reading, State
from oma_poller.model.snapshot import Snapshot


def begin(job: Job, policy: Policy, now: datetime) -> PollingContext:
    """Return the context of a job that has not been polled yet."""
    return PollingContext(
        job_id=job.id,
        started_at=now,
        max_errors=policy.max_errors,
        sighting=Sighting(Observation.PENDING, now, "not polled yet"),
        created_at=job.created_at,
        state=state_of_status(job.status),
    )


def decide(context: PollingContext, poll: Poll) -> Decision:
    """Return what one poll of a job comes to. Never raises for any outcome."""
    return steady(context, poll) or decide_by_all_rules(context, poll)


def decide_by_all_rules(context: PollingContext, poll: Poll) -> Decision:
    """Return what one poll comes to, whatever it brought."""
    first_poll_s = poll.now_s if context.first_poll_s is None else context.first_poll_s
    context = replace(context, first_poll_s=first_poll_s, last_poll_s=poll.now_s)
    return _good_poll(context, poll) if poll.has_reading else _bad_poll(context, poll)


def _good_poll(last: PollingContext, poll: Poll) -> Decision:
    whole = _read(last, poll)
    snapshot = whole.snapshot
    context = replace(
        whole.context,
        last_good_s=poll.now_s,
        consecutive_errors=0,
        error_kind=poll.failure.kind.value if poll.failure is not None else "",
        clear_since_s=_clear_since_s(last, poll),
        absent=absent_keys(last, poll),
        vanished_at_s=None,
        proven=last.proven or any(run is not None and run.trusted for run in whole.context.runs),
        accepted_at=poll.job.accepted_at
        if is_accepted(last, poll) and not poll.is_partial
        else last.accepted_at,
    )
    context, reason = _advance(context, snapshot, poll)
    observed = observe_reading(context, snapshot, poll)
    context = replace(context, sighting=sight(last.sighting, observed, poll.now))
    return Decision(
        context=context,
        delay_s=None if _is_over(context, poll.policy) else retry_after_s(poll.policy, _asked_pause_s(poll)),
        update=update_for(context, snapshot, poll.policy, poll.job.born, reason or ""),
        result="partial" if poll.is_partial else "ok",
        events=(*steps(last, context, poll.trouble), *whole.events, *unseen_move(last, context, poll)),
    )


def _read(last: PollingContext, poll: Poll) -> WholeJob:
    """Follow the runs of the job's keys and sum them, by what kind of keys they are."""
    reading = poll.outcomes[0]
    if may_be_several(poll) and isinstance(reading, Reading):
        return read_whole_job(last, poll, reading)
    followed = follow_keys(last, poll)
    context = followed.context
    if poll.plan.is_whole_job(poll.tier):
        parts = whole_job_parts(poll.job, context, ())
    else:
        parts = export_parts(poll.job, poll.plan, poll.tier, context)
    return WholeJob(context, aggregate(parts), followed.events)


def _advance(context: PollingContext, snapshot: Snapshot, poll: Poll) -> tuple[PollingContext, str | None]:
    """Step the job's state by the table, and hold its numbers where they were at least (T4).

    Also return why, where the job is failed by time.
    """
    seen, reason = snapshot.end or snapshot.state, None
    if snapshot.end is None and not snapshot.complete:
        reason = frozen_reason(context, poll)
        seen = seen if reason is None else State.FAILED
    state = advance(context.state, seen)
    percent_bp = min(FULL_BP - 1, max(context.percent_bp, snapshot.percent_bp))
    return replace(
        context,
        state=state,
        percent_bp=FULL_BP if state is State.COMPLETED else percent_bp,
        bytes_transferred=max(context.bytes_transferred, snapshot.bytes_transferred),
    ), reason


def _bad_poll(last: PollingContext, poll: Poll) -> Decision:
    """A poll without a reading: counted, backed off, observed. It never touches a number."""
    policy, failure = poll.policy, poll.failure
    forgiven = failure is None and in_grace(last, poll.now_s, policy)
    kind = "missing" if failure is None else failure.kind.value
    context = _without_reading(last, poll)
    if not forgiven:
        context = replace(context, consecutive_errors=last.consecutive_errors + 1, error_kind=kind)
    context = replace(context, sighting=sight(last.sighting, observe_error(context, poll), poll.now))
    reason = vanished_reason(context, poll)
    if reason is not None:
        context = replace(context, state=advance(context.state, State.FAILED))
    delay_s = 0.0 if forgiven else backoff_s(policy, context.consecutive_errors, _asked_pause_s(poll))
    return Decision(
        context=context,
        delay_s=None if _is_over(context, policy) else delay_s,
        update=update_for(context, None, policy, poll.job.born, reason or ""),
        result="pending" if forgiven else kind,
        events=steps(last, context, poll.trouble),
    )


def _without_reading(last: PollingContext, poll: Poll) -> PollingContext:
    """Return what is known after a poll without a reading: "in a row" starts again (T3)."""
    unknown = poll.failure is None
    gone = last.proven and unknown and last.vanished_at_s is None
    return replace(
        last,
        runs=tuple(run and replace(run, ended_polls=0) for run in last.runs),
        clear_since_s=_clear_since_s(last, poll),
        absent=absent_keys(last, poll),
        vanished_at_s=poll.now_s if gone else last.vanished_at_s,
    )


def _clear_since_s(last: PollingContext, poll: Poll) -> float | None:
    if poll.failure is not None:
        return None
    return poll.now_s if last.clear_since_s is None else last.clear_since_s


def _is_over(context: PollingContext, policy: Policy) -> bool:
    """Whether the job is polled no more. One whose status is left to the OMA goes on until that ends it."""
    return context.state in ENDS and policy.write_status


def _asked_pause_s(poll: Poll) -> float | None:
    """Return the longest pause that a VMA asked for in this round."""
    refusals = [outcome for outcome in poll.outcomes if isinstance(outcome, Missing | Failure)]
    return max((one.retry_after_s for one in refusals if one.retry_after_s is not None), default=None)
