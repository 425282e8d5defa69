"""What one key, or one disk under it, has copied. Bytes never go back within a run."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.agent.server.meter import Meter, measured
from oma_poller.agent.server.number import percent_of
from oma_poller.agent.server.refusal import RefusedError
from oma_poller.agent.server.update import Update
from oma_poller.agent.server.words import ENDS, Kind, kind

ROUNDING_POINTS = 1.0
"""A reported percentage this near to bytes / total is the copier's rounding and is shown as reported."""
_ALL_PERCENT = 100.0
_NEARLY_ALL_PERCENT = 99.99


class Part(Struct, frozen=True, array_like=True):
    """A disk, or (with an empty id) all that a key without disks copies."""

    disk_id: str = ""
    label: str = ""
    status: str = ""
    moved_bytes: int = 0
    total_bytes: int = 0
    """0 while unknown, else at least `moved_bytes`."""
    percent: float = 0.0
    meter: Meter = Meter()

    @property
    def ended(self) -> bool:
        """Whether its own status is an end."""
        return kind(self.status) in ENDS


def advanced(part: Part, update: Update, now_s: float, stage: str, status: str) -> Part:
    """Return the part after a report; `stage` and `status` are the words that hold with it.

    A report of fewer bytes than are known came late: its numbers are not taken, its words are. Raises
    RefusedError for bytes beyond the total that the run has told.
    """
    told = part.moved_bytes if update.bytes_transferred is None else update.bytes_transferred
    late = told < part.moved_bytes
    moved = max(told, part.moved_bytes)
    total = part.total_bytes if late else update.total_bytes or part.total_bytes
    if total and moved > total:
        if update.bytes_transferred is not None:
            raise RefusedError(
                f"bytes_transferred {told} is more than the total_bytes {total} that this run reported; "
                "send the new total_bytes along"
            )
        total = part.total_bytes  # a total below what was moved already comes from an older plan
    grown = replace(part, status=status, moved_bytes=moved, total_bytes=total)
    copying = moved > 0 or kind(stage) is Kind.COPYING
    reported = None if late else update.percent
    return replace(
        grown,
        percent=_percent(part, grown, reported, setup=kind(stage) is Kind.SETUP),
        meter=measured(part.meter, now_s, moved, update.throughput_bps or 0.0) if copying else part.meter,
    )


def _percent(before: Part, after: Part, reported: float | None, *, setup: bool) -> float:
    """Return the share that is done, 0 to 100.

    While no bytes move it is the setup's own (F7), as reported. Where setup ends the share of the copy
    begins at 0; from then on it goes back only if the total grows.
    """
    if after.moved_bytes == 0 and (after.total_bytes == 0 or setup):
        return max(before.percent, reported or 0.0)
    floor = before.percent if before.moved_bytes and after.total_bytes <= before.total_bytes else 0.0
    if after.total_bytes == 0:
        return max(floor, reported or 0.0)
    exact = percent_of(after.moved_bytes, after.total_bytes)
    if reported is not None and abs(reported - exact) <= ROUNDING_POINTS:
        exact = reported
    most = _ALL_PERCENT if after.moved_bytes == after.total_bytes else _NEARLY_ALL_PERCENT
    return min(most, max(floor, exact))
