"""Whether polls begin when they are due, told by the most overdue one again and again."""

LATE_INTERVALS = 1.0
"""Polls that are overdue by more than this, for as long, are late; once it is half as much they are not."""


LOOK_EVERY_S = 1.0
"""To look at all VMAs for the most overdue poll costs more than many a turn of the loop."""


class Punctuality:
    """All polls together: what one VMA or one pause does to a few of them is told elsewhere."""

    def __init__(self, interval_s: float) -> None:
        self._limit_s = LATE_INTERVALS * interval_s
        self._late_since_s: float | None = None
        self._looked_s = float("-inf")
        self.is_late = False
        """Whether there is more to poll than time, or places in flight."""

    def looks(self, now_s: float) -> bool:
        """Whether it is time to look again; if so, the look is taken."""
        if now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        return True

    def note(self, overdue_s: float, now_s: float) -> bool:
        """Note how long the most overdue poll has waited, in seconds; return whether `is_late` changed."""
        was_late = self.is_late
        if overdue_s <= self._limit_s / 2:
            self._late_since_s, self.is_late = None, False
        elif overdue_s > self._limit_s:
            if self._late_since_s is None:
                self._late_since_s = now_s
            self.is_late = now_s - self._late_since_s >= self._limit_s
        return self.is_late != was_late
