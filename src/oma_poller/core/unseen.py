"""What a job moved while nobody saw it, told once: it is no speed, and no silence either (T6)."""

from oma_poller.core.notebook import PACE_S
from oma_poller.core.poll import Poll
from oma_poller.core.speed import GAP_INTERVALS
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Event, EventKind

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_THOUSAND = 1000
_TIMES = ((86_400, "d"), (3600, "h"), (60, "min"))
_FEW = 2
"""From so many of a unit of time on the smaller one is not needed."""


def unseen_move(last: PollingContext, context: PollingContext, poll: Poll) -> tuple[Event, ...]:
    """Return the event of a first good reading after a pause in which bytes moved; nothing for any other.

    After a restart the pause counts from the memory, which may be older than the last poll by its pace.
    """
    moved_bytes = context.bytes_transferred - last.bytes_transferred
    if last.last_good_s is None or not last.proven or moved_bytes <= 0:
        return ()
    pause_s = poll.now_s - last.last_good_s
    recalled = any(run is not None and run.recalled for run in last.runs)
    if pause_s <= GAP_INTERVALS * poll.policy.interval_s + (PACE_S if recalled else 0.0):
        return ()
    detail = f"moved {bytes_in_words(moved_bytes)} in the {seconds_in_words(pause_s)} unseen"
    return (Event(EventKind.UNSEEN, detail),)


def bytes_in_words(count: int) -> str:
    """Return a number of bytes with two digits at least: `21 GB`, `1.3 TB`, `933 MB`."""
    value, size = float(count), 0
    while round(value) >= _THOUSAND and size < len(_SIZES) - 1:
        value, size = value / _THOUSAND, size + 1
    digits = 1 if size and round(value, 1) < 10 else 0  # noqa: PLR2004 - a value of one digit has a second one
    return f"{value:.{digits}f} {_SIZES[size]}"


def seconds_in_words(seconds: float) -> str:
    """Return a time in the largest unit of which there are two at least: `14 min`, `90 min`, `40 s`."""
    for length_s, unit in _TIMES:
        if seconds >= _FEW * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"
