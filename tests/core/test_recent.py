"""What is remembered of the jobs that are written: all of them, and no longer than they are."""

from oma_poller.core.recent import KEPT_S, Recent


def recent(*job_ids: str) -> Recent[int]:
    held: Recent[int] = Recent()
    held.turn(0.0)
    for number, job_id in enumerate(job_ids):
        held.put(job_id, number)
    return held


def kept(held: Recent[int], job_id: str) -> int | None:
    """Return what is remembered of a job, without renewing it."""
    return {**held._old, **held._young}.get(job_id)


def test_a_job_that_is_put_again_and_again_is_never_forgotten() -> None:
    held = recent("job-1")
    for hours in range(1, 10):
        held.turn(hours * KEPT_S)
        held.put("job-1", hours)
        assert kept(held, "job-1") == hours
        assert len(held) == 1


def test_a_job_that_nobody_tells_of_is_forgotten_after_two_turns() -> None:
    held = recent("job-1", "job-2")
    held.turn(KEPT_S)
    assert kept(held, "job-1") == 0
    held.put("job-2", 7)
    held.turn(2 * KEPT_S)
    assert kept(held, "job-1") is None
    assert kept(held, "job-2") == 7


def test_nothing_is_forgotten_before_its_time() -> None:
    held = recent("job-1")
    for number in range(10):
        held.turn(KEPT_S - 1 + number / 100)
    assert kept(held, "job-1") is not None


def test_a_job_is_forgotten_whole_wherever_it_is_held() -> None:
    held = recent("job-1", "job-2")
    assert held.pop("job-1") == 0
    held.turn(KEPT_S)
    assert held.pop("job-2") == 1
    assert held.pop("job-3") is None
    assert len(held) == 0


def test_all_can_be_forgotten_at_once() -> None:
    held = recent("job-1")
    held.turn(KEPT_S)
    held.put("job-2", 2)
    held.clear()
    assert len(held) == 0


def test_a_hundred_thousand_jobs_are_all_remembered() -> None:
    held = recent(*map(str, range(100_000)))
    assert kept(held, "0") == 0
    assert kept(held, "99999") == 99_999


def test_what_nobody_told_of_is_kept_for_an_hour_at_least_and_two_at_most() -> None:
    held = recent("job-1")
    held.turn(3600.0)
    assert kept(held, "job-1") == 0
    held.turn(7199.5)
    assert kept(held, "job-1") == 0
    held.turn(7200.0)
    assert kept(held, "job-1") is None


def test_a_job_that_is_renewed_stays_as_if_it_were_put_again() -> None:
    held = recent("job-1", "job-2")
    held.turn(KEPT_S)
    assert held.renewed(["job-3", "job-1"]) == [None, 0]
    held.turn(2 * KEPT_S)
    assert (kept(held, "job-1"), kept(held, "job-2")) == (0, None)
    assert len(held) == 1
