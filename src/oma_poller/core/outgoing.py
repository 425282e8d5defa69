"""What is written and told of a decision: the update of the row, and the events between two contexts."""

from collections.abc import Iterator

from oma_poller.core.states import status_of_state
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Event, EventKind
from oma_poller.model.policy import Policy
from oma_poller.model.reading import State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import Progress, Update

_NO_REASON_GIVEN = "the VMA reports the copy as failed and gives no reason"


def update_for(
    context: PollingContext, snapshot: Snapshot | None, policy: Policy, born: str | None, reason: str = ""
) -> Update:
    """Return the update of the job's row. Without a run that may be believed the numbers stay (T5).

    *born* is the job's, and *reason* why the job failed, where that was not the VMA's word.
    """
    believed = snapshot is not None and any(run is not None and run.trusted for run in context.runs)
    return Update(
        job_id=context.job_id,
        sighting=context.sighting,
        consecutive_errors=context.consecutive_errors,
        progress=_progress(context, snapshot) if believed and snapshot is not None else None,
        status=status_of_state(context.state, policy.active_statuses) if policy.write_status else None,
        error_message=_error_message(context, snapshot, reason),
        born=born,
    )


def steps(last: PollingContext, context: PollingContext, trouble: str = "") -> tuple[Event, ...]:
    """Return what changed between two contexts of a job; *trouble* is what the poll failed of."""
    return (*_answering(last, context, trouble), *_changes(last, context))


def _progress(context: PollingContext, snapshot: Snapshot) -> Progress:
    complete = context.state is State.COMPLETED
    return Progress(
        percent_bp=context.percent_bp,
        operation="Completed" if complete else snapshot.operation,
        bytes_transferred=context.bytes_transferred,
        total_bytes=snapshot.total_bytes,
        speed_bps=snapshot.speed_bps,
        phase=snapshot.phase,
        sync_type=snapshot.sync_type,
        setup_percent=snapshot.setup_percent,
        eta_s=snapshot.eta_s,
        disks=snapshot.disks,
    )


def _error_message(context: PollingContext, snapshot: Snapshot | None, reason: str) -> str | None:
    """Return why the job ended badly: the VMA's own words, which it need not give for a cancelled one."""
    told = reason or (snapshot.error if snapshot is not None else None)
    if context.state is State.FAILED:
        return told or _NO_REASON_GIVEN
    return told if context.state is State.CANCELLED else None


def _answering(last: PollingContext, context: PollingContext, trouble: str) -> Iterator[Event]:
    """Tell an error when it begins or becomes another one, and its end; not every poll in between."""
    if last.last_good_s is None and context.last_good_s is not None:
        yield Event(EventKind.ANSWERED, "the VMA knows the job")
    elif last.consecutive_errors and not context.consecutive_errors:
        yield Event(EventKind.ANSWERED, f"answers again after {last.consecutive_errors} errors")
    elif last.error_kind and not context.error_kind:
        yield Event(EventKind.ANSWERED, "all its keys answer again")
    if context.is_parked and not last.is_parked:
        yield Event(EventKind.PARKED, context.sighting.reason)
    elif context.error_kind and (
        context.error_kind != last.error_kind or (context.consecutive_errors and not last.consecutive_errors)
    ):
        yield Event(EventKind.ERROR, trouble)


def _changes(last: PollingContext, context: PollingContext) -> Iterator[Event]:
    if context.state is not last.state:
        yield Event(EventKind.STATE, f"{last.state} -> {context.state}")
    if context.sighting.observation is not last.sighting.observation:
        seen = f"{last.sighting.observation} -> {context.sighting.observation}"
        yield Event(EventKind.OBSERVATION, seen)
