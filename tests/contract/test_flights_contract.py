"""What is kept of a job's polls, and for how long, on each engine."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from core_values import NOW, a_context, a_job, a_poll, a_reading
from driver_calls import DriverCalls
from msgspec.structs import replace
from oma_rows import HOSTILE_IDS, SqlRows, add_job
from schema_variants import Variant
from virtual_time import SetClock

from oma_poller.core.decide import decide
from oma_poller.core.flight import record
from oma_poller.database import flight_sweep, flights
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.flight_rows import read_flights
from oma_poller.database.flights import LONGEST_BYTES, SqlFlightLog
from oma_poller.database.upgrade import upgrade
from oma_poller.errors import DatabaseError
from oma_poller.model.flight import Recorded

FLIGHTS = "oma_poller_flights"
ENGINES = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]


@pytest.fixture(params=ENGINES)
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlRows]:
    """Return an OMA with our own tables."""
    rows = made(request, tmp_path, Variant.LATER)
    yield rows
    rows.close()


def made(request: pytest.FixtureRequest, tmp_path: Path, variant: Variant) -> SqlRows:
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    if request.param == "mariadb":
        address = request.getfixturevalue("mariadb_address")
    rows = SqlRows(address, variant)
    upgrade(address)
    return rows


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def log(rows: SqlRows, clock: SetClock) -> Iterator[SqlFlightLog]:
    """Return a log on it."""
    log = SqlFlightLog(rows.address, clock)
    yield log
    log.close()


def flight(job_id: str = "job-1", second: float = 0, body: str = "{}", *, eventful: bool = True) -> Recorded:
    """Return a flight at so many seconds after the first."""
    job = a_job(id=job_id)
    context, poll = a_context(job), a_poll(a_reading(), job=job)
    poll = replace(poll, now=NOW + timedelta(seconds=second))
    made = record(context, poll, decide(context, poll), [body.encode()])
    return Recorded(made, is_eventful=eventful)


def kept(rows: SqlRows, job_id: str = "job-1") -> list[float]:
    """Return the seconds of the flights that are kept of a job."""
    found = read_flights(rows.address, job_id)
    assert found is not None
    return [(one.at - NOW).total_seconds() for one in found]


def test_a_flight_is_read_back_as_it_was_written(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    body = "quotes \" ' \\ {} %s ? \u00e9 \U0001f680 " + "x" * 60_000
    written = [flight(body=body), flight(second=1.5, eventful=False)]
    assert log.open()
    assert log.write(written) == 2
    assert read_flights(rows.address, "job-1") == tuple(one.flight for one in written)


def test_a_flight_longer_than_a_plain_text_column_is_kept_whole(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    one = flight()
    long = replace(one.flight, answers=(replace(one.flight.answers[0], body="y" * 200_000),))
    assert log.write([Recorded(long, is_eventful=True)]) == 1
    assert read_flights(rows.address, "job-1") == (long,)


def test_what_is_too_long_or_no_text_is_left_out_and_the_others_are_kept(
    rows: SqlRows, log: SqlFlightLog
) -> None:
    add_job(rows)
    one = flight()
    answer = one.flight.answers[0]
    long = replace(one.flight, answers=(replace(answer, body="y" * LONGEST_BYTES),))
    broken = replace(one.flight, answers=(replace(answer, body="\udcff"),))
    assert log.write([Recorded(long, is_eventful=True), Recorded(broken, is_eventful=True), one]) == 1
    assert read_flights(rows.address, "job-1") == (one.flight,)


def test_a_job_has_twenty_flights_at_most_and_the_newest_of_each_kind(
    rows: SqlRows, log: SqlFlightLog
) -> None:
    add_job(rows)
    for second in range(40):
        log.write([flight(second=second), flight(second=second + 0.5, eventful=False)])
    assert rows.execute(f"SELECT COUNT(*) FROM {FLIGHTS}") == [(20,)]  # noqa: S608 - our own name
    seconds = kept(rows)
    assert [one for one in seconds if one % 1 == 0] == list(range(24, 40))
    assert [one for one in seconds if one % 1] == [36.5, 37.5, 38.5, 39.5]


def test_what_happened_is_not_pushed_out_by_what_did_not(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    log.write([flight(second=0)])
    for second in range(1, 30):
        log.write([flight(second=second, eventful=False)])
    assert kept(rows) == [0, 26, 27, 28, 29]


def test_several_flights_of_a_job_in_one_write_have_a_place_each(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    add_job(rows, "job-2")
    log.write([flight(second=1), flight("job-2", second=1), flight(second=2), flight(second=3)])
    log.write([flight(second=4), flight(second=5, eventful=False)])
    assert kept(rows) == [1, 2, 3, 4, 5]
    assert kept(rows, "job-2") == [1]


def test_after_a_restart_the_oldest_are_replaced_first(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    for second in range(21):
        log.write([flight(second=second), flight(second=second + 0.5, eventful=False)])
    for second in range(21, 30):
        again = SqlFlightLog(rows.address)
        again.write([flight(second=second), flight(second=second + 0.5, eventful=False)])
        again.close()
    seconds = kept(rows)
    assert [one for one in seconds if one % 1 == 0] == list(range(14, 30))
    assert [one for one in seconds if one % 1] == [26.5, 27.5, 28.5, 29.5]


def test_a_clock_that_was_set_back_costs_the_oldest_flights_only(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    for second in range(16):
        log.write([flight(second=second)])
    again = SqlFlightLog(rows.address)
    for second in range(3):
        again.write([flight(second=second - 3600)])
    again.close()
    assert kept(rows) == [-3600, -3599, -3598, *range(3, 16)]


def test_more_jobs_than_are_known_by_heart_are_written_as_well(
    rows: SqlRows, log: SqlFlightLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights, "MOST_KNOWN", 2)
    ids = [add_job(rows, f"job-{number}") for number in range(5)]
    for second in range(3):
        log.write([flight(job_id, second=second) for job_id in ids])
        assert len(log._turns) == 2
    assert [kept(rows, job_id) for job_id in ids] == [[0, 1, 2]] * 5


def test_a_job_that_is_not_there_has_no_flights_and_one_that_ended_has(
    rows: SqlRows, log: SqlFlightLog
) -> None:
    add_job(rows, status="completed")
    log.write([flight(), flight("nobody")])
    assert (kept(rows), kept(rows, "nobody")) == ([0], [])


def test_ids_are_nothing_but_ids(rows: SqlRows, log: SqlFlightLog) -> None:
    for job_id in HOSTILE_IDS:
        add_job(rows, job_id)
    log.write([flight(job_id) for job_id in HOSTILE_IDS])
    assert [kept(rows, job_id) for job_id in HOSTILE_IDS] == [[0]] * len(HOSTILE_IDS)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("request_engine", ENGINES)
def test_flights_are_kept_in_every_database_met_in_the_field(
    request: pytest.FixtureRequest, tmp_path: Path, variant: Variant, request_engine: str
) -> None:
    address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    if request_engine == "mariadb":
        address = request.getfixturevalue("mariadb_address")
    rows = SqlRows(address, variant)
    upgrade(address)
    add_job(rows)
    log = SqlFlightLog(address, SetClock())
    log.write([flight(), flight("nobody")])
    assert log.sweep() == 0
    assert kept(rows) == [0]
    log.close()
    rows.close()


def test_many_flights_are_one_statement_up_to_a_length(
    rows: SqlRows, log: SqlFlightLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [add_job(rows, f"job-{number}") for number in range(50)]
    log.write([flight(job_id) for job_id in ids])
    link = log._session._link
    assert link is not None
    calls = DriverCalls(link)
    before = questions(rows)
    log.write([flight(job_id, second=1) for job_id in ids])
    assert questions(rows) - before <= 3
    assert len([text for text in calls.texts if "INSERT INTO oma_poller_flights" in text]) == 1
    assert len(calls.texts) <= 3
    monkeypatch.setattr(flights, "BYTES_A_STATEMENT", 5000)
    assert log.write([flight(job_id, second=2) for job_id in ids]) == 50
    assert [kept(rows, job_id) for job_id in ids] == [[0, 1, 2]] * 50


def questions(rows: SqlRows) -> int:
    if rows.address.engine is Engine.SQLITE:
        return 0
    return int(str(rows.execute("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1]))


def test_a_week_after_the_last_of_them_a_job_s_flights_go(
    rows: SqlRows, log: SqlFlightLog, clock: SetClock
) -> None:
    for job_id in ("job-1", "job-2"):
        add_job(rows, job_id)
    log.write([flight(), flight(second=60), flight("job-2", second=100)])
    clock.now_s += 7 * 86_400 + 60
    assert log.sweep() == 0
    clock.now_s += 1
    assert log.sweep() == 2
    assert (kept(rows), kept(rows, "job-2")) == ([], [100])


def test_the_flights_of_a_deleted_job_go_and_every_job_is_looked_at_in_turn(
    rows: SqlRows, log: SqlFlightLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_sweep, "JOBS_A_PASS", 3)
    ids = [add_job(rows, f"job-{number}") for number in range(8)]
    log.write([flight(job_id) for job_id in ids])
    rows.execute("DELETE FROM replication_jobs WHERE id IN ('job-1', 'job-7')")
    assert [log.sweep() for _ in range(6)] == [1, 0, 1, 0, 0, 0]


def test_without_the_table_there_is_no_place_and_nothing_fails(tmp_path: Path) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), Variant.LATER)
    add_job(rows)
    log = SqlFlightLog(rows.address)
    assert not log.open()
    assert (log.write([flight()]), log.sweep()) == (0, 0)
    assert read_flights(rows.address, "job-1") is None
    log.close()
    rows.close()


def test_a_table_that_went_is_one_error_and_then_no_place(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    log.write([flight()])
    rows.execute(f"DROP TABLE {FLIGHTS}")
    with pytest.raises(DatabaseError) as raised:
        log.write([flight(second=1)])
    assert "\n" not in str(raised.value)
    assert log.write([flight(second=1)]) == 0


def test_a_row_that_is_no_flight_is_left_out(rows: SqlRows, log: SqlFlightLog) -> None:
    add_job(rows)
    log.write([flight(), flight(second=1)])
    rows.execute(f"UPDATE {FLIGHTS} SET flight = 'broken' WHERE slot = 4")  # noqa: S608 - our own name
    assert kept(rows) == [1]


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_database_of_the_version_before_gets_the_table(
    rows: SqlRows, log: SqlFlightLog, *, cut_off: bool
) -> None:
    add_job(rows)
    if not cut_off:
        rows.execute(f"DROP TABLE {FLIGHTS}")
    rows.execute("UPDATE oma_poller_schema SET version_num = '0003'")
    assert upgrade(rows.address) == ("0004: Create oma_poller_flights: the last recorded polls of each job.",)
    assert log.write([flight()]) == 1
    assert kept(rows) == [0]
