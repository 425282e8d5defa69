"""A row whose values stand still is touched, but seldom (D4)."""

import pytest
from core_values import an_update
from mailbox_samples import BETTER, END, GOOD, fail, flush

from oma_poller.core.batch import Batch
from oma_poller.core.mailbox import HEARTBEAT_S, Mailbox
from oma_poller.model.update import Update


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def test_an_unchanged_row_is_touched_every_30_s(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    touched = []
    for now_s in range(5, 121, 5):
        mailbox.put(GOOD, float(now_s))
        if flush(mailbox, float(now_s)).heartbeat_ids:
            touched.append(now_s)
    assert touched == [30, 60, 90, 120]


def test_a_heartbeat_that_is_being_written_is_not_asked_for_again(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    batch = mailbox.take(500, HEARTBEAT_S)
    assert batch == Batch((), ("a",))
    mailbox.put(GOOD, HEARTBEAT_S + 5)
    assert len(mailbox) == 1
    mailbox.confirm(batch, HEARTBEAT_S + 5)
    assert len(mailbox) == 0


def test_a_row_with_an_update_needs_no_heartbeat(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    mailbox.put(BETTER, HEARTBEAT_S + 5)
    assert mailbox.take(500, 40.0) == Batch((BETTER,), ())


def test_a_row_of_a_copy_that_moved_needs_no_heartbeat(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    mailbox.put_moved([BETTER], HEARTBEAT_S + 5)
    assert mailbox.take(500, 40.0) == Batch((BETTER,), ())


def test_an_end_needs_no_heartbeat(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    mailbox.put(END, HEARTBEAT_S + 5)
    assert mailbox.take(500, 40.0) == Batch((END,), ())


def test_a_heartbeat_that_failed_is_tried_again(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    assert fail(mailbox, HEARTBEAT_S).heartbeat_ids == ("a",)
    assert len(mailbox) == 1
    assert flush(mailbox, HEARTBEAT_S).heartbeat_ids == ("a",)
    assert len(mailbox) == 0


@pytest.mark.parametrize("newer", [BETTER, END])
def test_a_heartbeat_that_failed_gives_way_to_an_update(mailbox: Mailbox, newer: Update) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    batch = mailbox.take(500, HEARTBEAT_S)
    mailbox.put(newer, HEARTBEAT_S + 1)
    mailbox.give_back(batch)
    assert flush(mailbox, HEARTBEAT_S + 1) == Batch((newer,), ())


def test_heartbeats_come_after_updates_and_within_the_limit(mailbox: Mailbox) -> None:
    for job_id in "abcde":
        mailbox.put(an_update(job_id), 0.0)
    flush(mailbox, 0.0)
    for job_id in "abcde":
        mailbox.put(an_update(job_id, status=None if job_id < "d" else "replicating"), HEARTBEAT_S)
    batch = mailbox.take(4, HEARTBEAT_S)
    assert [update.job_id for update in batch.updates] == ["d", "e"]
    assert batch.heartbeat_ids == ("a", "b")
    assert len(mailbox) == 5


def test_a_heartbeat_forgotten_while_it_was_being_written_does_not_come_back(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    batch = mailbox.take(500, HEARTBEAT_S)
    mailbox.forget("a")
    mailbox.give_back(batch)
    assert len(mailbox) == 0
