"""A job's context to what is kept of it, and back after a restart (P9).

The time in which the program was away proves nothing: what was seen to stand still is not taken to have
stood on, and what must be seen in a row, or without a pause, starts again after a long one.
"""

from datetime import datetime
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import fields, replace

from oma_poller.core.keys import KeyPlan
from oma_poller.core.parts import FULL_BP
from oma_poller.core.speed import GAP_INTERVALS
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory, Past
from oma_poller.model.policy import Policy


def _moments_of(kind: type[Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name.endswith("_s"))


_CONTEXT_MOMENTS, _RUN_MOMENTS = _moments_of(PollingContext), _moments_of(KeyRun)
_MOMENTS_OF_CONTEXT, _MOMENTS_OF_RUN = attrgetter(*_CONTEXT_MOMENTS), attrgetter(*_RUN_MOMENTS)
_STANDING = frozenset({"moved_at_s", "changed_at_s"})
"""Moments since when a run is seen to stand: only what was watched counts."""


class Restart(Struct, frozen=True, gc=False):
    """When a job is taken up again, and by what settings."""

    plan: KeyPlan
    policy: Policy
    now_s: float
    """Monotonic seconds."""
    now: datetime
    """The same moment, aware, UTC."""


def remember(context: PollingContext, now_s: float, now: datetime) -> JobMemory:
    """Return what is to be kept of *context* at this moment. A speed is not: a pause is no speed (T6)."""
    runs = tuple(
        run and replace(run, speed_bps=0.0, sampled=False, **_run_moved(run, -now_s)) for run in context.runs
    )
    moments = _context_moved(context, -now_s)
    return JobMemory(now, replace(context, tier=None, runs=runs, **moments))


def recall(job: Job, restart: Restart) -> PollingContext | None:
    """Return the context that *job* had, as of now; None where nothing is known that holds.

    That is so for another job under the same id, and for one whose end is in the row: its being active
    again is somebody's wish to have it polled anew. Errors in a row are kept; a job that was parked is
    polled all the same when it is taken up, once.
    """
    past = job.past
    if past is None or not _holds(past.memory.context, job, restart.policy):
        return None
    away_s = max(0.0, (restart.now - past.memory.taken_at).total_seconds())
    context = _as_of_now(past.memory.context, restart, away_s)
    if away_s > GAP_INTERVALS * restart.policy.interval_s:
        context = _after_long_pause(context, away_s)
    return _with_row(_on_plan(context, restart.plan), past)


def _holds(context: PollingContext, job: Job, policy: Policy) -> bool:
    same = (context.job_id, context.created_at) == (job.id, job.created_at)
    return same and not (context.state in ENDS and policy.write_status)


def _as_of_now(context: PollingContext, restart: Restart, away_s: float) -> PollingContext:
    """Return *context* by this program's clocks. A moment that lies ahead of the memory is taken for it."""
    by_s, now = restart.now_s - away_s, restart.now
    runs = tuple(
        run and replace(run, recalled=True, **_no_later(_run_moved(run, by_s), by_s)) for run in context.runs
    )
    return replace(
        context,
        runs=runs,
        max_errors=restart.policy.max_errors,
        started_at=min(context.started_at, now),
        sighting=replace(context.sighting, since=min(context.sighting.since, now)),
        **_no_later(_context_moved(context, by_s), by_s),
    )


def _after_long_pause(context: PollingContext, away_s: float) -> PollingContext:
    """Take out of *context* what only holds while it is looked at.

    The hold of a completed entry starts again, for a disk may have begun and ended unseen (T2); a failure
    has to be said twice again (T3); a run that stood still stood for as long as it was watched (T7).
    """
    runs = []
    for run in context.runs:
        stood = {name: getattr(run, name) + away_s for name in _STANDING} if run is not None else {}
        runs.append(run and replace(run, ended_polls=0, **stood))
    return replace(context, runs=tuple(runs), held_since_s=None, clear_since_s=None)


def _on_plan(context: PollingContext, plan: KeyPlan) -> PollingContext:
    """Return *context* with its runs under the job's keys of today; a run whose key is gone goes too."""
    known = dict(zip(context.keys, context.runs, strict=False))
    tier = next((tier for tier, keys in enumerate(plan.tiers) if known.keys() & set(keys)), None)
    keys = () if tier is None else plan.tiers[tier]
    return replace(context, tier=tier, keys=keys, runs=tuple(known.get(key) for key in keys))


def _with_row(context: PollingContext, past: Past) -> PollingContext:
    """Let no number fall below what was written of the job's own run (T4)."""
    if not context.proven or context.state in ENDS:
        return context
    return replace(
        context,
        percent_bp=max(context.percent_bp, min(past.percent_bp, FULL_BP - 1)),
        bytes_transferred=max(context.bytes_transferred, past.bytes_transferred),
    )


def _context_moved(context: PollingContext, by_s: float) -> dict[str, float]:
    """Return those moments of *context* that are known, moved by *by_s*."""
    moments = zip(_CONTEXT_MOMENTS, _MOMENTS_OF_CONTEXT(context), strict=True)
    return {name: moment + by_s for name, moment in moments if moment is not None}


def _run_moved(run: KeyRun, by_s: float) -> dict[str, float]:
    """Return the same of a run."""
    moments = zip(_RUN_MOMENTS, _MOMENTS_OF_RUN(run), strict=True)
    return {name: moment + by_s for name, moment in moments if moment is not None}


def _no_later(moments: dict[str, float], latest_s: float) -> dict[str, float]:
    return {name: min(moment, latest_s) for name, moment in moments.items()}
