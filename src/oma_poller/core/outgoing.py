"""What is written and told of a decision: the update of the row, and the events between two contexts."""

from oma_poller.core.parts import FULL_BP
from oma_poller.core.states import status_of_state
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Event, EventKind
from oma_poller.model.policy import Policy
from oma_poller.model.reading import State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import Progress, Update

_NO_REASON_GIVEN = "the VMA reports the copy as failed and gives no reason"


def update_for(context: PollingContext, snapshot: Snapshot | None, policy: Policy) -> Update:
    """Return the update of the job's row. Without a run that may be believed the numbers stay (T5)."""
    believed = snapshot is not None and any(run is not None and run.trusted for run in context.runs)
    return Update(
        job_id=context.job_id,
        sighting=context.sighting,
        consecutive_errors=context.consecutive_errors,
        progress=_progress(context, snapshot) if believed and snapshot is not None else None,
        status=status_of_state(context.state, policy.active_statuses),
        error_message=_error_message(context, snapshot),
    )


def _progress(context: PollingContext, snapshot: Snapshot) -> Progress:
    complete = context.state is State.COMPLETED
    return Progress(
        percent_bp=FULL_BP if complete else min(context.percent_bp, FULL_BP - 1),
        operation="Completed" if complete else snapshot.operation,
        bytes_transferred=snapshot.bytes_transferred,
        total_bytes=snapshot.total_bytes,
        speed_bps=snapshot.speed_bps,
        phase=snapshot.phase,
        sync_type=snapshot.sync_type,
        setup_percent=snapshot.setup_percent,
        eta_s=snapshot.eta_s,
        disks=snapshot.disks,
    )


def _error_message(context: PollingContext, snapshot: Snapshot | None) -> str | None:
    if context.state is State.FAILED:
        told = snapshot.error if snapshot is not None else None
        return told or context.sighting.reason or _NO_REASON_GIVEN
    return None


def steps(last: PollingContext, context: PollingContext) -> tuple[Event, ...]:
    """Return what changed between two contexts of a job."""
    events = []
    if last.last_good_s is None and context.last_good_s is not None:
        events.append(Event(EventKind.ANSWERED, "the VMA knows the job"))
    elif last.consecutive_errors and not context.consecutive_errors:
        events.append(Event(EventKind.ANSWERED, f"answers again after {last.consecutive_errors} errors"))
    if context.is_parked and not last.is_parked:
        events.append(Event(EventKind.PARKED, context.sighting.reason))
    elif context.consecutive_errors and not last.consecutive_errors:
        events.append(Event(EventKind.ERROR, context.sighting.reason))
    if context.state is not last.state:
        events.append(Event(EventKind.STATE, f"{last.state} -> {context.state}"))
    if context.sighting.observation is not last.sighting.observation:
        seen = f"{last.sighting.observation} -> {context.sighting.observation}"
        events.append(Event(EventKind.OBSERVATION, seen))
    return tuple(events)
