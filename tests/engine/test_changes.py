"""What is noted for whoever shows the jobs on another thread."""

import pytest
from engine_world import Bench, job, jobs

from oma_poller.engine import changes as changes_module
from oma_poller.engine.changes import Changes


def test_nothing_is_noted_before_somebody_listens() -> None:
    changes = Changes()
    changes.note(["a"])
    changes.left(Bench(job(1)).held("job-00001"), None)
    assert changes.take() == (set(), {})


def test_a_job_is_noted_once_however_often_it_changed_and_only_until_it_is_taken() -> None:
    changes = Changes()
    changes.listen()
    for _ in range(3):
        changes.note(["a", "b"])
    assert changes.take() == ({"a", "b"}, {})
    assert changes.take() == (set(), {})


def test_a_job_that_left_is_not_among_the_changed_unless_it_came_back() -> None:
    changes, watch = Changes(), Bench(job(1)).held("job-00001")
    changes.listen()
    changes.note([watch.job.id])
    changes.left(watch, None)
    changed, left = changes.take()
    assert (changed, list(left)) == (set(), [watch.job.id])
    assert left[watch.job.id].watch is watch
    changes.left(watch, None)
    changes.note([watch.job.id])
    changed, left = changes.take()
    assert (changed, list(left)) == ({watch.job.id}, [watch.job.id])


def test_of_jobs_that_leave_while_nobody_looks_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes_module, "MOST_LEFT", 3)
    changes, bench = Changes(), Bench(*jobs(5))
    changes.listen()
    for number in (1, 2, 3, 1, 4, 5):
        changes.left(bench.held(f"job-{number:05}"), None)
    _, left = changes.take()
    assert list(left) == ["job-00001", "job-00004", "job-00005"]


def test_the_poller_notes_what_is_taken_up_and_what_is_dropped() -> None:
    bench = Bench(job(1))
    bench.poller.changes.listen()
    bench.watch(job(2))
    bench.poller.drop_all_but({"job-00002"})
    changed, left = bench.poller.changes.take()
    assert (changed, list(left)) == ({"job-00002"}, ["job-00001"])
