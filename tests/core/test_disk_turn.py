"""One key, several disks one after the other: when one ends and the next begins (F6, T2, T4)."""

import pytest
from core_values import BEFORE, NOW, STARTED, a_detail, a_job
from job_story import MISSING, Story, by_job_id, cancelled, completed, copying, failed

from oma_poller.model.decision import EventKind
from oma_poller.model.reading import Reading, State


@pytest.mark.parametrize(
    ("last", "first_of_next", "base"),
    [
        (completed(100), copying(3), 100),
        (completed(100), copying(0), 100),
        (completed(100), copying(3, total_bytes=80), 100),
        (completed(100), completed(60), 100),
        (completed(120, 100), copying(3), 120),
        (completed(120, 100), completed(100, 100), 120),
        (completed(100), completed(110, 80), 100),
        (completed(0, 0), copying(7), 0),
        (copying(95), copying(3), 100),
        (copying(100), copying(3), 100),
        (copying(96), copying(3), 100),
        (copying(96), copying(90), 100),
        (copying(96), completed(60), 100),
        (copying(60), copying(3, total_bytes=80), 60),
        (copying(60), copying(50, state=State.FINALIZING, total_bytes=80), 60),
    ],
)
def test_a_disk_that_ended_joins_the_base(last: Reading, first_of_next: Reading, base: int) -> None:
    story = Story(by_job_id(3))
    story.poll(last)
    progress = story.numbers(first_of_next)
    assert progress.bytes_transferred == base + first_of_next.bytes_transferred
    assert story.told(EventKind.DISK_ENDED) == [f"disk 1 ended with {base} bytes and the next one began"]
    assert story.told(EventKind.RUN_CHANGED) == []
    assert story.told(EventKind.REGRESSION) == []


@pytest.mark.parametrize(
    ("last", "then"),
    [
        (copying(60), copying(50)),
        (copying(60), copying(1)),
        (copying(94), copying(90)),
        (copying(99), copying(97)),
        (copying(99), copying(97, total_bytes=0)),
        (copying(60, total_bytes=0), copying(3, total_bytes=0)),
        (copying(99), failed(10)),
        (copying(99), cancelled(10)),
    ],
)
def test_a_smaller_fall_and_a_bad_end_are_regressions(last: Reading, then: Reading) -> None:
    story = Story(by_job_id(3))
    story.poll(last)
    assert story.numbers(then).bytes_transferred == last.bytes_transferred
    assert len(story.told(EventKind.REGRESSION)) == 1
    assert story.told(EventKind.DISK_ENDED) == []


@pytest.mark.parametrize("then", [copying(60, total_bytes=200), copying(70), copying(60)])
def test_a_run_that_does_not_fall_is_still_the_same_disk(then: Reading) -> None:
    story = Story(by_job_id(3))
    story.poll(copying(60))
    story.poll(then)
    assert story.told(EventKind.DISK_ENDED) == []


@pytest.mark.parametrize(
    ("last", "total_bytes"),
    [(completed(100), 250), (completed(120, 100), 250), (completed(100, 0), 250), (copying(96), 250)],
)
def test_the_total_of_a_disk_that_ended_joins_the_total(last: Reading, total_bytes: int) -> None:
    story = Story(by_job_id(3))
    story.poll(last)
    assert story.numbers(copying(3, total_bytes=50)).total_bytes == total_bytes


def test_the_next_disk_belongs_to_the_same_run() -> None:
    story = Story(by_job_id(3))
    story.poll(completed(100))
    story.poll(copying(3, started_at=None))
    assert story.context.runs[0] is not None
    assert story.context.runs[0].started_at == STARTED


def test_an_unknown_word_takes_no_end_back() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(completed(100, state=State.UNKNOWN, word="odd"))
    assert story.told(EventKind.DISK_ENDED) == []
    assert story.context.state is State.FINALIZING


def test_the_percentage_never_falls_from_disk_to_disk() -> None:
    story = Story(by_job_id(3))
    seen = [0]
    for reading in (copying(50), completed(100), copying(0), copying(98), copying(5), completed(100)):
        progress = story.numbers(reading)
        assert progress.percent_bp >= seen[-1]
        seen.append(progress.percent_bp)
    assert seen[-1] == 9999
    assert story.context.state is State.FINALIZING


def test_bytes_of_the_ended_disk_that_still_stand_are_not_counted_twice() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    assert story.numbers(copying(100)).bytes_transferred == 100
    assert story.told(EventKind.DISK_ENDED) == ["disk 1 ended with 100 bytes and the next one began"]
    assert story.numbers(copying(4)).bytes_transferred == 104
    assert story.told(EventKind.REGRESSION) == []


def test_a_word_that_oscillates_ends_one_disk_at_most() -> None:
    story = Story(by_job_id(3))
    ended = []
    for _ in range(4):
        story.poll(completed(100))
        ended += story.told(EventKind.DISK_ENDED)
        story.poll(copying(100))
        ended += story.told(EventKind.DISK_ENDED)
    assert len(ended) == 1
    assert story.numbers(copying(100)).bytes_transferred == 100


def test_after_the_last_disk_a_fall_is_a_new_run() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(copying(5))
    story.poll(completed(100))
    assert story.numbers(copying(2)).bytes_transferred == 2
    assert story.told(EventKind.DISK_ENDED) == []
    assert len(story.told(EventKind.RUN_CHANGED)) == 1
    assert story.context.ended == ()


def test_a_later_start_with_fewer_bytes_is_a_copier_that_began_anew() -> None:
    story = Story(by_job_id())
    story.poll(copying(97))
    assert story.numbers(copying(2, started_at=NOW)).bytes_transferred == 2
    assert len(story.told(EventKind.RUN_CHANGED)) == 1


def test_a_vma_that_restarts_between_two_disks_loses_no_base() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(MISSING)
    assert story.numbers(copying(2, started_at=NOW)).bytes_transferred == 102


def test_a_completed_entry_with_too_few_bytes_that_goes_on_is_the_same_disk() -> None:
    story = Story(by_job_id())
    story.poll(completed(60, 100))
    assert story.numbers(copying(70)).bytes_transferred == 70
    assert story.told(EventKind.DISK_ENDED) == []


def test_another_jobs_entry_ends_no_disk() -> None:
    story = Story(by_job_id())
    story.poll(completed(100, started_at=BEFORE))
    story.poll(copying(2, started_at=BEFORE))
    assert story.told(EventKind.DISK_ENDED) == []


def test_an_entry_that_details_its_disks_sums_them_itself() -> None:
    story = Story(by_job_id())
    details = (a_detail("2000", 90, total_bytes=100), a_detail("2001", 8, total_bytes=100))
    story.poll(copying(98, disks=details))
    less = (a_detail("2000", 40, total_bytes=100), a_detail("2001", 8, total_bytes=100))
    assert story.numbers(copying(48, disks=less)).bytes_transferred == 98
    assert story.told(EventKind.DISK_ENDED) == []


def test_a_job_with_unknown_disks_takes_only_a_completed_entry_for_an_ended_disk() -> None:
    story = Story(a_job(disks=()))
    story.poll(copying(99))
    assert story.numbers(copying(98)).bytes_transferred == 99
    story.poll(copying(1))
    assert story.told(EventKind.DISK_ENDED) == []
    story.poll(completed(100))
    assert story.numbers(copying(7)).bytes_transferred == 107
    assert len(story.told(EventKind.DISK_ENDED)) == 1
