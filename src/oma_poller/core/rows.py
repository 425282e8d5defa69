"""What the database was last given for each job."""

from msgspec import Struct

from oma_poller.core.merge import merged
from oma_poller.model.update import Update


class Written(Struct, frozen=True, gc=False):
    """What the database was last given for a job."""

    update: Update
    """All values that were ever written for it: an update leaves what it does not name."""
    at_s: float
    """When, monotonic seconds."""


class Rows:
    """One entry a job that was written since it was taken up. Reading is done on any thread."""

    def __init__(self) -> None:
        self._written: dict[str, Written] = {}
        self._before_end: dict[str, Written | None] = {}
        """What the rows hold of jobs whose end was withheld."""

    def get(self, job_id: str) -> Written | None:
        """Return what the database was given, a withheld end included."""
        return self._written.get(job_id)

    def is_withheld(self, job_id: str) -> bool:
        """Whether the end of a job was given and not written."""
        return job_id in self._before_end

    def held_of(self, job_id: str) -> Update | None:
        """Return what the row holds, as far as this program wrote it."""
        written = self._before_end[job_id] if job_id in self._before_end else self._written.get(job_id)
        return None if written is None else written.update

    def with_next(self, job_id: str, update: Update | None) -> Update | None:
        """Return what the database was given, and *update* on top of it."""
        written = self._written.get(job_id)
        if written is None or update is None:
            return update if written is None else written.update
        return merged(written.update, update)

    def note(self, update: Update, now_s: float) -> None:
        """Remember *update* on top of what was written before."""
        written = self._written.get(update.job_id)
        self._written[update.job_id] = Written(merged(written.update, update) if written else update, now_s)

    def withhold(self, job_id: str) -> None:
        """Note that the row stays as it was when the end of its job, which is noted next, was given."""
        self._before_end[job_id] = self._written.get(job_id)

    def touch(self, job_id: str, now_s: float) -> None:
        """Note that the row was written without a change."""
        self._written[job_id] = Written(self._written[job_id].update, now_s)

    def doubt(self, job_id: str) -> None:
        """Forget what the database was given: whether it has it is not known."""
        self._written.pop(job_id, None)

    def forget(self, job_id: str) -> None:
        """Drop what is held for a job."""
        self._written.pop(job_id, None)
        self._before_end.pop(job_id, None)
