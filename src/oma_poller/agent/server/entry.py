"""All that the server knows under one key: the run that is going on, or the last one. A value."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.agent.server.meter import Meter, average_bps, current_bps
from oma_poller.agent.server.moment import Moment
from oma_poller.agent.server.number import percent_of
from oma_poller.agent.server.part import Part
from oma_poller.agent.server.phase import Phase
from oma_poller.agent.server.words import ENDS, Kind, kind

ERRORS_LIMIT = 20
"""Error texts of a run that are kept; the oldest go first."""
PAST_RUNS_LIMIT = 8
"""Ids of earlier runs that are kept, to tell their late reports."""
FIRST_STAGE = "Discover"
FIRST_STATUS = "Queued"


class Entry(Struct, frozen=True):
    """One run under a key. Kept in the state file as it is: new fields need a default."""

    key: str
    started: Moment
    updated: Moment
    renewed_s: float
    """Steady time from which the lease counts: the last report, or the server's start if that is later."""
    run_id: str = ""
    past_runs: tuple[str, ...] = ()
    stage: str = FIRST_STAGE
    status: str = FIRST_STATUS
    """Of the whole: with disks, what the disks come to."""
    own_status: str = ""
    """With disks: the last status that was told without a disk id."""
    sync_type: str = ""
    phases: tuple[Phase, ...] = ()
    whole: Part = Part()
    """With disks it holds no bytes; its total is one announced for all disks together."""
    disks: tuple[Part, ...] = ()
    disks_total: int = 0
    """How many disks were announced."""
    lease_s: float = 0.0
    """0 is none."""
    peak_bps: float = 0.0
    errors: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return kind(self.status) in ENDS

    @property
    def parts(self) -> tuple[Part, ...]:
        """What bytes are counted of."""
        return self.disks or (self.whole,)

    @property
    def moved_bytes(self) -> int:
        """Sum over the parts."""
        return sum(part.moved_bytes for part in self.parts)

    @property
    def total_bytes(self) -> int:
        """Sum over the parts, at least `moved_bytes`; 0 while no total is known.

        A disk whose total is unknown counts with what it has moved.
        """
        if not self.disks:
            return self.whole.total_bytes
        known = any(disk.total_bytes for disk in self.disks)
        told = sum(max(disk.total_bytes, disk.moved_bytes) for disk in self.disks) if known else 0
        announced = self.whole.total_bytes
        return max(told, announced, self.moved_bytes) if announced else told

    @property
    def percent(self) -> float:
        """The share that is done, 0 to 100; without any total, the mean over the disks as reported."""
        if not self.disks:
            return self.whole.percent
        moved, total = self.moved_bytes, self.total_bytes
        if moved == 0 and kind(self.stage) is Kind.SETUP and self.whole.percent:
            return self.whole.percent
        if total:
            return percent_of(moved, total)
        return sum(disk.percent for disk in self.disks) / len(self.disks)

    @property
    def average_bps(self) -> float:
        """Mean speed of the run up to its last report, bytes a second."""
        return average_bps([part.meter for part in self.parts], self.peak_bps)

    def stalled(self, now_s: float) -> bool:
        """Whether the run's lease ran out before it ended."""
        return 0 < self.lease_s <= now_s - self.renewed_s and not self.ended

    def current_bps(self, now_s: float) -> float:
        """Speed at this time, bytes a second: 0 for a run that has ended, stalled or fallen silent."""
        if self.ended or self.stalled(now_s):
            return 0.0
        return sum(current_bps(part.meter, now_s) for part in self.parts if not part.ended)

    def next_change_s(self, after_s: float) -> float | None:
        """Return when the entry will look different although nothing is reported; None for never."""
        if self.ended or self.stalled(after_s):
            return None
        times = [part.meter.quiet_at_s for part in self.parts if part.meter.current_bps and not part.ended]
        if self.lease_s:
            times.append(self.renewed_s + self.lease_s)
        return min((time_s for time_s in times if time_s > after_s), default=None)


def without_speed(entry: Entry) -> Entry:
    """Return the entry as if its speed had not been measured yet."""
    return replace(
        entry,
        whole=replace(entry.whole, meter=Meter()),
        disks=tuple(replace(disk, meter=Meter()) for disk in entry.disks),
    )
