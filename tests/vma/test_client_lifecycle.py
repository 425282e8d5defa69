"""How the client begins, ends, and answers each request exactly once."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from key_views import one_key
from loopback_vma import PATIENCE_S, Answers, Request, client, vma

from oma_poller.clock import SystemClock
from oma_poller.engine.ports import Answer, TierRequest
from oma_poller.errors import UsageError
from oma_poller.model.reading import Failure, FailureKind, Reading
from oma_poller.vma.client import VMAProgressClient
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.transfers import Transfers


def requests(count: int) -> list[TierRequest]:
    return [one_key("v", f"k{n}", n) for n in range(count)]


def make(*targets: VmaTarget, max_in_flight: int = 10, timeout_s: float = PATIENCE_S) -> VMAProgressClient:
    return VMAProgressClient(targets, max_in_flight=max_in_flight, timeout_s=timeout_s, clock=SystemClock())


def test_close_while_requests_hang_is_quick_and_answers_each_once() -> None:
    arrived = threading.Event()

    def answer(_: Request) -> None:
        if server.in_flight == 5:
            arrived.set()
        server.stopped.wait(PATIENCE_S)

    with vma(answer) as server, client(VmaTarget("v", server.url), max_in_flight=5) as (fetcher, answers):
        fetcher.submit(requests(50))
        assert arrived.wait(PATIENCE_S)
        assert fetcher.in_flight == 5
        begun_s = time.monotonic()
        fetcher.close()
        assert time.monotonic() - begun_s < 2
        assert sorted(got.request.ticket for got in answers.all) == list(range(50))
        kinds = {got.outcome.kind for got in answers.all if isinstance(got.outcome, Failure)}
        assert kinds == {FailureKind.UNREACHABLE}
        fetcher.close()
        assert len(answers.all) == 50


def test_what_is_submitted_after_close_is_answered_at_once() -> None:
    with client(VmaTarget("v", "http://127.0.0.1:1")) as (fetcher, answers):
        fetcher.close()
        fetcher.submit(requests(3))
        assert [got.request.ticket for got in answers.all] == [0, 1, 2]


def test_submitting_and_closing_at_once_answers_each_request_once() -> None:
    for _ in range(20):
        with client(VmaTarget("v", "http://127.0.0.1:1")) as (fetcher, answers):
            submitting = threading.Thread(
                target=lambda to=fetcher: [to.submit([one_key("v", "k", n)]) for n in range(200)]
            )
            submitting.start()
            answers.wait(1)
            fetcher.close()
            submitting.join(PATIENCE_S)
            assert sorted(got.request.ticket for got in answers.all) == list(range(200))


def test_a_client_that_never_started_can_be_closed_twice() -> None:
    fetcher = make(VmaTarget("v", "http://127.0.0.1:1"))
    fetcher.submit(requests(1))
    fetcher.close()
    fetcher.close()
    fetcher.start(Answers().deliver)
    assert fetcher.in_flight == 0


def test_requests_from_before_the_start_are_answered_after_it() -> None:
    fetcher, answers = make(VmaTarget("v", "http://127.0.0.1:1")), Answers()
    fetcher.submit(requests(5))
    fetcher.start(answers.deliver)
    assert len(answers.wait(5)) == 5
    fetcher.close()


def test_close_from_the_receiver_itself_does_not_wait_for_itself() -> None:
    ended = threading.Event()
    fetcher = make(VmaTarget("v", "http://127.0.0.1:1"))

    def deliver(_: Sequence[Answer]) -> None:
        fetcher.close()
        ended.set()

    fetcher.start(deliver)
    fetcher.submit(requests(1))
    assert ended.wait(PATIENCE_S)
    fetcher.close()


def test_a_name_that_no_vma_has_is_answered_as_a_failure() -> None:
    with client(VmaTarget("v", "http://127.0.0.1:1")) as (fetcher, answers):
        fetcher.submit([one_key("other", "k", 1)])
        (got,) = answers.wait(1)
        assert got.outcome == Failure(FailureKind.UNREACHABLE, "no VMA is named 'other'")


def test_a_receiver_that_raises_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))
    answers = Answers()
    broken = iter([True])

    def deliver(batch: Sequence[Answer]) -> None:
        answers.deliver(batch)
        if next(broken, False):
            raise ValueError("broken receiver")

    with vma() as server:
        fetcher = make(VmaTarget("v", server.url))
        fetcher.start(deliver)
        fetcher.submit([one_key("v", "k", 1)])
        answers.wait(1)
        fetcher.submit([one_key("v", "k", 2)])
        got = answers.wait(2)
        fetcher.close()
    assert all(isinstance(answer.outcome, Reading) for answer in got)
    assert [str(error) for error in told] == ["broken receiver"]


def test_a_defect_in_the_thread_still_answers_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))

    def broken(_: Transfers) -> list[Answer]:
        raise ZeroDivisionError("defect")

    monkeypatch.setattr(Transfers, "step", broken)
    fetcher, answers = make(VmaTarget("v", "http://127.0.0.1:1")), Answers()
    fetcher.submit(requests(3))
    fetcher.start(answers.deliver)
    answers.wait(3)
    fetcher.submit([one_key("v", "late", 3)])
    fetcher.close()
    assert sorted(got.request.ticket for got in answers.wait(4)) == [0, 1, 2, 3]
    assert [str(error) for error in told] == ["defect"]
    assert isinstance(fetcher.defect, ZeroDivisionError), "it must not be taken for the VMA's silence"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://vma:21", "allowed is http"),
        ("vma:9081", "allowed is http"),
        ("", "allowed is http"),
        ("http://", "allowed is http"),
        ("http://vma:99999", "allowed is http"),
        ("http://vma:x", "allowed is http"),
        ("http://[::1", "allowed is http"),
        ("http://vma/?a=b", "allowed is http"),
        ("http://vma/#f", "allowed is http"),
        ("http://v ma", "allowed is http"),
        ("http://user:hunter2@vma", "user or password"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_in_one_line(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as told:
        make(VmaTarget("v", url))
    assert "\n" not in str(told.value)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "tökén"])
def test_a_token_that_cannot_stand_in_a_header_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(UsageError, match="printable ASCII") as told:
        make(VmaTarget("v", "http://vma", token=token))
    assert not token or token not in str(told.value)


def test_files_that_cannot_be_used_are_told_in_one_line(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    gone = tmp_path / "gone.pem"
    wrong = [
        (VmaTarget("v", "https://vma", ca_file=gone), "cannot read"),
        (VmaTarget("v", "https://vma", ca_file=tmp_path), "cannot read"),
        (VmaTarget("v", "https://vma", ca_file=junk), "no PEM certificate"),
        (VmaTarget("v", "https://vma", cert_file=junk), "both a cert file and a key file"),
        (VmaTarget("v", "https://vma", key_file=junk), "both a cert file and a key file"),
        (VmaTarget("v", "https://vma", cert_file=junk, key_file=junk), "must be a PEM certificate"),
    ]
    for target, says in wrong:
        with pytest.raises(UsageError, match=says) as told:
            make(target)
        assert "\n" not in str(told.value)


def test_two_vmas_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="configured twice"):
        make(VmaTarget("v", "http://a"), VmaTarget("v", "http://b"))


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="1 or more"):
        make(max_in_flight=0)
    for timeout_s in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="more than 0"):
            make(timeout_s=timeout_s)
