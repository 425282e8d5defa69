"""A poller that a test moves, and the fleet of its jobs as the API shows it."""

from core_values import a_reading
from engine_world import Bench

from oma_poller.clock import Clock
from oma_poller.model.job import Job
from oma_poller.web.fleet import Delta, Fleet


class FleetBench(Bench):
    """A poller that a test moves, the database that confirms everything, and the fleet above it."""

    def __init__(self, *made: Job, clock: Clock | None = None) -> None:
        super().__init__(*made)
        self.fleet = Fleet(self.poller, self.mailbox, clock or self.clock)
        self.fleet.refresh()

    def flush(self) -> None:
        """Let the database confirm what waits, as the writer does."""
        batch = self.mailbox.take(1_000_000, self.clock.now_s)
        confirmed = self.mailbox.confirm(batch, self.clock.now_s)
        self.poller.changes.note(update.job_id for update in confirmed)
        self.poller.changes.note(batch.heartbeat_ids)

    def moved(self, percent: int, *more: int) -> None:
        """Poll all jobs once: the VMA says so much of each; the database has it, the fleet may look."""
        self.clock.now_s += 10
        outcomes = [a_reading(one, 100) for one in (percent, *more)]
        self.answer(self.ask(), *outcomes)
        self.flush()
        self.look()

    def look(self) -> None:
        """Let the fleet look after its least pause."""
        self.clock.now_s += 1
        self.fleet.refresh()

    def since(self, version: int) -> Delta:
        """Return what changed after a version that is known."""
        delta = self.fleet.since(version)
        assert delta is not None
        return delta
