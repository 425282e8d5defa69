"""Folds what each key of a round answered into the runs that are followed."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.identity import Sight, follow
from oma_poller.core.keys import tier_order
from oma_poller.core.poll import Poll
from oma_poller.core.run import leave_unread
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.decision import Event
from oma_poller.model.reading import Missing, Reading


class Followed(Struct, frozen=True):
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
    runs: list[KeyRun | None] = []
    events: list[Event] = []
    restarted = False
    for key, run, outcome in zip(poll.keys, known_runs(last, poll), poll.outcomes, strict=True):
        if isinstance(outcome, Reading):
            appeared = key in last.absent
            sight = Sight(key, poll.job.created_at, poll.now_s, poll.policy, appeared=appeared)
            following = follow(run, outcome, sight)
            runs.append(following.run)
            events.extend(following.events)
            restarted = restarted or following.restarted
        else:
            runs.append(run and leave_unread(run, poll.now_s, poll.policy.interval_s))
    context = replace(last, tier=poll.tier, runs=tuple(runs))
    if restarted or poll.tier != last.tier:
        context = replace(context, held_since_s=None, ended=())
    if restarted:
        context = replace(context, percent_bp=0, bytes_transferred=0)
    return Followed(context, tuple(events))


def absent_keys(last: PollingContext, poll: Poll) -> frozenset[str]:
    """Return every key of the job that the VMA has said it does not know.

    A tier is asked only when those before it are unknown, and only the last one's answers are here.
    """
    tiers = poll.plan.tiers
    order = tier_order(len(tiers), last.tier)
    unknown = all(isinstance(outcome, Missing) for outcome in poll.outcomes)
    asked_before = order if unknown else order[: order.index(poll.tier)]
    absent = {key for tier in asked_before for key in tiers[tier]}
    pairs = zip(poll.keys, poll.outcomes, strict=True)
    absent.update(key for key, outcome in pairs if isinstance(outcome, Missing))
    return last.absent | absent if absent else last.absent
