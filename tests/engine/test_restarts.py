"""The program ends and begins again on the same database: it goes on, and does nothing twice (P9)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from core_values import NOW, NOW_S, a_reading
from engine_fakes import FakeDatabase
from engine_world import BROKEN, Bench, World, done, job, key
from key_views import Asked
from msgspec.structs import replace
from virtual_time import let_pass, run_virtually, until_true

from oma_poller.core.memory import remember
from oma_poller.engine.ports import Flushed
from oma_poller.model.memory import JobMemory, Past
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Outcome, State
from oma_poller.model.update import Update

OLD = NOW - timedelta(hours=2)
"""Before the jobs here were made: the date of a reused key (F3)."""
JOB = "job-00001"


def seen(database: FakeDatabase) -> Observation:
    """Return how the job is seen, as it was written."""
    return database.rows[JOB].sighting.observation


async def life(database: FakeDatabase, outcome: Outcome, seconds: float) -> World:
    """Let the program live so long, with one answer to everything, and end."""
    world = World(script=lambda _: outcome, database=database)
    async with world.running():
        await let_pass(seconds)
    return world


def test_a_run_on_a_reused_key_that_was_proven_is_completed_after_a_restart() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1, created_at=NOW))
        old_end = replace(done(), started_at=OLD)
        await life(database, old_end, 12.0)
        assert seen(database) is Observation.PREVIOUS_RUN
        await life(database, a_reading(40, 100, started_at=OLD), 12.0)
        await let_pass(3600.0)
        third = await life(database, old_end, 12.0)
        assert database.jobs[JOB].status == "completed"
        assert len(third.log.shown("job completed")) == 1
        assert (await life(database, old_end, 12.0)).log.shown("job completed") == []

    run_virtually(main())


def test_a_job_that_may_have_ended_while_the_program_was_away_waits_for_a_persons_word() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1, created_at=NOW))
        old_end = replace(done(), started_at=OLD)
        await life(database, old_end, 12.0)
        await let_pass(3600.0)
        world = World(script=lambda _: old_end, database=database)
        async with world.running():
            await let_pass(12.0)
            assert seen(database) is Observation.UNVERIFIED
            assert database.jobs[JOB].status == "replicating"
            database.jobs[JOB] = replace(database.jobs[JOB], accepted_at=NOW + timedelta(hours=1))
            await until_true(lambda: database.jobs[JOB].status == "completed", within_s=12.0)
            assert max(len(query) for query in database.queries if query) == 1

    run_virtually(main())


def test_a_word_given_while_the_program_is_down_is_heard_when_it_starts() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1))
        old_end = replace(done(), started_at=OLD)
        await life(database, old_end, 6.0)
        assert seen(database) is Observation.UNVERIFIED
        database.jobs[JOB] = replace(database.jobs[JOB], accepted_at=NOW + timedelta(minutes=1))
        await life(database, old_end, 6.0)
        assert database.jobs[JOB].status == "completed"

    run_virtually(main())


def test_rows_that_a_person_could_settle_are_read_in_each_pass_by_the_one_query() -> None:
    async def main() -> None:
        database = FakeDatabase(*(job(number) for number in range(1, 21)))

        def script(request: Asked) -> Outcome:
            return replace(done(), started_at=OLD) if request.key == key(1) else a_reading(50, 100)

        world = World(script=script, database=database)
        async with world.running():
            await let_pass(60.0)
        passes = sum(query is None for query in database.queries)
        assert len(database.queries) <= 2 * passes
        assert database.asked_for(JOB) >= passes - 2
        assert database.asked_for("job-00002") <= 3

    run_virtually(main())


def test_a_parked_job_is_polled_at_once_after_a_restart_and_parked_again_by_one_error() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1))
        first = await life(database, BROKEN, 100.0)
        assert seen(database) is Observation.PARKED
        since = database.rows[JOB].sighting.since
        assert len(first.fetcher.asked) == 5
        second = await life(database, BROKEN, 100.0)
        assert len(second.fetcher.asked) == 1
        assert (seen(database), database.rows[JOB].consecutive_errors) == (Observation.PARKED, 6)
        assert database.rows[JOB].sighting.since == since
        assert second.log.shown("job parked") == []
        await life(database, a_reading(50, 100), 6.0)
        assert (seen(database), database.rows[JOB].consecutive_errors) == (Observation.FRESH, 0)

    run_virtually(main())


def test_what_moved_while_the_program_was_away_is_told_once_and_is_no_speed() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1))
        await life(database, a_reading(10**9, 10**12), 40.0)
        await let_pass(800.0)
        world = await life(database, a_reading(22 * 10**9, 10**12, speed_bps=5), 10.0)
        (line,) = world.log.shown("moved unseen")
        assert line["job_id"] == JOB
        assert line["detail"].startswith("moved 21 GB in the ")
        written = [update.progress for batch in database.writes for update in batch if update.progress]
        assert max(progress.speed_bps for progress in written) <= 5

    run_virtually(main())


def test_a_job_made_anew_under_its_id_starts_afresh_after_a_restart() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1))
        await life(database, a_reading(90, 100), 6.0)
        database.add(job(1, created_at=NOW + timedelta(seconds=6)))
        await life(database, a_reading(90, 100), 6.0)
        assert seen(database) is Observation.PREVIOUS_RUN

    run_virtually(main())


def test_a_job_that_leaves_and_comes_back_is_the_one_it_was() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1, created_at=NOW))
        reading = replace(done(), started_at=OLD)
        world = World(script=lambda _: reading, database=database)
        async with world.running():
            await let_pass(6.0)
            world.fetcher.script = lambda _: a_reading(40, 100, started_at=OLD)
            await let_pass(6.0)
            database.jobs[JOB] = replace(database.jobs[JOB], status="pending")
            await let_pass(10.0)
            assert len(world.poller) == 0
            database.jobs[JOB] = replace(database.jobs[JOB], status="replicating")
            world.fetcher.script = lambda _: reading
            await let_pass(12.0)
        assert database.jobs[JOB].status == "completed"

    run_virtually(main())


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_an_ended_job_that_somebody_made_active_again_is_polled_anew(state: State) -> None:
    bench = Bench()
    context = replace(Bench(job(1)).held(JOB).context, state=state)
    bench.watch(job(1, past=Past(remember(context, NOW_S, NOW))))
    assert bench.held(JOB).context.state is State.REPLICATING


def test_a_memory_is_not_held_once_the_job_is_taken_up() -> None:
    bench = Bench()
    context = replace(Bench(job(1)).held(JOB).context, consecutive_errors=2)
    bench.watch(job(1, past=Past(remember(context, NOW_S, NOW))))
    assert bench.held(JOB).context.consecutive_errors == 2
    assert bench.held(JOB).job.past is None


def test_a_memory_is_written_with_the_very_flush_of_the_row_it_explains() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1))
        real = database.write
        pairs: list[tuple[tuple[Update, ...], tuple[JobMemory, ...]]] = []

        def write(
            updates: Sequence[Update], heartbeat_ids: Sequence[str] = (), memories: Sequence[JobMemory] = ()
        ) -> Flushed:
            pairs.append((tuple(updates), tuple(memories)))
            return real(updates, heartbeat_ids, memories)

        database.write = write  # type: ignore[method-assign] # to look at each flush
        await life(database, done(), 12.0)
        ends = [(updates, memories) for updates, memories in pairs if any(one.is_terminal for one in updates)]
        ((_, memories),) = ends
        assert [memory.context.state for memory in memories] == [State.COMPLETED]

    run_virtually(main())


def test_a_changed_number_of_errors_that_park_a_job_holds_after_a_restart() -> None:
    async def main() -> None:
        database = FakeDatabase(job(1))
        await life(database, BROKEN, 12.0)
        world = World(script=lambda _: BROKEN, database=database, policy=Policy(max_errors=3))
        async with world.running():
            await let_pass(6.0)
        assert seen(database) is Observation.PARKED

    run_virtually(main())
