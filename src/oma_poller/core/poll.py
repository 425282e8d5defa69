"""One finished round of questions for a job: what the rules judge."""

from datetime import datetime

from msgspec import Struct

from oma_poller.core.keys import KeyPlan
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, Missing, Outcome, Reading


class Poll(Struct, frozen=True, gc=False):
    """One finished round for a job: which tier of keys was asked last, and what each key answered."""

    job: Job
    plan: KeyPlan
    policy: Policy
    tier: int
    outcomes: tuple[Outcome, ...]
    """One a key of the tier, in the plan's order."""
    now_s: float
    """Monotonic seconds when the round ended."""
    now: datetime
    """The same moment, aware, UTC."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the tier."""
        return self.plan.tiers[self.tier]

    @property
    def has_reading(self) -> bool:
        """Whether any key brought a progress entry."""
        return any(isinstance(outcome, Reading) for outcome in self.outcomes)

    @property
    def is_partial(self) -> bool:
        """Whether some key brought none."""
        return not all(isinstance(outcome, Reading) for outcome in self.outcomes)

    @property
    def failure(self) -> Failure | None:
        """The first answer that could not be used."""
        return next((outcome for outcome in self.outcomes if isinstance(outcome, Failure)), None)

    @property
    def trouble(self) -> str:
        """One line on what was no reading: the first failure, else the first 404."""
        if self.failure is not None:
            return self.failure.detail
        return next(
            (outcome.detail for outcome in self.outcomes if isinstance(outcome, Missing)), "no answer"
        )
