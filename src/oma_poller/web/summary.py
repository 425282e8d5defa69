"""Many jobs in a few numbers."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from msgspec import Struct

from oma_poller.model.observation import Observation
from oma_poller.web.row import JobRow

_IN_SIGHT = frozenset({Observation.FRESH, Observation.LATE, Observation.STALLED, Observation.PENDING})


class Totals(Struct, frozen=True):
    """The sums over jobs; a job whose number is not known adds nothing to it."""

    bytes_transferred: int
    total_bytes: int
    speed_bps: int
    eta_seconds: int | None
    """When the last of them is over, at today's speeds; null where that is not known of any that runs."""


class Summary(Struct, frozen=True):
    """The jobs of a list, whether on this page or not."""

    jobs: int
    observations: dict[str, int]
    states: dict[str, int]
    bytes_transferred: int
    total_bytes: int
    speed_bps: int
    eta_seconds: int | None


def totals_of(rows: Sequence[JobRow]) -> Totals:
    """Return the sums over rows.

    A speed and an end count only of jobs in sight: what a job did before it was parked, or its VMA went away,
    says nothing of now. The fleet is over when its slowest job is, so long as that is known, and not before
    what is left is moved at the speed of all: `(sum of totals - sum of bytes) / sum of speeds`.
    """
    in_sight = [row for row in rows if row.observation in _IN_SIGHT]
    moved = sum(row.bytes_transferred or 0 for row in rows)
    total = sum(row.total_bytes or 0 for row in rows)
    speed = sum(row.speed_bps or 0 for row in in_sight)
    longest = max((row.eta_seconds for row in in_sight if row.eta_seconds is not None), default=None)
    together = ceil((total - moved) / speed) if speed > 0 and total > moved else None
    known = [seconds for seconds in (longest, together) if seconds is not None]
    return Totals(moved, total, speed, max(known, default=None))


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
