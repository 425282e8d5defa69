"""Which memories are written with which flush: with the row they belong to, and not too often (P9)."""

from datetime import timedelta
from typing import Any

import pytest
from core_values import BEFORE, NOW, a_context, a_progress, a_run, a_sighting, an_update
from mailbox_samples import BLIND, END, GOOD
from msgspec.structs import replace

from oma_poller.core.batch import Batch
from oma_poller.core.mailbox import Mailbox
from oma_poller.core.memory import remember
from oma_poller.core.notebook import CLOSE_PACE_S, PACE_S
from oma_poller.model.context import PollingContext
from oma_poller.model.observation import Observation
from oma_poller.model.reading import State


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def context(last_good_s: float = 0.0, job_id: str = "a", **fields: object) -> PollingContext:
    """Return the context of a job that was read just now."""
    seen = a_context(keys=("k",), runs=(a_run(50),), sighting=a_sighting(), last_good_s=last_good_s)
    return replace(seen, job_id=job_id, **fields)


def take(mailbox: Mailbox, now_s: float, limit: int = 500) -> Batch:
    """Take what is to be written."""
    return mailbox.take(limit, now_s, NOW + timedelta(seconds=now_s))


def kept(mailbox: Mailbox, now_s: float) -> list[str]:
    """Flush, and return the jobs whose memories were written."""
    batch = take(mailbox, now_s)
    mailbox.confirm(batch, now_s)
    return [memory.context.job_id for memory in batch.memories]


def test_a_jobs_first_row_goes_with_its_memory(mailbox: Mailbox) -> None:
    seen = context(3.0)
    mailbox.put(GOOD, 5.0, seen)
    batch = take(mailbox, 6.0)
    assert batch == Batch((GOOD,), (), (remember(seen, 6.0, NOW + timedelta(seconds=6)),))


def test_bytes_that_move_are_remembered_at_a_pace_and_not_with_every_row(mailbox: Mailbox) -> None:
    written = []
    for at_s in range(0, 100, 5):
        update = replace(GOOD, progress=a_progress(2500 + at_s))
        mailbox.put(update, float(at_s), context(float(at_s), runs=(a_run(50 + at_s),)))
        written += [at_s for _ in kept(mailbox, float(at_s))]
    assert written == [0, 30, 60, 90]
    assert PACE_S == 30


@pytest.mark.parametrize(
    "changed",
    [
        {"state": State.FINALIZING},
        {"consecutive_errors": 1},
        {"sighting": BLIND},
        {"keys": ("other",)},
        {"absent": frozenset({"x"})},
        {"proven": True},
        {"vanished_at_s": 1.0},
        {"held_since_s": 1.0},
        {"ended": (1,)},
        {"accepted_at": NOW},
        {"runs": (a_run(50, trusted=False),)},
        {"runs": (a_run(50, word="other"),)},
        {"runs": (a_run(50, since_s=5.0),)},
        {"runs": (a_run(50, stale_bytes=50),)},
        {"runs": (a_run(50, started_at=BEFORE),)},
        {"runs": (a_run(50, unwatched=True),)},
        {"runs": (a_run(50, previous=True),)},
        {"runs": (a_run(50, resumed=True),)},
        {"runs": (a_run(50, ended_polls=1),)},
        {"runs": (a_run(50, state=State.FINALIZING),)},
        {"runs": (a_run(50), a_run(50))},
        {"stopped_at": NOW},
        {"runs": (None,)},
    ],
)
def test_what_changes_later_decisions_is_remembered_at_once_even_where_the_row_stays(
    mailbox: Mailbox, changed: dict[str, Any]
) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    assert kept(mailbox, 0.0) == ["a"]
    mailbox.put(GOOD, 1.0, context(1.0))
    assert len(mailbox) == 0
    mailbox.put(GOOD, 2.0, context(2.0, **changed))
    assert len(mailbox) == 1
    batch = take(mailbox, 2.0)
    assert (batch.updates, batch.heartbeat_ids) == ((), ())
    assert [memory.context.job_id for memory in batch.memories] == ["a"]
    assert batch


def test_it_is_remembered_at_once_which_of_two_runs_changed(mailbox: Mailbox) -> None:
    plain, odd = a_run(50), a_run(50, unwatched=True)
    for at_s, runs in enumerate([(plain, odd), (odd, plain), (plain, None), (None, plain), (plain, plain)]):
        mailbox.put(GOOD, float(at_s), context(float(at_s), keys=("k", "l"), runs=runs))
        assert kept(mailbox, float(at_s)) == ["a"]
        mailbox.put(GOOD, at_s + 0.5, context(at_s + 0.5, keys=("k", "l"), runs=runs))
        assert kept(mailbox, at_s + 0.5) == []


def test_a_job_that_waits_or_is_held_is_remembered_more_often(mailbox: Mailbox) -> None:
    waits: dict[str, Any] = {"runs": (a_run(50, previous=True, trusted=False),)}
    held: dict[str, Any] = {"held_since_s": 0.0}
    for fields in (waits, held):
        mailbox.put(GOOD, 0.0, context(0.0, **fields))
        kept(mailbox, 0.0)
        mailbox.put(GOOD, CLOSE_PACE_S - 1, context(4.0, **fields))
        assert kept(mailbox, 4.0) == []
        mailbox.put(GOOD, CLOSE_PACE_S, context(5.0, **fields))
        assert kept(mailbox, 5.0) == ["a"]
        mailbox.forget("a")


def test_a_job_that_is_not_read_is_not_remembered_again(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    kept(mailbox, 0.0)
    mailbox.put(GOOD, 500.0, context(0.0))
    assert kept(mailbox, 500.0) == []


def test_a_memory_waits_for_the_row_it_belongs_to(mailbox: Mailbox) -> None:
    mailbox.put(replace(GOOD, job_id="b"), 0.0, context(0.0, "b"))
    mailbox.put(GOOD, 0.0, context(0.0))
    first = take(mailbox, 0.0, limit=1)
    assert [memory.context.job_id for memory in first.memories] == ["b"]
    mailbox.confirm(first, 0.0)
    second = take(mailbox, 0.0, limit=1)
    assert [memory.context.job_id for memory in second.memories] == ["a"]


def test_a_memory_that_was_due_alone_goes_with_a_row_that_comes_after_it(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    kept(mailbox, 0.0)
    mailbox.put(GOOD, 1.0, context(1.0, proven=True))
    mailbox.put(END, 2.0, context(2.0, proven=True, state=State.COMPLETED))
    assert len(mailbox) == 1
    batch = take(mailbox, 2.0)
    assert batch.updates == (END,)
    assert [memory.context.state for memory in batch.memories] == [State.COMPLETED]


def test_a_flush_has_room_for_so_many_and_the_others_follow(mailbox: Mailbox) -> None:
    ids = ["a", "b", "c"]
    for job_id in ids:
        mailbox.put(replace(GOOD, job_id=job_id), 0.0, context(0.0, job_id))
    kept(mailbox, 0.0)
    for job_id in ids:
        mailbox.put(replace(GOOD, job_id=job_id), 1.0, context(1.0, job_id, proven=True))
    batch = take(mailbox, 1.0, limit=2)
    assert len(batch.memories) == 2
    mailbox.confirm(batch, 1.0)
    assert kept(mailbox, 1.0) == ["c"]


def test_what_the_database_may_not_have_is_written_again(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    mailbox.give_back(take(mailbox, 0.0))
    assert kept(mailbox, 1.0) == ["a"]
    mailbox.put(GOOD, 2.0, context(2.0, proven=True))
    mailbox.give_back(take(mailbox, 2.0))
    assert len(mailbox) == 1
    assert kept(mailbox, 3.0) == ["a"]


def test_a_memory_given_back_goes_with_the_row_that_came_meanwhile(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    kept(mailbox, 0.0)
    mailbox.put(GOOD, 1.0, context(1.0, proven=True))
    batch = take(mailbox, 1.0)
    mailbox.put(END, 2.0, context(2.0, proven=True, state=State.COMPLETED))
    mailbox.give_back(batch)
    assert len(mailbox) == 1
    assert kept(mailbox, 3.0) == ["a"]


def test_while_a_memory_is_being_written_only_another_one_waits(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    batch = take(mailbox, 0.0)
    mailbox.put(GOOD, 100.0, context(100.0))
    assert len(mailbox) == 1  # the row that flies
    mailbox.put(GOOD, 101.0, context(101.0, proven=True))
    assert len(mailbox) == 2
    mailbox.confirm(batch, 102.0)
    assert kept(mailbox, 102.0) == ["a"]


def test_a_row_that_the_database_refuses_takes_its_memory_with_it(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    batch = take(mailbox, 0.0)
    mailbox.drop(["a"], 0.0)
    mailbox.confirm(batch, 0.0)
    mailbox.put(GOOD, 1.0, context(1.0))
    assert len(mailbox) == 0


def test_an_end_that_is_refused_is_tried_again_with_its_memory(mailbox: Mailbox) -> None:
    mailbox.put(END, 0.0, context(0.0, state=State.COMPLETED))
    batch = take(mailbox, 0.0)
    mailbox.drop(["a"], 0.0)
    mailbox.confirm(batch, 0.0)
    assert not take(mailbox, 1.0)
    batch = take(mailbox, 100.0)
    assert batch.updates == (END,)
    assert len(batch.memories) == 1


def test_a_memory_alone_that_is_refused_is_not_tried_again_until_it_changes(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    kept(mailbox, 0.0)
    mailbox.put(GOOD, 1.0, context(1.0, proven=True))
    batch = take(mailbox, 1.0)
    mailbox.drop(["a"], 1.0)
    mailbox.confirm(batch, 1.0)
    mailbox.put(GOOD, 2.0, context(2.0, proven=True))
    assert len(mailbox) == 0


def test_nothing_is_kept_of_a_job_that_left_but_its_end(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0, context(0.0))
    mailbox.forget("a")
    assert not take(mailbox, 0.0)
    mailbox.put(END, 0.0, context(0.0, state=State.COMPLETED))
    mailbox.forget("a")
    batch = take(mailbox, 1.0)
    assert (batch.updates, batch.memories) == ((END,), ())
    held = mailbox._notebook
    assert not any((held._contexts, held._noted, held._flying, held._alone, held._flying_alone))


def test_an_outage_of_any_length_keeps_one_context_a_job(mailbox: Mailbox) -> None:
    for turn in range(100):
        update = an_update("a", progress=a_progress(turn))
        mailbox.put(update, float(turn), context(float(turn), consecutive_errors=turn))
        mailbox.give_back(take(mailbox, float(turn)))
    batch = take(mailbox, 100.0)
    assert [memory.context.consecutive_errors for memory in batch.memories] == [99]
    assert Observation.FRESH is batch.memories[0].context.sighting.observation


def test_without_contexts_and_without_a_moment_nothing_is_remembered(mailbox: Mailbox) -> None:
    mailbox.put(GOOD, 0.0)
    assert take(mailbox, 0.0).memories == ()
    mailbox.put(GOOD, 0.0, context(0.0))
    assert mailbox.take(500, 0.0).memories == ()
