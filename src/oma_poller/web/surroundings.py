"""How the VMAs and the database are, as the API shows them."""

from msgspec import Struct

from oma_poller.engine.lanes import Lane
from oma_poller.web.parts import ApiParts
from oma_poller.web.row import Moment


class VmaRow(Struct, frozen=True):
    """A VMA and whether it can be reached."""

    name: str
    url: str
    up: bool | None
    """Whether it can be reached; null while no job of it is watched, so that nobody has asked it."""
    since: Moment | None
    """Since when it cannot be reached; null while it can."""
    detail: str | None
    """Why not."""
    jobs: int
    """Watched jobs whose progress it serves."""
    probe_duration_seconds: float | None
    """How long the newest look at its health took; null where none was needed."""


class DatabaseRow(Struct, frozen=True):
    """The OMA's database and whether it answers."""

    up: bool
    since: Moment | None
    """Since when it does not answer; null while it does."""
    detail: str | None
    pending_rows: int
    """Rows that wait to be written."""


def vma_rows(parts: ApiParts) -> tuple[VmaRow, ...]:
    """Return all VMAs that are configured."""
    lanes, probe_s = parts.poller.lanes(), parts.tally.probe_s.copy()
    return tuple(
        _vma_row(vma.name, vma.url, lanes.get(vma.name), probe_s.get(vma.name)) for vma in parts.vmas
    )


def database_row(parts: ApiParts) -> DatabaseRow:
    """Return how the database is; before it has answered for the first time it is not up."""
    away = list(parts.beats.away.values())
    first = min(away, key=lambda one: one.since, default=None)
    up = first is None and parts.beats.has_answered
    return DatabaseRow(
        up=up,
        since=first.since if first else None,
        detail=first.detail if first else None if up else "it has not answered yet",
        pending_rows=len(parts.mailbox),
    )


def _vma_row(name: str, url: str, lane: Lane | None, probe_s: float | None) -> VmaRow:
    away = lane.away if lane is not None and lane.is_open else None
    return VmaRow(
        name=name,
        url=url,
        up=away is None if lane is not None and lane.job_ids else None,
        since=away.blind_since if away else None,
        detail=away.reason if away else None,
        jobs=len(lane.job_ids) if lane is not None else 0,
        probe_duration_seconds=probe_s,
    )
