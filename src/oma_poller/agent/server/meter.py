"""Speed, measured from byte counts and the time between reports. All of it pure; time is an argument.

Until a second has been seen, the copier's own figure stands in.
"""

from collections.abc import Sequence

from msgspec import Struct

WINDOW_S = 10.0
"""Current speed is the mean over this long, or over the last two reports where they are further apart."""
LEAST_SPAN_S = 1.0
"""Less time than this measures nothing: bytes arrive in bursts."""
SPACING_S = 0.5
"""Reports closer together than this share one sample, so that a window has a bounded number of them."""
QUIET_GAPS = 3.0
QUIET_MOST_S = 120.0


class Sample(Struct, frozen=True, array_like=True):
    """How many bytes had been moved at a time."""

    s: float
    moved_bytes: int


class Meter(Struct, frozen=True, array_like=True):
    """The speed of one part of a run."""

    first: Sample | None = None
    """The first report of the copying itself; setup stages do not count into the mean."""
    samples: tuple[Sample, ...] = ()
    """Those of the window, oldest first."""
    current_bps: float = 0.0
    quiet_at_s: float = 0.0
    """From then on the current speed is 0, unless another report comes: three gaps between reports, within
    10 to 120 s."""


def measured(meter: Meter, now_s: float, moved_bytes: int, reported_bps: float) -> Meter:
    """Return the meter after a report of `moved_bytes` in all, with the copier's own figure."""
    sample = Sample(now_s, moved_bytes)
    if meter.first is None:
        return Meter(sample, (sample,), reported_bps, now_s + WINDOW_S)
    kept = _window(meter.samples, now_s)
    span_s = now_s - kept[0].s
    if span_s >= LEAST_SPAN_S:
        current_bps = max(0, moved_bytes - kept[0].moved_bytes) / span_s
    elif meter.samples[-1].s - meter.first.s >= LEAST_SPAN_S:
        current_bps = meter.current_bps
    else:
        current_bps = reported_bps
    gap_s = now_s - meter.samples[-1].s
    quiet_at_s = now_s + max(WINDOW_S, min(QUIET_MOST_S, QUIET_GAPS * gap_s))
    return Meter(meter.first, (*kept, sample), current_bps, quiet_at_s)


def _window(samples: tuple[Sample, ...], now_s: float) -> tuple[Sample, ...]:
    """Return the samples a new one is measured against: at least one."""
    recent = tuple(sample for sample in samples if sample.s >= now_s - WINDOW_S) or samples[-1:]
    crowded = len(recent) > 1 and now_s - recent[-2].s < SPACING_S
    return recent[:-1] if crowded else recent


def current_bps(meter: Meter, now_s: float) -> float:
    """Return the current speed, bytes a second; 0 once nothing has come for too long."""
    return meter.current_bps if now_s < meter.quiet_at_s else 0.0


def average_bps(meters: Sequence[Meter], stand_in_bps: float) -> float:
    """Return the mean over the copying of all parts up to the last report, bytes a second.

    Bytes moved before a part's first report are unknown in time and do not count. `stand_in_bps` is
    returned while less than a second has been seen.
    """
    begun = [(meter.first, meter.samples[-1]) for meter in meters if meter.first is not None]
    if not begun:
        return 0.0
    span_s = max(last.s for _, last in begun) - min(first.s for first, _ in begun)
    if span_s < LEAST_SPAN_S:
        return stand_in_bps
    return sum(last.moved_bytes - first.moved_bytes for first, last in begun) / span_s
