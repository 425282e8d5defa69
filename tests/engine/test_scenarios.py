"""The whole engine over minutes and hours: database, polling, VMA and back."""

from datetime import timedelta
from itertools import pairwise

import pytest
from core_values import a_disk, a_job, a_reading
from engine_world import BROKEN, GONE, World, done, job, jobs, key
from key_views import Asked
from virtual_time import let_pass, run_virtually, until_true

from oma_poller.core.timetable import TICK_S
from oma_poller.errors import DatabaseUnavailableError
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Outcome
from oma_poller.model.update import Update

AWAY = DatabaseUnavailableError("connection refused")
SEED_JOB = "job-20250905-162427"
SEED_VOLUME = "c290646c-41ba-4d50-a31f-f497320ca0bd"


def gaps(times_s: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times_s)]


def progress_of(world: World, job_id: str) -> tuple[int, int, int, str]:
    progress = world.database.rows[job_id].progress
    assert progress is not None
    return progress.percent_bp, progress.bytes_transferred, progress.total_bytes, progress.operation


def test_the_seeds_job_is_found_by_its_export_and_written() -> None:
    def script(request: Asked) -> Outcome:
        if request.key != f"migration-vol-{SEED_VOLUME}":
            return GONE
        return a_reading(933_232_640, 42_949_672_960, percent=2.17)

    async def main() -> None:
        disk = a_disk(1, volume_id=SEED_VOLUME, capacity_bytes=42_949_672_960)
        world = World(a_job(disk, id=SEED_JOB), script=script)
        async with world.running():
            await let_pass(3.0)
        assert progress_of(world, SEED_JOB) == (217, 933_232_640, 42_949_672_960, "Transfer")

    run_virtually(main())


def test_a_job_goes_from_its_first_byte_to_its_end_and_leaves() -> None:
    moved = {"bytes": 0}

    def script(_: Asked) -> Outcome:
        moved["bytes"] += 10
        return a_reading(moved["bytes"], 100) if moved["bytes"] < 100 else done()

    async def main() -> None:
        world = World(job(1), script=script)
        async with world.running():
            await until_true(lambda: world.status_of(1) == "completed")
            await until_true(lambda: not len(world.poller))
            asked = len(world.fetcher.asked)
            await let_pass(120.0)
            assert len(world.fetcher.asked) == asked == 10
        assert progress_of(world, "job-00001")[0] == 10_000
        assert len(world.log.shown("job completed")) == 1

    run_virtually(main())


def test_errors_park_a_job_which_is_taken_up_again_later() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: BROKEN, policy=Policy(parked_retry_s=300.0))
        async with world.running():
            await let_pass(400.0)
            expected_s = [5.0, 10.0, 20.0, 40.0, 300.0]
            assert gaps(world.fetcher.times(key(1))) == pytest.approx(expected_s, abs=0.02 + TICK_S)
            world.fetcher.script = lambda _: a_reading(50, 100)
            await let_pass(300.0)
            times_s = world.fetcher.times(key(1))
            await let_pass(60.0)
            assert gaps(world.fetcher.times(key(1))[len(times_s) :]) == pytest.approx([5.0] * 11, abs=0.02)
        assert world.database.rows["job-00001"].consecutive_errors == 0

    run_virtually(main())


def test_an_unknown_job_is_given_its_grace() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: GONE, policy=Policy(startup_grace_s=30.0))
        async with world.running():
            await let_pass(29.0)
            assert world.database.rows["job-00001"].consecutive_errors == 0
            world.fetcher.script = lambda _: a_reading(50, 100)
            await let_pass(6.0)
        assert progress_of(world, "job-00001")[1] == 50

    run_virtually(main())


def test_a_vma_that_asks_for_a_pause_gets_it() -> None:
    async def main() -> None:
        world = World(
            job(1), script=lambda _: Failure(FailureKind.RATE_LIMITED, "HTTP 429", retry_after_s=60.0)
        )
        async with world.running():
            await let_pass(130.0)
        assert gaps(world.fetcher.times(key(1))) == pytest.approx([60.0, 60.0], abs=0.02 + TICK_S)

    run_virtually(main())


def test_nothing_is_lost_while_the_database_is_away_and_ends_come_first() -> None:
    ended = {key(number) for number in range(1, 11)}
    moved = {"bytes": 0}

    def script(request: Asked) -> Outcome:
        moved["bytes"] += 1
        return done(10**6) if request.key in ended else a_reading(moved["bytes"], 10**6)

    async def main() -> None:
        world = World(*jobs(30), max_concurrent=30)
        async with world.running():
            await let_pass(10.0)
            world.database.reading_fails = world.database.writing_fails = AWAY
            world.fetcher.script = script
            before = len(world.fetcher.asked)
            await let_pass(900.0)
            assert len(world.fetcher.asked) - before >= 20 * 175  # the polling went on
            assert len(world.mailbox) == 30  # bounded by the jobs
            world.database.writes.clear()
            world.database.reading_fails = world.database.writing_fails = None
            await let_pass(15.0)
        first: tuple[Update, ...] = world.database.writes[0]
        assert [update.is_terminal for update in first] == [True] * 10 + [False] * 20
        assert [world.status_of(number) for number in range(1, 11)] == ["completed"] * 10
        assert len(world.log.shown("job completed")) == 10
        assert len(world.log.shown("database for writing away")) == 1
        assert len(world.log.shown("database for reading away")) == 1

    run_virtually(main())


def test_a_thousand_jobs_that_appear_and_vanish_at_once() -> None:
    async def main() -> None:
        world = World(*jobs(2), max_concurrent=50)
        async with world.running():
            await let_pass(10.0)
            world.database.add(*jobs(1000))
            await let_pass(15.0)
            assert len(world.poller) == 1000
            assert {asked for _, asked in world.fetcher.asked} == {key(number) for number in range(1, 1001)}
            for number in range(3, 1001):
                del world.database.jobs[f"job-{number:05}"]
            await let_pass(6.0)
            assert len(world.poller) == 2
            asked = len(world.fetcher.asked)
            await let_pass(50.0)
            assert len(world.fetcher.asked) - asked == 20  # the two that were there before
            assert world.poller.in_flight == 0
        assert len(world.log.shown()) < 40

    run_virtually(main())


def test_the_eleventh_job_is_watched_too() -> None:
    async def main() -> None:
        world = World(*jobs(11), max_concurrent=10)
        world.fetcher.delay_s = 1.0
        async with world.running():
            await let_pass(31.0)
        assert world.fetcher.most_under_way == 10
        assert min(len(world.fetcher.times(key(number))) for number in range(1, 12)) >= 6

    run_virtually(main())


def test_sixty_jobs_in_ten_slots_of_a_slow_vma_are_all_served_in_turn() -> None:
    async def main() -> None:
        world = World(*jobs(60), max_concurrent=10)
        world.fetcher.delay_s = 3.0
        async with world.running():
            await let_pass(600.0)
        counts = [len(world.fetcher.times(key(number))) for number in range(1, 61)]
        assert world.fetcher.most_under_way == 10
        assert world.fetcher.twice_at_once == set()
        assert sum(counts) >= 10 * 600 / 3 * 0.95  # every slot is used
        assert max(counts) - min(counts) <= 3
        assert world.tally.lateness.most_s > 5.0

    run_virtually(main())


def test_a_vma_of_eight_second_replies_is_asked_every_ten_seconds() -> None:
    async def main() -> None:
        world = World(job(1))
        world.fetcher.delay_s = 8.0
        async with world.running():
            await let_pass(120.0)
        assert gaps(world.fetcher.times(key(1)))[1:] == pytest.approx([10.0] * 10, abs=0.02)

    run_virtually(main())


def test_polls_are_spread_over_the_interval() -> None:
    async def main() -> None:
        world = World(*jobs(1000), max_concurrent=1000)
        async with world.running():
            await let_pass(30.0)
            began_s = max(at_s for at_s, _ in world.fetcher.asked)
            await let_pass(4.9)
        slots = [int((at_s - began_s) / 0.5) for at_s, _ in world.fetcher.asked if at_s > began_s]
        assert len(slots) == pytest.approx(1000, abs=20)
        assert max(slots.count(slot) for slot in set(slots)) < 200
        flush_rows = [len(write) for write in world.database.writes]
        assert len(flush_rows) < 60  # results share their flushes

    run_virtually(main())


def test_a_mended_volume_id_is_polled_at_the_next_pass_although_it_was_parked() -> None:
    async def main() -> None:
        bad = job(1, disks=(a_disk(1, volume_id="a/b"),))
        world = World(bad, policy=Policy(parked_retry_s=0.0))
        async with world.running():
            await let_pass(600.0)
            assert world.fetcher.asked == []
            assert len(world.log.shown("job does not answer")) == 1
            world.database.add(job(1))
            await let_pass(5.1)
            assert world.fetcher.times(key(1))
            await let_pass(2.0)
        assert world.database.rows["job-00001"].consecutive_errors == 0
        assert progress_of(world, "job-00001")[1] == 50

    run_virtually(main())


def test_a_job_that_is_made_anew_under_its_id_is_written_afresh() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: a_reading(90, 100))
        async with world.running():
            await let_pass(10.0)
            created_at = job(1).created_at
            assert created_at is not None
            world.database.add(job(1, created_at=created_at + timedelta(minutes=5)))
            world.fetcher.script = lambda _: a_reading(10, 100)
            await let_pass(65.0)
        assert progress_of(world, "job-00001")[0] == 1000

    run_virtually(main())


def test_a_job_that_somebody_else_ends_in_mid_poll_keeps_that_end() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: done())
        world.fetcher.delay_s = 1.0
        async with world.running():
            await let_pass(0.5)
            world.database.add(job(1, status="cancelled"))
            await let_pass(20.0)
        assert world.status_of(1) == "cancelled"
        assert world.database.rows == {}
        assert len(world.poller) == 0

    run_virtually(main())


def test_unchanged_rows_are_written_as_heartbeats_only() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: a_reading(0, 0, speed_bps=0))
        async with world.running():
            await let_pass(10.0)
            world.database.writes.clear()
            await let_pass(100.0)
        assert [write for write in world.database.writes if write] == []
        assert world.database.heartbeats["job-00001"] == 3

    run_virtually(main())
