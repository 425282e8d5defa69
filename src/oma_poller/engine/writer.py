"""Takes the newest results to the database, a batch at a time (D4, D7)."""

from asyncio import get_running_loop
from concurrent.futures import Executor

from oma_poller.clock import Clock
from oma_poller.core.mailbox import Batch, Mailbox
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import JobSink
from oma_poller.engine.tally import Tally
from oma_poller.errors import DatabaseError

ROWS_A_FLUSH = 500


class Writer:
    """Writes what the mailbox holds; what could not be written waits there, the newest of each job."""

    def __init__(
        self, sink: JobSink, mailbox: Mailbox, poller: VMAProgressPoller, thread: Executor, clock: Clock
    ) -> None:
        self._sink = sink
        self._mailbox = mailbox
        self._poller = poller
        self._thread = thread
        self._clock = clock

    async def step(self, journal: Journal, tally: Tally) -> bool:
        """Write one batch; return whether the database took it. Nothing to write is taken."""
        batch = self._mailbox.take(ROWS_A_FLUSH)
        if not batch:
            return True
        try:
            await get_running_loop().run_in_executor(
                self._thread, self._sink.write, batch.updates, batch.heartbeat_ids
            )
        except DatabaseError as error:
            self._mailbox.give_back(batch)
            journal.fell("database for writing", str(error))
            return False
        self._mailbox.confirm(batch, self._clock.monotonic())
        tally.flushes += 1
        tally.rows_written += len(batch.updates) + len(batch.heartbeat_ids)
        journal.rose("database for writing")
        self._publish(batch, journal)
        return True

    def _publish(self, batch: Batch, journal: Journal) -> None:
        """Tell what the database has confirmed, and only that."""
        for update in batch.updates:
            if update.is_terminal:
                self._poller.confirm_end(update.job_id)
                journal.written(update)
