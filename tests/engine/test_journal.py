"""What an operator reads: a line when something begins, a line when it ends."""

import pytest
from core_values import a_disk, a_reading
from engine_world import BROKEN, DOWN, GONE, Bench, done, job, jobs, key

from oma_poller.core.timetable import TICK_S
from oma_poller.engine.journal import FEW_LINES
from oma_poller.model.reading import Outcome
from oma_poller.model.vma import VmaRule

COPYING = a_reading(50, 100)


def round_of_all(bench: Bench, *outcomes: Outcome) -> None:
    """Move on by an interval and answer everything that is due."""
    bench.clock.now_s += 5.0 + TICK_S
    bench.answer(bench.ask(), *outcomes)


def shown(bench: Bench) -> list[str]:
    """Return the events at level info and above, but for those of jobs taken up."""
    return [event for level, event, _ in bench.log.lines if level != "debug" and "taken up" not in event]


def test_a_failure_is_told_when_it_begins_and_when_it_ends() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    for outcome in (BROKEN, BROKEN, BROKEN, COPYING, COPYING):
        bench.poll(outcome)
    assert shown(bench) == ["job answers", "job does not answer", "job answers"]


def test_parking_is_told_once() -> None:
    bench = Bench(job(1))
    for _ in range(9):
        bench.poll(BROKEN)
    assert shown(bench) == ["job does not answer", "job parked"]


def test_a_dead_vma_is_told_once_for_all_its_jobs_and_none_of_them_has_a_line() -> None:
    bench = Bench(*jobs(1000), max_concurrent=1000)
    bench.answer(bench.ask(), COPYING)
    bench.log.lines.clear()
    for _ in range(30):
        round_of_all(bench, DOWN)
        bench.health(DOWN)
    assert shown(bench) == ["VMA unreachable"]
    assert bench.log.shown("VMA unreachable") == [
        {"vma": "default", "jobs": 1000, "detail": "the VMA cannot be reached: connection refused"}
    ]


def test_a_vma_that_is_back_is_told_once_an_interval_later() -> None:
    bench = Bench(*jobs(300), max_concurrent=1000)
    bench.answer(bench.ask(), COPYING)
    round_of_all(bench, DOWN)
    bench.clock.now_s += 60.0
    bench.health()
    bench.log.lines.clear()
    bench.clock.now_s += TICK_S
    bench.ask()
    round_of_all(bench, COPYING)
    bench.clock.now_s += 4.9
    bench.ask()
    assert shown(bench) == []
    bench.clock.now_s += 0.2
    bench.ask()
    assert shown(bench) == ["VMA answers again"]
    (back,) = bench.log.shown("VMA answers again")
    assert back == {"vma": "default", "jobs": 300, "away_s": pytest.approx(65.0, abs=1.0)}


@pytest.mark.parametrize(("count", "lines"), [(20, 20), (21, 0)])
def test_what_moved_in_an_outage_has_a_line_a_job_only_where_there_are_few(count: int, lines: int) -> None:
    bench = Bench(*jobs(count), max_concurrent=100)
    bench.answer(bench.ask(), COPYING)
    round_of_all(bench, DOWN)
    bench.clock.now_s += 60.0
    bench.health()
    bench.ask()
    for _ in range(4):
        round_of_all(bench, a_reading(80, 100))
    assert len(bench.log.shown("moved unseen")) == lines
    assert len(bench.log.details("moved unseen")) == count - lines


def test_a_vma_that_is_back_and_not_well_is_told_with_its_own_word() -> None:
    bench = Bench(job(1))
    bench.poll(DOWN)
    bench.ask()
    bench.health(word="degraded")
    bench.poll(COPYING)
    round_of_all(bench, COPYING)
    round_of_all(bench, COPYING)
    (back,) = bench.log.shown("VMA answers again")
    assert back["health"] == "degraded"


def test_one_vma_that_is_down_says_nothing_of_another() -> None:
    rules = (VmaRule("berlin", vcenter_host="vc.berlin"),)
    bench = Bench(job(1), job(2, vcenter_host="vc.berlin"), rules=rules)
    requests = bench.ask()
    bench.answer([request for request in requests if request.vma == "berlin"], DOWN)
    bench.answer([request for request in requests if request.vma == "default"], COPYING)
    assert [line["vma"] for line in bench.log.shown("VMA unreachable")] == ["berlin"]
    bench.health(vma="berlin")
    for _ in range(3):
        round_of_all(bench, COPYING)
    assert [line["vma"] for line in bench.log.shown("VMA answers again")] == ["berlin"]


def test_a_vma_that_fails_some_requests_is_not_told_and_does_not_come_and_go() -> None:
    bench = Bench(*jobs(40), max_concurrent=100)
    for _ in range(40):
        bench.clock.now_s += 0.5
        for number, request in enumerate(bench.ask()):
            bench.answer([request], DOWN if number % 2 else COPYING)
    assert [event for event in shown(bench) if "VMA" in event] == []


def test_one_job_that_hangs_while_its_vma_answers_is_told_with_its_parking() -> None:
    bench = Bench(job(1), job(2))
    for _ in range(400):
        bench.clock.now_s += 0.5
        for request in sorted(bench.ask(), key=lambda request: request.key):
            bench.answer([request], DOWN if request.key == key(1) else COPYING)
    assert [line["job_id"] for line in bench.log.shown("job parked")] == ["job-00001"]
    assert shown(bench) == ["job answers", "job parked"]


def test_an_answer_after_failures_that_were_not_told_is_not_told() -> None:
    bench = Bench(*jobs(3))
    bench.answer(bench.ask(), COPYING)
    bench.log.lines.clear()
    for outcome in (DOWN, COPYING, COPYING, COPYING):
        bench.poll(outcome)
    assert shown(bench) == []
    assert len(bench.log.details("job does not answer")) == len(bench.log.details("job answers")) == 1


def test_bytes_that_go_back_again_and_again_are_told_once_a_job() -> None:
    bench = Bench(job(1))
    for moved_bytes in (80, 50, 80, 40, 80, 30):
        bench.poll(a_reading(moved_bytes, 100))
    assert len(bench.log.shown("bytes went back")) == 1
    assert bench.tally.regressions == 3


def test_an_unknown_word_is_told_once_and_counted() -> None:
    bench = Bench(job(1))
    for _ in range(3):
        bench.poll(a_reading(50, 100, unknown_words=("status=Teleporting",)))
    assert bench.log.shown("unknown word") == [{"job_id": "job-00001", "word": "status=Teleporting"}]
    assert bench.tally.unknown_words == {"status=Teleporting": 3}


def test_what_was_told_of_a_job_is_told_anew_when_it_comes_again() -> None:
    bench = Bench(job(1), job(2))
    bench.answer(bench.ask(), DOWN, COPYING)
    bench.journal.left(bench.poller.drop_all_but(frozenset({"job-00002"})))
    bench.watch(job(1))
    bench.poll(COPYING)
    assert [line["job_id"] for line in bench.log.shown("job answers")] == ["job-00002", "job-00001"]


def test_few_jobs_have_a_line_each() -> None:
    bench = Bench(*jobs(3))
    bench.journal.left(bench.poller.drop_all_but(frozenset({"job-00001"})))
    assert bench.log.shown("job taken up")[0] == {
        "job_id": "job-00001",
        "name": "job-00001",
        "disks": 1,
        "keys": (key(1),),
    }
    assert len(bench.log.shown("job taken up")) == 3
    assert {line["job_id"] for line in bench.log.shown("job left")} == {"job-00002", "job-00003"}


def test_many_jobs_share_a_line_and_at_debug_level_have_one_each_as_well() -> None:
    bench = Bench(*jobs(30), each_poll=True)
    bench.journal.left(bench.poller.drop_all_but(frozenset()))
    assert shown(bench) == ["jobs left"]
    assert len(bench.log.details("job taken up")) == len(bench.log.details("job left")) == 30


def test_at_debug_level_each_poll_shows_the_key_that_answered() -> None:
    bench = Bench(job(1, disks=(a_disk(1), a_disk(2))), each_poll=True)
    bench.answer(bench.ask(), COPYING, GONE)
    (line,) = bench.log.details("poll")
    assert line["answered"] == [key(1)]
    assert line["asked"] == [key(1), key(2)]
    assert (line["result"], line["bytes_transferred"], line["next_in_s"]) == ("partial", 50, 0.0)
    assert line["observation"] == "fresh"


def test_at_debug_level_a_poll_without_an_answer_shows_no_numbers() -> None:
    bench = Bench(job(1), each_poll=True)
    bench.poll(BROKEN)
    (line,) = bench.log.details("poll")
    assert (line["answered"], line["percent"], line["bytes_transferred"]) == ([], None, None)


def test_each_poll_is_silent_at_other_levels() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    assert bench.log.details("poll") == []


def test_an_end_is_not_told_before_the_database_has_it() -> None:
    bench = Bench(job(1))
    bench.poll(done())
    assert shown(bench) == ["job answers"]
    assert bench.log.details("state changed")


def test_many_jobs_that_moved_unseen_share_a_line_and_have_their_own_again_a_minute_later() -> None:
    bench = Bench(*jobs(100), max_concurrent=1000)
    bench.answer(bench.ask(), COPYING)
    for turn, lines in ((1, FEW_LINES), (2, 2 * FEW_LINES)):
        bench.clock.now_s += 100.0
        bench.answer(bench.ask(), a_reading(50 + turn, 100))
        assert len(bench.log.shown("moved unseen")) == lines
        assert len(bench.log.shown("many jobs moved unseen")) == turn
    assert len(bench.log.details("moved unseen")) == 200 - 2 * FEW_LINES


def test_polls_that_stay_late_are_told_once_with_what_helps_and_once_when_they_are_not() -> None:
    bench = Bench(*jobs(10), max_concurrent=1)
    for _ in range(30):
        bench.clock.now_s += 2.5
        bench.answer(bench.ask(), COPYING)
    (line,) = bench.log.shown("polls late")
    assert line["jobs"] == 10
    assert line["overdue_s"] > 5.0
    assert "VMA_PROGRESS_MAX_CONCURRENT" in line["detail"]
    bench.poller.drop_all_but({"job-00001"})
    for _ in range(3):
        bench.poll(COPYING)
    assert bench.log.shown("polls on time again") == [{"jobs": 1}]


def test_jobs_of_a_vma_that_is_away_are_not_late() -> None:
    bench = Bench(*jobs(3), max_concurrent=1)
    bench.answer(bench.ask(), DOWN)
    for _ in range(30):
        bench.clock.now_s += 5.0
        bench.answer(bench.ask(), DOWN)
        bench.health(DOWN)
    assert bench.log.shown("polls late") == []
