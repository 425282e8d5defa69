"""What an operator reads: a line when something begins, a line when it ends."""

from core_values import a_disk, a_reading
from engine_world import BROKEN, DOWN, GONE, Bench, done, job, jobs, key

from oma_poller.core.timetable import TICK_S
from oma_poller.engine.outages import Outages
from oma_poller.model.policy import Policy
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


def test_a_dead_vma_is_told_once_for_all_its_jobs() -> None:
    bench = Bench(*jobs(1000), max_concurrent=1000)
    bench.answer(bench.ask(), COPYING)
    bench.log.lines.clear()
    for _ in range(30):
        round_of_all(bench, DOWN)
    assert shown(bench) == ["VMA does not answer", "jobs of a VMA are being parked"]
    (fell,) = bench.log.shown("VMA does not answer")
    assert fell["vma"] == "default"
    assert "connection refused" in fell["detail"]
    (parking,) = bench.log.shown("jobs of a VMA are being parked")
    assert parking == {"vma": "default", "jobs": 1000}
    assert len(bench.log.details("job does not answer")) == 1000
    assert len(bench.log.details("job parked")) == 1000


def test_a_vma_that_is_back_is_told_once_for_all_its_jobs() -> None:
    bench = Bench(*jobs(300), max_concurrent=1000, policy=Policy(max_errors=50))
    bench.answer(bench.ask(), COPYING)
    for _ in range(3):
        round_of_all(bench, DOWN)
    bench.log.lines.clear()
    for _ in range(20):
        round_of_all(bench, COPYING)
    assert shown(bench) == ["VMA answers again"]
    (back,) = bench.log.shown("VMA answers again")
    assert back["jobs"] == 300
    assert back["away_s"] > 5.0
    assert len(bench.log.details("job answers")) == 300


def test_one_vma_that_is_down_says_nothing_of_another() -> None:
    rules = (VmaRule("berlin", vcenter_host="vc.berlin"),)
    bench = Bench(job(1), job(2, vcenter_host="vc.berlin"), rules=rules)
    requests = bench.ask()
    bench.answer([request for request in requests if request.vma == "berlin"], DOWN)
    bench.answer([request for request in requests if request.vma == "default"], COPYING)
    assert [line["vma"] for line in bench.log.shown("VMA does not answer")] == ["berlin"]
    round_of_all(bench, COPYING)
    round_of_all(bench, COPYING)
    assert [line["vma"] for line in bench.log.shown("VMA answers again")] == ["berlin"]


def test_a_vma_that_fails_some_requests_does_not_come_and_go_with_each() -> None:
    bench = Bench(*jobs(40), max_concurrent=100)
    for _ in range(40):
        bench.clock.now_s += 0.5
        requests = bench.ask()
        bench.answer(requests[::2], DOWN)
        bench.answer(requests[1::2], COPYING)
    told = [event for event in shown(bench) if "VMA" in event]
    assert len(told) <= 6


def test_one_job_that_hangs_while_its_vma_answers_is_told_with_its_parking() -> None:
    bench = Bench(job(1), job(2))
    for _ in range(40):
        bench.clock.now_s += 5.0
        requests = bench.ask()
        for request in requests:
            bench.answer([request], DOWN if request.key == key(1) else COPYING)
    assert [line["job_id"] for line in bench.log.shown("job parked")] == ["job-00001"]
    assert len(bench.log.shown("VMA does not answer")) == 1
    assert len(bench.log.shown("VMA answers again")) == 1


def test_the_end_of_an_outage_needs_an_answer_after_a_quiet_time() -> None:
    outages = Outages()
    outage = outages.begin("a", 100.0)
    outage.last_s = 110.0
    assert outages.answered("a", 112.0, 5.0) is None
    assert outages.answered("b", 120.0, 5.0) is None
    assert outages.answered("a", 115.0, 5.0) is outage
    assert outages.of("a") is None


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
    bench = Bench(job(1))
    bench.poll(DOWN)
    bench.journal.left(bench.poller.drop_all_but(frozenset()))
    bench.watch(job(1))
    bench.poll(COPYING)
    assert "job answers" in shown(bench)


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
