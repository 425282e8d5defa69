"""Rows that another program keeps locked: they wait aside, and are tried again at a pace."""

import pytest
from core_values import NOW, an_update
from job_story import Story, copying
from mailbox_samples import BETTER, END, GOOD, flush

from oma_poller.core.batch import Unwritten
from oma_poller.core.mailbox import HEARTBEAT_S, RETRY_HELD_S, Mailbox
from oma_poller.core.merge import merged
from oma_poller.model.update import Update


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def lock(mailbox: Mailbox, now_s: float = 0.0) -> None:
    """Begin a flush, and find every row of it locked."""
    batch = mailbox.take(500, now_s)
    mailbox.keep([*(update.job_id for update in batch.updates), *batch.heartbeat_ids], now_s)
    assert mailbox.confirm(batch, now_s) == ()


@pytest.mark.parametrize("update", [GOOD, END])
def test_a_locked_row_is_tried_again_at_a_pace(mailbox: Mailbox, update: Update) -> None:
    mailbox.put(update, 0.0)
    lock(mailbox)
    assert mailbox.has_held
    assert len(mailbox) == 0
    assert not flush(mailbox, RETRY_HELD_S / 2)
    assert flush(mailbox, RETRY_HELD_S).updates == (update,)
    assert not flush(mailbox, 1000.0)


def test_other_rows_of_the_batch_are_confirmed(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(an_update("b"), 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.keep(["a"], 0.0)
    assert mailbox.confirm(batch, 0.0) == (an_update("b"),)


def test_what_comes_in_for_a_locked_row_is_merged_into_it_and_does_not_hasten_it(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    lock(mailbox)
    mailbox.put(BETTER, RETRY_HELD_S / 2)
    assert len(mailbox) == 0
    assert flush(mailbox, RETRY_HELD_S).updates == (merged(GOOD, BETTER),)


def test_what_came_in_during_the_flush_is_merged_as_well(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(END, 0.5)
    mailbox.keep(["a"], 1.0)
    mailbox.confirm(batch, 1.0)
    assert len(mailbox) == 0
    assert flush(mailbox, 1.0 + RETRY_HELD_S).updates == (merged(GOOD, END),)


def test_an_end_that_comes_in_for_a_locked_row_goes_before_others(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    lock(mailbox)
    mailbox.put(END, 1.0)
    mailbox.put(an_update("b"), 1.0)
    assert flush(mailbox, RETRY_HELD_S).updates == (merged(GOOD, END), an_update("b"))


def test_nothing_replaces_a_locked_end(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    lock(mailbox)
    mailbox.put(BETTER, 1.0)
    assert flush(mailbox, RETRY_HELD_S).updates == (END,)


def test_a_locked_row_of_a_job_that_left_goes_and_its_end_stays(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(an_update("b", status="completed"), 0.0)
    lock(mailbox)
    mailbox.forget("a")
    mailbox.forget("b")
    assert flush(mailbox, RETRY_HELD_S).updates == (an_update("b", status="completed"),)
    assert mailbox._left == set()


def test_a_job_that_begins_anew_has_no_locked_row_of_its_earlier_life(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    lock(mailbox)
    mailbox.begin("a")
    assert not mailbox.has_held
    assert mailbox._left == set()


def test_a_locked_heartbeat_comes_again_with_the_next_poll(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    lock(mailbox, HEARTBEAT_S)
    assert not mailbox.has_held
    mailbox.put(GOOD, HEARTBEAT_S + 5)
    assert flush(mailbox, HEARTBEAT_S + 5).heartbeat_ids == ("a",)


def test_a_memory_goes_out_with_the_locked_row_that_it_is_of(mailbox: Mailbox) -> None:
    story = Story()
    decision = story.poll(copying(50))
    mailbox.put(decision.update, 0.0, decision.context)
    batch = mailbox.take(500, 0.0, NOW)
    assert len(batch.memories) == 1
    mailbox.keep([decision.update.job_id], 0.0)
    mailbox.confirm(batch, 0.0)
    again = mailbox.take(500, RETRY_HELD_S, NOW)
    assert [memory.context.job_id for memory in again.memories] == [decision.update.job_id]
    assert again.updates == batch.updates


def test_what_is_not_written_is_counted_wherever_it_waits(mailbox: Mailbox) -> None:
    assert mailbox.unwritten == Unwritten(rows=0, ends=0)
    mailbox.put(GOOD, 0.0)
    lock(mailbox)
    mailbox.put(an_update("b", status="failed"), 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.drop(["b"], 0.0)
    mailbox.confirm(batch, 0.0)
    mailbox.put(an_update("c", status="completed"), 0.0)
    assert mailbox.unwritten == Unwritten(rows=3, ends=2)
    mailbox.take(500, 0.0)
    mailbox.put(an_update("d"), 0.0)
    assert mailbox.unwritten == Unwritten(rows=4, ends=2)


def test_any_number_of_held_rows_takes_no_other_rows_place(mailbox: Mailbox) -> None:
    for number in range(600):
        mailbox.put(an_update(f"held-{number}"), 0.0)
    mailbox.put(an_update("free"), 0.0)
    written: set[str] = set()
    for at_s in (0.0, 0.2):
        batch = mailbox.take(500, at_s)
        mailbox.keep([update.job_id for update in batch.updates if update.job_id != "free"], at_s)
        written |= {update.job_id for update in mailbox.confirm(batch, at_s)}
    assert written == {"free"}
