"""Headers are read now and then, and whenever what they say may matter."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from key_views import one_key
from loopback_vma import PushedClock, Reply, Request, client, http, vma

from oma_poller.model.reading import Failure, Missing, Outcome, Reading
from oma_poller.vma.header_watch import EVERY_S, LARGEST_SKEW_S, HeaderWatch
from oma_poller.vma.target import VmaTarget

BODY = b'{"job_id": "k", "status": "Streaming", "bytes_transferred": 5}'


def date(ahead_s: float) -> str:
    """Return a Date header that lies so far behind our clock."""
    return f"Date: {format_datetime(datetime.now(UTC) - timedelta(seconds=ahead_s), usegmt=True)}"


def test_they_are_wanted_until_they_were_read_and_again_a_second_later() -> None:
    watch = HeaderWatch()
    assert watch.wants(0.0)
    watch.read(0.5, 10.0)
    assert not watch.wants(10.0 + EVERY_S * 0.99)
    assert watch.wants(10.0 + EVERY_S)
    watch.doubt()
    assert watch.wants(10.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_they_are_always_wanted_of_a_vma_whose_clock_is_off(sign: int) -> None:
    watch = HeaderWatch()
    watch.read(sign * LARGEST_SKEW_S, 10.0)
    assert not watch.wants(10.0)
    watch.read(sign * (LARGEST_SKEW_S + 0.1), 10.0)
    assert watch.wants(10.0)


class Told:
    """A VMA whose replies a test sets, and a client that asks it one key after another."""

    def __init__(self) -> None:
        self.reply = Reply([http(BODY)])

    def answer(self, _: Request) -> Reply:
        """Answer with what is set."""
        return self.reply

    def outcomes(self, *replies: bytes, pushed_s: float = 0.0) -> list[Outcome]:
        """Return what each reply comes to, asked for at once one after another."""
        clock = PushedClock()
        with vma(self.answer) as server, client(VmaTarget("v", server.url), clock=clock) as (fetcher, got):
            for number, reply in enumerate(replies):
                self.reply = Reply([reply])
                fetcher.submit([one_key("v", "k", number)])
                got.wait(number + 1)
                clock.ahead_s += pushed_s
            return [one.outcome for one in got.all]


def skews(outcomes: list[Outcome]) -> list[int]:
    """Return how far the clocks are apart by each reading, in tens of seconds: a date has no fractions."""
    return [round(one.clock_skew_s / 10) for one in outcomes if isinstance(one, Reading)]


def test_what_one_reply_says_of_the_clock_holds_for_those_of_the_same_second() -> None:
    replies = [http(BODY, "200 OK", date(ahead_s)) for ahead_s in (0, 300, 300)]
    assert skews(Told().outcomes(*replies)) == [0, 0, 0]
    assert skews(Told().outcomes(*replies, pushed_s=EVERY_S)) == [0, 30, 30]


def test_each_reply_of_a_vma_whose_clock_is_off_is_taken_by_its_own_date() -> None:
    replies = [http(BODY, "200 OK", date(ahead_s)) for ahead_s in (300, 200, 0)]
    assert skews(Told().outcomes(*replies)) == [30, 20, 0]


def test_how_long_to_wait_is_heard_without_the_headers_too() -> None:
    busy = http(b"busy", "503 Service Unavailable", "Retry-After: 90")
    first, *later = Told().outcomes(http(BODY), busy, busy)
    assert isinstance(first, Reading)
    assert [one.retry_after_s for one in later if isinstance(one, Failure)] == [90.0, 90.0]


def test_a_date_until_when_to_wait_is_heard_without_the_headers_too() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    gone = http(b"job not found", "404 Not Found", f"Retry-After: {until}")
    _, answer = Told().outcomes(http(BODY), gone)
    assert isinstance(answer, Missing)
    assert answer.retry_after_s is not None
    assert 100.0 < answer.retry_after_s <= 121.0


def test_no_wait_is_heard_where_none_is_asked_for() -> None:
    broken = http(b"broken", "500 Internal Server Error")
    _, answer = Told().outcomes(http(BODY), broken)
    assert isinstance(answer, Failure)
    assert answer.retry_after_s is None
