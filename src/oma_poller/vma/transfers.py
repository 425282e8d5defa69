"""The requests in flight: a CurlMulti with a queue in front of it and used handles beside it.

Everything here belongs to one thread. Nothing blocks but `wait`.
"""

import select
from collections import deque
from collections.abc import Iterable, Mapping
from math import ceil

import pycurl  # type: ignore[import-untyped] # pycurl ships no types

from oma_poller.clock import Clock
from oma_poller.engine.ports import KeyAnswer, KeyRequest
from oma_poller.model.reading import Failure, FailureKind
from oma_poller.vma.address import path_segment
from oma_poller.vma.exchange import Exchange
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.text import one_line

PROGRESS_PATH = "/api/v1/progress/"

_LONGEST_WAIT_S = 1.0
_BLIND_WAIT_S = 0.01
"""A wait while libcurl shows fewer sockets than there are transfers: it may hide one it cannot list."""


class Transfers:
    """At most `max_in_flight` requests at a time; the rest wait in order."""

    def __init__(
        self, targets: Mapping[str, VmaTarget], max_in_flight: int, timeout_s: float, clock: Clock
    ) -> None:
        self._targets = targets
        self._max_in_flight = max_in_flight
        self._timeout_s = timeout_s
        self._clock = clock
        self._queue: deque[KeyRequest] = deque()
        self._active: dict[object, Exchange] = {}
        self._idle: dict[str, list[Exchange]] = {name: [] for name in targets}
        self._idle_count = 0
        self._idle_limit = max_in_flight + len(targets)
        self._multi = pycurl.CurlMulti()
        # Enough to keep every connection of a busy VMA, and one to each VMA that is asked now and then.
        self._multi.setopt(pycurl.M_MAXCONNECTS, self._idle_limit)

    @property
    def in_flight(self) -> int:
        """Requests begun and not answered yet."""
        return len(self._active)

    def add(self, requests: Iterable[KeyRequest]) -> None:
        """Queue requests."""
        self._queue.extend(requests)

    def step(self) -> list[KeyAnswer]:
        """Begin what may begin, move what can move, and return what is answered."""
        answers = self._start()
        self._multi.perform()
        finished = self._finished()
        answers += finished
        if finished and self._queue:
            answers += self._start()
            self._multi.perform()
        return answers

    def wait(self, wake_fd: int, at_most_s: float | None = None) -> None:
        """Wait until a transfer can move, `wake_fd` can be read, or the time is over."""
        reading, writing, failing = self._multi.fdset()
        timeout_ms = self._timeout_ms(len(reading) + len(writing), at_most_s)
        if timeout_ms == 0:
            return
        # poll, not select: a process with many sockets has numbers that select cannot take.
        poll = select.poll()
        for fd in writing:
            poll.register(fd, select.POLLOUT)
        for fd in reading:
            poll.register(fd, select.POLLIN | (select.POLLOUT if fd in writing else 0))
        for fd in failing:
            poll.register(fd, select.POLLPRI | select.POLLIN)
        poll.register(wake_fd, select.POLLIN)
        poll.poll(timeout_ms)

    def cut(self, detail: str) -> list[KeyAnswer]:
        """End everything, queued or in flight; each request is answered as unreachable."""
        answers = []
        for exchange in self._active.values():
            self._multi.remove_handle(exchange.curl)
            if exchange.request is not None:
                answers.append(_refused(exchange.request, FailureKind.UNREACHABLE, detail))
            exchange.curl.close()
        answers += [_refused(request, FailureKind.UNREACHABLE, detail) for request in self._queue]
        for exchanges in self._idle.values():
            for exchange in exchanges:
                exchange.curl.close()
            exchanges.clear()
        self._active.clear()
        self._queue.clear()
        self._multi.close()
        return answers

    def _start(self) -> list[KeyAnswer]:
        """Begin queued requests while there is room; return the answers of those that cannot begin."""
        refused = []
        while self._queue and len(self._active) < self._max_in_flight:
            request = self._queue.popleft()
            target = self._targets.get(request.vma)
            segment = path_segment(request.key)
            if target is None:
                detail = f"no VMA is named {one_line(request.vma, 100)!r}"
                refused.append(_refused(request, FailureKind.UNREACHABLE, detail))
            elif segment is None:
                detail = f"key {one_line(request.key, 100)!r} cannot stand in a URL"
                refused.append(_refused(request, FailureKind.BAD_KEY, detail))
            else:
                exchange = self._taken(target)
                exchange.begin(request, PROGRESS_PATH + segment)
                self._active[exchange.curl] = exchange
                self._multi.add_handle(exchange.curl)
        return refused

    def _finished(self) -> list[KeyAnswer]:
        """Take what libcurl is done with."""
        answers = []
        now_utc = None
        queued = 1
        while queued:
            queued, done, failed = self._multi.info_read()
            if done and now_utc is None:
                now_utc = self._clock.utc()
            for curl in done:
                exchange = self._active.pop(curl)
                answers.append(exchange.reply(now_utc or self._clock.utc()))
                self._put_back(exchange)
            for curl, code, message in failed:
                exchange = self._active.pop(curl)
                answers.append(exchange.fault(code, message))
                self._put_back(exchange)
        return answers

    def _taken(self, target: VmaTarget) -> Exchange:
        idle = self._idle[target.name]
        if not idle:
            return Exchange(target, self._timeout_s)
        self._idle_count -= 1
        return idle.pop()

    def _put_back(self, exchange: Exchange) -> None:
        self._multi.remove_handle(exchange.curl)
        exchange.request = None
        if self._idle_count >= self._idle_limit:
            exchange.curl.close()
            return
        self._idle_count += 1
        self._idle[exchange.target.name].append(exchange)

    def _timeout_ms(self, sockets: int, at_most_s: float | None) -> int | None:
        """Return how long to wait; None is for ever."""
        if not self._active:
            return None if at_most_s is None else ceil(at_most_s * 1000)
        longest_s = _LONGEST_WAIT_S if sockets >= len(self._active) else _BLIND_WAIT_S
        if at_most_s is not None:
            longest_s = min(longest_s, at_most_s)
        asked_ms = self._multi.timeout()
        longest_ms = ceil(longest_s * 1000)
        return longest_ms if asked_ms < 0 else min(longest_ms, asked_ms)


def _refused(request: KeyRequest, kind: FailureKind, detail: str) -> KeyAnswer:
    return KeyAnswer(request, Failure(kind, detail), 0.0)
