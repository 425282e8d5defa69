"""The promises of T1 over every mix of disks."""

from fractions import Fraction

from core_values import a_context, a_disk, a_job, a_run
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.aggregate import aggregate
from oma_poller.core.keys import plan_keys
from oma_poller.core.parts import FULL_BP, export_parts
from oma_poller.model.context import KeyRun
from oma_poller.model.job import Disk, Job
from oma_poller.model.reading import BIGINT_MAX, State
from oma_poller.model.snapshot import Snapshot

BYTES = st.integers(0, BIGINT_MAX) | st.integers(0, 200)
PERCENT = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1.0, 101.0)
RUNS = st.builds(
    a_run,
    BYTES,
    st.just(0) | BYTES,
    state=st.sampled_from(State),
    percent=PERCENT,
    speed_bps=st.floats(0.0, 1e19),
    stale_bytes=st.none() | BYTES,
    ended_polls=st.integers(0, 3),
    trusted=st.sampled_from([True, True, True, False]),
)
CAPACITIES = st.integers(-5, 2**70) | st.integers(-5, 200)
FULL_RUNS = st.builds(a_run, BYTES.filter(bool), st.just(0), state=st.just(State.COMPLETED))
MEASURED = st.builds(a_run, BYTES, st.integers(1, BIGINT_MAX))


@st.composite
def jobs(draw: st.DrawFn, runs: st.SearchStrategy[KeyRun | None]) -> tuple[Job, list[KeyRun | None]]:
    """Draw a job of up to five disks, some of them without a volume, and what each export was read as."""
    disks: list[Disk] = []
    read: list[KeyRun | None] = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        attached = draw(st.sampled_from([True, True, True, False]))
        volume_id = f"vol-{number}" if attached else None
        disks.append(a_disk(number, volume_id=volume_id, capacity_bytes=draw(CAPACITIES)))
        if attached:
            read.append(draw(runs))
    return a_job(*disks), read


def snapshot_of(job: Job, runs: list[KeyRun | None]) -> Snapshot:
    """Return the snapshot of a job whose exports were read as *runs*."""
    plan = plan_keys(job)
    if not runs:
        return aggregate(())
    return aggregate(export_parts(job, plan, 0, a_context(job, tier=0, runs=tuple(runs))))


MIXED = jobs(st.none() | RUNS)


@given(MIXED)
def test_percent_is_always_within_0_and_100(mixed: tuple[Job, list[KeyRun | None]]) -> None:
    snapshot = snapshot_of(*mixed)
    assert 0 <= snapshot.percent_bp <= FULL_BP
    assert all(0 <= row.percent_bp <= FULL_BP for row in snapshot.disks)
    assert snapshot.setup_percent is None or 0.0 <= snapshot.setup_percent <= 100.0


@given(MIXED | jobs(FULL_RUNS))
def test_there_is_no_100_without_completion(mixed: tuple[Job, list[KeyRun | None]]) -> None:
    snapshot = snapshot_of(*mixed)
    assert (snapshot.percent_bp == FULL_BP) is snapshot.complete is (snapshot.state is State.COMPLETED)
    assert all((row.percent_bp == FULL_BP) is (row.status == "completed") for row in snapshot.disks)
    if snapshot.complete:
        assert len(snapshot.disks) == len(mixed[0].disks)
        assert all(row.status == "completed" for row in snapshot.disks)


@given(MIXED)
def test_a_job_with_a_disk_that_does_not_answer_is_never_complete(
    mixed: tuple[Job, list[KeyRun | None]],
) -> None:
    job, runs = mixed
    if None in runs or len(runs) < len(job.disks):
        assert not snapshot_of(job, runs).complete


@given(MIXED)
def test_the_sum_of_the_disks_is_the_job(mixed: tuple[Job, list[KeyRun | None]]) -> None:
    snapshot = snapshot_of(*mixed)
    rows = sum(row.bytes_synced or 0 for row in snapshot.disks)
    assert snapshot.bytes_transferred == min(BIGINT_MAX, rows)


@given(MIXED)
def test_every_number_fits_its_column(mixed: tuple[Job, list[KeyRun | None]]) -> None:
    snapshot = snapshot_of(*mixed)
    for number in (snapshot.bytes_transferred, snapshot.total_bytes, snapshot.speed_bps):
        assert 0 <= number <= BIGINT_MAX
    assert snapshot.eta_s is None or 1 <= snapshot.eta_s < 2**31


@given(st.lists(MEASURED, min_size=1, max_size=5))
def test_percent_is_the_exact_quotient_rounded_down(runs: list[KeyRun]) -> None:
    job = a_job(*(a_disk(number) for number in range(1, len(runs) + 1)))
    snapshot = snapshot_of(job, list(runs))
    moved, total = sum(run.bytes_transferred for run in runs), sum(run.total_bytes for run in runs)
    exact = min(Fraction(moved, total) * 10_000, Fraction(9999))
    assert snapshot.percent_bp <= exact < snapshot.percent_bp + 1


@given(st.lists(MEASURED, min_size=1, max_size=5), st.integers(0, 4), st.integers(1, 10**12))
def test_more_bytes_never_lower_the_percentage(runs: list[KeyRun], which: int, more: int) -> None:
    job = a_job(*(a_disk(number) for number in range(1, len(runs) + 1)))
    which %= len(runs)
    grown = [
        a_run(run.bytes_transferred + more * (place == which), run.total_bytes)
        for place, run in enumerate(runs)
    ]
    assert snapshot_of(job, list(grown)).percent_bp >= snapshot_of(job, list(runs)).percent_bp


@given(percent=st.integers(0, 9999), moved=st.integers(1, BIGINT_MAX), capacity=CAPACITIES)
def test_a_reported_percentage_of_a_single_disk_is_shown_as_it_is(
    percent: int, moved: int, capacity: int
) -> None:
    job = a_job(a_disk(capacity_bytes=capacity))
    assert snapshot_of(job, [a_run(moved, 0, percent=percent / 100)]).percent_bp == percent
