"""The timetable against a sorted list."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from oma_poller.core.timetable import FEW_OUTDATED, Timetable

JOBS = st.sampled_from([f"job-{number}" for number in range(12)])
TIMES = st.sampled_from([float(number) for number in range(10)])


class TimetableModel(RuleBasedStateMachine):
    """Every way of placing, moving, removing and taking jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.timetable = Timetable(5.0)
        self.due_s: dict[str, float] = {}

    @rule(job_id=JOBS, due_s=TIMES)
    def place(self, job_id: str, due_s: float) -> None:
        """Make a job due, wherever it stood."""
        self.timetable.place(job_id, due_s)
        self.due_s[job_id] = due_s

    @rule(job_ids=st.lists(JOBS, max_size=12))
    def remove(self, job_ids: list[str]) -> None:
        """Forget some jobs, known or not."""
        for job_id in job_ids:
            self.timetable.remove(job_id)
            self.due_s.pop(job_id, None)

    @rule(job_id=JOBS, times=st.integers(1, 100), due_s=TIMES)
    def move_often(self, job_id: str, times: int, due_s: float) -> None:
        """Move one job to and fro."""
        for turn in range(times):
            self.timetable.place(job_id, due_s + turn % 3)
        self.due_s[job_id] = due_s + (times - 1) % 3

    @rule(now_s=TIMES, limit=st.integers(0, 5))
    def pop_due(self, now_s: float, limit: int) -> None:
        """Take what a sorted list would give; of jobs that are due at one time any."""
        popped = self.timetable.pop_due(now_s, limit)
        due_s = sorted(due_s for due_s in self.due_s.values() if due_s <= now_s)
        assert [at_s for _, at_s in popped] == due_s[:limit]
        for job_id, at_s in popped:
            assert self.due_s.pop(job_id) == at_s

    @rule()
    def next_due(self) -> None:
        """Ask for the first due time."""
        assert self.timetable.next_due_s() == min(self.due_s.values(), default=None)

    @invariant()
    def holds_each_job_once(self) -> None:
        """Say how many jobs there are."""
        assert len(self.timetable) == len(self.due_s)

    @invariant()
    def outdated_entries_are_bounded(self) -> None:
        """Look inside: what was moved or removed does not pile up."""
        assert sum(map(len, self.timetable._groups.values())) <= 2 * len(self.due_s) + FEW_OUTDATED


TimetableModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTimetableModel = TimetableModel.TestCase
