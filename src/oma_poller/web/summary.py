"""Many jobs in a few numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct

from oma_poller.model.observation import Observation
from oma_poller.web.row import JobRow

_IN_SIGHT = frozenset({Observation.FRESH, Observation.LATE, Observation.STALLED, Observation.PENDING})


class Totals(Struct, frozen=True):
    """The sums over jobs; one whose number is not known adds nothing, and null is where none is known."""

    bytes_transferred: int | None
    total_bytes: int | None
    speed_bps: int | None
    eta_seconds: int | None
    """When the last of them is over, at today's speeds; null where that is not known of any that runs."""


class Summary(Struct, frozen=True):
    """The jobs of a list, whether on this page or not."""

    jobs: int
    observations: dict[str, int]
    states: dict[str, int]
    bytes_transferred: int | None
    total_bytes: int | None
    speed_bps: int | None
    eta_seconds: int | None


def totals_of(rows: Sequence[JobRow]) -> Totals:
    """Return the sums over rows.

    A speed and an end count only of jobs in sight: what a job did before it was parked, or its VMA went away,
    says nothing of now. The fleet is over when its slowest job is, so long as that is known, and not before
    what is left is moved at the speed of all: `(sum of totals - sum of bytes) / sum of speeds`.
    """
    in_sight = [row for row in rows if row.observation in _IN_SIGHT]
    speed = _sum(row.speed_bps for row in in_sight)
    sized = [row for row in in_sight if row.total_bytes is not None]
    left = sum((row.total_bytes or 0) - (row.bytes_transferred or 0) for row in sized)
    together = ceil(left / speed) if speed and left > 0 else None
    longest = max((row.eta_seconds for row in in_sight if row.eta_seconds is not None), default=None)
    known = [seconds for seconds in (longest, together) if seconds is not None]
    return Totals(
        bytes_transferred=_sum(row.bytes_transferred for row in rows),
        total_bytes=_sum(row.total_bytes for row in rows),
        speed_bps=speed,
        eta_seconds=max(known, default=None),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the sum of what is known; None where nothing is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def summary_of(rows: Sequence[JobRow]) -> Summary:
    """Return rows in numbers."""
    totals = totals_of(rows)
    return Summary(
        jobs=len(rows),
        observations=dict(Counter(row.observation for row in rows)),
        states=dict(Counter(row.state for row in rows)),
        bytes_transferred=totals.bytes_transferred,
        total_bytes=totals.total_bytes,
        speed_bps=totals.speed_bps,
        eta_seconds=totals.eta_seconds,
    )
