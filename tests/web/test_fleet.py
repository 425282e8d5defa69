"""All jobs as the API shows them: what is brought up to date, and what changed after which version."""

import pytest
from core_values import STARTED, a_reading
from engine_world import BROKEN, done, job, jobs
from fleet_bench import FleetBench

from oma_poller.web import fleet as fleet_module
from oma_poller.web.fleet import REMEMBER_LEFT_S, Entry
from oma_poller.web.job_view import row_of


def kinds(entry: Entry, version: int) -> set[str]:
    """Return what changed of a job after a version."""
    versions = {"progress": entry.progress, "state": entry.state, "observation": entry.observation}
    return {kind for kind, at in versions.items() if at > version}


def test_what_the_database_has_not_confirmed_is_not_shown() -> None:
    bench = FleetBench(job(1))
    bench.answer(bench.ask(), a_reading(50, 100))
    bench.look()
    row = bench.fleet.row("job-00001")
    assert row is not None
    assert (row.percent, row.bytes_transferred, row.total_bytes, row.speed_bps) == (None, None, None, None)
    bench.flush()
    bench.look()
    row = bench.fleet.row("job-00001")
    assert row is not None
    assert (row.percent, row.bytes_transferred, row.total_bytes) == (50.0, 50, 100)


def test_errors_are_shown_once_the_database_has_them() -> None:
    bench = FleetBench(job(1))
    bench.moved(10)
    bench.clock.now_s += 600
    bench.answer(bench.ask(), BROKEN)
    bench.poller.changes.note(["job-00001"])  # an earlier write has just been confirmed
    bench.look()
    row = bench.fleet.row("job-00001")
    assert row is not None
    assert row.consecutive_errors == 0
    bench.flush()
    bench.look()
    row = bench.fleet.row("job-00001")
    assert row is not None
    assert row.consecutive_errors == 1


def test_each_kind_of_change_has_a_version_of_its_own() -> None:
    bench = FleetBench(job(1))
    bench.moved(10)
    before = bench.fleet.version
    bench.moved(20)
    (entry,) = bench.since(before).entries
    assert kinds(entry, before) == {"progress"}
    before = bench.fleet.version
    bench.poller.stop("job-00001")
    bench.flush()
    bench.look()
    (entry,) = bench.since(before).entries
    assert kinds(entry, before) == {"observation"}
    bench.poller.start("job-00001")
    before = bench.fleet.version
    bench.clock.now_s += 600
    bench.answer(bench.ask(), done())
    bench.flush()
    bench.look()
    (entry,) = bench.since(before).entries
    assert {"state", "progress"} <= kinds(entry, before)
    assert entry.row.status == "completed"


def test_whoever_was_away_for_many_changes_gets_each_job_once_as_it_is_now() -> None:
    bench = FleetBench(*jobs(2))
    bench.moved(10)
    before = bench.fleet.version
    for percent in (20, 30, 40):
        bench.moved(percent)
    delta = bench.since(before)
    assert sorted((one.row.job_id, one.row.percent) for one in delta.entries) == [
        ("job-00001", 40.0),
        ("job-00002", 40.0),
    ]
    assert delta.version == bench.fleet.version
    assert bench.since(before) is delta  # made once for all who ask
    assert bench.since(delta.version).entries == ()
    bench.moved(50)
    assert [one.row.percent for one in bench.since(before).entries] == [50.0, 50.0]


def test_only_what_changed_is_told() -> None:
    bench = FleetBench(*jobs(3))
    bench.moved(10)
    before = bench.fleet.version
    bench.poller.changes.note(["job-00001", "job-00003"])  # a heartbeat: the row was touched, nothing else
    bench.look()
    assert bench.since(before).entries == ()
    bench.poller.stop("job-00002")
    bench.flush()
    bench.look()
    (entry,) = bench.since(before).entries
    assert (entry.row.job_id, entry.row.observation, entry.row.stopped) == ("job-00002", "parked", True)


def test_what_changes_within_a_moment_is_shown_together() -> None:
    bench = FleetBench(job(1))
    version = bench.fleet.version
    bench.watch(job(2))
    bench.clock.now_s += 0.01
    assert bench.fleet.refresh() is False
    assert bench.fleet.version == version
    bench.clock.now_s += 0.1
    assert bench.fleet.refresh() is True
    assert bench.fleet.version == version + 1


def test_a_job_that_left_is_told_with_its_last_row_even_when_nobody_had_seen_it() -> None:
    bench = FleetBench(job(1))
    bench.moved(10)
    before = bench.fleet.version
    bench.watch(job(2))
    bench.poller.drop_all_but(set())
    bench.look()
    delta = bench.since(before)
    assert {one.job_id for one in delta.left} == {"job-00001", "job-00002"}
    assert any(b'"percent":10.0' in one.encoded for one in delta.left)
    assert (delta.entries, list(bench.fleet.rows()), bench.fleet.row("job-00001")) == ((), [], None)


def test_a_job_that_left_and_came_back_is_not_told_as_gone() -> None:
    bench = FleetBench(job(1))
    bench.moved(10)
    before = bench.fleet.version
    bench.poller.drop_all_but(set())
    bench.watch(job(1, name="another"))
    bench.look()
    delta = bench.since(before)
    assert delta.left == ()
    assert [one.row.name for one in delta.entries] == ["another"]


def test_whoever_is_far_behind_catches_up_in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "MOST_IN_DELTA", 3)
    bench = FleetBench(*jobs(10))
    before = bench.fleet.version
    bench.poller.drop_all_but({f"job-{number:05}" for number in range(1, 6)})
    for number in range(1, 6):
        bench.poller.stop(f"job-{number:05}")
    bench.flush()
    bench.look()
    told: list[str] = []
    while before < bench.fleet.version:
        delta = bench.since(before)
        assert len(delta.entries) <= 3
        assert len(delta.left) <= 3
        assert before < delta.version
        told += [one.row.job_id for one in delta.entries] + [one.job_id for one in delta.left]
        before = delta.version
    assert sorted(told) == [f"job-{number:05}" for number in range(1, 11)]


def test_of_jobs_that_left_twice_none_other_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "MOST_IN_DELTA", 3)
    bench = FleetBench(*jobs(6))
    before = bench.fleet.version
    everything = [f"job-{number:05}" for number in range(1, 7)]
    for number in range(6):
        bench.poller.drop_all_but(set(everything[number + 1 :]))
        bench.look()
    bench.watch(job(3))
    bench.poller.drop_all_but(set())  # the third left first, and last
    bench.look()
    told: list[str] = []
    while before < bench.fleet.version:
        delta = bench.since(before)
        told += [one.job_id for one in delta.left]
        before = delta.version
    assert sorted(told) == everything


def test_departures_are_forgotten_after_a_while_and_then_old_readers_start_afresh() -> None:
    bench = FleetBench(*jobs(2))
    before = bench.fleet.version
    bench.poller.drop_all_but({"job-00002"})
    bench.look()
    told = bench.fleet.version
    bench.clock.now_s += REMEMBER_LEFT_S + 1
    bench.watch(job(3))
    bench.look()
    assert bench.fleet.since(before) is None
    assert [one.row.job_id for one in bench.since(told).entries] == ["job-00003"]


@pytest.mark.parametrize("version", [-1, 10_000])
def test_a_version_that_never_was_is_not_known(version: int) -> None:
    assert FleetBench(job(1)).fleet.since(version) is None


def test_jobs_that_left_unnoticed_are_not_shown_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("oma_poller.engine.changes", "oma_poller.web.fleet"):
        monkeypatch.setattr(f"{module}.MOST_LEFT", 3)
    bench = FleetBench(*jobs(9))
    bench.look()
    before = bench.fleet.version
    bench.poller.drop_all_but({"job-00009"})
    bench.look()
    assert [row.job_id for row in bench.fleet.rows()] == ["job-00009"]
    assert bench.fleet.since(before) is None
    assert bench.since(bench.fleet.version).left == ()


def test_rows_are_the_newest_first_and_the_order_follows_what_comes() -> None:
    bench = FleetBench(*jobs(3))
    assert [row.job_id for row in bench.fleet.rows()] == ["job-00003", "job-00002", "job-00001"]
    bench.watch(job(2, created_at=STARTED))  # the others were made before
    bench.look()
    assert [row.job_id for row in bench.fleet.rows()] == ["job-00002", "job-00003", "job-00001"]


def test_each_start_of_the_program_has_an_epoch_of_its_own() -> None:
    assert FleetBench().fleet.epoch != FleetBench().fleet.epoch


def test_a_job_opens_to_its_disks_keys_and_polling() -> None:
    bench = FleetBench(job(1))
    assert bench.fleet.detail("job-9") is None
    bench.moved(25)
    detail = bench.fleet.detail("job-00001")
    assert detail is not None
    assert detail.job == bench.fleet.row("job-00001")
    assert [disk.nbd_export_name for disk in detail.disks] == ["migration-vol-vol-1"]
    assert [(key.key, key.bytes_transferred, key.total_bytes) for key in detail.keys] == [
        ("migration-vol-vol-1", 25, 100)
    ]
    assert detail.polling.next_poll_at is not None
    assert not detail.polling.stopped
    bench.poller.stop("job-00001")
    detail = bench.fleet.detail("job-00001")
    assert detail is not None
    assert (detail.polling.next_poll_at, detail.polling.stopped) == (None, True)


def test_a_refresh_of_a_hundred_thousand_jobs_touches_only_what_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = FleetBench(*jobs(100_000))
    before, made = bench.fleet.version, []
    plain = row_of

    def counted(*arguments: object) -> object:
        made.append(arguments)
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fleet_module, "row_of", counted)
    for number in range(1, 4):
        bench.poller.stop(f"job-{number:05}")
    bench.flush()
    bench.look()
    assert len(made) == len(bench.since(before).entries) == 3
