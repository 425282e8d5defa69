"""Which rows the next pass reads in full again (D3)."""

from core_values import a_reading
from engine_world import GONE, Bench, job, jobs

from oma_poller.engine.rereads import DOUBTS_A_PASS, Rereads
from oma_poller.model.reading import Outcome

COPYING: Outcome = a_reading(50, 100)
UNKNOWN: Outcome = GONE


def filled(count: int) -> Rereads:
    rereads = Rereads()
    for number in range(count):
        rereads.was_read(f"j{number}")
    return rereads


def test_every_row_has_its_turn_in_as_many_passes_as_make_the_round() -> None:
    rereads = filled(100)
    turns = [rereads.turn(12) for _ in range(12)]
    assert max(len(turn) for turn in turns) == 9  # 100 / 12, rounded up
    assert {job_id for turn in turns for job_id in turn} == {f"j{number}" for number in range(100)}


def test_a_row_that_was_just_read_comes_last() -> None:
    rereads = filled(3)
    rereads.was_read("j0")
    assert [rereads.turn(3) for _ in range(3)] == [["j1"], ["j2"], ["j0"]]


def test_a_row_that_cannot_be_read_keeps_no_other_from_its_turn() -> None:
    rereads = filled(3)
    assert [rereads.turn(3) for _ in range(4)] == [["j0"], ["j1"], ["j2"], ["j0"]]


def test_doubtful_rows_are_read_now_and_once_in_a_pass() -> None:
    rereads = filled(4)
    rereads.doubt("j3")
    rereads.doubt("j0")
    assert rereads.turn(4) == ["j3", "j0"]
    rereads.was_read("j3")
    assert rereads.turn(4) == ["j0", "j1"]


def test_more_doubtful_rows_than_a_pass_takes_wait_for_the_next() -> None:
    rereads = Rereads()
    for number in range(2 * DOUBTS_A_PASS):
        rereads.doubt(f"j{number}")
    first, second = rereads.turn(1), rereads.turn(1)
    assert len(first) == len(second) == DOUBTS_A_PASS
    assert not set(first) & set(second)


def test_a_forgotten_row_is_not_read() -> None:
    rereads = filled(2)
    rereads.doubt("j0")
    rereads.forget("j0")
    rereads.forget("unknown")
    assert rereads.turn(1) == ["j1"]


def test_nothing_is_read_where_nothing_is_watched() -> None:
    assert Rereads().turn(12) == []


def in_doubt(bench: Bench) -> bool:
    """Whether job 1 is read now although the turn of the others comes first."""
    return "job-00001" in bench.poller.rereads.turn(1000)[:1]


def test_a_key_that_stops_answering_puts_the_row_in_doubt() -> None:
    bench = Bench(job(1))
    bench.watch(*jobs(50)[1:])
    bench.answer(bench.answer(bench.ask()[:1], GONE), GONE)
    assert in_doubt(bench)


def test_a_job_whose_keys_are_unknown_for_hours_is_not_read_in_every_pass() -> None:
    bench = Bench(job(1))
    extra = 0
    for _ in range(12):
        bench.poll(GONE)
        extra += bool(bench.poller.rereads._doubtful)
        bench.reread(job(1))
    assert extra == 4


def test_a_key_that_answers_again_makes_a_new_doubt_possible() -> None:
    bench = Bench(job(1))
    for outcome in [*[UNKNOWN] * 6, COPYING]:
        bench.poll(outcome)
        bench.reread(job(1))
    bench.poll(GONE)
    assert bench.poller.rereads._doubtful
