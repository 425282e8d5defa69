"""Folds what each key of a round answered into the runs that are followed."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.identity import Sight, follow
from oma_poller.core.keys import tier_order
from oma_poller.core.poll import Poll
from oma_poller.core.run import leave_unread
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.decision import Event
from oma_poller.model.reading import Missing, Reading


class Followed(Struct, frozen=True, gc=False):
    """The context with the runs as this round shows them, and what happened to them."""

    context: PollingContext
    events: tuple[Event, ...] = ()


def known_runs(last: PollingContext, poll: Poll) -> tuple[KeyRun | None, ...]:
    """Return what is known under each key of the round; nothing where another tier answered before."""
    return last.runs if poll.tier == last.tier else (None,) * len(poll.keys)


def follow_keys(last: PollingContext, poll: Poll) -> Followed:
    """Fold each key's outcome into its run; a key that does not answer keeps what it had.

    A copier that started anew under a key of the job may lower the job's numbers: they are of another
    run from then on (T4).
    """
    accepted = is_accepted(last, poll)
    runs: list[KeyRun | None] = []
    events: list[Event] = []
    restarted = False
    for key, run, outcome in zip(poll.keys, known_runs(last, poll), poll.outcomes, strict=True):
        if isinstance(outcome, Reading):
            sight = Sight(
                key=key,
                job_created_at=poll.job.created_at,
                watched_since=last.started_at,
                now_s=poll.now_s,
                now=poll.now,
                policy=poll.policy,
                appeared=key in last.absent,
                accepted=accepted,
            )
            following = follow(run, outcome, sight)
            runs.append(following.run)
            events.extend(following.events)
            restarted = restarted or following.restarted
        else:
            runs.append(run and leave_unread(run, poll.now_s, poll.policy.interval_s))
    context = replace(last, tier=poll.tier, keys=poll.keys, runs=tuple(runs))
    if restarted or poll.tier != last.tier:
        context = replace(context, held_since_s=None, ended=())
    if restarted:
        context = replace(context, percent_bp=0, bytes_transferred=0)
    return Followed(context, tuple(events))


def is_accepted(last: PollingContext, poll: Poll) -> bool:
    """Whether a person has taken the entries for this job's own, and that has not had its effect yet (T5).

    What was accepted before the job was made was accepted of another job under its id.
    """
    accepted_at, created_at = poll.job.accepted_at, poll.job.created_at
    if accepted_at is None or accepted_at == last.accepted_at:
        return False
    return created_at is None or accepted_at >= created_at


def asking_order(context: PollingContext, tiers: int) -> tuple[int, ...]:
    """Return the order in which a job's tiers of keys are asked (P2).

    A tier that answered is asked first once it holds data of this job's own. Before that it may be an
    old entry, or a set-up stage, beside which the copy itself is reported under a better key.
    """
    if not context.tier:  # the first or none: nothing goes before another
        return tuple(range(tiers))
    runs = [run for run in context.runs if run is not None and run.trusted]
    holds = any(run.bytes_transferred > 0 or run.state in ENDS for run in runs)
    return tier_order(tiers, context.tier if holds else None)


def absent_keys(last: PollingContext, poll: Poll) -> frozenset[str]:
    """Return every key of the job that the VMA has said it does not know.

    A tier is asked only when those before it are unknown, and only the last one's answers are here.
    """
    tiers = poll.plan.tiers
    order = asking_order(last, len(tiers))
    unknown = all(isinstance(outcome, Missing) for outcome in poll.outcomes)
    asked_before = order if unknown else order[: order.index(poll.tier)]
    absent = {key for tier in asked_before for key in tiers[tier]}
    pairs = zip(poll.keys, poll.outcomes, strict=True)
    absent.update(key for key, outcome in pairs if isinstance(outcome, Missing))
    return last.absent | absent if absent else last.absent
