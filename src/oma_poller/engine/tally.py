"""Counts of what the engine did since it started."""

from collections import Counter

from msgspec import Struct, field

MOST_WORDS = 100
"""So many unknown words are told apart; what comes beyond is counted as `FIELD=other`."""


class Tally(Struct):
    """Plain counters of bounded size; whoever serves metrics reads them."""

    polls: Counter[str] = field(default_factory=Counter)
    """Finished polls by result."""
    begun: int = 0
    """Polls begun."""
    lateness_s: float = 0.0
    """Sum of how late polls began after they were due, in seconds."""
    most_late_s: float = 0.0
    rows_written: int = 0
    rows_refused: int = 0
    """Rows the database did not take for what is in them."""
    flushes: int = 0
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
        self.begun += 1
        self.lateness_s += late_s
        self.most_late_s = max(self.most_late_s, late_s)

    def flushed(self, rows: int) -> None:
        """Count a flush that the database has confirmed."""
        self.flushes += 1
        self.rows_written += rows

    def probed(self, vma: str, duration_s: float) -> None:
        """Count a look at a VMA's health."""
        self.probes += 1
        self.probe_s[vma] = duration_s

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
            "late_mean_s": round(self.lateness_s / self.begun, 3) if self.begun else 0.0,
            "late_most_s": round(self.most_late_s, 3),
            "rows_written": self.rows_written,
            "rows_refused": self.rows_refused,
            "flushes": self.flushes,
            "regressions": self.regressions,
            "unknown_words": dict(self.unknown_words),
            "vmas_down": sorted(self.vmas_down),
            "probes": self.probes,
            "probe_s": {vma: round(probe_s, 3) for vma, probe_s in self.probe_s.items()},
        }
