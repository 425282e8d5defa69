"""Updates of one job, and flushes of a mailbox."""

from core_values import a_progress, a_sighting, an_update

from oma_poller.core.batch import Batch
from oma_poller.core.mailbox import Mailbox
from oma_poller.model.observation import Observation

BLIND = a_sighting(Observation.BLIND, "connection refused")
GOOD = an_update("a", progress=a_progress(2500), status="replicating")
BETTER = an_update("a", progress=a_progress(2600), status="replicating")
BAD = an_update("a", sighting=BLIND, consecutive_errors=1)
END = an_update("a", progress=a_progress(10_000), status="completed")


def flush(mailbox: Mailbox, now_s: float = 0.0) -> Batch:
    """Write everything that waits."""
    batch = mailbox.take(100_000, now_s)
    mailbox.confirm(batch, now_s)
    return batch


def fail(mailbox: Mailbox, now_s: float = 0.0) -> Batch:
    """Try to write everything that waits, while the database is away."""
    batch = mailbox.take(100_000, now_s)
    mailbox.give_back(batch)
    return batch
