"""The state of a copy, and when it is worth a report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.agent.copier.copy_progress import CopyProgress, ReportPace, Speed
from oma_poller.agent.copier.copy_report import CopyReport, Stage, Status


def progress(total_bytes: int) -> CopyProgress:
    """Return a copy that has begun to transfer at second 0."""
    made = CopyProgress("run", 30, None, None)
    made.total_bytes = total_bytes
    made.enter(Stage.TRANSFER, Status.IN_PROGRESS, 0.0)
    return made


@given(st.integers(0, 10**6), st.lists(st.integers(0, 2 * 10**6), max_size=20))
def test_bytes_never_go_back_nor_reach_the_total_before_the_end(total: int, told: list[int]) -> None:
    copy = progress(total)
    last = 0
    for second, done in enumerate(told, start=1):
        copy.advance(done, second)
        report = copy.report(second)
        assert last <= report.bytes_transferred <= max(0, total - 1)
        assert report.percent is None or 0 <= report.percent < 100
        last = report.bytes_transferred
    copy.complete()
    report = copy.report(len(told) + 1)
    assert (report.bytes_transferred, report.percent, report.status) == (total, 100.0, "completed")


def test_percent_is_rounded_down() -> None:
    copy = progress(30_000)
    copy.advance(29_999, 1.0)
    assert copy.report(1.0).percent == 99.99
    copy = progress(3)
    copy.advance(2, 1.0)
    assert copy.report(1.0).percent == 66.66


def test_before_the_transfer_there_is_no_percent() -> None:
    copy = CopyProgress("run", 30, "2000", 3)
    report = copy.report(0.0)
    assert (report.stage, report.status, report.percent, report.total_bytes) == (
        "Discover",
        "Queued",
        None,
        None,
    )
    assert (report.disk_id, report.disks_total) == ("2000", 3)


def test_a_disk_without_data_completes_with_zero_of_zero() -> None:
    copy = progress(0)
    assert copy.report(1.0).percent is None
    copy.complete()
    report = copy.report(2.0)
    assert (report.bytes_transferred, report.total_bytes, report.percent) == (0, 0, 100.0)


def test_a_failure_keeps_the_bytes_and_says_why() -> None:
    copy = progress(100)
    copy.advance(40, 1.0)
    copy.fail("disk full")
    report = copy.report(1.0)
    assert (report.status, report.bytes_transferred, report.percent) == ("failed", 40, 40.0)
    assert (report.error_message, report.throughput_bps) == ("disk full", 0)


def test_speed_is_that_of_the_last_ten_seconds() -> None:
    speed = Speed()
    for second in range(31):
        speed.mark(second, 1000 * min(second, 10) + 50 * max(0, second - 10))
    assert speed.bps(30.0) == 50


def test_the_time_before_the_transfer_does_not_count_as_slow() -> None:
    copy = CopyProgress("run", 30, None, None)
    copy.enter(Stage.DISCOVER, Status.QUEUED, 0.0)
    copy.total_bytes = 1000
    copy.enter(Stage.TRANSFER, Status.IN_PROGRESS, 8.0)
    copy.advance(200, 10.0)
    assert copy.report(10.0).throughput_bps == 100


def test_a_copy_that_stands_still_has_no_speed() -> None:
    speed = Speed()
    speed.mark(0.0, 0)
    speed.mark(1.0, 5000)
    assert speed.bps(2.0) > 0
    assert speed.bps(11.5) == 0


def report(percent: float, status: Status = Status.IN_PROGRESS) -> CopyReport:
    """Return a report of 10,000 bytes."""
    return CopyReport(Stage.TRANSFER, status, round(percent * 100), 0, "full", "run", 30, 10_000, percent)


def paced() -> ReportPace:
    """Return a pace that has sent 0 % at second 0."""
    pace = ReportPace(30)
    assert pace.due(report(0), 0.0)
    return pace


@pytest.mark.parametrize(
    ("percent", "now_s", "is_due"),
    [
        (0.5, 1.9, False),
        (0.5, 2.0, True),
        (1.0, 0.5, True),
        (50.0, 0.4, False),
        (0.0, 9.9, False),
        (0.0, 10.0, True),
    ],
)
def test_bytes_are_told_every_two_seconds_or_one_percent_and_a_sign_of_life_within_the_lease(
    *, percent: float, now_s: float, is_due: bool
) -> None:
    assert paced().due(report(percent), now_s) is is_due


def test_a_new_status_is_told_at_once_and_once() -> None:
    pace = paced()
    assert pace.due(report(0.1, Status.COMPLETED), 0.01)
    assert not pace.due(report(0.1, Status.COMPLETED), 0.02)


@given(st.lists(st.tuples(st.floats(0.01, 3), st.floats(0, 5)), min_size=1, max_size=60))
def test_bytes_alone_make_at_most_two_reports_a_second(steps: list[tuple[float, float]]) -> None:
    pace, now_s, percent, sent = paced(), 0.0, 0.0, 0
    for pause_s, more in steps:
        now_s += pause_s
        percent = min(99.0, percent + more)
        sent += pace.due(report(percent), now_s)
    assert sent <= now_s / ReportPace.LEAST_S
