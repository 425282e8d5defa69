"""Signs of life: a loop that stands still is found, and one that waits for the database is not blamed."""

from virtual_time import SetClock

from oma_poller.engine.beats import PATIENCE_S, Beats


def test_a_loop_that_is_long_overdue_stands_still() -> None:
    clock = SetClock()
    beats = Beats(clock)
    beats.beat("polling", 10.0)
    beats.beat("writing", 0.0)
    clock.now_s += PATIENCE_S + 1.0
    assert beats.stuck() == ["writing"]
    clock.now_s += 10.0
    assert beats.stuck() == ["polling", "writing"]
    beats.beat("writing", 0.0)
    assert beats.stuck() == ["polling"]


def test_a_loop_that_waits_for_the_database_is_not_blamed() -> None:
    clock = SetClock()
    beats = Beats(clock)
    beats.asks("writing")
    clock.now_s += 3600.0
    assert beats.stuck() == []


def test_the_first_reason_and_moment_of_an_outage_stay_until_it_is_over() -> None:
    clock = SetClock()
    beats = Beats(clock)
    began = clock.utc()
    beats.fell("database for reading", OSError("refused"))
    clock.now_s += 60.0
    beats.fell("database for reading", OSError("timed out"))
    away = beats.away["database for reading"]
    assert (away.since, away.detail) == (began, "refused")
    beats.rose("database for reading")
    beats.rose("database for writing")
    assert beats.away == {}


def test_the_first_discovery_is_noted_once() -> None:
    clock = SetClock()
    beats = Beats(clock)
    assert beats.first_discovery_at is None
    beats.discovered()
    first = beats.first_discovery_at
    clock.now_s += 5.0
    beats.discovered()
    assert beats.first_discovery_at == first is not None
