"""How the program begins, goes on and ends (P10, D7)."""

import asyncio
from datetime import datetime
from itertools import pairwise

import pytest
from core_values import a_reading
from engine_world import DOWN, World, done, job, jobs, key
from key_views import Asked, answer_to
from virtual_time import let_pass, run_virtually, until_true

from oma_poller.core.batch import Batch, Unwritten
from oma_poller.engine import writer
from oma_poller.engine.ports import Flushed
from oma_poller.engine.service import DRAIN_S, LAST_FLUSH_S, LONGEST_RETRY_S
from oma_poller.errors import DatabaseUnavailableError

COPYING = a_reading(50, 100)
AWAY = DatabaseUnavailableError("connection refused")


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def stopped(world: World, life: "asyncio.Future[None]") -> float:
    """Stop the service; return how long it took to end."""
    began_s = now_s()
    world.service.stop()
    await life
    return now_s() - began_s


def test_a_stop_before_anything_happened_ends_at_once() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            pass
        assert world.log.shown("stopped")

    run_virtually(main())


def test_polls_in_flight_end_and_are_written_when_it_is_told_to_stop() -> None:
    async def main() -> None:
        world = World(job(1))
        world.fetcher.delay_s = 3.0
        life = asyncio.ensure_future(world.service.run())
        await let_pass(1.0)
        assert world.poller.in_flight == 1
        assert 2.0 <= await stopped(world, life) < 2.1
        assert world.database.rows["job-00001"].progress is not None
        assert world.log.shown("polls cut") == []

    run_virtually(main())


def test_a_poller_without_anything_to_write_looks_for_it_once_a_second() -> None:
    async def main() -> None:
        world = World()
        looks: list[float] = []
        take = world.mailbox.take

        def noting(limit: int, now_s: float, now: datetime | None = None) -> Batch:
            looks.append(now_s)
            return take(limit, now_s, now)

        world.mailbox.take = noting  # type: ignore[method-assign]
        async with world.running():
            await let_pass(60.0)
        assert 50 <= len(looks) <= 62

    run_virtually(main())


def test_a_row_is_written_soon_after_a_long_time_without_any() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            await let_pass(60.0)
            began_s = now_s()
            world.database.add(job(1))
            world.fetcher.script = lambda _request: COPYING
            await let_pass(5.0)  # within which the job is discovered and polled
            await until_true(lambda: "job-00001" in world.database.rows)
            assert now_s() - began_s < 6.0

    run_virtually(main())


def test_polls_that_hang_are_cut_after_five_seconds() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        world.fetcher.hangs = True
        life = asyncio.ensure_future(world.service.run())
        await let_pass(1.0)
        assert await stopped(world, life) == pytest.approx(DRAIN_S)
        assert world.log.shown("polls cut") == [{"polls": 3}]
        assert world.tally.polls == {}

    run_virtually(main())


def test_no_poll_begins_after_the_stop() -> None:
    async def main() -> None:
        world = World(*jobs(50), max_concurrent=5)
        world.fetcher.delay_s = 2.0
        life = asyncio.ensure_future(world.service.run())
        await let_pass(1.0)
        await stopped(world, life)
        assert len(world.fetcher.asked) == 5

    run_virtually(main())


def test_an_answer_that_comes_after_the_end_is_no_error() -> None:
    world: list[World] = []

    async def main() -> None:
        world.append(World(job(1)))
        async with world[0].running():
            await let_pass(1.0)

    run_virtually(main())
    deliver = world[0].fetcher._deliver
    assert deliver is not None
    deliver([answer_to(Asked("default", key(1), 1), COPYING)])
    assert world[0].tally.polls == {"ok": 1}


def test_a_database_that_hangs_while_reading_stops_no_poll_and_no_end() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        life = asyncio.ensure_future(world.service.run())
        await let_pass(1.0)
        world.reading.hangs = True
        before = len(world.fetcher.asked)
        await let_pass(60.0)
        assert len(world.fetcher.asked) - before >= 3 * 11
        assert await stopped(world, life) < 1.0

    run_virtually(main())


def test_a_database_that_hangs_while_writing_stops_no_poll_and_no_end() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        world.writing.hangs = True
        life = asyncio.ensure_future(world.service.run())
        await let_pass(60.0)
        assert len(world.fetcher.asked) >= 3 * 11
        assert len(world.mailbox) == 3
        assert await stopped(world, life) <= LAST_FLUSH_S + 0.1
        assert world.log.shown("stopped with unwritten rows") == [{"rows": 3, "ends": 0}]
        assert world.log.shown("stopped")

    run_virtually(main())


def test_a_hanging_write_that_comes_through_after_the_stop_is_enough() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        world.writing.hangs = True
        life = asyncio.ensure_future(world.service.run())
        await let_pass(20.0)
        world.service.stop()
        await let_pass(2.0)
        world.writing.release()
        await life
        assert len(world.database.rows) == 3
        assert world.log.shown("stopped with unwritten rows") == []

    run_virtually(main())


def test_a_database_that_is_away_at_the_stop_is_tried_for_a_while() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        world.database.writing_fails = AWAY
        life = asyncio.ensure_future(world.service.run())
        await let_pass(20.0)
        world.service.stop()
        await let_pass(LAST_FLUSH_S / 2)
        world.database.writing_fails = None
        await life
        assert len(world.database.rows) == 3

    run_virtually(main())


def test_a_database_that_stays_away_does_not_keep_it_from_ending() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        world.database.writing_fails = AWAY
        life = asyncio.ensure_future(world.service.run())
        await let_pass(20.0)
        assert await stopped(world, life) == pytest.approx(LAST_FLUSH_S, abs=0.1)

    run_virtually(main())


def test_rows_and_ends_that_were_not_written_at_the_stop_are_counted() -> None:
    async def main() -> None:
        world = World(*jobs(3), script=lambda request: done() if request.key == key(2) else COPYING)
        world.database.writing_fails = AWAY
        life = asyncio.ensure_future(world.service.run())
        await let_pass(20.0)
        await stopped(world, life)
        assert world.log.shown("stopped with unwritten rows") == [{"rows": 3, "ends": 1}]
        assert world.mailbox.unwritten == Unwritten(rows=3, ends=1)

    run_virtually(main())


def test_an_end_in_a_held_row_is_waited_for_at_the_stop() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: done())
        world.database.holds = {"job-00001"}
        life = asyncio.ensure_future(world.service.run())
        await let_pass(20.0)
        world.service.stop()
        await let_pass(LAST_FLUSH_S / 2)
        world.database.holds = set()
        await life
        assert world.status_of(1) == "completed"
        assert world.log.shown("stopped with unwritten rows") == []

    run_virtually(main())


def test_an_end_in_a_row_that_stays_held_is_tried_at_a_pace_and_told_at_the_stop() -> None:
    async def main() -> None:
        world = World(job(1), script=lambda _: done())
        world.database.holds = {"job-00001"}
        life = asyncio.ensure_future(world.service.run())
        await let_pass(20.0)
        before = len(world.database.writes)
        assert await stopped(world, life) == pytest.approx(LAST_FLUSH_S, abs=0.1)
        assert len(world.database.writes) - before <= 2 * LAST_FLUSH_S
        assert world.log.shown("stopped with unwritten rows") == [{"rows": 1, "ends": 1}]

    run_virtually(main())


def test_a_stop_after_which_all_is_written_leaves_nothing() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        async with world.running():
            await let_pass(20.0)
        assert world.mailbox.unwritten == Unwritten(rows=0, ends=0)

    run_virtually(main())


def test_attempts_to_write_are_spaced_while_the_database_is_away_and_quick_once_it_is_back() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        async with world.running():
            await until_true(lambda: world.database.rows)
            world.database.writing_fails = AWAY
            attempts: list[float] = []
            real = world.database.write

            def write(*args: object) -> Flushed:
                attempts.append(now_s())
                return real(*args)  # type: ignore[arg-type] # what the writer gives

            world.database.write = write  # type: ignore[method-assign, assignment] # to see the attempts
            world.fetcher.script = lambda _: a_reading(60, 100)
            await let_pass(600.0)
            waits_s = [later - earlier for earlier, later in pairwise(attempts)]
            assert max(waits_s) == pytest.approx(LONGEST_RETRY_S)
            assert len(attempts) < 130
            world.database.writing_fails = None
            back_s = now_s()
            await until_true(lambda: not len(world.mailbox))
            assert now_s() - back_s <= LONGEST_RETRY_S + 0.1
            world.fetcher.script = lambda _: done()
            await until_true(lambda: world.status_of(1) == "completed")
            assert attempts[-1] - attempts[-2] < LONGEST_RETRY_S

    run_virtually(main())


def test_full_batches_of_a_backlog_are_written_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ROWS_A_FLUSH", 500)

    async def main() -> None:
        world = World(*jobs(1300), max_concurrent=1300)
        world.database.writing_fails = AWAY
        async with world.running():
            await let_pass(20.0)
            world.database.writing_fails = None
            await until_true(lambda: world.database.writes)
            await let_pass(0.1)
            assert [len(write) for write in world.database.writes] == [100, 200, 400, 500]

    run_virtually(main())


def test_a_pass_that_takes_longer_than_the_interval_skips_the_next() -> None:
    async def main() -> None:
        world = World(job(1), discovery_interval_s=5.0)
        asked_s: list[float] = []
        world.reading.hangs = True
        async with world.running():
            for _ in range(4):
                await until_true(lambda: world.reading.waiting)
                asked_s.append(now_s())
                await let_pass(7.0)
                world.reading.release()
                await let_pass(0.1)
                world.reading.hangs = True
            world.reading.release()
        assert [later - earlier for earlier, later in pairwise(asked_s)] == pytest.approx(
            [10.0] * 3, abs=0.02
        )

    run_virtually(main())


def test_the_last_line_says_what_was_done() -> None:
    async def main() -> None:
        world = World(*jobs(2))
        async with world.running():
            await let_pass(1.0)
            world.fetcher.script = lambda _: DOWN
            await let_pass(7.0)
        (line,) = world.log.shown("stopped")
        assert line["results"]["ok"] == 2
        assert line["results"]["unreachable"] >= 2
        assert line["polls"] == len(world.fetcher.asked)
        assert line["rows_written"] >= 4
        assert line["flushes"] == len(world.database.writes)

    run_virtually(main())
