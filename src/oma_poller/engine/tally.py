"""Counts of what the engine did since it started."""

from bisect import bisect_left
from collections import Counter

from msgspec import Struct, field

MOST_WORDS = 100
"""So many unknown words are told apart; what comes beyond is counted as `FIELD=other`."""


_FINE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of what is measured in seconds: from a tick of the timetable to a long time-out."""


class Histogram(Struct):
    """How often a duration fell between two bounds, and the sum of all."""

    bounds_s: tuple[float, ...] = _FINE_S
    counts: list[int] = field(default_factory=lambda: [0] * (len(_FINE_S) + 1))
    """One a bound: more than the bound before, at most this one; the last is of what lies above all."""
    sum_s: float = 0.0
    most_s: float = 0.0

    def observe(self, duration_s: float, times: int = 1) -> None:
        """Count a duration, or so many that are the same."""
        self.counts[bisect_left(self.bounds_s, duration_s)] += times
        self.sum_s += duration_s * times
        self.most_s = max(self.most_s, duration_s)

    @property
    def mean_s(self) -> float:
        """The mean of all; 0 where there is none."""
        total = sum(self.counts)
        return self.sum_s / total if total else 0.0


class Tally(Struct):
    """Plain counters of bounded size; whoever serves metrics reads them."""

    polls: Counter[str] = field(default_factory=Counter)
    """Finished polls by result."""
    lateness: Histogram = field(default_factory=Histogram)
    """How late polls began after they were due."""
    poll_duration: Histogram = field(default_factory=Histogram)
    """How long polls took, from their first request to the decision."""
    rows_written: int = 0
    rows_refused: int = 0
    """Rows the database did not take for what is in them."""
    flush_duration: Histogram = field(default_factory=Histogram)
    """How long the database took for what it confirmed."""
    errors: Counter[str] = field(default_factory=Counter)
    """Polls that failed, or of which a key did, by the kind of error."""
    unknown_words: Counter[str] = field(default_factory=Counter)
    """Words the vocabulary lacks, as "field=word"."""
    regressions: int = 0
    vmas_down: set[str] = field(default_factory=set)
    """VMAs that cannot be reached."""
    probes: int = 0
    """Looks at the health of such VMAs."""
    probe_s: dict[str, float] = field(default_factory=dict)
    """How long the newest one of each VMA took, in seconds."""

    def began(self, late_s: float) -> None:
        """Count the beginning of a poll."""
        self.lateness.observe(late_s)

    def flushed(self, rows: int, took_s: float) -> None:
        """Count a flush that the database has confirmed."""
        self.flush_duration.observe(took_s)
        self.rows_written += rows

    def probed(self, vma: str, duration_s: float) -> None:
        """Count a look at a VMA's health."""
        self.probes += 1
        self.probe_s[vma] = duration_s

    @property
    def flushes(self) -> int:
        """Flushes that the database has confirmed."""
        return sum(self.flush_duration.counts)

    def unknown_word(self, word: str) -> bool:
        """Count a "field=word" that the vocabulary lacks; return whether it is the first of its kind."""
        if word not in self.unknown_words and len(self.unknown_words) >= MOST_WORDS:
            word = f"{word.partition('=')[0]}=other"
        self.unknown_words[word] += 1
        return self.unknown_words[word] == 1

    def summary(self) -> dict[str, object]:
        """Return everything as fields of one log line."""
        return {
            "polls": self.polls.total(),
            "results": dict(self.polls),
            "late_mean_s": round(self.lateness.mean_s, 3),
            "late_most_s": round(self.lateness.most_s, 3),
            "rows_written": self.rows_written,
            "rows_refused": self.rows_refused,
            "flushes": self.flushes,
            "regressions": self.regressions,
            "unknown_words": dict(self.unknown_words),
            "vmas_down": sorted(self.vmas_down),
            "probes": self.probes,
            "probe_s": {vma: round(probe_s, 3) for vma, probe_s in self.probe_s.items()},
        }
