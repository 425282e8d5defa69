"""The rules of truth against a model that states the contract in a few lines (T1 to T5).

The model sees only what the VMA said. It never says what must be written, only what must not be.
"""

from typing import Any

from core_values import BEFORE, CREATED, NOW, POLICY, STARTED
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from job_story import BROKEN, MISSING, REFUSED, Story, by_exports, by_job_id
from msgspec import Struct

from oma_poller.core.keys import plan_keys
from oma_poller.model.job import Job
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.reading import BIGINT_MAX, DiskReading, Missing, Outcome, Reading, State

ENDS = {State.COMPLETED, State.FAILED, State.CANCELLED}
STATES = st.sampled_from([*State, *[State.REPLICATING] * 3, *[State.COMPLETED] * 2, *[State.FAILED] * 3])
BYTES = st.sampled_from([0, 1, 10, 50, 50, 60, 90, 96, 99, 100, 100, BIGINT_MAX]) | st.integers(0, 120)
TOTALS = st.sampled_from([*[100] * 12, 0, 80, 80, BIGINT_MAX])
PERCENTS = st.none() | st.sampled_from([100.0, 50.0, 0.0]) | st.floats(allow_nan=False, allow_infinity=False)
DETAILS = st.builds(
    DiskReading,
    disk_id=st.sampled_from(["2000", "2001", "2002", "", "x"]),
    label=st.just(""),
    state=STATES,
    bytes_transferred=BYTES,
    total_bytes=TOTALS,
    percent=PERCENTS,
    speed_bps=st.just(0),
)
READINGS = st.builds(
    lambda state, started_at, **fields: Reading(state, word=state.value, started_at=started_at, **fields),
    STATES,
    st.sampled_from([STARTED, STARTED, STARTED, BEFORE, None, NOW]),
    percent=PERCENTS,
    bytes_transferred=BYTES,
    total_bytes=TOTALS,
    speed_bps=st.integers(0, BIGINT_MAX),
    error=st.sampled_from([None, "no space left"]),
    disks=st.just(()) | st.lists(DETAILS, max_size=3).map(tuple),
)
OUTCOMES = READINGS | READINGS | READINGS | st.sampled_from([MISSING, REFUSED, BROKEN])
PAUSES = st.sampled_from([5.0, 5.0, 5.0, 12.0, 31.0, 400.0])
FULL = 100.0
UNSEEN = Reading(State.UNKNOWN)


class Said(Struct):
    """What the VMA said under one key so far, all the model knows."""

    newest: Reading = UNSEEN
    readings: int = 0
    same_since_s: float = 0.0
    was_unknown: bool = False
    may_be_ours: bool = False
    """Whether any rule of T5 could have proven the run to be the job's own."""
    began_anew: bool = False
    """Whether the newest reading could be of another run than the one before."""
    ended: bool = False
    bad_ends: int = 0
    most_bytes: int = 0
    moves: int = 0
    has_completed: bool = False

    def hear(self, outcome: Outcome, now_s: float) -> None:
        """Take what the newest poll brought for this key."""
        self.began_anew = False
        if not isinstance(outcome, Reading):
            self.bad_ends = 0
            self.was_unknown = self.was_unknown or isinstance(outcome, Missing)
            return
        before, self.newest = self.newest, outcome
        if not self.readings or _face(before) != _face(outcome):
            self.same_since_s = now_s
        self._weigh(before, outcome, now_s)
        bad = outcome.state in ENDS - {State.COMPLETED}
        self.bad_ends = (self.bad_ends + 1 if outcome.state is before.state else 1) if bad else 0
        self.moves += self.readings > 0 and outcome.bytes_transferred != before.bytes_transferred
        self.readings += 1
        self.ended = self.ended or outcome.state in ENDS
        self.most_bytes = max(self.most_bytes, outcome.bytes_transferred)
        self.has_completed = self.has_completed or outcome.state is State.COMPLETED

    def _weigh(self, before: Reading, outcome: Reading, now_s: float) -> None:
        lower = outcome.bytes_transferred < before.bytes_transferred
        again = before.started_at is not None and outcome.started_at is not None
        later = again and outcome.started_at > before.started_at  # type: ignore[operator]  # neither is None
        self.began_anew = self.readings > 0 and ((self.ended and lower) or later or before.started_at is None)
        ours_by_date = outcome.started_at is not None and outcome.started_at >= CREATED
        moved = self.readings > 0 and _face(before) != _face(outcome)
        stood = self.readings > 0 and now_s - self.same_since_s >= POLICY.startup_grace_s
        proof = ours_by_date or self.was_unknown or moved or (outcome.started_at is None and stood)
        self.may_be_ours = self.may_be_ours or proof


def _face(reading: Reading) -> tuple[object, ...]:
    return (reading.state, reading.word, reading.bytes_transferred, reading.started_at)


class Truth(RuleBasedStateMachine):
    """One job under random answers, of whatever keys it has."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.said: dict[str, Said] = {}
        self.written: list[tuple[int, int]] = []
        self.newest: tuple[list[Outcome], int] = ([MISSING] * 3, 0)
        self.ended_as: str | None = None

    @initialize(
        job=st.sampled_from([by_exports(1), by_exports(2), by_exports(3), by_job_id(2), by_job_id(0)])
    )
    def take_up(self, job: Job) -> None:
        """Begin with a job of one to three disks, or of a number that is not known."""
        self.story = Story(job)
        self.said = {key: Said() for tier in plan_keys(job).tiers for key in tier}

    @rule(
        outcomes=st.lists(OUTCOMES, min_size=3, max_size=3),
        after_s=PAUSES,
        tier=st.sampled_from([0, 0, 0, 1]),
    )
    def poll(self, outcomes: list[Outcome], after_s: float, tier: int) -> None:
        """Poll, and hear something new of every key."""
        self.newest = (outcomes, tier)
        self._decide(outcomes, after_s, tier)

    @rule(after_s=PAUSES, unread=st.sampled_from([None, None, MISSING, REFUSED]))
    def poll_again(self, after_s: float, unread: Outcome | None) -> None:
        """Poll, and hear the same again, or nothing at all."""
        outcomes, tier = self.newest
        self._decide(outcomes if unread is None else [unread] * 3, after_s, tier)

    def _decide(self, outcomes: list[Outcome], after_s: float, tier: int) -> None:
        tiers = plan_keys(self.story.job).tiers
        self.story.tier = tier % len(tiers)
        asked = dict(zip(tiers[self.story.tier], outcomes, strict=False))
        all_unknown = all(isinstance(outcome, Missing) for outcome in asked.values())
        moved_on = self.story.context.tier != self.story.tier
        decision = self.story.poll(*asked.values(), after_s=after_s)
        for key, said in self.said.items():
            said.hear(asked.get(key, REFUSED), self.story.passed_s)
            said.was_unknown = said.was_unknown or all_unknown or (moved_on and key not in asked)
        progress = decision.update.progress
        if self.ended_as is None and progress is not None:
            if any(self.said[key].began_anew for key in asked):
                self.written.clear()
            self.written.append((progress.percent_bp, progress.bytes_transferred))
        self._judge_status(asked)

    def _judge_status(self, asked: dict[str, Any]) -> None:
        status = self.story.status
        assert self.ended_as in {None, status}, "an end is never left"
        if self.ended_as is None and status in TERMINAL_STATUSES:
            self.ended_as = status
            said = [self.said[key] for key in asked]
            if status == "completed":
                several = self.story.tier == len(plan_keys(self.story.job).tiers) - 1
                several = several and len(self.story.job.disks) != 1
                assert all(one.has_completed and _has_all_bytes(one, detailed=several) for one in said)
            else:
                assert any(one.bad_ends > 1 for one in said)

    @invariant()
    def numbers_are_of_their_columns(self) -> None:
        """Every number is in range, and 100 percent is completion and nothing else."""
        decision = self.story.decision
        progress = decision.update.progress if decision is not None else None
        if progress is None:
            return
        assert 0 <= progress.percent_bp <= 10_000
        assert (progress.percent_bp == 10_000) == (self.story.status == "completed")
        assert 0 <= progress.bytes_transferred <= BIGINT_MAX
        assert 0 <= progress.total_bytes <= BIGINT_MAX
        assert 0 <= progress.speed_bps <= BIGINT_MAX
        assert progress.eta_s is None or (progress.eta_s > 0 and progress.speed_bps > 0)
        assert all(0 <= row.percent_bp <= 10_000 for row in progress.disks)
        if self.ended_as == "completed" and self.story.context.state is State.COMPLETED:
            assert progress.operation == "Completed"

    @invariant()
    def written_numbers_never_go_back_within_a_run(self) -> None:
        """Percent and bytes rise or stay until a run begins anew (T4)."""
        if len(self.written) > 1:
            (percent_bp, moved_bytes), (next_bp, next_bytes) = self.written[-2:]
            assert next_bp >= percent_bp
            assert next_bytes >= moved_bytes

    @invariant()
    def nothing_is_written_of_a_run_that_is_not_proven(self) -> None:
        """Without a proof for any key there are no numbers and there is no end (T5)."""
        decision = self.story.decision
        if decision is not None and not any(said.may_be_ours for said in self.said.values()):
            assert decision.update.progress is None
            assert decision.update.status not in TERMINAL_STATUSES


def _has_all_bytes(said: Said, *, detailed: bool) -> bool:
    """Whether the newest entry names no byte that is missing, or can be one that found no change."""
    newest = said.newest
    details = newest.disks if detailed else ()
    counts = [(detail.bytes_transferred, detail.total_bytes) for detail in details]
    told = all(moved >= total for moved, total in counts or [(said.most_bytes, newest.total_bytes)])
    unchanged = said.moves == 0 and newest.percent is not None and newest.percent >= FULL
    return told or unchanged


Truth.TestCase.settings = settings(max_examples=300, stateful_step_count=16, deadline=None)
TestTruth = Truth.TestCase
