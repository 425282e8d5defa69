"""Reports on their way to the VMA. A VMA that is slow or away never holds up a copy."""

from collections.abc import Callable
from threading import Condition, Thread

import msgspec

from oma_poller.agent.copier.copy_order import CopyOrder
from oma_poller.agent.copier.copy_report import CopyReport
from oma_poller.agent.copier.vma_post import DeliveryError, VmaPost
from oma_poller.clock import Clock

OnContact = Callable[[str | None], None]
"""Told when the VMA stops taking reports, with the reason, and with None when it takes them again."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


class ReportSender:
    """Sends the newest report of each disk from a thread of its own.

    There is one place for each disk, so what waits is bounded: a newer report takes the place of the one
    that waits there. Ends of copies go first, in the order in which they came. What fails is tried again
    after 0.5, 1, 2, … at most 10 s.
    """

    def __init__(self, post: VmaPost, clock: Clock, on_contact: OnContact) -> None:
        self._post = post
        self._clock = clock
        self._on_contact = on_contact
        self._changed = Condition()
        self._waiting: dict[CopyOrder, CopyReport] = {}
        self._refused: dict[CopyOrder, str] = {}
        """Ends of copies that the VMA will not take."""
        self._trouble: str | None = None
        self._give_up_at_s: float | None = None
        self._ended = False
        self._thread = Thread(target=self._run, name="reports to the VMA", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def put(self, order: CopyOrder, report: CopyReport) -> None:
        """Take a report; returns at once."""
        with self._changed:
            if report.status.is_end:
                self._waiting.pop(order, None)  # it goes behind the ends that came before
            self._waiting[order] = report
            self._changed.notify_all()

    def give_up_in(self, limit_s: float) -> None:
        """Let `finish` wait no longer than this from now."""
        with self._changed:
            wanted = self._clock.monotonic() + limit_s
            current = self._give_up_at_s
            self._give_up_at_s = wanted if current is None else min(current, wanted)
            self._changed.notify_all()

    def finish(self, limit_s: float) -> str | None:
        """Wait until all is sent, at most so long; None, or which ends the VMA does not know, and why."""
        self.give_up_in(limit_s)
        with self._changed:
            while self._waiting and (left_s := self._left_s()) > 0:
                self._changed.wait(left_s)
            self._ended = True
            self._changed.notify_all()
            unsent = [order.name for order in self._waiting] + [order.name for order in self._refused]
            reason = next(iter(self._refused.values()), self._trouble or "no answer in time")
        return f"{', '.join(unsent)}: {reason}" if unsent else None

    def _left_s(self) -> float:
        return 0.0 if self._give_up_at_s is None else self._give_up_at_s - self._clock.monotonic()

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while (taken := self._take()) is not None:
            if self._step(*taken):
                pause_s = _FIRST_PAUSE_S
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._ended, pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._post.close()

    def _take(self) -> tuple[CopyOrder, CopyReport] | None:
        """Wait for the next report to send; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._waiting)
            if self._ended:
                return None
            ends = (item for item in self._waiting.items() if item[1].status.is_end)
            return next(ends, None) or next(iter(self._waiting.items()))

    def _step(self, order: CopyOrder, report: CopyReport) -> bool:
        """Send one report; whether the VMA answered for good."""
        trouble: str | None = None
        is_refusal = False
        try:
            self._post.send(order.key, msgspec.json.encode(report))
        except DeliveryError as error:
            trouble, is_refusal = str(error), error.is_refusal
        with self._changed:
            if trouble is None or is_refusal:
                if self._waiting.get(order) is report:
                    del self._waiting[order]
                if trouble is not None and report.status.is_end:
                    self._refused[order] = trouble
            was, self._trouble = self._trouble, trouble
            self._changed.notify_all()
        if (was is None) != (trouble is None):
            self._on_contact(trouble)
        return trouble is None or is_refusal
