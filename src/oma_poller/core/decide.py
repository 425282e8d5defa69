"""The rules of truth over one poll of one job: answers in, decision out."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.aggregate import aggregate
from oma_poller.core.backoff import backoff_s
from oma_poller.core.identity import Sight, follow
from oma_poller.core.keys import KeyPlan
from oma_poller.core.observe import in_grace, observe_error, observe_reading, sight
from oma_poller.core.outgoing import steps, update_for
from oma_poller.core.parts import export_parts, whole_job_parts
from oma_poller.core.states import ENDS, advance, state_of_status
from oma_poller.core.whole_job import Entry, WholeJob, read_whole_job
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.decision import Decision, Event, EventKind
from oma_poller.model.job import Job
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, Missing, Outcome, Reading, State
from oma_poller.model.snapshot import Snapshot


class Poll(Struct, frozen=True):
    """One finished round for a job: which tier of keys was asked last, and what each key answered."""

    job: Job
    plan: KeyPlan
    policy: Policy
    tier: int
    outcomes: tuple[Outcome, ...]
    """One a key of the tier, in the plan's order."""
    now_s: float
    """Monotonic seconds when the round ended."""
    now: datetime
    """The same moment, aware, UTC."""


def begin(job: Job, policy: Policy, now: datetime) -> PollingContext:
    """Return the context of a job that has not been polled yet."""
    return PollingContext(
        job_id=job.id,
        started_at=now,
        max_errors=policy.max_errors,
        sighting=Sighting(Observation.PENDING, now, "not polled yet"),
        state=state_of_status(job.status),
    )


def decide(context: PollingContext, poll: Poll) -> Decision:
    """Return what one poll of a job comes to. Never raises for any outcome."""
    if context.first_poll_s is None:
        context = replace(context, first_poll_s=poll.now_s)
    context = replace(context, last_poll_s=poll.now_s)
    if any(isinstance(outcome, Reading) for outcome in poll.outcomes):
        return _good_poll(context, poll)
    return _bad_poll(context, poll)


def _good_poll(last: PollingContext, poll: Poll) -> Decision:
    runs, events = _follow_all(last, poll)
    context = replace(
        last,
        tier=poll.tier,
        runs=runs,
        last_good_s=poll.now_s,
        consecutive_errors=0,
        vanished_at_s=None,
        percent_bp=0 if _restarted(events) else last.percent_bp,
    )
    whole = _read(last, context, poll)
    snapshot = whole.snapshot
    context = _advance(whole.context, snapshot, poll)
    observation, reason = observe_reading(context, poll.now_s, poll.policy)
    context = replace(context, sighting=sight(last.sighting, observation, reason, poll.now))
    partial = not all(isinstance(outcome, Reading) for outcome in poll.outcomes)
    return Decision(
        context=context,
        delay_s=None if context.state in ENDS else 0.0,
        update=update_for(context, snapshot, poll.policy),
        result="partial" if partial else "ok",
        events=(*steps(last, context), *events, *whole.events),
    )


def _follow_all(last: PollingContext, poll: Poll) -> tuple[tuple[KeyRun | None, ...], tuple[Event, ...]]:
    """Fold each key's outcome into its run; a key that does not answer keeps what it had."""
    keys = poll.plan.tiers[poll.tier]
    known = last.runs if poll.tier == last.tier else (None,) * len(keys)
    runs: list[KeyRun | None] = []
    events: list[Event] = []
    for key, run, outcome in zip(keys, known, poll.outcomes, strict=True):
        if isinstance(outcome, Reading):
            circumstances = Sight(key, poll.job.created_at, poll.now_s, poll.policy, appeared=last.missed)
            following, seen = follow(run, outcome, circumstances)
            runs.append(following)
            events.extend(seen)
        elif run is not None and run.ended_polls:
            runs.append(replace(run, ended_polls=0))  # "in a row" means without a gap (T3)
        else:
            runs.append(run)
    return tuple(runs), tuple(events)


def _read(last: PollingContext, context: PollingContext, poll: Poll) -> WholeJob:
    """Sum the job's keys, by what kind of keys they are."""
    job, plan = poll.job, poll.plan
    if not plan.is_whole_job(poll.tier):
        return WholeJob(context, aggregate(export_parts(job, plan, poll.tier, context)))
    if len(job.disks) <= 1:
        return WholeJob(context, aggregate(whole_job_parts(job, context, ())))
    reading = poll.outcomes[0]
    details = reading.disks if isinstance(reading, Reading) else ()
    return read_whole_job(Entry(job, details, poll.policy.completion_hold_s, poll.now_s), last, context)


def _advance(context: PollingContext, snapshot: Snapshot, poll: Poll) -> PollingContext:
    """Step the job's state by the table, and hold the percentage where it was at least (T4)."""
    seen = snapshot.end or snapshot.state
    if snapshot.end is None and not snapshot.complete and _frozen_too_long(snapshot, poll.policy, poll.now_s):
        seen = State.FAILED
    state = advance(context.state, seen)
    percent_bp = max(context.percent_bp, snapshot.percent_bp)
    return replace(context, state=state, percent_bp=percent_bp)


def _frozen_too_long(snapshot: Snapshot, policy: Policy, now_s: float) -> bool:
    """The opt-in of T3: the VMA answers, and the run stood still for that long."""
    frozen_s = now_s - snapshot.moved_at_s
    return policy.fail_after_s is not None and snapshot.moved_at_s > 0 and frozen_s >= policy.fail_after_s


def _bad_poll(last: PollingContext, poll: Poll) -> Decision:
    """A poll without a reading: counted, backed off, observed. It never touches a number."""
    policy = poll.policy
    failure = next((outcome for outcome in poll.outcomes if isinstance(outcome, Failure)), None)
    missing = failure is None
    forgiven = missing and in_grace(last, poll.now_s, policy)
    errors = last.consecutive_errors + (0 if forgiven else 1)
    seen = last.last_good_s is not None
    context = replace(
        last,
        consecutive_errors=errors,
        missed=last.missed or (missing and not seen),
        vanished_at_s=(last.vanished_at_s or poll.now_s) if missing and seen else last.vanished_at_s,
        runs=tuple(run and replace(run, ended_polls=0) for run in last.runs),
    )
    observation, reason = observe_error(context, poll.outcomes, poll.now_s, policy)
    context = replace(context, sighting=sight(last.sighting, observation, reason, poll.now))
    if missing and _vanished_too_long(context, policy, poll.now_s):
        context = replace(context, state=advance(context.state, State.FAILED))
    retry_after_s = max(
        (
            outcome.retry_after_s
            for outcome in poll.outcomes
            if isinstance(outcome, Missing | Failure) and outcome.retry_after_s is not None
        ),
        default=None,
    )
    delay_s = 0.0 if forgiven else backoff_s(policy, errors, retry_after_s)
    return Decision(
        context=context,
        delay_s=None if context.state in ENDS else delay_s,
        update=update_for(context, None, policy),
        result="pending" if forgiven else "missing" if failure is None else failure.kind.value,
        events=steps(last, context),
    )


def _vanished_too_long(context: PollingContext, policy: Policy, now_s: float) -> bool:
    """The opt-in of T3: the VMA answers, and has not known the run for that long."""
    since_s = context.vanished_at_s
    return policy.fail_after_s is not None and since_s is not None and now_s - since_s >= policy.fail_after_s


def _restarted(events: Sequence[Event]) -> bool:
    return any(event.kind is EventKind.RUN_CHANGED for event in events)
