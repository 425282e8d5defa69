"""The flight recorder keeps the polls that are worth it, and harms nothing when it cannot."""

from collections.abc import Callable

import msgspec
import pytest
from core_values import a_reading
from engine_fakes import FakeThread
from engine_world import BROKEN, GONE, Bench, World, done, job, jobs, key
from keeping_log import KeepingLog
from key_views import answer_to
from virtual_time import let_pass, run_virtually

from oma_poller.core.recording import ORDINARY_EVERY_S
from oma_poller.engine import recorder as recorder_module
from oma_poller.engine.claimed import ClaimedFlightLog
from oma_poller.engine.recorder import EVERY_S, FLIGHTS_A_WRITE, Recorder
from oma_poller.errors import DatabaseUnavailableError, RivalError
from oma_poller.model.reading import FailureKind


def recording(bench: Bench, log: KeepingLog | None = None) -> tuple[Recorder, KeepingLog]:
    """Give a poller a recorder."""
    log = log or KeepingLog()
    recorder = Recorder(log, FakeThread(), bench.journal)
    bench.poller._parts.recorder = recorder
    return recorder, log


def world_with(log: KeepingLog, *, count: int = 1) -> World:
    """Return an engine with a recorder."""
    world = World(*jobs(count))
    recorder = Recorder(log, FakeThread(), world.service._parts.journal)
    world.poller._parts.recorder = world.service._parts.recorder = recorder
    return world


def written(recorder: Recorder) -> bool:
    """Write a part; return whether there is more."""

    async def step() -> bool:
        return await recorder.step()

    return run_virtually(step())


def results(log: KeepingLog) -> list[tuple[str, str, bool]]:
    """Return what came of the kept polls."""
    return [(one.flight.decided.result, one.flight.decided.observation, one.is_eventful) for one in log.kept]


def test_each_poll_in_which_something_happened_is_kept_and_few_of_the_others() -> None:
    bench = Bench(job(1))
    recorder, log = recording(bench)
    for moved in range(5):
        bench.poll(a_reading(moved, 100))
    bench.poll(BROKEN)
    bench.poll(BROKEN)
    bench.poll(a_reading(50, 100))
    bench.poll(done())
    assert len(recorder) == 4
    written(recorder)
    assert [(result, eventful) for result, _, eventful in results(log)] == [
        ("ok", True),
        ("server_error", True),
        ("ok", True),
        ("ok", True),
    ]
    assert log.kept[-1].flight.decided.state == "completed"
    assert (recorder.written, recorder.dropped, len(recorder)) == (4, 0, 0)


def test_a_job_that_only_stands_is_kept_once_in_five_minutes() -> None:
    bench = Bench(job(1))
    recorder, log = recording(bench)
    bench.poll(a_reading(50, 100))
    end_s = bench.clock.now_s + 2 * ORDINARY_EVERY_S + 20
    moved = 50
    while bench.clock.now_s < end_s:
        moved += 1
        bench.poll(a_reading(moved, 10_000))
    written(recorder)
    assert [eventful for _, _, eventful in results(log)] == [True, False, False]
    spaces = [
        (later.flight.at - earlier.flight.at).total_seconds()
        for earlier, later in zip(log.kept, log.kept[1:], strict=False)
    ]
    assert all(ORDINARY_EVERY_S <= space < ORDINARY_EVERY_S + 10 for space in spaces)


def test_a_poll_that_is_not_kept_is_not_made_into_a_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(job(1))
    recording(bench)
    bench.poll(a_reading(10, 100))
    monkeypatch.delattr(recorder_module, "record")
    for moved in range(11, 30):
        bench.poll(a_reading(moved, 100))
    assert not bench.log.shown("defect of this program")


def test_a_flight_has_the_raw_reply_of_its_key_and_no_other() -> None:
    bench = Bench(job(1))
    recorder, log = recording(bench)
    (request,) = bench.ask()
    bench.poller.receive([answer_to(request, a_reading(50, 100), b'{"status": "x"}')])
    written(recorder)
    (answer,) = log.kept[0].flight.answers
    assert (answer.key, answer.body, answer.reading) == (key(1), '{"status": "x"}', None)
    bench.poll(GONE)
    written(recorder)
    assert [one.missing for one in log.kept[-1].flight.answers] == ["job not found"]


def test_a_reply_that_is_too_long_or_came_in_bulk_is_kept_as_it_was_read() -> None:
    for body in (b"", b"x" * (2**16 + 1)):
        bench = Bench(job(1))
        recorder, log = recording(bench)
        (request,) = bench.ask()
        bench.poller.receive([answer_to(request, a_reading(50, 100), body)])
        written(recorder)
        (answer,) = log.kept[0].flight.answers
        assert (answer.body, answer.reading) == ("", a_reading(50, 100))


def test_a_job_that_cannot_be_asked_for_is_kept_with_the_reason() -> None:
    bench = Bench(job(1, disks=(msgspec.structs.replace(job(1).disks[0], volume_id="../x"),)))
    recorder, log = recording(bench)
    bench.ask()
    written(recorder)
    assert [answer.failure for answer in log.kept[0].flight.answers] == [FailureKind.BAD_KEY]


def test_a_defect_in_recording_is_told_once_and_harms_no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(recorder_module, "record", broken)
    bench = Bench(job(1))
    recorder, log = recording(bench)
    bench.poll(a_reading(10, 100))
    bench.poll(BROKEN)
    bench.poll(a_reading(20, 100))
    assert bench.tally.polls == {"ok": 2, "server_error": 1}
    assert len(bench.log.shown("defect of this program")) == 1
    written(recorder)
    assert log.kept == []


def test_a_defect_in_writing_ends_the_recording_and_nothing_else() -> None:
    bench = Bench(job(1))
    recorder, log = recording(bench)
    bench.poll(a_reading(10, 100))
    log.error = ZeroDivisionError("division by zero")
    written(recorder)
    log.error = None
    bench.poll(BROKEN)
    written(recorder)
    assert log.kept == []
    assert len(bench.log.shown("no polls are recorded any more")) == 1


def test_what_the_database_does_not_take_waits_and_is_told_the_second_time() -> None:
    bench = Bench(job(1))
    recorder, log = recording(bench)
    bench.poll(a_reading(10, 100))
    log.error = DatabaseUnavailableError("connection refused")
    written(recorder)
    assert len(recorder) == 1
    assert not bench.log.shown("flight recorder away")
    written(recorder)
    written(recorder)
    assert len(bench.log.shown("flight recorder away")) == 1
    log.error = None
    written(recorder)
    assert len(log.kept) == 1
    assert len(bench.log.shown("flight recorder back")) == 1


def test_while_another_poller_is_at_work_nothing_is_written_or_told() -> None:
    class Rival:
        def hold(self) -> None:
            raise RivalError("another poller is at work")

        def close(self) -> None:
            """Nothing is held."""

    bench = Bench(job(1))
    log = KeepingLog()
    recorder = Recorder(ClaimedFlightLog(log, Rival()), FakeThread(), bench.journal)
    bench.poller._parts.recorder = recorder
    bench.poll(a_reading(10, 100))
    for _ in range(5):
        written(recorder)
    with pytest.raises(RivalError):
        ClaimedFlightLog(log, Rival()).write([])
    assert (log.opened, log.kept, len(recorder)) == (0, [], 1)
    assert not bench.log.shown("flight recorder away")


def test_without_a_table_nothing_is_recorded_and_that_is_told_once() -> None:
    bench = Bench(job(1))
    recorder, log = recording(bench, KeepingLog(is_there=False))
    bench.poll(a_reading(10, 100))
    for _ in range(30):
        assert written(recorder) is False
    bench.poll(BROKEN)
    assert (len(recorder), log.opened, log.writes, log.sweeps) == (0, 1, [], 0)
    (line,) = bench.log.shown("no polls are recorded")
    assert "oma-poller db upgrade" in line["detail"]


def test_a_write_takes_a_bounded_number_and_says_that_there_is_more() -> None:
    bench = Bench(*jobs(FLIGHTS_A_WRITE + 5), max_concurrent=1000)
    recorder, log = recording(bench)
    bench.answer(bench.ask(), a_reading(10, 100))
    assert written(recorder) is True
    assert written(recorder) is False
    assert log.writes == [FLIGHTS_A_WRITE, 5]


def test_the_engine_writes_now_and_then_sweeps_and_writes_the_rest_at_its_end() -> None:
    async def main() -> None:
        log = KeepingLog()
        world = world_with(log)
        async with world.running():
            await let_pass(5 * EVERY_S)
            assert [one.flight.decided.result for one in log.kept] == ["ok"]
            assert (log.opened, log.sweeps) == (1, 1)
            log.sweep_error = DatabaseUnavailableError("connection refused")
            await let_pass(31 * EVERY_S)
            assert log.sweeps == 2
            world.fetcher.script = lambda _: done()
            await let_pass(10)
            assert log.kept[-1].flight.decided.state == "completed"
            world.database.add(job(2))
            await let_pass(10.1)
            before = len(log.kept)
            recorder = world.service._parts.recorder
            assert recorder is not None
            recorder._reel.put(log.kept[0])
        assert len(log.kept) == before + 1
        assert {one.flight.job.id for one in log.kept} == {"job-00001", "job-00002"}
        assert len(recorder) == 0
        (line,) = world.log.shown("stopped")
        assert (line["polls_recorded"], line["polls_not_recorded"]) == (len(log.kept), 0)

    run_virtually(main())


def test_a_database_that_takes_no_rows_is_not_troubled_with_flights() -> None:
    async def main() -> None:
        log = KeepingLog()
        world = world_with(log)
        async with world.running():
            world.database.writing_fails = DatabaseUnavailableError("connection refused")
            await let_pass(10 * EVERY_S)
            assert log.writes == []
            world.database.writing_fails = None
            await let_pass(3 * EVERY_S)
            assert len(log.kept) >= 1

    run_virtually(main())


def hanging(world: World) -> Callable[[], None]:
    """Let the recorder's thread hang; return what ends that."""
    recorder = world.service._parts.recorder
    assert recorder is not None
    thread = FakeThread()
    thread.hangs = True
    recorder._thread = thread
    return thread.release


def test_a_recorder_that_hangs_holds_up_neither_polls_nor_rows_nor_the_end() -> None:
    async def main() -> None:
        log = KeepingLog()
        world = world_with(log)
        hanging(world)
        async with world.running():
            await let_pass(60)
            assert world.tally.polls["ok"] >= 10
            assert world.database.rows["job-00001"].progress is not None
        assert log.kept == []

    run_virtually(main())
