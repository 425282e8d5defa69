"""One pass over the database: what is asked, what is watched from then on, and what is not any more."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from core_values import a_reading
from engine_fakes import FakeDatabase, FakeThread
from engine_world import Bench, done, job, jobs, key
from msgspec.structs import replace
from virtual_time import run_virtually

from oma_poller.engine import discovery
from oma_poller.engine.beats import Beats
from oma_poller.engine.discovery import FEW_NEWCOMERS, MANY_NEWCOMERS, NEWEST, Discovery, first_dues_s
from oma_poller.errors import DatabaseError, DatabaseUnavailableError
from oma_poller.model.job import Job

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AWAY = DatabaseUnavailableError("connection refused")
MIGRATED = DatabaseError("replication_jobs has no column status")


class Passes:
    """Discovery on a poller that is moved by hand."""

    def __init__(self, database: FakeDatabase, bench: Bench) -> None:
        self.database = database
        self.bench = bench
        self.discovery = Discovery(database, bench.poller, FakeThread(), bench.journal, Beats(bench.clock))

    def step(self) -> int | None:
        """Do one pass, 5 s after the last one."""
        self.bench.clock.now_s += 5.0
        return run_virtually(self.discovery.step(5.0))


def passes(count: int, max_concurrent: int = 10) -> Passes:
    return Passes(FakeDatabase(*jobs(count)), Bench(max_concurrent=max_concurrent))


def test_active_jobs_are_watched_and_polled_within_the_pass() -> None:
    world = passes(3)
    world.database.add(job(4, status="completed"))
    assert world.step() == 3
    assert len(world.bench.poller) == 3
    assert {request.key for request in world.bench.ask()} == {key(1), key(2), key(3)}


def test_a_pass_is_at_most_two_queries() -> None:
    world = passes(500)
    for pass_number in range(1, 15):
        world.step()
        assert len(world.database.queries) <= 2 * pass_number


def many_of_all_ages(count: int) -> Passes:
    """So many jobs, of which those in the middle are the newest."""
    ages = [timedelta(seconds=abs(number - count // 2)) for number in range(count)]
    rows = [replace(row, created_at=NOON - age) for row, age in zip(jobs(count), ages, strict=True)]
    return Passes(FakeDatabase(*rows), Bench())


def test_of_very_many_new_jobs_the_newest_are_watched_before_the_others_are_read() -> None:
    world = many_of_all_ages(MANY_NEWCOMERS + 1)
    world.step()
    assert (len(world.bench.poller), world.discovery.has_more) == (0, True)
    world.step()
    assert world.discovery.has_more
    newest = {watch.job.created_at for watch in world.bench.poller.watches()}
    assert len(world.bench.poller) == NEWEST
    assert min(at for at in newest if at) >= NOON - timedelta(seconds=NEWEST)
    world.step()
    assert (len(world.bench.poller), world.discovery.has_more) == (MANY_NEWCOMERS + 1, False)
    assert len(world.database.queries) == 6


def test_newest_jobs_that_cannot_be_read_keep_no_other_from_being_watched() -> None:
    world = many_of_all_ages(MANY_NEWCOMERS + 2)
    world.step()
    gone = world.database.newest(NEWEST)
    read = world.database.details

    def details(job_ids: Sequence[str], new_ids: Collection[str] = ()) -> list[Job]:
        return [row for row in read(job_ids, new_ids) if row.id not in gone]

    world.database.details = details  # type: ignore[method-assign]
    world.step()
    world.step()
    assert (len(world.bench.poller), world.discovery.has_more) == (MANY_NEWCOMERS + 2 - NEWEST, False)


def test_a_great_many_new_jobs_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MOST_NEWCOMERS", 4000)
    world = many_of_all_ages(MANY_NEWCOMERS + 1)
    world.step()
    for watched in (NEWEST, NEWEST + 4000, NEWEST + 8000):
        world.step()
        assert (len(world.bench.poller), world.discovery.has_more) == (watched, True)
    world.step()
    assert (len(world.bench.poller), world.discovery.has_more) == (MANY_NEWCOMERS + 1, False)


def test_a_database_that_goes_away_between_the_passes_is_not_asked_without_a_pause() -> None:
    world = many_of_all_ages(MANY_NEWCOMERS + 1)
    world.step()
    world.database.reading_fails = AWAY
    assert world.step() is None
    assert not world.discovery.has_more


def test_no_second_query_is_made_where_nothing_is_to_be_read() -> None:
    world = passes(0)
    assert world.step() == 0
    assert world.database.queries == [None]


def test_every_row_is_read_afresh_within_a_minute() -> None:
    world = passes(100)
    world.step()
    world.database.queries.clear()
    for _ in range(12):
        world.step()
    assert all(world.database.asked_for(job.id) >= 1 for job in jobs(100))
    assert max(len(query) for query in world.database.queries if query) < 12


def test_newcomers_are_polled_newest_first() -> None:
    world = passes(0, max_concurrent=3)
    world.database.add(job(5), job(20), job(7, created_at=None), job(11), job(1))
    world.step()
    assert [request.key for request in world.bench.ask()] == [key(20), key(11), key(5)]


def test_few_newcomers_are_polled_at_once() -> None:
    world = passes(FEW_NEWCOMERS, max_concurrent=1000)
    world.step()
    assert len(world.bench.ask()) == FEW_NEWCOMERS


def test_many_newcomers_are_spread_over_a_pass_newest_first() -> None:
    count = 1000
    world = passes(count, max_concurrent=count)
    world.step()
    begun: list[str] = []
    groups = 0
    while len(begun) < count:
        due_s = world.bench.poller.next_due_s()
        assert due_s is not None
        world.bench.clock.now_s = max(world.bench.clock.now_s, due_s + 0.001)
        begun += [request.key for request in world.bench.ask()]
        groups += 1
    assert 90 <= groups <= 100
    assert begun[:3] == [key(999), key(998), key(997)]
    assert world.bench.tally.lateness.most_s < 0.01


def test_the_first_polls_stay_within_the_time_they_are_spread_over() -> None:
    for newcomers in (1, FEW_NEWCOMERS, FEW_NEWCOMERS + 1, 10_000):
        dues_s = first_dues_s(newcomers, 50.0, 2.0)
        assert sorted(dues_s) == dues_s
        assert 49.99 < dues_s[0] <= 50.0
        assert dues_s[-1] < 52.0
    assert first_dues_s(0, 50.0, 2.0) == []
    assert max(first_dues_s(500, 50.0, 0.001)) <= 50.0


def test_a_job_that_left_is_dropped_with_everything_held_for_it() -> None:
    world = passes(2)
    world.step()
    world.bench.answer(world.bench.ask(), a_reading(50, 100))
    assert len(world.bench.mailbox) == 2
    del world.database.jobs["job-00001"]
    assert world.step() == 1
    assert world.bench.poller.watch_of("job-00001") is None
    assert len(world.bench.mailbox) == 1
    assert "job-00001" not in world.bench.poller.rereads.turn(1)


def test_a_job_that_is_deleted_between_the_two_queries_is_asked_for_again() -> None:
    world = passes(1)
    gone = world.database.jobs.pop("job-00001")
    real = world.database.active
    world.database.active = lambda: real() | FakeDatabase(gone).active()  # type: ignore[method-assign] # the moment between
    assert world.step() == 1
    assert len(world.bench.poller) == 0
    world.database.add(gone)
    world.step()
    assert len(world.bench.poller) == 1


def test_a_row_that_the_first_query_did_not_name_is_not_watched() -> None:
    world = passes(1)
    world.step()
    real = world.database.details
    world.database.details = lambda *asked: [*real(*asked), job(77)]  # type: ignore[method-assign] # a row too many
    world.database.add(job(2))
    world.step()
    assert len(world.bench.poller) == 2
    assert world.bench.poller.watch_of("job-00077") is None


def test_a_job_made_anew_under_its_id_starts_afresh() -> None:
    world = passes(1)
    world.step()
    world.bench.answer(world.bench.ask(), done())
    world.database.add(job(1, created_at=job(500).created_at))
    for _ in range(12):
        world.step()
    assert world.bench.held("job-00001").job.created_at == job(500).created_at
    assert [request.key for request in world.bench.ask()] == [key(1)]


def test_an_ended_job_that_is_set_active_again_starts_afresh() -> None:
    world = passes(1)
    world.step()
    world.bench.answer(world.bench.ask(), done())
    world.bench.poller.confirm_end("job-00001")
    world.step()
    assert world.bench.held("job-00001").ended_at_s is None
    assert [request.key for request in world.bench.ask()] == [key(1)]


def test_a_pass_that_began_before_an_end_was_written_does_not_take_the_job_up_again() -> None:
    world = passes(1)
    world.step()
    world.bench.answer(world.bench.ask(), done())
    real = world.database.details

    def details_late(job_ids: list[str], new_ids: list[str]) -> list[object]:
        world.bench.clock.now_s += 1.0
        world.bench.poller.confirm_end("job-00001")
        return list(real(job_ids, new_ids))

    world.database.details = details_late  # type: ignore[method-assign, assignment] # the moment between
    world.step()
    assert world.bench.held("job-00001").ended_at_s is not None
    assert world.bench.ask() == []


@pytest.mark.parametrize("error", [AWAY, MIGRATED])
def test_a_database_that_fails_later_leaves_the_known_jobs_watched(error: DatabaseError) -> None:
    world = passes(2)
    world.step()
    world.database.reading_fails = error
    assert [world.step() for _ in range(3)] == [None] * 3
    assert len(world.bench.poller) == 2
    assert world.bench.log.shown("database for reading away") == [{"detail": str(error)}]
    world.database.reading_fails = None
    assert world.step() == 2
    assert len(world.bench.log.shown("database for reading back")) == 1


def test_details_that_fail_after_the_list_succeeded_drop_no_job() -> None:
    world = passes(2)
    world.step()
    del world.database.jobs["job-00001"]
    world.database.details_fail = AWAY
    assert world.step() is None
    assert len(world.bench.poller) == 2
    world.database.details_fail = None
    assert world.step() == 1


def test_a_database_that_is_away_at_the_start_is_waited_for() -> None:
    world = passes(1)
    world.database.reading_fails = AWAY
    assert world.step() is None
    world.database.reading_fails = None
    assert world.step() == 1


def test_a_database_that_is_wrong_at_the_start_is_an_error() -> None:
    world = passes(1)
    world.database.reading_fails = MIGRATED
    with pytest.raises(DatabaseError, match="no column status"):
        world.step()


def test_a_hundred_jobs_that_appear_and_vanish_at_once_share_a_line() -> None:
    world = passes(100)
    world.step()
    world.database.jobs.clear()
    world.step()
    assert [fields for _, _, fields in world.bench.log.lines] == [{"jobs": 100}, {"jobs": 100}]
    assert len(world.bench.poller) == 0
    assert world.bench.poller.next_due_s() is None
