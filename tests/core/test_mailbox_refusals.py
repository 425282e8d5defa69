"""Rows that the database does not take for what is in them."""

import pytest
from core_values import an_update
from mailbox_samples import BETTER, END, GOOD, flush

from oma_poller.core.batch import Unwritten
from oma_poller.core.mailbox import HEARTBEAT_S, RETRY_END_S, Mailbox


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def test_a_refused_row_is_tried_again_only_when_it_changes(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(an_update("b"), 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.drop(("a", "unknown"), 0.0)
    assert mailbox.confirm(batch, 0.0) == (an_update("b"),)
    mailbox.put(GOOD, 5.0)
    assert not flush(mailbox, 5.0)
    mailbox.put(BETTER, 10.0)
    assert flush(mailbox, 10.0).updates == (BETTER,)


def test_a_refused_row_does_not_come_back_with_its_batch(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    mailbox.put(an_update("b"), 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.drop(["a"], 0.0)
    mailbox.give_back(batch)
    assert flush(mailbox).updates == (an_update("b"),)


def test_what_came_since_is_tried_although_the_older_row_was_refused(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(BETTER, 1.0)
    mailbox.drop(["a"], 1.0)
    mailbox.confirm(batch, 1.0)
    assert flush(mailbox).updates == (BETTER,)


def test_a_refused_heartbeat_waits_for_its_next_turn(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    batch = mailbox.take(500, HEARTBEAT_S)
    mailbox.drop(batch.heartbeat_ids, HEARTBEAT_S)
    mailbox.give_back(batch)
    mailbox.put(GOOD, 2 * HEARTBEAT_S - 1)
    assert len(mailbox) == 0
    mailbox.put(GOOD, 2 * HEARTBEAT_S)
    assert flush(mailbox, 2 * HEARTBEAT_S).heartbeat_ids == ("a",)


def test_a_refused_end_is_tried_again_every_30_s_until_the_database_has_it(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    tried = []
    for now_s in range(0, 121, 5):
        batch = mailbox.take(500, float(now_s))
        if batch:
            tried.append(now_s)
            mailbox.drop(["a"], float(now_s))
        mailbox.confirm(batch, float(now_s))
    assert tried == [0, 30, 60, 90, 120]
    assert len(mailbox) == 0
    assert flush(mailbox, 120.0 + RETRY_END_S).updates == (END,)
    assert not flush(mailbox, 1000.0)


def test_nothing_replaces_a_refused_end(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.drop(["a"], 0.0)
    mailbox.confirm(batch, 0.0)
    mailbox.put(BETTER, 5.0)
    assert len(mailbox) == 0
    assert flush(mailbox, RETRY_END_S).updates == (END,)


def test_a_refused_end_of_a_job_that_left_is_dropped(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.drop(["a"], 0.0)
    mailbox.confirm(batch, 0.0)
    mailbox.forget("a")
    assert not flush(mailbox, 1000.0)


def test_what_is_kept_waits_again_merged_with_what_came_since() -> None:
    box = Mailbox()
    box.put(GOOD, 0.0)
    box.put(an_update("b"), 0.0)
    batch = box.take(10, 0.0)
    box.put(BETTER, 1.0)
    box.keep(["a", "unknown"], 1.0)
    assert box.confirm(batch, 1.0) == (an_update("b"),)
    assert box.take(10, 2.0).updates == (BETTER,)


def test_a_heartbeat_that_is_kept_comes_again_with_the_next_poll() -> None:
    box = Mailbox()
    box.put(an_update("job-1"), 0.0)
    box.confirm(box.take(10, 0.0), 0.0)
    box.put(an_update("job-1"), 100.0)
    batch = box.take(10, 100.0)
    assert batch.heartbeat_ids == ("job-1",)
    box.keep(["job-1"], 100.0)
    box.confirm(batch, 100.0)
    box.put(an_update("job-1"), 101.0)
    assert box.take(10, 101.0).heartbeat_ids == ("job-1",)


def test_what_is_not_written_is_counted_wherever_it_waits(mailbox: Mailbox) -> None:
    assert mailbox.unwritten == Unwritten(rows=0, ends=0)
    mailbox.put(END, 0.0)
    batch = mailbox.take(500, 0.0)
    assert mailbox.unwritten == Unwritten(rows=1, ends=1)
    mailbox.drop(["a"], 0.0)
    mailbox.confirm(batch, 0.0)
    mailbox.put(an_update("b"), 0.0)
    mailbox.put(an_update("c", status="failed"), 0.0)
    assert mailbox.unwritten == Unwritten(rows=3, ends=2)
