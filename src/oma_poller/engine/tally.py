"""Counts of what the engine did since it started."""

from collections import Counter

from msgspec import Struct, field


class Tally(Struct):
    """Plain counters, bounded by the words of the vocabulary; whoever serves metrics reads them."""

    polls: Counter[str] = field(default_factory=Counter)
    """Finished polls by result."""
    lateness_s: float = 0.0
    """Sum of how late polls began after they were due, in seconds."""
    most_late_s: float = 0.0
    rows_written: int = 0
    flushes: int = 0
    unknown_words: Counter[str] = field(default_factory=Counter)
    """Words the vocabulary lacks, by field."""
    regressions: int = 0

    def began(self, late_s: float) -> None:
        """Count the beginning of a poll."""
        self.lateness_s += late_s
        self.most_late_s = max(self.most_late_s, late_s)
