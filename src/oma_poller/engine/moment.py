"""One moment, by both clocks."""

from datetime import datetime

from msgspec import Struct

from oma_poller.clock import Clock


class Moment(Struct, frozen=True, gc=False):
    """When something came: all answers of a batch came at one moment."""

    monotonic_s: float
    utc: datetime
    """The same moment, aware."""


def moment_of(clock: Clock) -> Moment:
    """Return what *clock* shows now."""
    return Moment(clock.monotonic(), clock.utc())
