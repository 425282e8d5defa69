"""Whatever a VMA says: jobs that are polled together come to what they come to each by itself."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from bulk_bench import BulkBench
from core_values import a_disk
from engine_world import BROKEN, DOWN, job, key
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from oma_poller.engine import cohorts as cohorts_module
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure

COUNT = 4


def rows() -> list[Job]:
    """Return jobs of one disk, and one of two."""
    ones = [job(number) for number in range(1, COUNT)]
    return [*ones, replace(job(COUNT), disks=(a_disk(COUNT), a_disk(COUNT + 1)))]


class Run:
    """One poller with what its copies have moved."""

    def __init__(self, policy: Policy, *, each_poll: bool) -> None:
        self.bench = BulkBench(*rows(), policy=policy, each_poll=each_poll)
        self.moved = dict.fromkeys(range(1, COUNT + 2), 0)

    def go_on(self, steps: list[int], fields: dict[str, Any], odd: int) -> None:
        """Have the copies move, and one of them say something else besides."""
        for number, step in enumerate(steps, start=1):
            self.moved[number] = max(0, self.moved[number] + step)
            self.bench.tell(key(number), self.moved[number], **(fields if number == odd else {}))
        self.bench.run(self.bench.poller.interval_s)

    def seen(self) -> list[object]:
        """Return what is known of each job, and what is to be written of it."""
        written: list[object] = []
        for one in rows():
            watch = self.bench.poller.watch_of(one.id)
            written += [None if watch is None else (watch.context, watch.doubts)]
        now_s = self.bench.clock.now_s
        batch = self.bench.mailbox.take(1000, now_s)
        written += sorted((update.job_id, str(replace(update, whole=False))) for update in batch.updates)
        written += sorted(batch.heartbeat_ids)
        self.bench.mailbox.confirm(batch, now_s)
        return written


FIELDS = st.sampled_from(
    [
        {},
        {},
        {"status": "completed", "bytes_transferred": 10**9},
        {"status": "failed", "last_error": "disk read error"},
        {"phase": "Finalizing"},
        {"current_operation": "else"},
        {"percentage": 12.5},
        {"bytes_transferred": -5},
        {"total_bytes": 2 * 10**9},
        {"bytes_transferred": "many"},
        {"timing": {"start_time": "2026-11-23T11:59:55Z"}},
        {"disk_progresses": [{"disk_id": "2000", "bytes_transferred": 5, "total_bytes": 10}]},
    ]
)
STEPS = st.lists(st.sampled_from([1000, 1000, 5000, 1, 0]), min_size=COUNT + 1, max_size=COUNT + 1)
GOING = st.builds(
    lambda steps, fields, odd: lambda run: run.go_on(steps, fields, odd),
    STEPS,
    FIELDS,
    st.integers(1, COUNT + 1),
)


def _fail(failure: Failure) -> Callable[[Run], None]:
    def act(run: Run) -> None:
        run.bench.failure = failure
        run.bench.run(7.0)
        run.bench.failure = None

    return act


OTHER = st.sampled_from(
    [
        lambda run: run.bench.run(40.0),
        lambda run: run.bench.delete(key(1)),
        lambda run: run.bench.poller.stop("job-00002"),
        lambda run: run.bench.poller.start("job-00002"),
        lambda run: run.bench.reread(job(1, name="renamed"), job(2)),
        lambda run: run.bench.reread(replace(job(3), disks=(a_disk(3), a_disk(9)))),
        lambda run: run.bench.poller.drop_all_but({"job-00001", "job-00002", "job-00003"}),
        lambda run: run.bench.fetcher.bulk.clear(),
        lambda run: run.bench.fetcher.bulk.add("default"),
        _fail(DOWN),
        _fail(BROKEN),
    ]
)


@settings(max_examples=60)
@given(
    actions=st.lists(st.one_of(GOING, GOING, GOING, GOING, GOING, GOING, OTHER), min_size=6, max_size=24),
    in_bulk=st.booleans(),
)
def test_jobs_that_are_polled_together_come_to_what_each_comes_to_by_itself(
    actions: list[Callable[[Run], None]],
    in_bulk: bool,  # noqa: FBT001 - drawn
) -> None:
    policy = Policy(interval_s=5.0)
    with patch.object(cohorts_module, "FEWEST_JOBS", 1), patch.object(cohorts_module, "FEWEST_SINGLY", 1):
        together, alone = Run(policy, each_poll=False), Run(policy, each_poll=True)
        for run in (together, alone):
            if not in_bulk:
                run.bench.fetcher.bulk.clear()
            for _ in range(4):
                run.go_on([1000] * (COUNT + 1), {}, 0)
        assert together.seen() == alone.seen()
        assert together.bench.is_together("job-00001")
        for action in actions:
            for run in (together, alone):
                action(run)
            assert together.seen() == alone.seen()
        assert together.bench.tally.polls == alone.bench.tally.polls
