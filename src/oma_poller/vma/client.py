"""Asks VMAs for progress entries: one thread that owns libcurl, batches in, batches out."""

import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence

from oma_poller.clock import Clock
from oma_poller.engine.ports import Answer, Deliver
from oma_poller.errors import UsageError
from oma_poller.model.reading import Failure, FailureKind
from oma_poller.vma.address import check_targets
from oma_poller.vma.feed import Asked
from oma_poller.vma.line import Probe
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.transfers import Transfers, refusal_of

_GATHER_S = 0.005
"""How long an answer may wait for others while more are in flight."""
_BATCH_LIMIT = 500
"""Answers that are handed on without waiting further."""
_CLOSED = "the client was closed before an answer came"


class VMAProgressClient:
    """Fetches keys from VMAs, at most `max_in_flight` at a time from each, over connections that are kept.

    A VMA that offers bulk is asked for many keys in one request; what comes of a key is the same.

    `timeout_s` is for the whole of one request and counts from when it is really begun, not from when it
    was queued. A target that cannot be used (bad URL, unreadable file, certificate without key) raises
    UsageError here, in one line.

    Every request is answered exactly once. `close` answers what is queued or in flight as unreachable,
    before it returns; what is submitted after that is answered so at once, on the caller's thread. What
    was submitted to a client that is closed without ever being started is not answered: nobody listens.

    `deliver` must not raise. If it does, its batch is lost, `threading.excepthook` tells of it, and the
    thread goes on.
    """

    def __init__(
        self, targets: Sequence[VmaTarget], *, max_in_flight: int, timeout_s: float, clock: Clock
    ) -> None:
        if max_in_flight < 1:
            raise UsageError(f"requests in flight must be 1 or more, not {max_in_flight}")
        if not timeout_s > 0:
            raise UsageError(f"the HTTP time-out must be more than 0 s, not {timeout_s}")
        check_targets(targets)
        self._clock = clock
        self._transfers = Transfers(targets, max_in_flight, timeout_s, clock)
        self._inbox: deque[Asked | Probe] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="vma-client", daemon=True)
        self._deliver: Deliver | None = None
        self._gathered: list[Answer] = []
        self._gathered_at_s = 0.0
        self.defect: Exception | None = None
        """What has ended the thread by itself: nothing is fetched any more, and no VMA is to blame."""

    @property
    def in_flight(self) -> int:
        """Requests begun and not answered yet, now."""
        return self._transfers.in_flight

    def start(self, deliver: Deliver) -> None:
        """Begin; answers go to `deliver` in batches, on the client's own thread. May be called once."""
        with self._lock:
            if self._closed:
                return
            self._deliver = deliver
            self._thread.start()

    def submit(self, requests: Iterable[Asked]) -> None:
        """Queue requests, from any thread; returns at once."""
        self._add(list(requests))

    def probe(self, vma: str) -> None:
        """Ask a VMA for its health, before what is queued for it, from any thread; returns at once."""
        self._add([Probe(vma)])

    def in_bulk(self, vma: str) -> bool:
        """Whether a VMA answers in bulk now; from any thread."""
        return self._transfers.in_bulk(vma)

    def _add(self, batch: Sequence[Asked | Probe]) -> None:
        if not batch:
            return
        with self._lock:
            closed = self._closed
            if not closed:
                self._inbox.extend(batch)
                os.eventfd_write(self._wake_fd, 1)
        if closed:
            refusal = Failure(FailureKind.UNREACHABLE, _CLOSED)
            self._hand_on([refusal_of(wish, refusal) for wish in batch])

    def close(self) -> None:
        """Cut what is in flight, answer it, and end the thread. May be called twice, and from `deliver`."""
        with self._lock:
            first = not self._closed
            self._closed = True
            if first:
                os.eventfd_write(self._wake_fd, 1)
        if self._deliver is None:
            if first:
                self._transfers.cut(_CLOSED)
                os.close(self._wake_fd)
        elif threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closed:
                self._step()
        except Exception as error:
            self.defect = error
            raise
        finally:  # also after a defect: whoever waits for an answer must get one
            self._end()

    def _end(self) -> None:
        # Nothing is added to the inbox, or written to the file descriptor, once `_closed` is set.
        with self._lock:
            self._closed = True
            self._transfers.add(self._inbox)
            self._inbox.clear()
        self._hand_on(self._gathered + self._transfers.cut(_CLOSED))
        os.close(self._wake_fd)

    def _step(self) -> None:
        """Move everything once, hand on what is ready, and wait for more."""
        self._take_inbox()
        answers = self._transfers.step()
        if answers and not self._gathered:
            self._gathered_at_s = self._clock.monotonic()
        self._gathered += answers
        left_s = self._gather_left_s()
        if left_s == 0:
            batch, self._gathered = self._gathered, []
            self._hand_on(batch)
            left_s = None
        self._transfers.wait(self._wake_fd, left_s)

    def _gather_left_s(self) -> float | None:
        """Return how long the gathered answers may still wait; None while there are none."""
        if not self._gathered:
            return None
        if not self._transfers.in_flight or len(self._gathered) >= _BATCH_LIMIT:
            return 0
        return max(0, self._gathered_at_s + _GATHER_S - self._clock.monotonic())

    def _take_inbox(self) -> None:
        if not self._inbox:
            return
        with self._lock:
            os.eventfd_read(self._wake_fd)
            self._transfers.add(self._inbox)
            self._inbox.clear()

    def _hand_on(self, batch: Sequence[Answer]) -> None:
        if not batch or self._deliver is None:
            return
        try:
            self._deliver(batch)
        except Exception:  # noqa: BLE001 - a broken receiver must not end the thread that serves all jobs
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
