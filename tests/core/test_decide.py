"""One poll of one job, answers in and decision out (T1 to T4)."""

from typing import Any

import pytest
from core_values import BEFORE, GIB, NOW, NOW_S, POLICY, a_disk, a_job, a_reading
from job_story import (
    BROKEN,
    MISSING,
    REFUSED,
    Story,
    by_exports,
    by_job_id,
    cancelled,
    completed,
    copying,
    failed,
)
from msgspec.structs import replace

from oma_poller.model.decision import EventKind
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading, State


def test_the_recorded_case_of_one_disk() -> None:
    story = Story(a_job(a_disk(capacity_bytes=40 * GIB)))
    progress = story.numbers(a_reading(933_232_640, 42_949_672_960))
    assert (progress.percent_bp, progress.bytes_transferred, progress.total_bytes, progress.operation) == (
        217,
        933_232_640,
        42_949_672_960,
        "Transfer",
    )


def test_a_disk_that_does_not_answer_counts_with_its_capacity() -> None:
    story = Story(by_exports())
    progress = story.numbers(copying(50), MISSING)
    assert (progress.percent_bp, progress.bytes_transferred, progress.total_bytes) == (2500, 50, 200)
    assert story.decision is not None
    assert story.decision.result == "partial"


def test_a_job_is_completed_when_every_disk_is() -> None:
    story = Story(by_exports())
    story.poll(completed(), copying(99))
    assert story.status == "replicating"
    decision = story.poll(completed(), completed())
    progress = decision.update.progress
    assert progress is not None
    assert (progress.percent_bp, progress.operation, progress.eta_s) == (10_000, "Completed", None)
    assert (progress.bytes_transferred, progress.total_bytes) == (200, 200)
    assert (decision.update.status, decision.delay_s) == ("completed", None)
    assert story.told(EventKind.STATE) == ["replicating -> completed"]


@pytest.mark.parametrize("reading", [completed(99, 100), completed(0, 100), completed(0, 0, percent=None)])
def test_completed_with_fewer_bytes_than_the_total_is_no_end(reading: Reading) -> None:
    story = Story()
    progress = story.numbers(reading)
    assert story.status == "replicating"
    assert progress.percent_bp < 10_000


def test_an_incremental_run_without_a_change_is_complete() -> None:
    story = Story()
    progress = story.numbers(completed(0, 0))
    assert (story.status, progress.percent_bp, progress.total_bytes) == ("completed", 10_000, 0)


def test_a_completed_disk_beside_a_reused_key_ends_no_job() -> None:
    story = Story(by_exports())
    for _ in range(100):
        progress = story.numbers(completed(), completed(started_at=BEFORE))
    assert (story.status, progress.percent_bp) == ("replicating", 5000)


@pytest.mark.parametrize(("say", "status"), [(failed, "failed"), (cancelled, "cancelled")])
def test_a_bad_end_needs_two_polls_in_a_row(say: Any, status: str) -> None:  # noqa: ANN401 - two builders
    story = Story()
    story.poll(copying(50))
    story.poll(say())
    assert story.status == "replicating"
    story.poll(copying(51))
    story.poll(say(51))
    assert story.status == "replicating"
    decision = story.poll(say(51))
    assert (story.status, decision.delay_s) == (status, None)
    assert decision.update.progress is not None
    assert decision.update.progress.percent_bp == 5100


def test_a_bad_end_of_one_disk_is_the_jobs() -> None:
    story = Story(by_exports())
    story.poll(copying(50), failed())
    decision = story.poll(copying(60), failed())
    assert (decision.update.status, decision.update.error_message) == ("failed", "disk read error")
    assert [row.status for row in decision.update.progress.disks] == ["syncing", "failed"]  # type: ignore[union-attr]  # the line above would have failed


@pytest.mark.parametrize("between", [MISSING, REFUSED, BROKEN])
def test_a_bad_poll_breaks_what_is_in_a_row(between: Outcome) -> None:
    story = Story()
    story.poll(failed())
    story.poll(between)
    story.poll(failed())
    assert story.status == "replicating"
    story.poll(failed())
    assert story.status == "failed"


@pytest.mark.parametrize("between", [MISSING, REFUSED])
def test_an_unread_key_breaks_what_is_in_a_row(between: Outcome) -> None:
    story = Story(by_exports())
    story.poll(failed(), copying(1))
    story.poll(between, copying(2))
    story.poll(failed(), copying(3))
    assert story.status == "replicating"


def test_failed_then_cancelled_is_neither() -> None:
    story = Story()
    story.poll(failed())
    story.poll(cancelled())
    assert story.status == "replicating"


@pytest.mark.parametrize("outcome", [MISSING, REFUSED, BROKEN])
def test_a_job_never_fails_because_it_is_not_seen(outcome: Outcome) -> None:
    story = Story()
    story.poll(copying(50))
    for _ in range(50):
        decision = story.poll(outcome, after_s=3600)
        assert (decision.update.status, decision.update.progress) == ("replicating", None)


def test_the_context_says_when_its_job_was_polled() -> None:
    story = Story()
    story.poll(copying(1))
    story.poll(REFUSED)
    context = story.context
    assert (context.first_poll_s, context.last_poll_s) == (NOW_S + 5.0, NOW_S + 10.0)
    assert context.last_good_s == NOW_S + 5.0


def test_a_bad_poll_is_counted_and_backed_off() -> None:
    story = Story()
    story.poll(copying(50))
    decision = story.poll(Failure(FailureKind.RATE_LIMITED, "HTTP 429", retry_after_s=77.0))
    assert (decision.result, decision.delay_s, decision.update.consecutive_errors) == (
        "rate_limited",
        77.0,
        1,
    )
    assert story.poll(BROKEN).delay_s == 10.0


def test_the_longest_pause_that_was_asked_for_counts() -> None:
    story = Story(by_exports())
    decision = story.poll(Missing(retry_after_s=9.0), Failure(FailureKind.SERVER_ERROR, "503", 60.0))
    assert (decision.result, decision.delay_s) == ("server_error", 60.0)


def test_a_404_in_the_grace_is_no_error() -> None:
    story = Story()
    decision = story.poll(MISSING)
    assert (decision.result, decision.delay_s, decision.update.consecutive_errors) == ("pending", 0.0, 0)
    assert story.told(EventKind.ERROR) == []
    decision = story.poll(MISSING, after_s=30)
    assert (decision.result, decision.delay_s, decision.update.consecutive_errors) == ("missing", 5.0, 1)


def test_percent_and_bytes_never_go_back_within_a_run() -> None:
    story = Story()
    written = []
    for reading in (copying(50), copying(40), copying(50, total_bytes=1000), copying(60)):
        progress = story.numbers(reading)
        written.append((progress.percent_bp, progress.bytes_transferred))
    assert written == [(5000, 50), (5000, 50), (5000, 50), (6000, 60)]


def test_percent_and_bytes_hold_across_tiers_of_keys() -> None:
    story = Story(by_exports())
    story.poll(copying(50), copying(50))
    story.tier = 1
    progress = story.numbers(copying(20, total_bytes=200))
    assert (progress.percent_bp, progress.bytes_transferred) == (5000, 100)
    story.tier = 0
    progress = story.numbers(copying(51), MISSING)
    assert (progress.percent_bp, progress.bytes_transferred) == (5000, 100)


def test_ended_disks_belong_to_their_key() -> None:
    story = Story(by_exports())
    story.tier = 1
    story.poll(completed())
    story.poll(copying(1))
    assert len(story.context.ended) == 1
    story.tier = 0
    story.poll(copying(1), copying(1))
    assert list(story.context.ended) == []
    assert story.context.held_since_s is None


def test_one_disk_that_starts_anew_lowers_the_job_by_what_it_lost() -> None:
    story = Story(by_exports())
    story.poll(copying(80), copying(60))
    progress = story.numbers(copying(80), copying(10, started_at=NOW))
    assert (progress.percent_bp, progress.bytes_transferred) == (4500, 90)
    assert len(story.told(EventKind.RUN_CHANGED)) == 1


def test_a_reused_key_that_is_taken_over_lowers_nothing() -> None:
    story = Story(by_exports())
    story.poll(copying(80), completed(100, started_at=BEFORE))
    story.poll(copying(20), completed(100, started_at=BEFORE))
    progress = story.numbers(copying(20), copying(0))
    assert (progress.percent_bp, progress.bytes_transferred) == (4000, 80)
    assert len(story.told(EventKind.RUN_CHANGED)) == 1


def test_a_setup_percentage_shows_in_the_operation_alone() -> None:
    story = Story(a_job(status="queued"))
    reading = copying(0, 0, state=State.PREPARING, phase="QueryCBT", percent=15.0)
    progress = story.numbers(reading)
    assert (progress.percent_bp, progress.operation, progress.setup_percent) == (0, "QueryCBT (15 %)", 15.0)
    assert story.numbers(copying(1)).setup_percent is None


def test_an_end_is_never_left() -> None:
    story = Story()
    story.poll(completed())
    for reading in (copying(5), failed(), failed(), completed(50), copying(5, started_at=NOW)):
        decision = story.poll(reading)
        assert (decision.update.status, decision.delay_s) == ("completed", None)
        assert decision.update.progress is not None
        assert decision.update.progress.percent_bp == 10_000
    assert story.poll(MISSING, after_s=60).delay_s is None


def test_a_failed_job_is_not_at_its_end_by_a_late_completion() -> None:
    story = Story()
    story.poll(failed())
    story.poll(failed())
    assert story.numbers(completed()).percent_bp == 9999
    assert story.status == "failed"


def test_a_status_that_is_not_active_is_not_written() -> None:
    story = Story(policy=Policy(active_statuses=frozenset({"running"})))
    story.poll(copying(50))
    assert (story.status, story.context.state) == (None, State.REPLICATING)


def test_a_job_by_its_id_alone_waits_for_its_other_disks() -> None:
    story = Story(by_job_id())
    progress = story.numbers(copying(50))
    assert (progress.percent_bp, progress.total_bytes) == (2500, 200)


def test_a_key_that_fails_beside_others_is_told_when_it_begins_and_when_it_ends() -> None:
    story = Story(by_exports())
    story.poll(copying(5), copying(5))
    story.poll(copying(6), BROKEN)
    assert story.told(EventKind.ERROR) == ["HTTP 500"]
    story.poll(copying(7), BROKEN)
    assert story.told(EventKind.ERROR) == []
    story.poll(copying(8), copying(6))
    assert story.told(EventKind.ANSWERED) == ["all its keys answer again"]
    assert story.context.consecutive_errors == 0


def test_a_pause_that_one_key_asks_for_is_kept_by_the_whole_job() -> None:
    story = Story(by_exports())
    limited = Failure(FailureKind.RATE_LIMITED, "HTTP 429", 60.0)
    assert story.poll(copying(5), limited).delay_s == 60.0
    assert story.poll(copying(5), copying(5)).delay_s == 0.0


@pytest.mark.parametrize("ended", [completed(100), failed(50)])
def test_a_job_whose_status_is_left_to_the_oma_is_polled_until_the_oma_ends_it(ended: Reading) -> None:
    story = Story(policy=replace(POLICY, write_status=False))
    for _ in range(2):
        decision = story.poll(ended)
        assert (decision.delay_s, decision.update.status) == (0.0, None)
    assert story.numbers(copying(60)).bytes_transferred >= 60
