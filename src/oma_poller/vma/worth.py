"""Whether a bulk reply costs less than the single requests that it spares."""

from oma_poller.vma.page import Page

FEWEST_KEYS = 4
"""Fewer keys are asked for singly."""
CHANGES_A_KEY = 16
"""So many entries of a page cost as much as one single request."""
WINDOW_S = 60.0
"""What was seen longer ago says nothing of now."""
_SHORTEST_WINDOW_S = 5.0
"""Copiers that report all at once are no steady stream."""


class Worth:
    """Remembers how many entries change on a VMA, whoever asks for them."""

    def __init__(self) -> None:
        self._window_from_s = float("-inf")
        self._pass_s = float("-inf")
        self._changes = 0
        self._lists = 0
        self._is_list = False

    def a_pass(self, keys: int, now_s: float) -> bool:
        """Whether so many keys are worth a pass now."""
        if keys < FEWEST_KEYS:
            return False
        seen_s = now_s - self._window_from_s
        if seen_s > WINDOW_S:
            return True
        expected = self._changes * (now_s - self._pass_s) / max(seen_s, _SHORTEST_WINDOW_S)
        return expected <= CHANGES_A_KEY * keys

    def began(self, now_s: float) -> None:
        """Note the beginning of a pass."""
        if now_s - self._window_from_s > WINDOW_S:
            self._window_from_s = now_s
            self._changes = self._lists = 0
        self._pass_s = now_s
        self._is_list = False

    def count(self, page: Page) -> None:
        """Note a page. One whole list is what a new start costs; list after list is a habit."""
        if page.full:
            self._is_list = True
            self._lists += 1
        if not self._is_list or self._lists > 1:
            self._changes += len(page.told)
