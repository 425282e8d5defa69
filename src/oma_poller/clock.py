"""Time as a dependency: the only module that reads the machine's clocks."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Both times a poller needs."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back. For durations."""
        ...

    def utc(self) -> datetime:
        """Return the wall clock, aware, in UTC. For the database and the wire only."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds since boot or so, from the kernel."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Return the machine's wall clock in UTC."""
        return datetime.now(UTC)
