"""Entries of which only the numbers move, in columns: such a key costs a few numbers and no object."""

from array import array
from math import isnan, nan

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.engine.cohort_request import ELSE, only_goes_on, says_the_same
from oma_poller.model.reading import BIGINT_MAX, Reading
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.number import BYTES_PER_MIB, NumberRefusedError, eta_s, finite, speed_bps
from oma_poller.vma.wire import read

NOWHERE = 0
"""The seat of nobody: its bytes are `ELSE`."""
_MOST_SHARED = 1000
"""Different words that are held once for all keys; a VMA uses a handful."""

Words = tuple[str | None, str | None, str | None, str | None]


class Columns(Struct):
    """The numbers of each seat, as in `Reading`."""

    bytes_transferred: "array[int]"
    total_bytes: "array[int]"
    percent: "array[float]"
    """NaN where the entry has none."""
    speed_bps: "array[int]"
    eta_s: "array[int]"
    """0 where it is not known."""


class Moving:
    """Keys with a *seat* each. A key keeps it while its entry says the same words as when it took it."""

    def __init__(self) -> None:
        self.columns = Columns(array("q"), array("q"), array("d"), array("q"), array("q"))
        self.readings: list[Reading | None] = []
        """What the key of each seat said; its words are those of every entry since, its numbers are old."""
        self._words: list[Words | None] = []
        """The same words as they stand on the wire; None while no entry came since the seat was taken."""
        self._starts: list[object] = []
        self._shared: dict[Words, Words] = {}
        self._free: list[int] = []
        self._add()

    def __len__(self) -> int:
        return len(self.readings) - 1 - len(self._free)

    def seat(self, words: Reading, newest: Reading) -> int:
        """Give a key a seat; return it, or `NOWHERE` where *newest* says other words than *words*."""
        if not (only_goes_on(newest) and says_the_same(words, newest)):
            return NOWHERE
        if not self._free:
            self._add()
        seat = self._free.pop()
        self.readings[seat] = words
        self._note(seat, newest.bytes_transferred, newest.total_bytes, newest.percent)
        self.columns.speed_bps[seat] = newest.speed_bps
        self.columns.eta_s[seat] = newest.eta_s or 0
        return seat

    def reseat(self, seat: int, words: Reading) -> int:
        """Measure a seat by another reading; return the seat, or `NOWHERE` where its words are others."""
        held = self.readings[seat]
        if held is None or not says_the_same(words, held):
            return NOWHERE
        self.readings[seat] = words
        return seat

    def leave(self, seat: int) -> None:
        """Take a seat back."""
        self.readings[seat] = self._words[seat] = self._starts[seat] = None
        self.columns.bytes_transferred[seat] = ELSE
        self._free.append(seat)

    def take(self, seat: int, key: str, entry: WireEntry) -> bool:
        """Take the next entry of a key with a seat; return whether only its numbers moved."""
        timing = entry.timing
        start = None if timing is None else timing.start_time
        words = entry.status, entry.phase, entry.current_operation, entry.sync_type
        if words != self._words[seat] or start != self._starts[seat] or not _is_plain(entry):
            return self._take_words(seat, key, entry)
        moved, total = entry.bytes_transferred, entry.total_bytes
        if type(moved) is not int or type(total) is not int:
            return False
        if not (0 < moved <= BIGINT_MAX and 0 < total <= BIGINT_MAX):
            return False
        throughput = entry.throughput
        try:
            percent = finite(entry.percentage, "percentage")
            mbps = None if throughput is None else throughput.current_mbps
            speed = speed_bps(mbps, "throughput.current_mbps", scale=BYTES_PER_MIB)
            eta = None if timing is None else eta_s(timing.eta_seconds, "timing.eta_seconds")
        except NumberRefusedError:
            return False
        self._note(seat, moved, total, percent)
        self.columns.speed_bps[seat] = speed
        self.columns.eta_s[seat] = eta or 0
        return True

    def reading(self, seat: int, clock_skew_s: float) -> Reading:
        """Return what the newest entry of a seat says."""
        words, columns = self.readings[seat], self.columns
        if words is None:
            raise IndexError(seat)
        percent = columns.percent[seat]
        return replace(
            words,
            bytes_transferred=columns.bytes_transferred[seat],
            total_bytes=columns.total_bytes[seat],
            percent=None if isnan(percent) else percent,
            speed_bps=columns.speed_bps[seat],
            eta_s=columns.eta_s[seat] or None,
            clock_skew_s=clock_skew_s,
        )

    def _take_words(self, seat: int, key: str, entry: WireEntry) -> bool:
        """Take an entry whose words on the wire are not the ones that are known, but may mean the same."""
        newest, held = read(entry, key), self.readings[seat]
        if not isinstance(newest, Reading) or held is None:
            return False
        if not (only_goes_on(newest) and says_the_same(held, newest)):
            return False
        self._note(seat, newest.bytes_transferred, newest.total_bytes, newest.percent)
        self.columns.speed_bps[seat] = newest.speed_bps
        self.columns.eta_s[seat] = newest.eta_s or 0
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        words = entry.status, entry.phase, entry.current_operation, entry.sync_type
        self._words[seat] = self._shared.setdefault(words, words)
        self._starts[seat] = None if entry.timing is None else entry.timing.start_time
        return True

    def _note(self, seat: int, moved_bytes: int, total_bytes: int, percent: float | None) -> None:
        columns = self.columns
        columns.bytes_transferred[seat] = moved_bytes
        columns.total_bytes[seat] = total_bytes
        columns.percent[seat] = nan if percent is None else percent

    def _add(self) -> None:
        """Add a seat that is free, or the seat of nobody."""
        columns, seat = self.columns, len(self.readings)
        columns.bytes_transferred.append(ELSE)
        columns.total_bytes.append(0)
        columns.percent.append(nan)
        columns.speed_bps.append(0)
        columns.eta_s.append(0)
        self.readings.append(None)
        self._words.append(None)
        self._starts.append(None)
        if seat != NOWHERE:
            self._free.append(seat)


def _is_plain(entry: WireEntry) -> bool:
    """Whether an entry has none of the fields beside words and numbers that a reading is made of."""
    if entry.last_error or isinstance(entry.last_error, dict) or entry.errors or entry.disk_progresses:
        return False
    if entry.stage is not None or entry.aggregate is not None:
        return False
    machine = entry.vm_info
    return machine is None or not isinstance(machine.disk_size_gb, float)
