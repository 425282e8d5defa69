"""Which samples are taken of a job, how finely, and what is left of them when they are old."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from updates import BLIND, FRESH, PROGRESS, copying, ended, unseen

from oma_poller.core.history import COARSE_S, FINE_S, KEPT, MIDDLE_S, SPACING_S, Sampler, expired, grain_of
from oma_poller.core.recent import KEPT_S
from oma_poller.model.sample import Sample
from oma_poller.model.update import Update

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Film:
    """A sampler of one run of the program, with a clock, and all samples that the database has."""

    def __init__(self) -> None:
        self.sampler = Sampler()
        self.now_s = 0.0
        self.kept: list[Sample] = []

    @property
    def now(self) -> datetime:
        """The wall clock."""
        return NOON + timedelta(seconds=self.now_s)

    def take(self, *updates: Update, after_s: float = 0.0) -> tuple[Sample, ...]:
        """Let time pass, write updates, and return the samples of them."""
        self.now_s += after_s
        samples = self.draw(*updates)
        self.sampler.keep(updates, samples, self.now_s)
        self.kept += samples
        return samples

    def draw(self, *updates: Update) -> tuple[Sample, ...]:
        """Return the samples of updates that are not written yet."""
        unknown = self.sampler.unknown(updates)
        earlier = {sample.job_id: sample.at for sample in self.kept if sample.job_id in unknown}
        return self.sampler.draw(updates, self.now, self.now_s, earlier)

    def restart(self) -> None:
        """Start the program anew: only the database knows what there was."""
        self.sampler = Sampler()

    def thin(self) -> None:
        """Delete what is to go."""
        limits = dict(expired(self.now))
        self.kept = [sample for sample in self.kept if sample.at >= limits[sample.grain_s]]


def moving(step: int) -> Update:
    return copying(bytes_transferred=step, percent_bp=min(step, 9999))


def test_a_job_that_moves_is_sampled_at_most_every_thirty_seconds() -> None:
    film = Film()
    taken = [bool(film.take(moving(step), after_s=5)) for step in range(25)]
    assert [step for step, sampled in enumerate(taken) if sampled] == [0, 6, 12, 18, 24]


def test_a_job_whose_numbers_stand_is_not_sampled_again() -> None:
    film = Film()
    assert len(film.take(moving(1))) == 1
    assert film.take(moving(1), after_s=3600) == ()
    assert len(film.take(moving(2), after_s=1)) == 1


@pytest.mark.parametrize("field", ["percent_bp", "bytes_transferred", "total_bytes", "speed_bps"])
def test_each_number_that_changes_is_a_movement(field: str) -> None:
    film = Film()
    film.take(copying())
    assert film.take(copying(operation="another"), after_s=SPACING_S) == ()
    (sample,) = film.take(replace(copying(), progress=replace(PROGRESS, **{field: 77})))
    assert getattr(sample, field) == 77


@pytest.mark.parametrize(
    "change",
    [
        lambda: replace(copying(), status="running"),
        unseen,
        lambda: ended("completed"),
        lambda: ended("failed"),
    ],
)
def test_a_change_of_status_or_observation_and_the_end_are_sampled_at_once(
    change: Callable[[], Update],
) -> None:
    film = Film()
    film.take(copying())
    assert len(film.take(change(), after_s=1)) == 1


def test_an_update_that_leaves_the_status_changes_none() -> None:
    film = Film()
    film.take(copying())
    assert film.take(replace(copying(), status=None), after_s=1) == ()
    assert film.take(copying(), after_s=1) == ()


def test_a_poll_that_failed_keeps_the_numbers_that_were_written_last() -> None:
    film = Film()
    film.take(moving(1))
    film.take(moving(2), after_s=5)
    (sample,) = film.take(unseen(), after_s=5)
    assert (sample.bytes_transferred, sample.observation) == (2, "blind")
    (sample,) = film.take(unseen("job-2"))
    assert (sample.bytes_transferred, sample.percent_bp, sample.total_bytes, sample.speed_bps) == (None,) * 4


def test_a_sample_has_the_numbers_of_its_update() -> None:
    film = Film()
    (sample,) = film.take(copying())
    expected = ("job-1", film.now, COARSE_S, "fresh", 217, 933232640, 42949672960, 3 * 2**20)
    assert tuple(getattr(sample, name) for name in Sample.__struct_fields__) == expected


def test_what_the_database_did_not_take_is_drawn_again() -> None:
    film = Film()
    film.take(moving(1))
    film.now_s += SPACING_S
    first = film.draw(moving(2))
    assert len(first) == 1
    assert film.draw(moving(2)) == first
    assert film.take(moving(2)) == first
    assert film.draw(moving(3)) == ()


def test_the_end_of_a_job_is_kept_as_long_as_any_sample() -> None:
    film = Film()
    film.take(moving(1))
    (sample,) = film.take(ended("completed"), after_s=1)
    assert sample.grain_s == COARSE_S


def test_nothing_is_held_of_a_job_that_ended() -> None:
    film = Film()
    film.take(moving(1))
    film.take(ended("completed"))
    assert len(film.sampler._last) == 0


def test_nothing_is_held_of_a_job_that_was_never_sampled() -> None:
    sampler = Sampler()
    sampler.keep([copying()], (), 0.0)
    assert sampler.unknown([copying()]) == ("job-1",)


def test_of_many_jobs_only_the_first_update_of_each_is_a_sample() -> None:
    film = Film()
    updates = [copying(f"job-{number}") for number in range(60_000)]
    assert len(film.take(*updates)) == 60_000
    assert film.take(*updates, after_s=5) == ()


def test_a_job_that_is_written_no_more_is_forgotten_after_a_while() -> None:
    film = Film()
    film.take(copying("job-1"))
    film.take(copying("job-2"), after_s=KEPT_S)
    film.take(copying("job-2"), after_s=KEPT_S)
    assert film.sampler.unknown([copying("job-1"), copying("job-2")]) == ("job-1",)


def test_a_restart_does_not_make_every_sample_one_of_the_hour() -> None:
    film = Film()
    grains = []
    for step in range(10):
        film.restart()
        grains += [sample.grain_s for sample in film.take(moving(step), after_s=20)]
    assert grains == [COARSE_S, *[FINE_S] * 9]


@pytest.mark.parametrize(
    ("before", "at", "grain_s"),
    [
        (None, "12:34:56", COARSE_S),
        ("12:34:56", "12:34:59", FINE_S),
        ("12:34:59.999999", "12:35:00", MIDDLE_S),
        ("12:59:59.999999", "13:00:00", COARSE_S),
        ("12:35:00", "12:39:59.999999", FINE_S),
        ("13:00:00", "12:59:59", COARSE_S),  # a clock that was put back
    ],
)
def test_the_first_in_its_hour_and_in_its_five_minutes_is_kept_longer(
    before: str | None, at: str, grain_s: int
) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-01T{text}+00:00")

    assert grain_of(moment(at), moment(before) if before else None) == grain_s


def test_what_is_to_go_is_told_by_grain() -> None:
    assert expired(NOON) == (
        (FINE_S, NOON - timedelta(hours=1)),
        (MIDDLE_S, NOON - timedelta(days=1)),
        (COARSE_S, NOON - timedelta(days=30)),
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from([1.0, 5.0, 29.0, 30.0, 61.0, 299.0, 1000.0, 7200.0, 90_000.0]),
        st.integers(0, 3),
        st.sampled_from([FRESH, BLIND]),
        st.sampled_from(["replicating", "running", None]),
        st.booleans(),
    ),
    max_size=60,
)


@given(steps=STEPS, age_s=st.floats(0, 40 * 86_400))
def test_of_every_hour_and_five_minutes_with_samples_one_is_left_for_its_time(
    steps: Sequence[tuple[float, int, object, str | None, bool]], age_s: float
) -> None:
    film = Film()
    for after_s, number, sighting, status, restarted in steps:
        if restarted:
            film.restart()
        film.take(replace(moving(number), sighting=sighting, status=status), after_s=after_s)
    drawn = list(film.kept)
    film.now_s += age_s
    film.thin()
    for grain_s, kept in KEPT.items():
        young = [sample for sample in drawn if sample.at >= film.now - kept]
        left = {sample.at.timestamp() // grain_s for sample in film.kept}
        wanted = {sample.at.timestamp() // grain_s for sample in young} if grain_s > FINE_S else set()
        first = {
            bucket
            for bucket in wanted
            if min(s.at for s in drawn if s.at.timestamp() // grain_s == bucket) >= film.now - kept
        }
        assert first <= left
    fine = [sample for sample in drawn if sample.at >= film.now - KEPT[FINE_S]]
    assert [sample for sample in fine if sample not in film.kept] == []
    assert all(sample.at >= film.now - KEPT[COARSE_S] for sample in film.kept)


@given(steps=st.lists(st.integers(1, 60), min_size=2, max_size=300))
def test_a_job_that_moves_leaves_no_more_than_the_bound_of_each_grain(steps: list[int]) -> None:
    film = Film()
    for number, after_s in enumerate(steps):
        film.take(moving(number), after_s=after_s)
        film.thin()
    moments = [sample.at for sample in film.kept]
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]
    assert all(gap_s >= SPACING_S for gap_s in gaps)
    assert sum(sample.grain_s == FINE_S for sample in film.kept) <= KEPT[FINE_S] / timedelta(seconds=FINE_S)
