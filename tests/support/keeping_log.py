"""A FlightLog in memory, as the engine's tests look at it."""

from collections.abc import Sequence

from oma_poller.errors import DatabaseError
from oma_poller.model.flight import Recorded


class KeepingLog:
    """Keeps what it is given; fails while it is told to."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.is_there = is_there
        self.error: Exception | None = None
        self.sweep_error: DatabaseError | None = None
        self.opened = self.sweeps = 0
        self.kept: list[Recorded] = []
        self.writes: list[int] = []

    def open(self) -> bool:
        """Say whether there is a place."""
        self.opened += 1
        self._fail(self.error)
        return self.is_there

    def write(self, recorded: Sequence[Recorded]) -> int:
        """Keep flights."""
        self._fail(self.error)
        self.kept += recorded
        self.writes.append(len(recorded))
        return len(recorded)

    def sweep(self) -> int:
        """Count the call."""
        self.sweeps += 1
        self._fail(self.sweep_error)
        return 0

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _fail(error: Exception | None) -> None:
        if error is not None:
            raise type(error)(*error.args)
