"""The whole explanation of a job, for a person and for a program."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from oma_poller.core.flight import decided_of
from oma_poller.core.states import ENDS
from oma_poller.core.stopping import STOPPED
from oma_poller.explain.ask import Look, Tried
from oma_poller.explain.rules import Rule, rules_of
from oma_poller.model.context import PollingContext
from oma_poller.model.flight import Decided, Flight
from oma_poller.model.reading import Missing, Reading


class KeyAccount(Struct, frozen=True):
    """One key that was asked for, and what it answered."""

    key: str
    answer: str
    shape: str | None
    duration_s: float
    body: str


class Past(Struct, frozen=True):
    """A poll that the poller recorded, and what it came to then."""

    at: datetime
    result: str
    state: str
    observation: str
    percent: float | None
    """None where no number was written."""
    events: tuple[str, ...]
    of_this_job: bool
    """Whether it is of this job, and not of an earlier one that had the same id."""


class Account(Struct, frozen=True):
    """Why a job shows what it shows."""

    job_id: str
    name: str
    status: str
    """In the database."""
    created_at: datetime | None
    vma: str
    vma_url: str
    remembered: bool
    """Whether the poller's own memory of the job was there to begin from."""
    keys: tuple[KeyAccount, ...]
    rules: tuple[Rule, ...]
    decided: Decided
    written: str
    """What such a poll writes, or why it withholds it."""
    next: str
    """When the job is polled again."""
    recorded: tuple[Past, ...] | None = None
    """The polls that the poller recorded of it, the oldest first; None where there is no table for them."""


def account_of(look: Look, recorded: Sequence[Flight] | None = None) -> Account:
    """Return the explanation of one look, and of the polls that were *recorded* before."""
    job, decided = look.job, decided_of(look.decision)
    return Account(
        job_id=job.id,
        name=job.name,
        status=job.status,
        created_at=job.created_at,
        vma=look.vma.name,
        vma_url=look.vma.url,
        remembered=look.remembered,
        keys=tuple(_key(one) for one in look.tried),
        rules=rules_of(look),
        decided=decided,
        written=_written(look, decided),
        next=_next(look, look.decision.context),
        recorded=None if recorded is None else tuple(_past(flight, job.created_at) for flight in recorded),
    )


def _past(flight: Flight, created_at: datetime | None) -> Past:
    decided = flight.decided
    return Past(
        at=flight.at,
        result=decided.result,
        state=decided.state,
        observation=decided.observation,
        percent=None if decided.percent_bp is None else decided.percent_bp / 100,
        events=tuple(
            f"{event.kind.value}: {event.detail}" if event.detail else event.kind.value
            for event in decided.events
        ),
        of_this_job=flight.job.created_at == created_at,
    )


def _key(one: Tried) -> KeyAccount:
    outcome = one.outcome
    shape = None
    if isinstance(outcome, Reading):
        shape = outcome.shape
        numbers = f"{outcome.bytes_transferred} of {outcome.total_bytes or 'an unknown total of'} bytes"
        answer = f"{outcome.word or 'no status'}, phase {outcome.phase or 'none'}, {numbers}"
    elif isinstance(outcome, Missing):
        answer = f"not known: {outcome.detail}"
    else:
        answer = f"{outcome.kind.value}: {outcome.detail}"
    return KeyAccount(one.key, answer, shape, round(one.duration_s, 6), one.body.decode("utf-8", "replace"))


def _written(look: Look, decided: Decided) -> str:
    if look.job.status.lower() not in look.poll.policy.active_statuses:
        return f"nothing: the row's status is {look.job.status}, which is not an active one"
    if look.stopped:
        return "nothing: its polling is stopped by hand, and this poll is one that the poller does not make"
    if decided.percent_bp is None:
        return f"no number: {decided.reason or 'no run is proven to be this job' + chr(39) + 's own'}"
    status = decided.status if look.poll.policy.write_status and decided.status else "left as it is"
    return (
        f"{decided.percent_bp / 100:.2f} %, {decided.bytes_transferred} of {decided.total_bytes} bytes, "
        f"operation {decided.operation!r}, status {status}"
    )


def _next(look: Look, context: PollingContext) -> str:
    policy, delay_s = look.poll.policy, look.decision.delay_s
    unpolled = _unpolled(look, context)
    if unpolled is not None:
        return unpolled
    if context.is_parked:
        retry_s = policy.parked_retry_s
        return f"parked; tried again every {retry_s:g} s" if retry_s else "parked; not tried again by itself"
    if delay_s is None:
        return "it is not polled again"
    return f"within {policy.interval_s:g} s" if delay_s == 0 else f"after {delay_s:g} s, as error backs off"


def _unpolled(look: Look, context: PollingContext) -> str | None:
    """Return why the job has no next poll, or none before something else happens; None where it has one."""
    policy = look.poll.policy
    if look.job.status.lower() not in policy.active_statuses:
        return "it is not polled: its status is not an active one"
    if look.stopped:
        return f"it is not polled: {STOPPED}"
    if context.state in ENDS:
        return "it is not polled again: it has ended"
    if look.vma_is_away:
        return f"once the VMA can be reached again; its health is asked every {policy.interval_s:g} s"
    return None
