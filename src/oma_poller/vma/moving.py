"""Entries of which only the numbers move, in columns: such a key costs a few numbers and no object."""

from array import array
from math import isnan, nan

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.engine.cohort_request import ELSE, Said, only_goes_on, says_the_same
from oma_poller.model.reading import Reading
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.only_moved import Moved, numbers_of, only_moved

NOWHERE = 0
"""The seat of nobody: its bytes are `ELSE`."""


class Columns(Struct):
    """The numbers of each seat, as in `Moved`."""

    bytes_transferred: "array[int]"
    total_bytes: "array[int]"
    percent: "array[float]"
    speed_bps: "array[int]"
    eta_s: "array[int]"


class Moving:
    """Keys with a *seat* each. A key keeps it while its entry says the same words as when it took it."""

    def __init__(self) -> None:
        self.columns = Columns(array("q"), array("q"), array("d"), array("q"), array("q"))
        self.said: list[Said | None] = []
        """What the key of each seat said; its words are those of every entry since, its numbers are old."""
        self._free: list[int] = []
        self._add()

    def __len__(self) -> int:
        return len(self.said) - 1 - len(self._free)

    def seat(self, said: Said, newest: Reading) -> int:
        """Give a key a seat; return it, or `NOWHERE` where *newest* says other words than it *said*."""
        if not (only_goes_on(newest) and says_the_same(said.reading, newest)):
            return NOWHERE
        if not self._free:
            self._add()
        seat = self._free.pop()
        self.said[seat] = said
        self._note(seat, numbers_of(newest))
        return seat

    def reseat(self, seat: int, said: Said) -> int:
        """Measure a seat by other words; return the seat, or `NOWHERE` where they mean something else."""
        held = self.said[seat]
        if held is None or not says_the_same(said.reading, held.reading):
            return NOWHERE
        self.said[seat] = said
        return seat

    def leave(self, seat: int) -> None:
        """Take a seat back."""
        self.said[seat] = None
        self.columns.bytes_transferred[seat] = ELSE
        self._free.append(seat)

    def take(self, seat: int, key: str, entry: WireEntry) -> bool:
        """Take the next entry of a key with a seat; return whether only its numbers moved."""
        said = self.said[seat]
        moved = None if said is None else only_moved(said, key, entry)
        if moved is None:
            return False
        self._note(seat, moved)
        return True

    def reading(self, seat: int, clock_skew_s: float) -> Reading:
        """Return what the newest entry of a seat says."""
        said, columns = self.said[seat], self.columns
        if said is None:
            raise IndexError(seat)
        percent = columns.percent[seat]
        return replace(
            said.reading,
            bytes_transferred=columns.bytes_transferred[seat],
            total_bytes=columns.total_bytes[seat],
            percent=None if isnan(percent) else percent,
            speed_bps=columns.speed_bps[seat],
            eta_s=columns.eta_s[seat] or None,
            clock_skew_s=clock_skew_s,
        )

    def _note(self, seat: int, moved: Moved) -> None:
        columns = self.columns
        columns.bytes_transferred[seat] = moved.bytes_transferred
        columns.total_bytes[seat] = moved.total_bytes
        columns.percent[seat] = moved.percent
        columns.speed_bps[seat] = moved.speed_bps
        columns.eta_s[seat] = moved.eta_s

    def _add(self) -> None:
        """Add a seat that is free, or the seat of nobody."""
        columns, seat = self.columns, len(self.said)
        columns.bytes_transferred.append(ELSE)
        columns.total_bytes.append(0)
        columns.percent.append(nan)
        columns.speed_bps.append(0)
        columns.eta_s.append(0)
        self.said.append(None)
        if seat != NOWHERE:
            self._free.append(seat)
