"""How well a job is seen after a poll (T7, T8)."""

from datetime import datetime

from oma_poller.core.poll import Poll
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Missing, Reading, State
from oma_poller.model.snapshot import Snapshot

LATE_INTERVALS = 3.0
"""Without a good reply for this many intervals a job is late."""

Observed = tuple[Observation, str]
"""An observation and its reason, one line for a person."""


def observe_reading(context: PollingContext, snapshot: Snapshot, poll: Poll) -> Observed:
    """Return what is to be said of a job whose last poll brought a reading.

    With a trusted run the job is judged by its trusted runs: another job's entry under the key of a disk
    that waits for its turn is no fault of this one.
    """
    trusted = [run for run in context.runs if run is not None and run.trusted]
    if not trusted:
        return _observe_untrusted(context, poll)
    return (
        _observe_unread(context, poll)
        or _observe_standstill(context, snapshot, trusted, poll)
        or (Observation.FRESH, "")
    )


def observe_error(context: PollingContext, poll: Poll) -> Observed:
    """Return what is to be said of a job whose last poll brought no reading."""
    if context.is_parked:
        return Observation.PARKED, f"{context.consecutive_errors} errors in a row, the last: {poll.trouble}"
    if poll.failure is None:
        return _observe_missing(context, poll)
    return _observe_useless(context, poll)


def in_grace(context: PollingContext, now_s: float, policy: Policy) -> bool:
    """Whether a 404 is still no error: the copier may not have started (P6)."""
    first_s = now_s if context.first_poll_s is None else context.first_poll_s
    return now_s - first_s < policy.startup_grace_s


def sight(last: Sighting, observed: Observed, now: datetime) -> Sighting:
    """Return the next sighting; the time it counts from stays while the observation does."""
    observation, reason = observed
    since = last.since if observation is last.observation else now
    return Sighting(observation, since, reason)


def _observe_untrusted(context: PollingContext, poll: Poll) -> Observed:
    runs = [run for run in context.runs if run is not None]
    if not any(run.previous for run in runs):
        return (
            Observation.PENDING,
            "nothing proves yet that the VMA's entry is this job's; waiting for it to move",
        )
    if _may_have_ended_unseen(runs):
        reason = "the VMA's entry is older than this job and has ended: it is an earlier job's, or this one's"
        return (
            Observation.UNVERIFIED,
            f"{reason} that ended while nobody watched; then run: oma-poller accept {poll.job.id}",
        )
    return (
        Observation.PREVIOUS_RUN,
        "the VMA still shows a run from before this job was created; nothing is written until it moves",
    )


def _may_have_ended_unseen(runs: list[KeyRun]) -> bool:
    """Whether all entries stand at an end, and a run of each could have come there unseen.

    Where one of the earlier runs was watched all along, its disk at least was not copied meanwhile.
    """
    return all(run.state in ENDS and (run.unwatched or not run.previous) for run in runs)


def _observe_unread(context: PollingContext, poll: Poll) -> Observed | None:
    """Say which key of a run that goes on was not read, while others answer: a 404 before a failure."""
    late: Observed | None = None
    limit_s = LATE_INTERVALS * poll.policy.interval_s
    for key, run, outcome in zip(poll.keys, context.runs, poll.outcomes, strict=True):
        if isinstance(outcome, Reading) or run is None or not run.trusted or run.state is State.COMPLETED:
            continue
        if isinstance(outcome, Missing):
            return Observation.VANISHED, f"the VMA knew {key} and does not any more: {outcome.detail}"
        if late is None and poll.now_s - run.read_at_s >= limit_s:
            late = Observation.LATE, f"no good reply for {key}: {outcome.detail}"
    return late


def _observe_standstill(
    context: PollingContext, snapshot: Snapshot, trusted: list[KeyRun], poll: Poll
) -> Observed | None:
    """Say that a job which replicates does not: no byte of any disk moved for that long (T7)."""
    state = context.state if snapshot.state is State.UNKNOWN else snapshot.state
    limit_s = poll.policy.stall_after_s
    if state is not State.REPLICATING or poll.now_s - snapshot.moved_at_s < limit_s:
        return None
    short = next((run for run in trusted if _is_short(run)), None)
    if short is None:
        return Observation.STALLED, f"no bytes have moved for {limit_s:g} s although the VMA answers"
    of = f"{short.bytes_transferred} of {short.total_bytes} bytes"
    return Observation.STALLED, f"the VMA says completed, but only {of} are there"


def _is_short(run: KeyRun) -> bool:
    return (
        run.state is State.COMPLETED and run.stale_bytes is None and run.bytes_transferred < run.total_bytes
    )


def _observe_useless(context: PollingContext, poll: Poll) -> Observed:
    """Say that the job gets nothing that can be used: late once that lasts, till then as before.

    That no HTTP reply came says nothing else here: where it is the VMA that cannot be reached, the job is
    not judged by this poll, but blind (P8).
    """
    sighting = context.sighting
    seen_s = context.first_poll_s if context.last_good_s is None else context.last_good_s
    lasting = seen_s is not None and poll.now_s - seen_s >= LATE_INTERVALS * poll.policy.interval_s
    if lasting or sighting.observation in {Observation.BLIND, Observation.PARKED}:
        return Observation.LATE, poll.trouble
    if context.last_good_s is None:
        return Observation.PENDING, poll.trouble
    return sighting.observation, sighting.reason


def _observe_missing(context: PollingContext, poll: Poll) -> Observed:
    if context.proven:
        return Observation.VANISHED, f"the VMA knew the job's run and does not any more: {poll.trouble}"
    if in_grace(context, poll.now_s, poll.policy):
        return Observation.PENDING, "the VMA does not know the job yet"
    return Observation.NEVER_REPORTED, f"the VMA knows no key of the job: {poll.trouble}"
