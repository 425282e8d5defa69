"""Which keys a poll asks for, and what becomes of answers that come when nobody waits for them."""

import pytest
from core_values import a_disk, a_reading
from engine_world import BROKEN, GONE, Bench, done, job, key
from key_views import Asked, answer_to

from oma_poller.engine.ports import TierAnswer
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.vma import VmaRule

COPYING = a_reading(50, 100)
BAD = job(1, disks=(a_disk(1, volume_id="../etc"),))


def keys(requests: list[Asked]) -> list[str]:
    return [request.key for request in requests]


def answers(requests: list[Asked]) -> list[TierAnswer]:
    return [answer_to(request, COPYING) for request in requests]


def test_exports_are_asked_first_then_the_jobs_export_name_then_its_id() -> None:
    bench = Bench(job(1, nbd_export_name="nbd-7"))
    requests = bench.ask()
    assert keys(requests) == [key(1)]
    requests = bench.answer(requests, GONE)
    assert keys(requests) == ["nbd-7"]
    requests = bench.answer(requests, GONE)
    assert keys(requests) == ["job-00001"]
    assert bench.poller.in_flight == 1
    assert bench.answer(requests, COPYING) == []
    assert bench.tally.polls == {"ok": 1}


def test_what_answered_is_asked_first_the_next_time() -> None:
    bench = Bench(job(1))
    bench.answer(bench.answer(bench.ask(), GONE), COPYING)
    bench.clock.now_s += 10.0
    requests = bench.ask()
    assert keys(requests) == ["job-00001"]
    assert keys(bench.answer(requests, GONE)) == [key(1)]


def test_a_failure_is_no_reason_to_ask_other_keys() -> None:
    bench = Bench(job(1))
    assert bench.answer(bench.ask(), BROKEN) == []
    assert bench.tally.polls == {"server_error": 1}


def test_where_no_key_is_known_the_first_tier_counts() -> None:
    bench = Bench(job(1))
    requests = bench.answer(bench.ask(), GONE)
    assert bench.answer(requests, GONE) == []
    assert bench.tally.polls == {"pending": 1}
    assert bench.held("job-00001").context.tier is None


def test_requests_go_to_the_vma_that_has_the_job() -> None:
    rules = (VmaRule("berlin", vcenter_host="*.berlin"),)
    bench = Bench(job(1, vcenter_host="vc.BERLIN"), job(2), rules=rules)
    assert {request.key: request.vma for request in bench.ask()} == {key(1): "berlin", key(2): "default"}


def test_an_answer_that_comes_twice_counts_once() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.poller.receive(answers(requests) * 2)
    bench.poller.receive(answers(requests))
    assert bench.tally.polls == {"ok": 1}


def test_all_keys_of_a_job_are_asked_for_in_one_request() -> None:
    bench = Bench(job(1, disks=(a_disk(1), a_disk(2))))
    first, second = bench.ask()
    assert (first.key, second.key) == (key(1), key(2))
    assert first.ticket == second.ticket


def test_an_answer_of_the_first_keys_does_not_count_for_the_next_ones() -> None:
    bench = Bench(job(1))
    first = bench.ask()
    second = bench.answer(first, GONE)
    assert second[0].ticket != first[0].ticket
    bench.poller.receive(answers(first))
    assert bench.tally.polls == {}


def test_an_answer_after_the_polls_were_abandoned_is_ignored() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    assert bench.poller.abandon() == 1
    bench.poller.receive(answers(requests))
    assert bench.tally.polls == {}
    assert bench.poller.abandon() == 0


def test_a_job_that_leaves_in_mid_poll_changes_nothing_when_its_answer_comes() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.poller.drop_all_but(frozenset())
    assert bench.poller.in_flight == 1  # the fetcher is still busy with it
    bench.answer(requests, COPYING)
    assert (bench.poller.in_flight, len(bench.poller), len(bench.mailbox)) == (0, 0, 0)
    assert bench.tally.polls == {}


def test_a_job_that_comes_back_in_mid_poll_is_not_asked_twice_at_once() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.poller.drop_all_but(frozenset())
    bench.watch(job(1))
    assert bench.ask() == []
    bench.answer(requests, COPYING)
    assert bench.tally.polls == {}
    assert keys(bench.ask()) == [key(1)]


def test_a_job_made_anew_under_its_id_starts_afresh() -> None:
    bench = Bench(job(1))
    bench.poll(BROKEN)
    requests = bench.ask()
    assert requests == []
    anew = job(1, created_at=job(999).created_at)
    assert bench.reread(anew) == [anew]
    bench.watch(anew)
    assert bench.held("job-00001").context.consecutive_errors == 0
    assert bench.held("job-00001").job is anew
    assert len(bench.mailbox) == 0  # what the first one left is not written to the second
    assert keys(bench.ask()) == [key(1)]


def test_the_end_of_a_job_is_not_written_to_the_one_made_anew_under_its_id() -> None:
    bench = Bench(job(1))
    bench.poll(done())
    assert len(bench.mailbox) == 1
    bench.watch(job(1, created_at=job(999).created_at))
    assert len(bench.mailbox) == 0


def test_a_job_made_anew_in_mid_poll_does_not_take_the_old_answer() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.watch(job(1, created_at=job(999).created_at))
    bench.answer(requests, COPYING)
    assert bench.held("job-00001").context.runs == ()
    assert keys(bench.ask()) == [key(1)]


def test_answers_under_keys_that_the_job_has_no_more_are_not_used() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    assert bench.reread(job(1, disks=(a_disk(7),))) == []
    bench.answer(requests, COPYING)
    assert bench.tally.polls == {}
    assert keys(bench.ask()) == [key(7)]


def test_answers_of_a_vma_that_has_the_job_no_more_are_not_used() -> None:
    rules = (VmaRule("berlin", vcenter_host="vc.berlin"),)
    bench = Bench(job(1), rules=rules)
    requests = bench.ask()
    bench.reread(job(1, vcenter_host="vc.berlin"))
    bench.answer(requests, COPYING)
    assert [request.vma for request in bench.ask()] == ["berlin"]


def test_a_parked_job_that_has_other_keys_now_is_polled_at_once() -> None:
    bench = Bench(job(1), policy=Policy(parked_retry_s=0.0))
    for _ in range(5):
        bench.poll(BROKEN)
    bench.reread(job(1))
    assert bench.poller.next_due_s() is None
    bench.reread(job(1, disks=(a_disk(7),)))
    assert keys(bench.ask()) == [key(7)]


def test_an_ended_job_that_has_other_keys_now_is_left_in_peace() -> None:
    bench = Bench(job(1))
    bench.poll(done())
    bench.reread(job(1, disks=(a_disk(7),)))
    assert bench.poller.next_due_s() is None


def test_runs_of_keys_that_stay_are_kept_when_a_disk_is_added() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    before = bench.held("job-00001").context
    bench.reread(job(1, disks=(a_disk(1), a_disk(2))))
    after = bench.held("job-00001").context
    assert after.tier == 0
    assert after.runs == (before.runs[0], None)


def test_runs_of_keys_that_all_went_are_forgotten() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    bench.reread(job(1, disks=(a_disk(7),)))
    context = bench.held("job-00001").context
    assert (context.tier, context.runs) == (None, ())


@pytest.mark.parametrize(
    ("refused", "word"), [(BAD, "cannot name an NBD export"), (job(1, id="..", disks=()), "URL path")]
)
def test_a_job_that_cannot_be_asked_for_costs_no_request_and_harms_no_other(refused: Job, word: str) -> None:
    bench = Bench(refused, job(2))
    asked = []
    for _ in range(8):
        requests = bench.ask()
        asked += keys(requests)
        bench.answer(requests, COPYING)
        bench.clock.now_s += 60.0
    assert asked == [key(2)] * 8
    context = bench.held(refused.id).context
    assert word in context.sighting.reason
    assert context.is_parked
    told = [line for line in bench.log.shown("job does not answer") if line["job_id"] == refused.id]
    assert len(told) == 1
    assert word in told[0]["detail"]


@pytest.mark.parametrize("parked_retry_s", [0.0, 300.0])
def test_a_mended_volume_id_is_polled_at_the_next_pass(parked_retry_s: float) -> None:
    bench = Bench(BAD, policy=Policy(parked_retry_s=parked_retry_s))
    for _ in range(5):
        bench.clock.now_s += 100.0
        bench.ask()
    assert bench.held(BAD.id).context.is_parked
    assert BAD.id in bench.poller.rereads.turn(12)
    bench.reread(BAD)
    assert BAD.id in bench.poller.rereads.turn(12)
    bench.reread(job(1))
    assert keys(bench.ask()) == [key(1)]
    assert not bench.held(BAD.id).context.is_parked


def test_a_volume_id_that_becomes_bad_is_told() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    bench.reread(BAD)
    assert bench.ask() == []
    assert bench.tally.polls == {"ok": 1, "bad_key": 1}


def test_that_a_job_has_other_keys_is_remembered_with_the_next_poll_that_only_goes_on() -> None:
    bench = Bench(job(1, disks=(a_disk(1), a_disk(2))))
    for moved in (10, 20, 30, 40):
        bench.poll(a_reading(moved, 100))
    batch = bench.mailbox.take(10, bench.clock.now_s, bench.clock.utc())
    bench.mailbox.confirm(batch, bench.clock.now_s)
    bench.reread(job(1, disks=(a_disk(1),)))
    bench.poll(a_reading(50, 100))
    (memory,) = bench.mailbox.take(10, bench.clock.now_s, bench.clock.utc()).memories
    assert memory.context.keys == (key(1),)
