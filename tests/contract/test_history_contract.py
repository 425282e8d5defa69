"""What every adapter keeps as history, in memory and on each engine."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from core_values import NOW
from driver_calls import DriverCalls
from history_keeper import Keeper
from msgspec.structs import replace
from oma_rows import ACTIVE, MemoryRows, SqlRows, add_job
from schema_variants import Variant
from updates import copying, ended, unseen
from virtual_time import SetClock

from oma_poller.database import thinning
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.history_rows import read_history
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.upgrade import upgrade
from oma_poller.engine.ports import Thinned
from oma_poller.errors import DatabaseError, DatabaseRefusedError, UnknownJobError
from oma_poller.model.sample import Sample

JOBS = "replication_jobs"
MARIADB = pytest.param("mariadb", marks=pytest.mark.mariadb)


@pytest.fixture(params=["memory", "sqlite", MARIADB])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    """Return a keeper on each adapter."""
    rows: MemoryRows | SqlRows = MemoryRows() if request.param == "memory" else made(request, tmp_path)
    keeper = Keeper(rows)
    yield keeper
    keeper.sink.close()
    rows.close()


@pytest.fixture(params=["sqlite", MARIADB])
def on_sql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlRows]:
    """Return an OMA with our own tables, on each engine."""
    rows = made(request, tmp_path)
    yield rows
    rows.close()


def made(request: pytest.FixtureRequest, tmp_path: Path) -> SqlRows:
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    if request.param == "mariadb":
        address = request.getfixturevalue("mariadb_address")
    rows = SqlRows(address, Variant.LATER)
    upgrade(address)
    return rows


def test_a_flush_leaves_a_sample_of_what_it_wrote(keeper: Keeper) -> None:
    add_job(keeper.rows)
    keeper.sink.write([copying()])
    (sample,) = keeper.samples()
    assert sample == Sample("job-1", NOW, 3600, "fresh", 217, 933232640, 42949672960, 3 * 2**20)


def test_samples_of_a_moving_job_are_half_a_minute_apart(keeper: Keeper) -> None:
    add_job(keeper.rows)
    for step in range(13):
        keeper.sink.write([copying(bytes_transferred=step)])
        keeper.pass_s(10)
    samples = keeper.samples()
    assert [sample.bytes_transferred for sample in samples] == [0, 3, 6, 9, 12]
    assert [(sample.at - NOW).total_seconds() for sample in samples] == [0, 30, 60, 90, 120]


def test_what_changes_and_what_ends_is_kept_at_once(keeper: Keeper) -> None:
    add_job(keeper.rows)
    for update in (copying(), unseen(), copying(), ended()):
        keeper.sink.write([update])
        keeper.pass_s(1)
    samples = keeper.samples()
    assert [sample.observation for sample in samples] == ["fresh", "blind", "fresh", "fresh"]
    assert [sample.grain_s for sample in samples] == [3600, 30, 30, 3600]
    assert {sample.bytes_transferred for sample in samples} == {933232640}


def test_numbers_that_were_never_known_are_kept_as_unknown(keeper: Keeper) -> None:
    add_job(keeper.rows)
    keeper.sink.write([unseen()])
    (sample,) = keeper.samples()
    assert (sample.percent_bp, sample.bytes_transferred, sample.total_bytes, sample.speed_bps) == (None,) * 4


def test_a_row_that_may_not_be_written_leaves_no_sample(keeper: Keeper) -> None:
    add_job(keeper.rows, status="cancelled")
    keeper.sink.write([copying(), copying("nobody")])
    assert keeper.samples() == keeper.samples("nobody") == []


def test_after_a_restart_the_hour_that_has_a_sample_gets_no_second_one_of_its_kind(keeper: Keeper) -> None:
    add_job(keeper.rows)
    for step in range(4):
        keeper.sink.write([copying(bytes_transferred=step)])
        keeper.pass_s(7)
        keeper.sink.close()
        keeper.restart()
    assert [sample.grain_s for sample in keeper.samples()] == [3600, 30, 30, 30]


def test_what_is_old_goes_the_finest_first(keeper: Keeper) -> None:
    add_job(keeper.rows)
    for step in range(130):
        keeper.sink.write([copying(bytes_transferred=step)])
        keeper.pass_s(60)
    assert {sample.grain_s for sample in keeper.samples()} == {30, 300, 3600}
    thinned = keeper.sink.thin().rows
    assert thinned > 0
    old = [sample for sample in keeper.samples() if sample.at < keeper.clock.utc() - timedelta(hours=1)]
    assert {sample.grain_s for sample in old} == {300, 3600}
    keeper.pass_s(86_400)
    keeper.sink.thin()
    assert {sample.grain_s for sample in keeper.samples()} == {3600}
    assert len(keeper.samples()) in {3, 4}
    keeper.pass_s(30 * 86_400)
    keeper.sink.thin()
    assert keeper.samples() == []


def test_a_thinning_that_finds_nothing_old_takes_nothing(keeper: Keeper) -> None:
    add_job(keeper.rows)
    keeper.sink.write([copying()])
    assert keeper.sink.thin() == Thinned()
    assert len(keeper.samples()) == 1


def test_the_history_of_a_deleted_job_goes_and_that_of_others_stays(keeper: Keeper) -> None:
    for job_id in ("job-1", "job-2", "job-3"):
        add_job(keeper.rows, job_id)
    keeper.sink.write([copying("job-1"), copying("job-2"), ended(job_id="job-3")])
    keeper.delete("job-2")
    assert keeper.sink.thin() == Thinned(1)
    assert keeper.samples("job-2") == []
    assert len(keeper.samples("job-1")) == len(keeper.samples("job-3")) == 1


def test_every_job_is_looked_at_in_turn(on_sql: SqlRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "JOBS_A_PASS", 3)
    ids = [add_job(on_sql, f"job-{number}") for number in range(8)]
    on_sql.sink.write([copying(job_id) for job_id in ids])
    on_sql.execute("DELETE FROM replication_jobs WHERE id IN ('job-1', 'job-7')")
    assert isinstance(on_sql.sink, SqlJobSink)
    assert [on_sql.sink.thin().rows for _ in range(6)] == [1, 0, 1, 0, 0, 0]


def test_a_pass_goes_piece_by_piece_and_ends_in_time(
    on_sql: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "ROWS_A_PIECE", 2)
    ids = [add_job(on_sql, f"job-{number}") for number in range(9)]
    clock = SetClock()
    sink = SqlJobSink(on_sql.address, ACTIVE, True, clock)  # noqa: FBT003  # as the port's makers
    sink.write([copying(job_id) for job_id in ids])
    clock.now_s += 31 * 86_400
    monkeypatch.setattr(thinning, "LONGEST_S", 0.0)
    assert sink.thin() == Thinned(2, has_more=True)  # a piece in every pass, however slow the database is
    monkeypatch.setattr(thinning, "LONGEST_S", 1.0)
    assert sink.thin() == Thinned(7)
    sink.close()


def test_a_pass_without_time_takes_one_piece_of_each_grain(
    on_sql: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "ROWS_A_PIECE", 1)
    monkeypatch.setattr(thinning, "LONGEST_S", 0.0)
    ids = [add_job(on_sql, f"job-{number}") for number in range(2)]
    clock = SetClock()
    sink = SqlJobSink(on_sql.address, ACTIVE, True, clock)  # noqa: FBT003  # as the port's makers
    for turn in range(12):
        sink.write([copying(job_id, bytes_transferred=turn + 1) for job_id in ids])
        clock.now_s += 40.0
    clock.now_s += 31 * 86_400
    before = len(read_history(on_sql.address, "job-0") + read_history(on_sql.address, "job-1"))
    assert sink.thin() == Thinned(3, has_more=True)
    passes = 1
    while sink.thin().has_more:
        passes += 1
    assert passes < before
    assert not read_history(on_sql.address, "job-0")
    sink.close()


def test_orphans_that_there_is_no_time_for_are_taken_in_the_next_passes(
    on_sql: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "LONGEST_S", 0.0)
    ids = [add_job(on_sql, f"job-{number}") for number in range(5)]
    on_sql.sink.write([copying(job_id) for job_id in ids])
    on_sql.execute("DELETE FROM replication_jobs WHERE id IN ('job-1', 'job-2', 'job-4')")
    assert isinstance(on_sql.sink, SqlJobSink)
    passes = [on_sql.sink.thin() for _ in range(4)]
    assert passes == [Thinned(1, has_more=True), Thinned(1, has_more=True), Thinned(1), Thinned()]


def test_a_job_of_which_only_a_part_could_be_deleted_is_not_passed_by(
    on_sql: SqlRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "ROWS_A_PIECE", 1)
    monkeypatch.setattr(thinning, "LONGEST_S", 0.0)
    add_job(on_sql)
    clock = SetClock()
    sink = SqlJobSink(on_sql.address, ACTIVE, True, clock)  # noqa: FBT003  # as the port's makers
    for turn in range(3):
        sink.write([copying(bytes_transferred=turn + 1)])
        clock.now_s += 40.0
    samples = len(read_history(on_sql.address, "job-1"))
    on_sql.execute("DELETE FROM replication_jobs")
    assert [sink.thin() for _ in range(samples)] == [Thinned(1, has_more=True)] * samples
    assert sink.thin() == Thinned()
    sink.close()


def test_a_flush_written_twice_has_one_sample(on_sql: SqlRows) -> None:
    add_job(on_sql)
    clock = SetClock()
    for _ in range(2):  # the second does not know whether the first was committed
        sink = SqlJobSink(on_sql.address, ACTIVE, True, clock)  # noqa: FBT003  # as the port's makers
        sink.write([copying()])
        sink.close()
    assert len(read_history(on_sql.address, "job-1")) == 1


def test_what_the_database_refuses_leaves_no_sample(on_sql: SqlRows) -> None:
    add_job(on_sql)
    add_job(on_sql, "job-2")
    if on_sql.address.engine is Engine.MYSQL:
        body = "IF OLD.id = 'job-1' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF"
        on_sql.execute(f"CREATE TRIGGER refusing BEFORE UPDATE ON {JOBS} FOR EACH ROW {body}")
    else:
        body = "WHEN OLD.id = 'job-1' BEGIN SELECT RAISE(ABORT, 'no'); END"
        on_sql.execute(f"CREATE TRIGGER refusing BEFORE UPDATE ON {JOBS} {body}")
    with pytest.raises(DatabaseRefusedError):
        on_sql.sink.write([copying(), copying("job-2")])
    assert read_history(on_sql.address, "job-1") == ()
    assert len(read_history(on_sql.address, "job-2")) == 1
    on_sql.execute("DROP TRIGGER refusing")
    on_sql.sink.write([copying()])
    assert len(read_history(on_sql.address, "job-1")) == 1


def test_a_thousand_samples_are_one_statement_more(on_sql: SqlRows) -> None:
    ids = [f"job-{number:04}" for number in range(1000)]
    values = ", ".join(f"('{job_id}', 'running')" for job_id in ids)
    on_sql.execute(f"INSERT INTO {JOBS} (id, status) VALUES {values}")  # noqa: S608  # the test's own ids
    clock = SetClock()
    sink = SqlJobSink(on_sql.address, ACTIVE, True, clock)  # noqa: FBT003  # as the port's makers
    sink.write([copying(job_id) for job_id in ids])
    clock.now_s += 60
    link = sink._session._link
    assert link is not None
    calls = DriverCalls(link)
    asked = questions(on_sql)
    sink.write([copying(job_id, percent_bp=300) for job_id in ids])
    assert questions(on_sql) - asked <= 7
    assert len([text for text in calls.texts if "INSERT INTO oma_poller_history" in text]) == 1
    assert len(calls.texts) <= 7
    assert on_sql.execute("SELECT COUNT(*) FROM oma_poller_history")[0][0] == 2000
    sink.close()


def questions(rows: SqlRows) -> int:
    """Return the number of statements the server has been sent; 0 where there is none."""
    if rows.address.engine is Engine.SQLITE:
        return 0
    return int(str(rows.execute("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1]))


def test_samples_are_read_newest_last_and_within_the_limits(on_sql: SqlRows) -> None:
    add_job(on_sql)
    clock = SetClock()
    sink = SqlJobSink(on_sql.address, ACTIVE, True, clock)  # noqa: FBT003  # as the port's makers
    for step in range(6):
        sink.write([copying(bytes_transferred=step)])
        clock.now_s += 60.5
    sink.close()
    read = read_history(on_sql.address, "job-1", limit=2)
    assert [sample.bytes_transferred for sample in read] == [4, 5]
    assert read[1].at == NOW + timedelta(seconds=302.5)
    since = NOW + timedelta(seconds=242)
    assert read_history(on_sql.address, "job-1", since) == read
    assert read_history(on_sql.address, "job-1", since + timedelta(microseconds=1)) == read[1:]
    assert read_history(on_sql.address, "job-1", limit=0) == ()


def test_a_job_without_samples_is_told_from_one_that_is_not_there(on_sql: SqlRows) -> None:
    add_job(on_sql)
    assert read_history(on_sql.address, "job-1") == ()
    with pytest.raises(UnknownJobError, match="nobody"):
        read_history(on_sql.address, "nobody")


@pytest.mark.parametrize("variant", [Variant.SEED, Variant.DRIFTED])
def test_without_our_own_tables_there_is_no_history_and_nothing_fails(
    tmp_path: Path, variant: Variant
) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), variant)
    add_job(rows)
    assert isinstance(rows.sink, SqlJobSink)
    rows.sink.write([copying(), replace(copying("job-2"), status=None)])
    assert rows.sink.thin() == Thinned()
    assert rows.row(JOBS, "job-1")["current_operation"] == "Transfer"
    with pytest.raises(DatabaseError, match="db upgrade"):
        read_history(rows.address, "job-1")
    rows.close()
