"""A rule that raises for one job harms no other."""

import pytest
from core_values import a_reading
from engine_world import BROKEN, Bench, done, job, key

from oma_poller.core.decide import decide
from oma_poller.core.poll import Poll
from oma_poller.engine import judge as judge_module
from oma_poller.engine import roster as roster_module
from oma_poller.engine.watch import key_plan
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.job import Job
from oma_poller.model.observation import Observation
from oma_poller.model.update import Update

COPYING = a_reading(50, 100)


@pytest.fixture
def broken_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: PollingContext, poll: Poll) -> Decision:
        if context.job_id == "job-00001":
            raise ZeroDivisionError("division by zero")
        return decide(context, poll)

    monkeypatch.setattr(judge_module, "decide", broken)


@pytest.mark.usefixtures("broken_rule")
def test_a_job_whose_rules_raise_is_backed_off_and_parked_and_told_once() -> None:
    bench = Bench(job(1), job(2))
    for _ in range(300):
        bench.answer(bench.ask(), COPYING)
        bench.clock.now_s += 1.0
    assert bench.tally.polls["ok"] >= 60
    assert bench.tally.polls["defect"] == 5
    context = bench.held("job-00001").context
    assert context.sighting.observation is Observation.PARKED
    assert "ZeroDivisionError" in context.sighting.reason
    told = bench.log.shown("defect of this program")
    assert [line["job_id"] for line in told] == ["job-00001"]
    assert isinstance(told[0]["exc_info"], ZeroDivisionError)


@pytest.mark.usefixtures("broken_rule")
def test_the_numbers_stay_where_a_rule_raised() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    (update,) = bench.mailbox.take(10, bench.clock.now_s).updates
    assert (update.progress, update.status, update.consecutive_errors) == (None, None, 1)
    assert update.sighting.observation is Observation.LATE


@pytest.mark.usefixtures("broken_rule")
def test_an_observation_that_stays_counts_from_its_beginning() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    since = bench.held("job-00001").context.sighting.since
    bench.poll(BROKEN)
    assert bench.held("job-00001").context.sighting.since == since


@pytest.mark.usefixtures("broken_rule")
def test_the_answers_of_other_jobs_in_the_same_batch_are_taken() -> None:
    bench = Bench(job(1), job(2))
    bench.answer(bench.ask(), done())
    assert bench.tally.polls == {"defect": 1, "ok": 1}
    assert bench.poller.in_flight == 0


def test_a_result_that_cannot_be_kept_counts_as_a_defect_of_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(job(1), job(2))
    put = bench.mailbox.put

    def broken(update: Update, now_s: float, context: PollingContext, *, went_on: bool) -> None:
        if update.job_id == "job-00001":
            raise ZeroDivisionError("division by zero")
        put(update, now_s, context, went_on=went_on)

    monkeypatch.setattr(bench.mailbox, "put", broken)
    bench.answer(bench.ask(), COPYING)
    assert bench.tally.polls == {"defect": 1, "ok": 1}
    assert len(bench.mailbox) == 1
    assert bench.held("job-00001").context.runs == ()


def test_a_row_that_cannot_be_taken_up_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(job: Job) -> object:
        if job.id == "job-00001":
            raise KeyError("no such thing")
        return key_plan(job)

    monkeypatch.setattr(roster_module, "key_plan", broken)
    bench = Bench(job(1), job(2))
    bench.watch(job(1))
    assert [request.key for request in bench.ask()] == [key(2)]
    assert len(bench.log.shown("defect of this program")) == 1


def test_a_row_that_cannot_be_read_anew_stays_watched_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(job(1), job(2))

    def replan(*_: object) -> bool:
        raise KeyError("no such thing")

    monkeypatch.setattr(roster_module, "replan", replan)
    assert bench.reread(job(1, name="renamed"), job(2, name="renamed")) == []
    assert {request.key for request in bench.ask()} == {key(1), key(2)}
    assert len(bench.log.shown("defect of this program")) == 2
