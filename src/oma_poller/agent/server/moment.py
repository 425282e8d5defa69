"""Time as the server needs it: steady for durations, UTC for the wire."""

from datetime import UTC, datetime

from msgspec import Struct

from oma_poller.clock import Clock


class Moment(Struct, frozen=True, array_like=True):
    """One instant on both clocks."""

    s: float
    """Steady seconds. They continue from one life of the server to the next, and a step of the wall clock
    does not move them while it lives."""
    utc_s: float
    """Seconds since 1970 by the wall clock."""


class SteadyClock:
    """Gives moments. Steady time begins at the wall clock's time, so that it goes on after a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = clock.utc().timestamp() - clock.monotonic()

    def now(self) -> Moment:
        """Return this instant."""
        return Moment(self._clock.monotonic() + self._offset_s, self._clock.utc().timestamp())


def elapsed_ms(start: Moment, end: Moment) -> int:
    """Return whole milliseconds from `start` to `end`, 0 or more."""
    return max(0, round((end.s - start.s) * 1000))


def stamp(utc_s: float) -> str:
    """Return a time as the wire writes it: `2026-11-23T15:54:24Z`, cut to seconds."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
