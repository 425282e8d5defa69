"""The history is thinned once a minute, whatever else happens."""

from engine_fakes import FakeThread
from engine_world import World, jobs
from virtual_time import let_pass, run_virtually

from oma_poller.engine.ports import Thinned
from oma_poller.engine.upkeep import BUSY_EVERY_S, EVERY_S, Upkeep
from oma_poller.errors import DatabaseUnavailableError, RivalError


class CountingHistory:
    """Counts the passes; fails while it is told to."""

    def __init__(self) -> None:
        self.passes = 0
        self.fails = False
        self.has_more = False

    def thin(self) -> Thinned:
        """Do nothing."""
        self.passes += 1
        if self.fails:
            raise DatabaseUnavailableError("connection refused")
        return Thinned(3, has_more=self.has_more)


def world_with(history: CountingHistory) -> World:
    world = World(*jobs(1))
    world.service._parts.upkeep = Upkeep(history, FakeThread())
    return world


def test_the_history_is_thinned_once_a_minute_also_after_a_failure() -> None:
    async def main() -> None:
        history = CountingHistory()
        async with world_with(history).running():
            await let_pass(EVERY_S - 1)
            assert history.passes == 0
            history.fails = True
            await let_pass(2)
            assert history.passes == 1
            history.fails = False
            await let_pass(10 * EVERY_S)
            assert history.passes == 11

    run_virtually(main())


def test_a_poller_that_waits_for_another_leaves_the_history_to_it() -> None:
    async def main() -> None:
        history = CountingHistory()
        world = world_with(history)
        world.database.reading_fails = RivalError("another poller is at work")
        async with world.running():
            await let_pass(5 * EVERY_S)
            assert history.passes == 0

    run_virtually(main())


def test_a_pass_that_left_something_is_soon_followed_by_the_next() -> None:
    async def main() -> None:
        history = CountingHistory()
        history.has_more = True
        async with world_with(history).running():
            await let_pass(EVERY_S + 10.5 * BUSY_EVERY_S)
            assert history.passes == 11
            history.has_more = False
            await let_pass(EVERY_S)
            assert history.passes == 12
            history.fails = True
            await let_pass(2 * EVERY_S)
            assert history.passes == 14

    run_virtually(main())
