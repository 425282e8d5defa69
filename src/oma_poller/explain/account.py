"""The whole explanation of a job, for a person and for a program."""

from datetime import datetime

from msgspec import Struct

from oma_poller.core.states import ENDS
from oma_poller.explain.ask import Look, Tried
from oma_poller.explain.rules import Rule, rules_of
from oma_poller.model.context import PollingContext
from oma_poller.model.flight import Decided
from oma_poller.model.reading import Missing, Reading


class KeyAccount(Struct, frozen=True):
    """One key that was asked for, and what it answered."""

    key: str
    answer: str
    shape: str | None
    duration_s: float
    body: str


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


def account_of(look: Look) -> Account:
    """Return the explanation of one look."""
    job, decided = look.job, look.flight.decided
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
    return KeyAccount(one.key, answer, shape, round(one.duration_s, 6), one.body)


def _written(look: Look, decided: Decided) -> str:
    if look.job.status.lower() not in look.poll.policy.active_statuses:
        return f"nothing: the row's status is {look.job.status}, which is not an active one"
    if decided.percent_bp is None:
        return f"no number: {decided.reason or 'no run is proven to be this job' + chr(39) + 's own'}"
    status = decided.status if look.poll.policy.write_status and decided.status else "left as it is"
    return (
        f"{decided.percent_bp / 100:.2f} %, {decided.bytes_transferred} of {decided.total_bytes} bytes, "
        f"operation {decided.operation!r}, status {status}"
    )


def _next(look: Look, context: PollingContext) -> str:
    policy, delay_s = look.poll.policy, look.decision.delay_s
    if look.job.status.lower() not in policy.active_statuses:
        return "it is not polled: its status is not an active one"
    if context.state in ENDS:
        return "it is not polled again: it has ended"
    if context.is_parked:
        retry_s = policy.parked_retry_s
        return f"parked; tried again every {retry_s:g} s" if retry_s else "parked; not tried again by itself"
    if delay_s is None:
        return "it is not polled again"
    return f"within {policy.interval_s:g} s" if delay_s == 0 else f"after {delay_s:g} s, as error backs off"
