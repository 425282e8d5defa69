"""What becomes of a job whose polling a person stops, and starts again."""

from datetime import datetime

from msgspec.structs import replace

from oma_poller.core.blind import welcomed
from oma_poller.core.observe import sight
from oma_poller.model.context import PollingContext
from oma_poller.model.observation import Observation

STOPPED = "stopped by hand; it is polled again once somebody starts it"
_STARTED = "started by hand, not polled yet since"


def stopped(context: PollingContext, now: datetime) -> PollingContext:
    """Return the context of a job that is polled no more until somebody starts it.

    No number or state changes: the copy goes on, it is only not looked at. Time counts no longer against a
    run, and what must be seen "in a row" starts again (T3).
    """
    if context.stopped_at is not None:
        return context
    return replace(
        context,
        runs=tuple(run and replace(run, ended_polls=0) for run in context.runs),
        clear_since_s=None,
        stopped_at=now,
        sighting=sight(context.sighting, (Observation.PARKED, STOPPED), now),
    )


def started(context: PollingContext, now: datetime) -> PollingContext:
    """Return the context of a job that is to be polled at once, whatever kept it from it: no errors."""
    fresh = context.sighting
    if context.stopped_at is not None or context.is_parked:
        fresh = sight(context.sighting, (Observation.PENDING, _STARTED), now)
    return replace(welcomed(context), stopped_at=None, sighting=fresh)
