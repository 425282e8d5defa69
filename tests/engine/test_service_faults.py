"""What ends the program that was not told to end: one line, and nothing half dead."""

import asyncio

import pytest
from core_values import a_reading
from engine_world import World, job
from virtual_time import let_pass, run_virtually

from oma_poller.errors import DatabaseError, DatabaseUnavailableError, DefectError

AWAY = DatabaseUnavailableError("connection refused")


def now_s() -> float:
    return asyncio.get_running_loop().time()


def test_a_wrong_database_ends_it_with_its_own_error() -> None:
    async def main() -> None:
        world = World()
        world.database.reading_fails = DatabaseError("table replication_jobs is missing")
        with pytest.raises(DatabaseError, match="replication_jobs is missing"):
            await world.service.run()
        assert world.log.shown("stopped") == []

    run_virtually(main())


@pytest.mark.parametrize("part", ["discovery", "polling", "writing"])
def test_a_loop_that_breaks_ends_the_program_with_one_line(part: str) -> None:
    async def main() -> None:
        world = World(job(1))

        def broken(*_: object) -> None:
            raise KeyError("a defect")

        life = asyncio.ensure_future(world.service.run())
        await let_pass(1.0)
        began_s = now_s()
        if part == "discovery":
            world.database.active = broken  # type: ignore[method-assign, assignment] # a defect of the adapter
        elif part == "polling":
            world.fetcher.submit = broken  # type: ignore[method-assign, assignment] # as above
        else:
            world.database.write = broken  # type: ignore[method-assign, assignment] # as above
        world.fetcher.script = lambda _: a_reading(60, 100)
        with pytest.raises(DefectError) as raised:
            await life
        text = str(raised.value)
        assert text.startswith(
            f"{part} ended by a defect of this program: KeyError('a defect') at test_service"
        )
        assert "\n" not in text
        assert now_s() - began_s < 20.0

    run_virtually(main())


def test_what_waits_is_written_although_another_loop_broke() -> None:
    async def main() -> None:
        world = World(job(1))
        world.database.writing_fails = AWAY
        life = asyncio.ensure_future(world.service.run())
        await let_pass(3.0)
        assert len(world.mailbox) == 1
        world.database.reading_fails = KeyError("a defect")
        await let_pass(5.0)
        world.database.writing_fails = None
        with pytest.raises(DefectError, match="discovery ended"):
            await life
        assert "job-00001" in world.database.rows

    run_virtually(main())


def test_a_fetcher_that_died_ends_the_program_and_no_vma_is_blamed() -> None:
    async def main() -> None:
        world = World(job(1))
        life = asyncio.ensure_future(world.service.run())
        await let_pass(12.0)
        world.fetcher.defect = ZeroDivisionError("planted")
        with pytest.raises(DefectError, match="fetching from VMAs ended by a defect of this program"):
            await life
        assert world.tally.vmas_down == set()

    run_virtually(main())
