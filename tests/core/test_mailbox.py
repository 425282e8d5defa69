"""The newest result of each job, until the database has it (D4, D7)."""

from typing import ClassVar

import pytest
from core_values import a_progress, a_sighting, an_update
from mailbox_samples import BAD, BETTER, BLIND, END, GOOD, fail, flush

from oma_poller.core.batch import Batch
from oma_poller.core.mailbox import Mailbox
from oma_poller.model.update import DiskUpdate, Update

ENDS = ["completed", "failed", "cancelled"]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def test_an_empty_mailbox_has_nothing_to_write(mailbox: Mailbox) -> None:
    assert not mailbox.take(500, 0.0)
    assert len(mailbox) == 0


def test_the_newest_update_of_a_job_is_written_once(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(BETTER, 1.0)
    assert len(mailbox) == 1
    assert flush(mailbox) == Batch((BETTER,), ())
    assert not flush(mailbox)


def test_a_bad_poll_does_not_lose_the_numbers_that_still_wait(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(BAD, 5.0)
    expected = Update("a", BLIND, 1, GOOD.progress, "replicating", None)
    assert flush(mailbox).updates == (expected,)


def test_a_batch_given_back_is_merged_into_what_came_since(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(BAD, 5.0)
    mailbox.give_back(batch)
    assert flush(mailbox).updates == (Update("a", BLIND, 1, GOOD.progress, "replicating", None),)


def test_newer_numbers_win_over_those_given_back(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(BETTER, 5.0)
    mailbox.give_back(batch)
    assert flush(mailbox).updates == (BETTER,)


def test_an_outage_of_any_length_keeps_one_update_a_job(mailbox: Mailbox) -> None:
    for turn in range(1000):
        mailbox.put(an_update("a", progress=a_progress(turn)), float(turn))
        mailbox.put(an_update("b", progress=a_progress(turn)), float(turn))
        fail(mailbox, float(turn))
    assert len(mailbox) == 2
    assert {update.progress for update in flush(mailbox).updates} == {a_progress(999)}


def test_an_unchanged_row_is_not_written_again(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox)
    mailbox.put(GOOD, 5.0)
    assert len(mailbox) == 0


def test_what_was_written_is_the_sum_of_all_updates(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox)
    mailbox.put(BAD, 5.0)
    assert flush(mailbox, 5.0).updates == (BAD,)
    mailbox.put(BAD, 10.0)
    assert not flush(mailbox, 10.0)
    mailbox.put(GOOD, 15.0)
    assert flush(mailbox, 15.0).updates == (GOOD,)
    mailbox.put(an_update("a"), 20.0)
    assert not flush(mailbox, 20.0)


def test_a_value_that_changes_back_before_it_is_written_needs_no_write(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox)
    mailbox.put(BETTER, 5.0)
    mailbox.put(GOOD, 10.0)
    assert len(mailbox) == 0


def test_a_value_that_changes_back_after_a_failed_write_is_written(mailbox: Mailbox) -> None:
    """The connection may have broken after the commit: the row may hold the value in between."""
    mailbox.put(GOOD, 0.0)
    flush(mailbox)
    mailbox.put(BETTER, 5.0)
    fail(mailbox)
    mailbox.put(GOOD, 10.0)
    assert flush(mailbox).updates == (GOOD,)


def test_an_update_that_equals_the_one_being_written_does_not_wait(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(GOOD, 100.0)
    assert len(mailbox) == 1
    mailbox.confirm(batch, 100.0)
    assert len(mailbox) == 0


def test_what_came_while_a_batch_was_written_is_written_next(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(BETTER, 1.0)
    assert len(mailbox) == 2
    assert mailbox.confirm(batch, 1.0) == (GOOD,)
    assert flush(mailbox).updates == (BETTER,)


def test_what_is_being_written_counts_on_top_of_what_was_written(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox)
    mailbox.put(BAD, 5.0)
    batch = mailbox.take(500, 5.0)
    mailbox.put(Update("a", BLIND, 1, GOOD.progress, "replicating"), 10.0)
    assert len(mailbox) == 1
    mailbox.confirm(batch, 10.0)
    mailbox.put(GOOD, 15.0)
    assert flush(mailbox).updates == (GOOD,)


def test_rows_of_disks_that_wait_are_not_lost(mailbox: Mailbox) -> None:
    row_1, row_2 = DiskUpdate(1, "syncing", 10, 100), DiskUpdate(2, "syncing", 20, 200)
    mailbox.put(an_update("a", progress=a_progress(disks=(row_1, row_2))), 0.0)
    mailbox.put(an_update("a", progress=a_progress(2000, disks=(row_1,))), 0.0)
    (update,) = flush(mailbox).updates
    assert update.progress == a_progress(2000, disks=(row_1, row_2))


def test_ends_are_written_first_and_then_what_has_waited_longest(mailbox: Mailbox) -> None:
    for job_id in ("a", "b", "c", "d"):
        mailbox.put(an_update(job_id, status="replicating"), 0.0)
    mailbox.put(an_update("a", status="replicating", progress=a_progress()), 1.0)
    mailbox.put(an_update("d", status="failed"), 2.0)
    mailbox.put(an_update("e", status="completed"), 3.0)
    first, second = mailbox.take(3, 3.0), None
    assert [update.job_id for update in first.updates] == ["d", "e", "a"]
    mailbox.confirm(first, 3.0)
    second = mailbox.take(3, 3.0)
    assert [update.job_id for update in second.updates] == ["b", "c"]


def test_what_was_given_back_keeps_its_place(mailbox: Mailbox) -> None:
    for job_id in ("a", "b", "c"):
        mailbox.put(an_update(job_id), 0.0)
    batch = mailbox.take(2, 0.0)
    mailbox.give_back(batch)
    assert [update.job_id for update in flush(mailbox).updates] == ["a", "b", "c"]


@pytest.mark.parametrize("status", ENDS)
def test_nothing_replaces_an_end(mailbox: Mailbox, status: str) -> None:
    end = an_update("a", status=status, progress=a_progress(9000))
    mailbox.put(end, 0.0)
    mailbox.put(BETTER, 1.0)
    batch = mailbox.take(500, 1.0)
    mailbox.put(BAD, 2.0)
    mailbox.give_back(batch)
    mailbox.put(BAD, 3.0)
    assert flush(mailbox).updates == (end,)
    assert len(mailbox) == 0


@pytest.mark.parametrize("status", ENDS)
def test_an_end_takes_the_numbers_that_waited_with_it(mailbox: Mailbox, status: str) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(an_update("a", status=status, error_message="gone"), 1.0)
    (update,) = flush(mailbox).updates
    assert (update.status, update.error_message, update.progress) == (status, "gone", GOOD.progress)


def test_an_end_that_comes_while_the_row_is_being_written_follows_it(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    end = an_update("a", status="cancelled")
    mailbox.put(end, 1.0)
    mailbox.give_back(batch)
    (update,) = flush(mailbox).updates
    assert (update.status, update.progress) == ("cancelled", GOOD.progress)


def test_nothing_follows_an_end_that_is_written(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(BETTER, 5.0)
    mailbox.put(END, 100.0)
    assert len(mailbox) == 0


class LookedAt(Update, frozen=True):
    """An update that counts how often the mailbox looks at one."""

    looks: ClassVar[int] = 0

    @property
    def is_terminal(self) -> bool:
        """Whether this update ends the job."""
        LookedAt.looks += 1
        return False


def test_a_flush_looks_at_the_rows_it_takes_and_not_at_all_that_wait(mailbox: Mailbox) -> None:
    for number in range(10_000):
        mailbox.put(LookedAt(f"job-{number}", a_sighting()), 0.0)
    LookedAt.looks = 0
    for _ in range(10):
        assert len(mailbox.take(5, 0.0).updates) == 5
        mailbox.confirm(Batch((), ()), 0.0)
    assert LookedAt.looks <= 50


def test_what_was_written_last_can_be_looked_up_and_what_is_being_written() -> None:
    box = Mailbox()
    assert box.written_of("a") is None
    assert box.last_of("a") is None
    box.put(GOOD, 0.0)
    batch = box.take(10, 0.0)
    assert box.written_of("a") is None
    assert box.last_of("a") == GOOD
    box.confirm(batch, 0.0)
    box.put(BETTER, 1.0)
    assert box.written_of("a") == box.last_of("a") == GOOD
    box.take(10, 1.0)
    assert (box.written_of("a"), box.last_of("a")) == (GOOD, BETTER)


def test_an_end_that_was_withheld_is_never_shown_and_not_written_again() -> None:
    box = Mailbox()
    box.put(GOOD, 0.0)
    box.confirm(box.take(10, 0.0), 0.0)
    box.put(END, 1.0)
    assert box.confirm(box.take(10, 1.0), 1.0, frozenset({"a"})) == (END,)
    assert box.written_of("a") == box.last_of("a") == GOOD
    box.put(END, 2.0)
    assert len(box) == 0
    box.forget("a")
    assert box.written_of("a") is None


def test_of_a_withheld_end_without_earlier_numbers_nothing_is_shown() -> None:
    box = Mailbox()
    box.put(END, 0.0)
    box.confirm(box.take(10, 0.0), 0.0, frozenset({"a"}))
    assert box.written_of("a") is None
    assert box.last_of("a") is None


def test_a_batch_of_jobs_with_very_many_disks_has_fewer_of_them(mailbox: Mailbox) -> None:
    disks = tuple(DiskUpdate(number, "syncing", 100, 1) for number in range(30))
    for number in range(6):
        mailbox.put(an_update(f"job-{number}", progress=a_progress(100, disks=disks)), 0.0)
    assert [update.job_id for update in mailbox.take(20, 1.0).updates] == ["job-0", "job-1", "job-2"]
