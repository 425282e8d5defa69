"""Jobs that leave, and jobs that are made anew under the id of an earlier one (P1, D7)."""

import pytest
from core_values import an_update
from mailbox_samples import END, GOOD, flush

from oma_poller.core.mailbox import HEARTBEAT_S, Mailbox


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def test_a_forgotten_job_leaves_nothing_behind(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox, 0.0)
    mailbox.put(GOOD, HEARTBEAT_S)
    mailbox.put(an_update("b"), HEARTBEAT_S)
    mailbox.forget("a")
    mailbox.forget("b")
    mailbox.forget("unknown")
    assert len(mailbox) == 0
    assert mailbox._rows._written == {}


def test_a_job_forgotten_while_it_was_being_written_leaves_nothing_behind(mailbox: Mailbox) -> None:
    for finish in (mailbox.give_back, lambda batch: mailbox.confirm(batch, 1.0)):
        mailbox.put(GOOD, 0.0)
        batch = mailbox.take(500, 0.0)
        mailbox.forget("a")
        finish(batch)
        assert len(mailbox) == 0
        assert mailbox._rows._written == {}


def test_an_end_is_written_even_when_its_job_is_forgotten(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    mailbox.forget("a")
    batch = mailbox.take(500, 0.0)
    mailbox.forget("a")
    mailbox.give_back(batch)
    assert flush(mailbox).updates == (END,)


@pytest.mark.parametrize("refused", [[], ["a"]])
def test_an_end_of_a_job_that_left_is_the_last_that_is_held_of_it(
    mailbox: Mailbox, refused: list[str]
) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.put(END, 1.0)
    mailbox.forget("a")
    mailbox.confirm(batch, 1.0)
    batch = mailbox.take(500, 1.0)
    assert batch.updates == (END,)
    mailbox.drop(refused, 1.0)
    mailbox.confirm(batch, 1.0)
    assert not flush(mailbox, 1000.0)
    assert mailbox._rows._written == {}
    assert mailbox._left == set()


def test_an_end_is_not_written_into_a_new_life_of_its_job(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    mailbox.begin("a")
    assert len(mailbox) == 0
    mailbox.put(END, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.begin("a")
    mailbox.put(GOOD, 1.0)
    mailbox.give_back(batch)
    assert flush(mailbox).updates == (GOOD,)


def test_a_new_life_is_written_although_an_earlier_one_had_the_same_values(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    flush(mailbox)
    mailbox.begin("a")
    mailbox.put(GOOD, 1.0)
    assert flush(mailbox).updates == (GOOD,)


def test_the_end_of_a_new_life_is_kept_like_any_other(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0)
    mailbox.forget("a")
    mailbox.begin("a")
    mailbox.put(END, 1.0)
    batch = mailbox.take(500, 1.0)
    mailbox.drop(["a"], 1.0)
    mailbox.confirm(batch, 1.0)
    assert flush(mailbox, 1000.0).updates == (END,)


def test_a_write_of_an_earlier_life_is_not_remembered_as_one_of_the_new(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    batch = mailbox.take(500, 0.0)
    mailbox.begin("a")
    mailbox.put(GOOD, 1.0)
    assert mailbox.confirm(batch, 1.0) == ()
    assert flush(mailbox).updates == (GOOD,)
