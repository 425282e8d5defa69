"""What becomes of a job while its VMA is unreachable, and when it is back (P7, P8)."""

from datetime import datetime

from msgspec.structs import replace

from oma_poller.core.observe import sight
from oma_poller.model.context import PollingContext
from oma_poller.model.observation import Observation


def blinded(context: PollingContext, reason: str, since: datetime) -> PollingContext:
    """Return the context of a job that is not asked because its VMA is unreachable.

    No number, state or count of errors changes: what happens to the watcher is no fault of the job. Only
    what holds for polls "in a row" starts again, and time counts no longer against a run (T3).
    """
    return replace(
        context,
        runs=tuple(run and replace(run, ended_polls=0) for run in context.runs),
        clear_since_s=None,
        sighting=sight(context.sighting, (Observation.BLIND, reason), since),
    )


def welcomed(context: PollingContext) -> PollingContext:
    """Return the context of a job whose VMA is back: it starts without errors, also where it was parked."""
    return replace(context, consecutive_errors=0, error_kind="")
