"""One poll of one job, made here and now, and judged by the rules. Nothing is written."""

from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.decide import begin, decide
from oma_poller.core.flight import record
from oma_poller.core.keys import KeyPlan, is_unknown, plan_keys
from oma_poller.core.memory import Restart, recall
from oma_poller.core.poll import Poll
from oma_poller.core.runs import asking_order
from oma_poller.model.decision import Decision
from oma_poller.model.flight import Flight
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Outcome
from oma_poller.vma.health import fetch_once
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
    poll: Poll
    decision: Decision
    flight: Flight


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
    return Look(
        job, vma, tuple(tried), recalled is not None, context.stopped_at is not None, poll, decision, flight
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
