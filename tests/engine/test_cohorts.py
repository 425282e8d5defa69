"""Jobs whose copies only go on are polled together, and leave as soon as anything else is told of them."""

from datetime import timedelta
from itertools import pairwise
from threading import Event, Thread

import pytest
from bulk_bench import NOW, TOTAL_BYTES, VMA, BulkBench
from core_values import a_disk
from engine_fakes import FakeThread
from engine_world import BROKEN, DOWN, job, key
from keeping_log import KeepingLog
from msgspec.structs import replace

from oma_poller.core.breaker import Reach
from oma_poller.core.cohort import Cohort
from oma_poller.core.mailbox import Mailbox
from oma_poller.core.notebook import PACE_S
from oma_poller.core.recording import MOST_ORDINARY
from oma_poller.engine import cohorts as cohorts_module
from oma_poller.engine.cohorts import ALONE_S
from oma_poller.engine.recorder import Recorder
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import State
from oma_poller.vma.feed import refused
from oma_poller.web.job_view import detail_of, row_of

MANY = 40


@pytest.fixture(autouse=True)
def few_jobs_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts_module, "FEWEST_JOBS", 1)


def tell_all(bench: BulkBench, numbers: range, moved: int) -> None:
    for number in numbers:
        bench.tell(key(number), moved)


def going(count: int = MANY, polls: int = 4, policy: Policy | None = None) -> BulkBench:
    """Return jobs that have been copying for some polls: all are polled together by now."""
    bench = BulkBench(*[job(number) for number in range(1, count + 1)], policy=policy)
    for poll in range(1, polls + 1):
        go_on(bench, range(1, count + 1), 1000 * poll)
    assert together(bench, count) == count
    bench.asked_together.clear()
    return bench


def go_on(bench: BulkBench, numbers: range, moved: int) -> None:
    """Have all copies go on and poll each job once."""
    tell_all(bench, numbers, moved)
    bench.run(bench.poller.interval_s)


def together(bench: BulkBench, count: int = MANY) -> int:
    return sum(bench.is_together(f"job-{number:05}") for number in range(1, count + 1))


def moved(bench: BulkBench, number: int) -> int:
    """Return the bytes of a job as it is known."""
    return bench.held(f"job-{number:05}").context.bytes_transferred


def test_jobs_that_go_on_are_asked_for_together_once_an_interval() -> None:
    bench = going()
    polls = bench.tally.polls["ok"]
    go_on(bench, range(1, MANY + 1), 9000)
    assert bench.fetcher.taken() == []
    assert sum(bench.asked_together) == MANY
    assert len(bench.asked_together) <= 20
    assert bench.tally.polls["ok"] == polls + MANY
    assert {moved(bench, number) for number in range(1, MANY + 1)} == {9000}


def test_what_they_are_told_is_written_for_each() -> None:
    bench = going()
    bench.mailbox.confirm(bench.mailbox.take(1000, bench.clock.now_s), bench.clock.now_s)
    go_on(bench, range(1, MANY + 1), 9000)
    batch = bench.mailbox.take(1000, bench.clock.now_s)
    numbers = {
        update.job_id: update.progress.bytes_transferred for update in batch.updates if update.progress
    }
    assert numbers == {f"job-{number:05}": 9000 for number in range(1, MANY + 1)}
    assert {update.status for update in batch.updates} == {"replicating"}


def test_a_poll_of_a_cohort_counts_for_each_of_its_jobs() -> None:
    bench = going()
    lateness, durations = sum(bench.tally.lateness.counts), sum(bench.tally.poll_duration.counts)
    go_on(bench, range(1, MANY + 1), 9000)
    assert sum(bench.tally.lateness.counts) == lateness + MANY
    assert sum(bench.tally.poll_duration.counts) == durations + MANY


def test_each_job_keeps_its_place_in_the_interval() -> None:
    bench = going()
    watch = bench.held("job-00001")
    dues_s = []
    for poll in range(5, 9):
        due_s = bench.poller.due_s_of(watch)
        assert due_s is not None
        dues_s.append(due_s)
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    assert [round(later - sooner, 6) for sooner, later in pairwise(dues_s)] == [5.0] * 3


def test_a_job_among_others_is_shown_as_it_is_now() -> None:
    bench = going()
    watch = bench.held("job-00001")
    bench.mailbox.confirm(bench.mailbox.take(1000, bench.clock.now_s), bench.clock.now_s)
    go_on(bench, range(1, MANY + 1), 9000)
    bench.mailbox.confirm(bench.mailbox.take(1000, bench.clock.now_s), bench.clock.now_s)
    row = row_of(watch, bench.mailbox.written_of("job-00001"), bench.clock)
    assert row.bytes_transferred == 9000
    assert row.as_of is not None
    assert watch.context.last_good_s == watch.last_good_s
    assert watch.last_good_s is not None
    assert (bench.clock.utc() - row.as_of).total_seconds() == bench.clock.now_s - watch.last_good_s
    seen = detail_of(row, watch, bench.mailbox.written_of("job-00001"), None, bench.clock)
    assert [one.bytes_transferred for one in seen.keys] == [9000]


def test_a_job_is_due_never_while_it_is_asked() -> None:
    bench = going(1)
    due_s = bench.poller.next_due_s()
    assert due_s is not None
    bench.clock.now_s = due_s
    bench.poller.tick()
    assert bench.poller.in_flight == 1
    assert bench.poller.due_s_of(bench.held("job-00001")) is None
    while bench.poller.in_flight:
        bench.poller.receive(bench.serve())
    assert bench.poller.due_s_of(bench.held("job-00001")) is not None


@pytest.mark.parametrize("word", ["completed", "failed"])
def test_a_job_that_says_anything_else_is_polled_by_itself_at_once(word: str) -> None:
    bench = going()
    tell_all(bench, range(2, MANY + 1), 9000)
    bench.tell(key(1), TOTAL_BYTES, status=word)
    bench.run(5.0)
    assert together(bench) == MANY - 1
    watch = bench.held("job-00001")
    if word == "completed":
        assert watch.context.state is State.COMPLETED
    else:
        assert watch.context.runs[0] is not None
        assert watch.context.runs[0].ended_polls == 1


def test_a_job_whose_entry_is_gone_is_polled_by_itself() -> None:
    bench = going()
    tell_all(bench, range(2, MANY + 1), 9000)
    bench.delete(key(1))
    bench.run(5.0)
    watch = bench.held("job-00001")
    assert not bench.is_together("job-00001")
    assert watch.context.vanished_at_s is not None
    assert watch.doubts == 1


def test_a_job_that_stands_is_polled_by_itself_for_a_while_and_then_joins_again() -> None:
    bench = going()
    for poll in range(5, 8):
        go_on(bench, range(2, MANY + 1), 1000 * poll)
        assert not bench.is_together("job-00001")
    assert moved(bench, 1) == 4000
    for poll in range(8, 8 + round(ALONE_S / 5)):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    assert together(bench) == MANY


def test_a_vma_that_fails_costs_each_job_what_a_poll_by_itself_does() -> None:
    bench = going()
    bench.failure = DOWN
    bench.run(30.0)
    assert together(bench) == 0
    contexts = [bench.held(f"job-{number:05}").context for number in range(1, MANY + 1)]
    assert {context.sighting.observation for context in contexts} == {Observation.BLIND}
    assert {context.consecutive_errors for context in contexts} == {0}
    bench.failure = None
    for poll in range(9, 15):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    assert together(bench) == MANY
    assert moved(bench, 1) == 14_000


def test_a_cohort_that_waits_while_its_vma_is_lost_is_not_asked_for() -> None:
    bench = going()
    for number in range(1, MANY + 1):
        if number % 2:
            assert bench.poller.start(f"job-{number:05}")  # due at once, and by itself
    bench.failure = DOWN
    bench.step()
    bench.step()
    asked = len(bench.asked_together)
    bench.run(5.0)
    assert len(bench.asked_together) == asked
    assert together(bench) == 0


def test_a_vma_that_no_longer_answers_in_bulk_has_each_job_polled_by_itself() -> None:
    bench = going()
    bench.fetcher.bulk.clear()
    go_on(bench, range(1, MANY + 1), 9000)
    assert together(bench) == 0
    assert bench.asked_together == []
    assert {moved(bench, number) for number in range(1, MANY + 1)} == {9000}


def test_a_cohort_under_way_when_its_vma_stops_answering_in_bulk_is_asked_key_by_key() -> None:
    bench = going(4)
    observed = sum(bench.tally.lateness.counts)
    tell_all(bench, range(1, 5), 9000)
    bench.clock.now_s += 5.0
    bench.poller.tick()
    bench.fetcher.bulk.clear()
    bench.step()
    assert {moved(bench, number) for number in range(1, 5)} == {9000}
    assert sum(bench.tally.lateness.counts) == observed + 4
    for poll in (10, 11):
        go_on(bench, range(1, 5), 1000 * poll)
    assert together(bench, 4) == 0


def test_jobs_of_a_vma_that_has_few_are_polled_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts_module, "FEWEST_JOBS", 3)
    bench = BulkBench(job(1), job(2))
    for poll in range(1, 5):
        go_on(bench, range(1, 3), 1000 * poll)
    assert together(bench, 2) == 0


def test_an_end_that_a_poll_in_flight_shows_at_the_stop_is_decided() -> None:
    bench = going(4)
    for number in range(1, 5):
        bench.tell(key(number), TOTAL_BYTES, status="completed")
    bench.clock.now_s += 5.0
    bench.poller.tick()
    while bench.poller.in_flight:  # as after the stop: nothing new is begun
        bench.poller.receive(bench.serve())
    states = {bench.held(f"job-{number:05}").context.state for number in range(1, 5)}
    assert states == {State.COMPLETED}


def test_an_answer_after_a_cohort_that_failed_in_the_same_batch_is_heard() -> None:
    bench = going()
    for name in ("job-00001", "job-00002"):
        bench.poller.start(name)
    bench.clock.now_s += 5.0
    bench.poller.tick()
    singles, cohorts = bench.fetcher.requests, bench.fetcher.cohorts
    bench.fetcher.requests, bench.fetcher.cohorts = [], []
    failed = [refused(request, DOWN, 0.1) for request in cohorts]
    bench.poller.receive([bench.tier(singles[0]), *failed, bench.tier(singles[1])])
    assert bench.poller.lanes()[VMA].presence.reach is Reach.CLOSED


def test_a_cohort_that_is_answered_with_500_shows_that_the_vma_is_there() -> None:
    bench = going(4)
    bench.clock.now_s += 5.0
    bench.poller.tick()
    first, second = bench.fetcher.cohorts[:2]
    bench.poller.receive([refused(first, DOWN, 0.1)])
    errors = [bench.held(f"job-{number:05}").context.consecutive_errors for number in range(1, 5)]
    assert max(errors) == 0, "whether it is the VMA is not known yet"
    bench.poller.receive([refused(second, BROKEN, 0.1)])
    errors = [bench.held(f"job-{number:05}").context.consecutive_errors for number in range(1, 5)]
    assert sorted(errors) == [0] * (4 - len(first.keys) - len(second.keys)) + [1] * (
        len(first.keys) + len(second.keys)
    )


def test_how_many_polls_are_under_way_may_be_asked_on_any_thread() -> None:
    bench, ended, seen = going(), Event(), list[int]()

    def look() -> None:
        while not ended.is_set():
            seen.append(bench.poller.in_flight)

    api = Thread(target=look)
    api.start()
    for poll in range(5, 60):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    ended.set()
    api.join()
    assert max(seen) <= MANY


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    bench = going()
    due_s = bench.poller.next_due_s()
    assert due_s is not None
    bench.clock.now_s = due_s
    bench.poller.tick()
    answers = bench.serve()
    bench.poller.receive(answers)
    polls = bench.tally.polls.copy()
    bench.poller.receive(answers)
    assert bench.tally.polls == polls


def test_a_job_that_is_stopped_leaves_and_one_that_is_started_is_polled_at_once() -> None:
    bench = going()
    assert bench.poller.stop("job-00001")
    go_on(bench, range(1, MANY + 1), 9000)
    assert (moved(bench, 1), moved(bench, 2)) == (4000, 9000)
    assert bench.poller.start("job-00001")
    bench.step()
    assert moved(bench, 1) == 9000


def test_a_job_that_is_stopped_while_it_is_asked_is_left_as_it_was() -> None:
    bench = going(1)
    due_s = bench.poller.next_due_s()
    assert due_s is not None
    bench.tell(key(1), 9000)
    bench.clock.now_s = due_s
    bench.poller.tick()
    bench.poller.stop("job-00001")
    bench.poller.receive(bench.serve())
    assert moved(bench, 1) == 4000
    assert bench.poller.next_due_s() is None


def test_a_job_that_leaves_the_database_is_asked_no_more() -> None:
    bench = going()
    polls = bench.tally.polls["ok"]
    left = bench.poller.drop_all_but({f"job-{number:05}" for number in range(2, MANY + 1)})
    assert [context.bytes_transferred for context in left] == [4000]
    go_on(bench, range(1, MANY + 1), 9000)
    assert bench.poller.watch_of("job-00001") is None
    assert bench.tally.polls["ok"] == polls + MANY - 1


def test_a_row_that_is_as_it_was_takes_nobody_out() -> None:
    bench = going()
    assert bench.reread(job(1), job(2, status="running")) == []
    assert bench.is_together("job-00001")
    assert bench.is_together("job-00002")
    assert bench.held("job-00002").job.status == "running"


def test_a_row_that_changed_has_its_job_polled_by_itself_when_it_is_due() -> None:
    bench = going()
    due_s = bench.poller.due_s_of(bench.held("job-00001"))
    assert bench.reread(job(1, born="anew")) == []
    assert not bench.is_together("job-00001")
    assert bench.poller.due_s_of(bench.held("job-00001")) == due_s
    go_on(bench, range(1, MANY + 1), 9000)
    assert together(bench) == MANY
    update = bench.mailbox.last_of("job-00001") or bench.mailbox.take(1000, bench.clock.now_s).updates[0]
    assert update.born == "anew"


def test_a_row_with_other_disks_has_its_job_polled_at_once() -> None:
    bench = going()
    assert bench.reread(replace(job(1), disks=(a_disk(77),))) == []
    bench.poller.tick()
    assert [one.key for one in bench.fetcher.taken()] == [key(77)]


def test_a_row_that_changes_while_its_job_is_asked_has_it_polled_by_itself_at_once() -> None:
    bench = going(1)
    due_s = bench.poller.next_due_s()
    assert due_s is not None
    bench.clock.now_s = due_s
    bench.poller.tick()
    bench.reread(job(1, name="renamed"))
    bench.poller.receive(bench.serve())
    bench.poller.tick()
    assert [one.key for one in bench.fetcher.taken()] == [key(1)]


def test_a_job_made_anew_under_its_id_begins_anew() -> None:
    bench = going()
    anew = job(1, created_at=NOW + timedelta(hours=1))
    assert bench.reread(anew) == [anew]
    bench.watch(anew)
    assert not bench.is_together("job-00001")
    assert moved(bench, 1) == 0


def test_a_cohort_with_many_empty_places_is_made_anew() -> None:
    bench = going(200)
    assert bench.poller.drop_all_but({f"job-{number:05}" for number in range(1, 51)})
    go_on(bench, range(1, 201), 9000)
    assert sum(bench.asked_together) == 50
    assert {moved(bench, number) for number in range(1, 51)} == {9000}


def test_few_empty_places_are_asked_for_in_vain() -> None:
    bench = going(400)
    assert bench.poller.drop_all_but({f"job-{number:05}" for number in range(2, 401)})
    go_on(bench, range(1, 401), 9000)
    assert sum(bench.asked_together) == 400
    assert {moved(bench, number) for number in range(2, 401)} == {9000}


def test_the_memory_of_each_is_made_anew_at_its_pace() -> None:
    bench = going()
    taken = []
    for poll in range(5, 5 + 2 * round(PACE_S / 5) + 2):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
        now = NOW + timedelta(seconds=bench.clock.now_s)
        batch = bench.mailbox.take(1000, bench.clock.now_s, now)
        taken += [(memory.context.job_id, memory.context.bytes_transferred) for memory in batch.memories]
        bench.mailbox.confirm(batch, bench.clock.now_s)
    watch = bench.held("job-00001")
    assert watch.seat is not None
    assert watch.decided.bytes_transferred >= 1000 * (5 + PACE_S / 5), "what was made anew is held once"
    of_one = [moved_bytes for job_id, moved_bytes in taken if job_id == "job-00001"]
    assert len(of_one) >= 3
    assert all(later - sooner <= 1000 * (PACE_S / 5 + 1) for sooner, later in pairwise(of_one))


def test_the_flight_recorder_sees_a_poll_of_each_now_and_then() -> None:
    bench = going()
    log = KeepingLog()
    recorder = Recorder(log, FakeThread(), bench.journal)
    bench.poller._parts.recorder = recorder
    for poll in range(5, 12):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    assert 0 < len(recorder) <= MOST_ORDINARY < MANY
    recorded = len(recorder)
    for poll in range(12, 20):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    assert len(recorder) == recorded
    assert together(bench) == MANY


def test_jobs_of_a_poller_that_says_every_poll_are_polled_by_themselves() -> None:
    bench = BulkBench(job(1), job(2), each_poll=True)
    for poll in range(1, 5):
        go_on(bench, range(1, 3), 1000 * poll)
    assert together(bench, 2) == 0


def test_a_defect_in_deciding_many_has_each_decided_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = going()

    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Cohort, "decide", broken)
    go_on(bench, range(1, MANY + 1), 9000)
    assert {moved(bench, number) for number in range(1, MANY + 1)} == {9000}
    assert bench.log.shown("defect of this program")


def test_a_defect_in_taking_their_rows_has_each_decided_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = going()

    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Mailbox, "put_moved", broken)
    for poll in range(5, 8):
        go_on(bench, range(1, MANY + 1), 1000 * poll)
    assert {moved(bench, number) for number in range(1, MANY + 1)} == {7000}
    assert together(bench) == 0
    assert bench.log.shown("defect of this program")


def test_a_defect_in_joining_has_the_job_polled_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Cohort, "join", broken)
    bench = BulkBench(job(1), job(2))
    for poll in range(1, 8):
        go_on(bench, range(1, 3), 1000 * poll)
    assert (moved(bench, 1), moved(bench, 2)) == (7000, 7000)
    assert len(bench.log.shown("defect of this program")) == 2


def test_polls_that_are_cut_at_the_end_are_counted() -> None:
    bench = going()
    due_s = bench.poller.next_due_s()
    assert due_s is not None
    bench.clock.now_s = due_s
    bench.poller.tick()
    asked = sum(len(request.keys) for request in bench.fetcher.cohorts)
    assert bench.poller.abandon() == asked > 0
    assert bench.poller.in_flight == 0


def test_cohorts_that_stay_late_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = going(200)
    monkeypatch.setattr(cohorts_module, "MOST_A_TICK", 1)
    for poll in range(5, 15):
        tell_all(bench, range(1, 201), 1000 * poll)
        bench.clock.now_s += 5.0
        bench.poller.tick()
        bench.poller.receive(bench.serve())
    (line,) = bench.log.shown("polls late")
    assert line["jobs"] == 200


def test_very_many_jobs_are_begun_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = going(200)
    monkeypatch.setattr(cohorts_module, "MOST_A_TICK", 10)
    bench.clock.now_s += 5.0
    bench.poller.tick()
    assert 10 <= sum(len(request.keys) for request in bench.fetcher.cohorts) < 60


def test_a_job_one_disk_of_which_moves_is_polled_with_the_others() -> None:
    two = replace(job(1), disks=(a_disk(1), a_disk(2)))
    bench = BulkBench(two)
    for poll in range(1, 4):
        bench.tell(key(2), 500 * poll)
        go_on(bench, range(1, 2), 1000 * poll)
    for poll in range(4, 8):
        go_on(bench, range(1, 2), 1000 * poll)
        assert bench.is_together("job-00001")
    speeds = [run.speed_bps for run in bench.held("job-00001").context.runs if run is not None]
    assert speeds[0] > 150.0
    assert speeds[1] == 0.0


def test_an_entry_that_tells_its_disks_apart_is_polled_by_itself() -> None:
    bench = BulkBench(job(1))
    for poll in range(1, 6):
        bench.tell(key(1), 1000 * poll, disk_progresses=[{"disk_id": "2000"}])
        bench.run(5.0)
    assert moved(bench, 1) == 5000
    assert not bench.is_together("job-00001")
