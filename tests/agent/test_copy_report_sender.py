"""Reports on their way: the newest wins, the end is brought home, nothing waits for a VMA that is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from patience import PATIENCE_S, until
from progress_receiver import ProgressReceiver, progress_receiver

from oma_poller.agent.copier.copy_order import CopyOrder
from oma_poller.agent.copier.copy_place import FilePlace
from oma_poller.agent.copier.copy_report import CopyReport, Stage, Status
from oma_poller.agent.copier.image_format import ImageFormat
from oma_poller.agent.copier.report_sender import ReportSender
from oma_poller.agent.copier.vma_post import VmaAddress, VmaPost
from oma_poller.clock import SystemClock
from oma_poller.errors import UsageError

Contacts = list[str | None]


def disk(key: str = "k", disk_id: str | None = None) -> CopyOrder:
    """Return an order; only its key and disk matter."""
    return CopyOrder(FilePlace(Path("/s")), ImageFormat.RAW, FilePlace(Path("/t")), key, disk_id)


def report(done_bytes: int, status: Status = Status.IN_PROGRESS) -> CopyReport:
    """Return a report of a disk of 100 bytes."""
    return CopyReport(Stage.TRANSFER, status, done_bytes, 0, "full", "run", 30, 100, float(done_bytes))


END = report(100, Status.COMPLETED)


@contextmanager
def sending_to(url: str) -> Iterator[tuple[ReportSender, Contacts]]:
    """Run a sender and note what it says of the VMA."""
    contacts: Contacts = []
    sender = ReportSender(VmaPost(VmaAddress(url)), SystemClock(), contacts.append)
    sender.start()
    try:
        yield sender, contacts
    finally:
        sender.finish(0)
        sender._thread.join(PATIENCE_S)


@pytest.fixture
def vma() -> Iterator[ProgressReceiver]:
    """Return a VMA that takes reports."""
    with progress_receiver() as receiver:
        yield receiver


def test_a_report_arrives_under_its_key_without_what_is_not_known(vma: ProgressReceiver) -> None:
    with sending_to(vma.url + "/") as (sender, contacts):
        sender.put(disk("job/1 ü"), report(40))
        assert sender.finish(PATIENCE_S) is None
    assert vma.reports("job/1 ü") == [
        {
            "stage": "Transfer",
            "status": "in_progress",
            "bytes_transferred": 40,
            "throughput_bps": 0,
            "sync_type": "full",
            "run_id": "run",
            "lease_seconds": 30,
            "total_bytes": 100,
            "percent": 40.0,
        }
    ]
    assert contacts == []


def test_of_reports_that_wait_only_the_newest_is_sent(vma: ProgressReceiver) -> None:
    vma.hold = Event()
    with sending_to(vma.url) as (sender, _):
        sender.put(disk(), report(1))
        until(lambda: vma.connections, "the first report under way")
        for done in range(2, 90):
            sender.put(disk(), report(done))
        vma.hold.set()
        assert sender.finish(PATIENCE_S) is None
    assert [told["bytes_transferred"] for told in vma.reports("k")] == [1, 89]


def test_ends_arrive_in_the_order_in_which_the_copies_ended(vma: ProgressReceiver) -> None:
    vma.hold = Event()
    with sending_to(vma.url) as (sender, _):
        sender.put(disk("first"), report(1))
        until(lambda: vma.connections, "the first report under way")
        for key in ("third", "second", "first"):  # they waited in another order before they ended
            sender.put(disk(key), report(2))
        for key in ("first", "second", "third"):
            sender.put(disk(key), END)
        vma.hold.set()
        assert sender.finish(PATIENCE_S) is None
    assert [key for key, status in vma.statuses() if status == "completed"] == ["first", "second", "third"]


def test_disks_of_one_key_do_not_replace_each_other_and_ends_go_first(vma: ProgressReceiver) -> None:
    vma.hold = Event()
    with sending_to(vma.url) as (sender, _):
        sender.put(disk("first"), report(1))
        until(lambda: vma.connections, "the first report under way")
        sender.put(disk("k", "2000"), report(5))
        sender.put(disk("k", "2001"), END)
        vma.hold.set()
        assert sender.finish(PATIENCE_S) is None
    assert [told["bytes_transferred"] for told in vma.reports()] == [1, 100, 5]


def test_a_connection_is_kept(vma: ProgressReceiver) -> None:
    with sending_to(vma.url) as (sender, _):
        for done in range(3):
            sender.put(disk(), report(done))
            until(lambda done=done: len(vma.reports()) > done, "a report")  # type: ignore[misc]
    assert vma.connections == 1


def test_an_end_is_sent_again_until_the_vma_takes_it(vma: ProgressReceiver) -> None:
    vma.status = 503
    with sending_to(vma.url) as (sender, contacts):
        sender.put(disk(), END)
        until(lambda: vma.refused > 1, "a second try")
        vma.status = 200
        assert sender.finish(PATIENCE_S) is None
    assert [told["status"] for told in vma.reports()] == ["completed"]
    assert contacts == ["HTTP 503: no, not this one", None]


def test_an_end_that_the_vma_refuses_for_good_is_not_sent_again(vma: ProgressReceiver) -> None:
    vma.status = 400
    with sending_to(vma.url) as (sender, _):
        sender.put(disk(), END)
        assert sender.finish(PATIENCE_S) == "k: HTTP 400: no, not this one"
    assert vma.refused == 1


def test_an_end_that_does_not_arrive_in_time_is_named() -> None:
    with progress_receiver() as gone:
        url = gone.url
    with sending_to(url) as (sender, contacts):
        sender.put(disk("k", "2000"), END)
        until(lambda: contacts, "the refused connection")
        assert sender.finish(0) == "k disk 2000: Connection refused"


def test_a_vma_that_does_not_answer_holds_up_nobody(vma: ProgressReceiver) -> None:
    vma.hold = Event()
    with sending_to(vma.url) as (sender, _):
        sender.put(disk(), report(1))
        until(lambda: vma.connections, "the first report under way")
        sender.put(disk(), END)
        assert sender.finish(0) == "k: no answer in time"
        vma.hold.set()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "v:1",
        "ftp://v",
        "http://",
        "http://v:0",
        "http://v:99999",
        "http://v/?a=1",
        "http://v/ x",
        "http://[v",
    ],
)
def test_a_url_that_cannot_be_used_is_told(url: str) -> None:
    with pytest.raises(UsageError, match="allowed is http://HOST"):
        VmaAddress(url)


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="holds a user or password") as error:
        VmaAddress("http://me:secret@v")
    assert "secret" not in str(error.value)
