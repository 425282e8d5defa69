"""The requests in flight: a CurlMulti with a line to each VMA in front of it.

Everything here belongs to one thread. Nothing blocks but `wait`.
"""

import select
from collections import deque
from collections.abc import Iterable, Sequence
from math import ceil

import pycurl  # type: ignore[import-untyped] # pycurl ships no types

from oma_poller.clock import Clock
from oma_poller.engine.moment import moment_of
from oma_poller.engine.ports import Answer, ProbeAnswer
from oma_poller.model.reading import Failure, FailureKind, Missing, Reading
from oma_poller.vma.address import PROGRESS_PATH, path_segment
from oma_poller.vma.exchange import Exchange, Received
from oma_poller.vma.feed import Asked, Feed, Turn, refused
from oma_poller.vma.gathering import Single
from oma_poller.vma.health import HEALTH_PATH, probe_answer
from oma_poller.vma.line import Line, Probe, Subject
from oma_poller.vma.page import Page
from oma_poller.vma.reply import Fetched, bulk_page, clock_skew_s, fetched, offers_bulk
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.text import one_line
from oma_poller.vma.walk import Step

_ORDINARY = frozenset({200, 404})
"""Statuses of replies whose headers say what those before them said."""
_LONGEST_WAIT_S = 1.0
_BLIND_WAIT_S = 0.01
"""A wait while libcurl shows fewer sockets than there are transfers: it may hide one it cannot list."""


class Transfers:
    """At most `max_in_flight` requests to each VMA at a time; the rest wait in order, no VMA for another."""

    def __init__(
        self, targets: Sequence[VmaTarget], max_in_flight: int, timeout_s: float, clock: Clock
    ) -> None:
        self._lines = {target.name: Line(target) for target in targets}
        self._max_in_flight = max_in_flight
        self._timeout_s = timeout_s
        self._clock = clock
        self._now = moment_of(clock)
        """The moment of this step, for all that happens in it."""
        self._listed: deque[Line] = deque()
        self._walking: dict[Line, None] = {}
        self._active: dict[object, tuple[Line, Subject, Exchange]] = {}
        self._answers: list[Answer] = []
        self._idle_count = 0
        self._idle_limit = max_in_flight + len(targets)
        self._multi = pycurl.CurlMulti()
        # Enough to keep every connection of a busy VMA, and one to each VMA that is asked now and then.
        self._multi.setopt(pycurl.M_MAXCONNECTS, self._idle_limit)

    @property
    def in_flight(self) -> int:
        """Requests begun and not answered yet."""
        return len(self._active)

    def in_bulk(self, vma: str) -> bool:
        """Whether a VMA is asked in bulk now. May be called on any thread: it reads one flag."""
        line = self._lines.get(vma)
        return line is not None and line.feed.is_on

    def add(self, wishes: Iterable[Asked | Probe]) -> None:
        """Queue requests."""
        for wish in wishes:
            line = self._lines.get(wish.vma)
            if line is None:
                self._refuse(wish, FailureKind.UNREACHABLE, f"no VMA is named {one_line(wish.vma, 100)!r}")
            else:
                line.add(wish)
                self._list(line)
                if line.is_walking:
                    self._walking[line] = None

    def step(self) -> list[Answer]:
        """Begin what may begin, move what can move, and return what is answered."""
        self._now = moment_of(self._clock)
        for line in self._walking:  # one may have time for more keys now
            self._list(line)
        self._start()
        self._multi.perform()
        self._finish()
        if self._walking:
            self._end_walks()
        if self._listed:
            self._start()
            self._multi.perform()
        answers, self._answers = self._answers, []
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

    def cut(self, detail: str) -> list[Answer]:
        """End everything, queued or in flight; each request is answered as unreachable."""
        left: list[Single | Asked | Probe] = []
        for _, subject, exchange in self._active.values():
            self._multi.remove_handle(exchange.curl)
            exchange.curl.close()
            if not isinstance(subject, Feed | Step):
                left.append(subject)
        for line in self._lines.values():
            left += line.cut()
        self._active.clear()
        self._listed.clear()
        self._walking.clear()
        self._multi.close()
        for wish in left:
            self._refuse(wish, FailureKind.UNREACHABLE, detail)
        answers, self._answers = self._answers, []
        return answers

    def _list(self, line: Line) -> None:
        if not line.is_listed:
            line.is_listed = True
            self._listed.append(line)

    def _start(self) -> None:
        """Begin what is queued, line by line, while there is room."""
        while self._listed:
            line = self._listed.popleft()
            line.is_listed = False
            while (subject := line.pop(self._max_in_flight, self._now.monotonic_s)) is not None:
                self._begin(line, subject)

    def _begin(self, line: Line, subject: Subject) -> None:
        if isinstance(subject, Feed):
            self._carry_out(line, subject.begin(self._now.monotonic_s))
        elif isinstance(subject, Probe):
            self._send(line, subject, HEALTH_PATH)
        elif isinstance(subject, Step):
            segment = path_segment(subject.key)
            subject.walk.asked[subject.place] = self._send(line, subject, f"{PROGRESS_PATH}{segment}")
        elif (exchange := line.take_over(subject)) is not None:
            self._active[exchange.curl] = line, subject, exchange
        elif (segment := path_segment(subject.key)) is not None:
            self._send(line, subject, PROGRESS_PATH + segment)
        else:
            detail = f"key {one_line(subject.key, 100)!r} cannot stand in a URL"
            self._refuse(subject, FailureKind.BAD_KEY, detail)

    def _send(self, line: Line, subject: Subject, path: str) -> Exchange:
        if line.idle:
            exchange = line.idle.pop()
            self._idle_count -= 1
        else:
            exchange = Exchange(line.target, self._timeout_s)
        is_key = isinstance(subject, Single | Step)
        exchange.begin(path, with_headers=not is_key or line.headers.wants(self._now.monotonic_s))
        line.in_flight += 1
        self._active[exchange.curl] = line, subject, exchange
        self._multi.add_handle(exchange.curl)
        return exchange

    def _finish(self) -> None:
        """Take what libcurl is done with."""
        queued = 1
        while queued:
            queued, done, failed = self._multi.info_read()
            for curl in done:
                line, subject, exchange = self._active.pop(curl)
                self._end(line, subject, exchange, exchange.received())
            for curl, code, message in failed:
                line, subject, exchange = self._active.pop(curl)
                self._end(line, subject, exchange, exchange.fault(code, message))

    def _end(self, line: Line, subject: Subject, exchange: Exchange, reply: Received | Failure) -> None:
        """Take the end of an exchange."""
        duration_s = 0.0 if isinstance(subject, Step) else exchange.duration_s
        self._put_back(line, exchange)
        if isinstance(subject, Feed):
            self._carry_out(line, self._turn(subject, reply, duration_s))
        elif isinstance(subject, Probe):
            self._answers.append(probe_answer(subject.vma, reply, duration_s))
        else:
            self._end_key(line, subject, reply, duration_s)

    def _end_key(
        self, line: Line, subject: Single | Step, reply: Received | Failure, duration_s: float
    ) -> None:
        """Take what one key of a request brought."""
        now_s, now_utc = self._now.monotonic_s, self._now.utc
        offered = False
        if isinstance(reply, Received):
            if reply.has_headers:
                line.headers.read(clock_skew_s(reply.headers, now_utc), now_s)
                offered = offers_bulk(reply.headers)
            if reply.status not in _ORDINARY:
                line.headers.doubt()
        skew_s = line.headers.clock_skew_s
        if isinstance(subject, Step):
            other = subject.walk.take(subject.place, reply, now_utc, skew_s)
            is_usable = other is None or isinstance(other.outcome, Reading | Missing)
        else:
            result = fetched(subject.key, reply, duration_s, now_utc, skew_s)
            is_usable = isinstance(result.outcome, Reading | Missing)
            line.feed.adopt(subject, result.outcome)
            self._answer(subject.answer(result))
        line.feed.heard(is_usable=is_usable, offers_bulk=offered, now_s=now_s)

    def _end_walks(self) -> None:
        """Answer the cohorts whose walks are over."""
        for line in list(self._walking):
            self._answers += line.end_walks(self._now.monotonic_s)
            if not line.is_walking:
                del self._walking[line]

    def _answer(self, answer: Answer | None) -> None:
        if answer is not None:
            self._answers.append(answer)

    def _turn(self, feed: Feed, reply: Received | Failure, duration_s: float) -> Turn:
        """Return what comes of a reply to a bulk request."""
        now_s, now_utc = self._now.monotonic_s, self._now.utc
        page: Page | Failure | None
        if isinstance(reply, Received):
            page = bulk_page(reply.status, reply.headers, reply.body, now_utc)
            if isinstance(page, Page):
                return feed.page(page, clock_skew_s(reply.headers, now_utc), duration_s, now_s)
        else:
            page = None if reply.kind is FailureKind.TOO_LARGE else reply
        return feed.refused(now_s) if page is None else feed.failed(page, duration_s, now_s)

    def _carry_out(self, line: Line, turn: Turn) -> None:
        """Do what a feed decided."""
        self._answers += turn.answers
        if not line.feed.is_on:
            line.headers.doubt()
        line.add_first(turn.singles)
        if line.is_walking:
            self._walking[line] = None
        if turn.path is not None:
            self._send(line, line.feed, turn.path)
        else:
            line.queue_feed()

    def _put_back(self, line: Line, exchange: Exchange) -> None:
        self._multi.remove_handle(exchange.curl)
        line.in_flight -= 1
        self._list(line)
        if self._idle_count >= self._idle_limit:
            exchange.curl.close()
            return
        exchange.end()
        self._idle_count += 1
        line.idle.append(exchange)

    def _refuse(self, wish: Single | Asked | Probe, kind: FailureKind, detail: str) -> None:
        """Answer what is not asked for."""
        failure = Failure(kind, detail)
        self._answer(
            wish.answer(Fetched(failure, 0.0)) if isinstance(wish, Single) else refusal_of(wish, failure)
        )

    def _timeout_ms(self, sockets: int, at_most_s: float | None) -> int | None:
        """Return how long to wait; None is for ever."""
        if not self._active:
            return None if at_most_s is None else ceil(at_most_s * 1000)
        longest_s = _LONGEST_WAIT_S if sockets >= len(self._active) else _BLIND_WAIT_S
        if at_most_s is not None:
            longest_s = min(longest_s, at_most_s)
        for line in self._walking:
            wakes_s = line.wakes_s(self._now.monotonic_s)
            if wakes_s is not None:
                longest_s = min(longest_s, wakes_s - self._now.monotonic_s)
        asked_ms = self._multi.timeout()
        longest_ms = ceil(longest_s * 1000)
        return longest_ms if asked_ms < 0 else min(longest_ms, asked_ms)


def refusal_of(wish: Asked | Probe, failure: Failure) -> Answer:
    """Return the answer to a request that was not made."""
    if isinstance(wish, Probe):
        return ProbeAnswer(wish.vma, 0.0, failure=failure)
    return refused(wish, failure, 0.0)
