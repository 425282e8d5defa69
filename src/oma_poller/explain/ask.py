"""One poll of one job, made here and now, and judged by the rules. Nothing is written."""

from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.blind import blinded
from oma_poller.core.breaker import is_transport
from oma_poller.core.decide import begin, decide
from oma_poller.core.flight import record
from oma_poller.core.keys import KeyPlan, is_unknown, plan_keys
from oma_poller.core.memory import Restart, recall
from oma_poller.core.outgoing import steps, update_for
from oma_poller.core.poll import Poll
from oma_poller.core.runs import asking_order
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.flight import Flight
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, Outcome
from oma_poller.vma.health import fetch_once, probe
from oma_poller.vma.target import VmaTarget


class Tried(Struct, frozen=True):
    """One key that was asked for."""

    key: str
    outcome: Outcome
    body: bytes
    duration_s: float


class Look(Struct, frozen=True):
    """What one poll brought, and what the rules make of it."""

    job: Job
    vma: VmaTarget
    tried: tuple[Tried, ...]
    """In the order of asking."""
    remembered: bool
    """Whether there was a memory of the job to begin from."""
    stopped: bool
    """Whether a person has stopped its polling: the poller would not make this poll."""
    vma_is_away: bool
    """Whether the VMA cannot be reached: then the poller would judge no job by this poll (P8)."""
    poll: Poll
    decision: Decision
    """What the poller would make of it."""
    flight: Flight
    """The poll with what the rules alone make of it, whether the VMA is there or not."""


def look_at(job: Job, vma: VmaTarget, policy: Policy, timeout_s: float, clock: Clock) -> Look:
    """Ask for the job's keys as the poller does, and decide.

    Raises VolumeNameError for a volume id that cannot name an export.
    """
    plan = plan_keys(job)
    restart = Restart(plan, policy, clock.monotonic(), clock.utc())
    recalled = recall(job, restart)
    context = recalled or begin(job, policy, restart.now)
    tried, tier = _ask(plan, asking_order(context, len(plan.tiers)), vma, timeout_s, clock)
    by_key = {one.key: one for one in tried}
    judged = [by_key[key] for key in plan.tiers[tier]]
    outcomes = tuple(one.outcome for one in judged)
    poll = Poll(job, plan, policy, tier, outcomes, clock.monotonic(), clock.utc())
    decision = decide(context, poll)
    flight = record(context, poll, decision, [one.body for one in judged])
    failure = _outage(tried, vma, timeout_s)
    return Look(
        job=job,
        vma=vma,
        tried=tuple(tried),
        remembered=recalled is not None,
        stopped=context.stopped_at is not None,
        vma_is_away=failure is not None,
        poll=poll,
        decision=decision if failure is None else _unseen(context, poll, failure),
        flight=flight,
    )


def _outage(tried: list[Tried], vma: VmaTarget, timeout_s: float) -> Failure | None:
    """Return why a VMA cannot be reached; None where it gives any HTTP reply, to the poll or to a probe.

    The poller learns that from the polls of other jobs, too. Here there are none, so its health is asked.
    """
    outcomes = [one.outcome for one in tried]
    failures = [one for one in outcomes if isinstance(one, Failure) and is_transport(one)]
    if len(failures) < len(tried) or probe(vma, timeout_s).reachable:
        return None
    return failures[0]


def _unseen(context: PollingContext, poll: Poll, failure: Failure) -> Decision:
    """Return what the poller makes of a poll while its VMA cannot be reached: the job is blind (P8)."""
    after = blinded(context, f"the VMA cannot be reached: {failure.detail}", poll.now)
    return Decision(
        context=after,
        delay_s=None,
        update=update_for(after, None, poll.policy, poll.job.born),
        result=failure.kind.value,
        events=steps(context, after),
    )


def _ask(
    plan: KeyPlan, order: tuple[int, ...], vma: VmaTarget, timeout_s: float, clock: Clock
) -> tuple[list[Tried], int]:
    """Return what was tried, and the tier that counts: the first one where none knows the job (P2)."""
    tried: list[Tried] = []
    for tier in order:
        of_tier = [_try(vma, key, timeout_s, clock) for key in plan.tiers[tier]]
        tried += of_tier
        if not is_unknown([one.outcome for one in of_tier]):
            return tried, tier
    return tried, order[0]


def _try(vma: VmaTarget, key: str, timeout_s: float, clock: Clock) -> Tried:
    fetched = fetch_once(vma, key, timeout_s, clock)
    return Tried(key, fetched.outcome, fetched.body, fetched.duration_s)
