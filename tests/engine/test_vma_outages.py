"""A VMA that cannot be reached: what it costs, what its jobs show, and how they return (P7, P8)."""

from itertools import pairwise

import pytest
from core_values import a_reading
from engine_world import BROKEN, DOWN, World, job, jobs, key
from key_views import Asked
from virtual_time import let_pass, run_virtually

from oma_poller.model.job import Job
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Outcome
from oma_poller.model.vma import VmaRule

BERLIN = (VmaRule("berlin", vcenter_host="vc.berlin"),)
HANGS = Failure(FailureKind.TIMEOUT, "no answer within 10 s")
INTERVAL_S = 5.0


class Copies:
    """A script in which every entry moves a byte with each look."""

    def __init__(self) -> None:
        self.moved_bytes = 0

    def __call__(self, _: Asked) -> Outcome:
        """Return the entry, whichever it is."""
        self.moved_bytes += 1
        return a_reading(self.moved_bytes, 10**6)


def observations(world: World) -> set[Observation]:
    return {update.sighting.observation for update in world.database.rows.values()}


def gaps(times_s: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times_s)]


def numbers(world: World, since: int) -> list[int]:
    """Return the numbers of the jobs that were asked for since then."""
    return [int(asked.rpartition("-")[2]) for _, asked in world.fetcher.asked[since:]]


def in_berlin(*numbers: int) -> list[Job]:
    return [job(number, vcenter_host="vc.berlin") for number in numbers]


def test_ten_intervals_without_the_vma_cost_a_probe_each_and_change_no_number() -> None:
    async def main() -> None:
        world = World(*jobs(30), script=Copies())
        async with world.running():
            await let_pass(20.0)
            before = {job_id: row.progress for job_id, row in world.database.rows.items()}
            world.fetcher.away["default"] = DOWN
            asked = len(world.fetcher.asked)
            await let_pass(10 * INTERVAL_S)
            assert len(world.fetcher.asked) - asked <= 4
            assert 10 <= len(world.fetcher.probed) <= 11
            assert observations(world) == {Observation.BLIND}
            rows = world.database.rows
            assert len(rows) == 30
            seen = [name for name, row in rows.items() if row.progress == before[name]]
            assert len(seen) >= 25  # a few polls came through after the look
            assert {row.status for row in rows.values()} <= {None, "replicating"}
            assert max(row.consecutive_errors for row in rows.values()) <= 1
            assert world.tally.vmas_down == {"default"}
        assert [line["jobs"] for line in world.log.shown("VMA unreachable")] == [30]
        assert world.log.shown("job parked") == world.log.shown("job does not answer") == []

    run_virtually(main())


def test_its_jobs_return_spread_over_an_interval_and_their_numbers_flow() -> None:
    async def main() -> None:
        world = World(*jobs(300), script=Copies(), max_concurrent=50)
        async with world.running():
            await let_pass(20.0)
            world.fetcher.away["default"] = DOWN
            await let_pass(60.0)
            del world.fetcher.away["default"]
            probes = len(world.fetcher.probed)
            while len(world.fetcher.probed) == probes:
                await let_pass(0.01)
            asked = len(world.fetcher.asked)
            back_s = world.fetcher.probed[-1][0]
            await let_pass(INTERVAL_S + 1.0)
            times_s = [at_s - back_s for at_s, _ in world.fetcher.asked[asked:] if at_s - back_s <= 5.05]
            assert len(times_s) == pytest.approx(300, abs=6)
            assert max(sum(half <= at_s < half + 0.5 for at_s in times_s) for half in range(5)) < 60
            assert observations(world) == {Observation.FRESH}
            await let_pass(INTERVAL_S)
            assert len(world.fetcher.probed) == probes + 1
        assert [line["jobs"] for line in world.log.shown("VMA answers again")] == [300]
        assert world.tally.vmas_down == set()

    run_virtually(main())


def test_the_one_job_of_a_vma_is_neither_counted_against_nor_parked() -> None:
    async def main() -> None:
        world = World(job(1), script=Copies())
        async with world.running():
            await let_pass(12.0)
            world.fetcher.away["default"] = DOWN
            await let_pass(600.0)
            row = world.database.rows["job-00001"]
            assert (row.sighting.observation, row.consecutive_errors) == (Observation.BLIND, 0)
            assert len(world.fetcher.probed) == pytest.approx(120, abs=2)
            del world.fetcher.away["default"]
            await let_pass(2 * INTERVAL_S + 1.0)
        assert observations(world) == {Observation.FRESH}

    run_virtually(main())


def test_jobs_that_were_parked_before_are_taken_up_when_the_vma_is_back() -> None:
    async def main() -> None:
        world = World(*jobs(4), script=lambda _: BROKEN, policy=Policy(parked_retry_s=0.0))
        async with world.running():
            await let_pass(200.0)
            assert observations(world) == {Observation.PARKED}
            world.database.add(job(5))
            world.fetcher.away["default"] = DOWN
            await let_pass(120.0)
            assert world.tally.vmas_down == {"default"}
            world.fetcher.script = Copies()
            del world.fetcher.away["default"]
            await let_pass(2 * INTERVAL_S + 1.0)
            assert observations(world) == {Observation.FRESH}
            assert {row.consecutive_errors for row in world.database.rows.values()} == {0}

    run_virtually(main())


def test_a_vma_that_answers_everything_with_500_is_reachable_and_its_jobs_are_parked() -> None:
    async def main() -> None:
        world = World(*jobs(10), script=lambda _: BROKEN, policy=Policy(parked_retry_s=0.0))
        async with world.running():
            await let_pass(600.0)
        assert observations(world) == {Observation.PARKED}
        assert len(world.fetcher.asked) == 50
        assert world.fetcher.probed == []
        assert world.log.shown("VMA unreachable") == []

    run_virtually(main())


def test_a_hanging_vma_costs_a_healthy_one_nothing() -> None:
    async def main() -> None:
        healthy, hanging = jobs(300), in_berlin(*range(301, 601))
        world = World(*healthy, *hanging, script=Copies(), rules=BERLIN, max_concurrent=10)
        async with world.running():
            await let_pass(30.0)
            world.fetcher.away["berlin"] = HANGS
            world.fetcher.delays_s["berlin"] = 10.0
            asked = len(world.fetcher.asked)
            await let_pass(100.0)
            assert world.tally.vmas_down == {"berlin"}
            blind = [row for row in world.database.rows.values() if row.sighting.observation == "blind"]
            assert len(blind) == 300
        times_s = [world.fetcher.times(key(number)) for number in range(1, 301)]
        assert max(max(gaps(some_s[3:])) for some_s in times_s) <= INTERVAL_S + 0.1
        assert sum(number > 300 for number in numbers(world, asked)) <= 10  # what its share let through
        assert {vma for _, vma in world.fetcher.probed} == {"berlin"}
        assert len(world.fetcher.probed) <= 10

    run_virtually(main())


def test_a_vma_whose_health_page_answers_and_no_job_costs_few_requests_and_is_told_once() -> None:
    async def main() -> None:
        world = World(*jobs(50), script=Copies())
        async with world.running():
            await let_pass(20.0)
            world.fetcher.script = lambda _: HANGS
            asked = len(world.fetcher.asked)
            await let_pass(600.0)
            assert len(world.fetcher.asked) - asked < 600
            assert observations(world) == {Observation.BLIND}
            assert max(row.consecutive_errors for row in world.database.rows.values()) <= 1
            world.fetcher.script = Copies()
            await let_pass(30.0)
            assert observations(world) == {Observation.FRESH}
        assert len(world.log.shown("VMA unreachable")) == len(world.log.shown("VMA answers again")) == 1
        assert world.log.shown("job parked") == []

    run_virtually(main())


@pytest.mark.parametrize("up_s", [1.0, 7.0, 23.0])
def test_a_vma_that_comes_and_goes_parks_nobody_and_asks_nobody_twice_at_once(up_s: float) -> None:
    async def main() -> None:
        world = World(*jobs(40), script=Copies())
        async with world.running():
            await let_pass(20.0)
            for _ in range(30):
                world.fetcher.away["default"] = DOWN
                await let_pass(9.0)
                del world.fetcher.away["default"]
                await let_pass(up_s)
            await let_pass(2 * INTERVAL_S)
            assert observations(world) == {Observation.FRESH}
            assert max(row.consecutive_errors for row in world.database.rows.values()) == 0
        assert world.fetcher.twice_at_once == set()
        assert world.log.shown("job parked") == []
        told = len(world.log.shown("VMA unreachable"))
        assert told == len(world.log.shown("VMA answers again"))
        assert told <= 31

    run_virtually(main())


def test_a_program_that_starts_while_the_vma_is_away_sees_its_jobs_when_it_is_there() -> None:
    async def main() -> None:
        world = World(*jobs(30), script=Copies())
        world.fetcher.away["default"] = DOWN
        async with world.running():
            await let_pass(60.0)
            assert len(world.fetcher.asked) <= 10
            assert observations(world) == {Observation.BLIND}
            world.database.add(job(31))
            await let_pass(2 * INTERVAL_S)
            assert world.database.rows["job-00031"].sighting.observation is Observation.BLIND
            assert world.fetcher.times(key(31)) == []
            del world.fetcher.away["default"]
            await let_pass(2 * INTERVAL_S + 1.0)
            assert observations(world) == {Observation.FRESH}
            assert len(world.database.rows) == 31

    run_virtually(main())


def test_an_outage_while_the_database_is_away_is_written_afterwards() -> None:
    async def main() -> None:
        world = World(*jobs(30), script=Copies())
        async with world.running():
            await let_pass(20.0)
            world.writing.hangs = True
            world.fetcher.away["default"] = DOWN
            await let_pass(60.0)
            world.writing.release()
            await let_pass(3.0)
            assert observations(world) == {Observation.BLIND}
            assert all(row.progress is not None for row in world.database.rows.values())

    run_virtually(main())
