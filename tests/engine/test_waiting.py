"""What a poller does while another one is at work on its database."""

from engine_world import World, jobs, key
from virtual_time import let_pass, run_virtually

from oma_poller.engine.service import LONGEST_WAIT_S
from oma_poller.errors import DatabaseUnavailableError, RivalError

RIVAL = RivalError("another poller is at work on sqlite:///oma.db, process 7")
WAITS = "waiting, nothing is polled or written"


def test_a_poller_that_finds_another_says_so_once_and_asks_nothing() -> None:
    async def main() -> None:
        world = World(*jobs(3))
        world.database.reading_fails = world.database.writing_fails = RIVAL
        async with world.running():
            await let_pass(120.0)
            assert world.log.shown(WAITS) == [{"detail": str(RIVAL)}]
            assert world.fetcher.asked == []
            assert world.log.shown("taking over") == []
        assert world.database.rows == {}

    run_virtually(main())


def test_it_takes_over_at_once_whatever_the_discovery_interval() -> None:
    async def main() -> None:
        world = World(*jobs(3), discovery_interval_s=600.0)
        world.database.reading_fails = RIVAL
        async with world.running():
            await let_pass(30.0)
            world.database.reading_fails = None
            await let_pass(LONGEST_WAIT_S + 1.0)
            assert world.log.shown("taking over") == [{}]
            assert len(world.database.rows) == 3

    run_virtually(main())


def test_a_poller_that_lost_its_database_to_another_stops_polling_until_that_ends() -> None:
    async def main() -> None:
        world = World(*jobs(2))
        async with world.running():
            await let_pass(20.0)
            world.database.reading_fails = world.database.writing_fails = RIVAL
            await let_pass(10.0)
            asked, writes = len(world.fetcher.asked), len(world.database.writes)
            await let_pass(60.0)
            assert len(world.fetcher.asked) == asked
            assert len(world.poller) == 0
            world.database.reading_fails = world.database.writing_fails = None
            await let_pass(10.0)
            assert len(world.fetcher.asked) > asked
            assert len(world.database.writes) > writes
            assert len(world.log.shown(WAITS)) == len(world.log.shown("taking over")) == 1

    run_virtually(main())


def test_a_database_that_is_away_is_not_lost_to_another() -> None:
    async def main() -> None:
        world = World(*jobs(1))
        async with world.running():
            await let_pass(10.0)
            world.database.reading_fails = DatabaseUnavailableError("connection refused")
            asked = len(world.fetcher.times(key(1)))
            await let_pass(60.0)
            assert len(world.fetcher.times(key(1))) >= asked + 11
            assert world.log.shown(WAITS) == []

    run_virtually(main())
