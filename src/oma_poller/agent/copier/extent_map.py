"""Which parts of a disk hold data: what a copy really has to move."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator


class ExtentMap:
    """The allocated extents of one disk, in order of their offsets. Holes and zeroes are what lies between.

    Adjacent extents are merged, and each costs 24 bytes, so the map of a badly fragmented disk stays small.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        """Size of the disk as its machine sees it."""
        self._starts = array("Q")
        self._ends = array("Q")
        self._before = array("Q")
        """Bytes of data before each extent."""

    @property
    def data_bytes(self) -> int:
        """Bytes of data on the whole disk."""
        return self._before[-1] + self._ends[-1] - self._starts[-1] if self._starts else 0

    def add(self, start: int, length: int) -> None:
        """Add data that lies behind all that was added so far; what lies past the disk's end is cut off."""
        end = min(start + length, self.size_bytes)
        if end <= start:
            return
        if self._ends and start < self._ends[-1]:
            raise ValueError(f"extent at {start} begins before {self._ends[-1]}, the end of the one before")
        if self._ends and start == self._ends[-1]:
            self._ends[-1] = end
            return
        before = self.data_bytes
        self._starts.append(start)
        self._ends.append(end)
        self._before.append(before)

    def data_before(self, position: int) -> int:
        """Return how many bytes of data lie before a position of the disk."""
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return 0
        return self._before[index] + min(position, self._ends[index]) - self._starts[index]

    def densest_step(self, step_bytes: int) -> int:
        """Return the most bytes of data in any one of the steps of *step_bytes* that the disk is cut into."""
        positions = range(0, self.size_bytes, max(1, step_bytes))
        return max((self.data_before(at + step_bytes) - self.data_before(at) for at in positions), default=0)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield each extent as (start, length)."""
        for start, end in zip(self._starts, self._ends, strict=True):
            yield start, end - start
