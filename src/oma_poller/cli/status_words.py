"""One job of the status page in words: for the table, for plain lines and as JSON."""

from datetime import datetime

from msgspec import Struct

from oma_poller.cli.quantities import human_bytes, human_percent, human_speed, human_time
from oma_poller.core.stopping import STOPPED
from oma_poller.database.status_rows import StatusPage, StatusRow
from oma_poller.logs import one_line
from oma_poller.model.observation import Observation
from oma_poller.model.policy import TERMINAL_STATUSES

_SEEN = {
    Observation.PENDING: "not polled yet",
    Observation.FRESH: "fresh",
    Observation.LATE: "late, no good reply of late",
    Observation.BLIND: "VMA unreachable",
    Observation.NEVER_REPORTED: "VMA knows nothing of it",
    Observation.VANISHED: "gone from the VMA",
    Observation.STALLED: "stands still",
    Observation.PREVIOUS_RUN: "VMA shows an earlier run",
    Observation.UNVERIFIED: "not proven to be this run",
    Observation.PARKED: "parked after errors",
}
_NOTHING = "-"
_STOPPED = STOPPED.partition(";")[0]
"""How the reason begins of a job whose polling a person has stopped."""


class Words(Struct, frozen=True):
    """A row of the status page as it is shown; every text is one line that prints."""

    job_id: str
    name: str
    status: str
    percent: str
    moved: str
    """Bytes of bytes."""
    speed: str
    eta: str
    seen: str
    """How well the job is seen."""
    age: str
    """How old the figures are."""
    operation: str
    percent_bp: int
    """For the bar."""
    over: bool
    """Whether the job has ended."""
    well: bool
    """Whether nothing about it needs a look."""


def in_words(row: StatusRow, now: datetime) -> Words:
    """Return a row as it is shown at *now*."""
    over = row.status.lower() in TERMINAL_STATUSES
    age = human_time(age_s(row, now))
    return Words(
        job_id=one_line(row.job_id),
        name=one_line(row.name) or _NOTHING,
        status=one_line(row.status) or _NOTHING,
        percent=_NOTHING if row.percent_bp is None else human_percent(row.percent_bp),
        moved=_moved(row),
        speed=_NOTHING if over else human_speed(row.speed_bps or 0),
        eta=_NOTHING if over else human_time(row.eta_s),
        seen=_NOTHING if over else _seen(row),
        age=_NOTHING if age == _NOTHING else f"{age} ago",
        operation=one_line(row.error_message or row.operation if over else row.operation),
        percent_bp=row.percent_bp or 0,
        over=over,
        well=row.status.lower() == "completed" if over else row.observation in _WELL,
    )


_WELL = frozenset({Observation.FRESH.value, Observation.PENDING.value, ""})


def age_s(row: StatusRow, now: datetime) -> float | None:
    """Return how old the row's figures are; None where the database does not tell."""
    return None if row.updated_at is None else max((now - row.updated_at).total_seconds(), 0.0)


def _moved(row: StatusRow) -> str:
    if row.bytes_transferred is None:
        return _NOTHING
    of = f" of {human_bytes(row.total_bytes)}" if row.total_bytes else ""
    return human_bytes(row.bytes_transferred) + of


def _seen(row: StatusRow) -> str:
    try:
        observation = Observation(row.observation)
    except ValueError:  # another program's word, or none
        return one_line(row.observation) or _NOTHING
    if observation is Observation.PARKED and row.reason.startswith(_STOPPED):
        return _STOPPED
    if observation is Observation.PENDING and row.reason:  # it may have been polled, to no avail so far
        return one_line(row.reason)
    return _SEEN[observation]


def plain_line(words: Words) -> str:
    """Return a row as one line."""
    parts = [
        words.job_id,
        words.name,
        words.status,
        words.percent,
        words.moved,
        words.speed,
        f"ETA {words.eta}",
        words.seen,
    ]
    return "  ".join([*parts, words.operation] if words.operation else parts)


def page_document(page: StatusPage, database: str, now: datetime) -> dict[str, object]:
    """Return a page as JSON has it; the field names are stable."""
    return {
        "at": now,
        "database": database,
        "total": page.total,
        "jobs": [_row_document(row, now) for row in page.rows],
    }


def _row_document(row: StatusRow, now: datetime) -> dict[str, object]:
    age = age_s(row, now)
    return {
        "job_id": row.job_id,
        "name": row.name,
        "status": row.status,
        "percent": None if row.percent_bp is None else row.percent_bp / 100,
        "bytes_transferred": row.bytes_transferred,
        "total_bytes": row.total_bytes,
        "speed_bps": row.speed_bps,
        "eta_s": row.eta_s,
        "operation": row.operation,
        "observation": row.observation or None,
        "reason": row.reason or None,
        "error_message": row.error_message or None,
        "updated_at": row.updated_at,
        "age_s": None if age is None else round(age, 1),
    }
