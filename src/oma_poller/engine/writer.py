"""Takes the newest results to the database, a batch at a time (D4, D7)."""

from asyncio import get_running_loop
from collections.abc import Container, Iterable
from concurrent.futures import Executor

from oma_poller.core.mailbox import Mailbox
from oma_poller.engine.beats import Beats
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import Flushed, JobSink
from oma_poller.engine.tally import Tally
from oma_poller.errors import DatabaseError, DatabaseRefusedError, RivalError
from oma_poller.model.update import Update

ROWS_A_FLUSH = 5000
"""Rows of jobs written at once where so many wait: a flush takes its time beside polls, however small."""
FEWEST_ROWS = 100
"""So few are tried at least after failures: the server may not take more in its time."""
_WHAT = "database for writing"


class Writer:
    """Writes what the mailbox holds; what could not be written waits there, the newest of each job."""

    def __init__(
        self, sink: JobSink, mailbox: Mailbox, poller: VMAProgressPoller, thread: Executor, beats: Beats
    ) -> None:
        self._sink = sink
        self._mailbox = mailbox
        self._poller = poller
        self._thread = thread
        self._beats = beats
        self._clock = beats.clock
        self.rows_a_flush = ROWS_A_FLUSH
        """So many are taken at once now: half as many after a failure, twice as many after a success."""

    async def step(self, journal: Journal, tally: Tally) -> bool:
        """Write one batch; return whether the database took it. Nothing to write is taken.

        Raises no DatabaseError. Cancelled, it leaves the batch in the mailbox: to write it once more does
        no harm, should the database have it after all.
        """
        began_s = self._clock.monotonic()
        batch = self._mailbox.take(self.rows_a_flush, began_s, self._clock.utc())
        if not batch:
            return True
        try:
            flushed = await get_running_loop().run_in_executor(
                self._thread, self._sink.write, batch.updates, batch.heartbeat_ids, batch.memories
            )
        except RivalError:
            self._mailbox.give_back(batch)
            self._beats.rose(_WHAT)  # it answers: another poller is at work, which discovery tells
            return False
        except DatabaseError as error:
            if not isinstance(error, DatabaseRefusedError) or not error.job_ids:
                self._mailbox.give_back(batch)
                self.rows_a_flush = max(FEWEST_ROWS, self.rows_a_flush // 2)
                journal.fell(_WHAT, error)
                self._beats.fell(_WHAT, error)
                return False
            self._refuse(error, journal)
            tally.rows_refused += len(error.job_ids)
            flushed = Flushed(error.held, error.withheld)
        except BaseException:
            self._mailbox.give_back(batch)
            raise
        ended_s = self._clock.monotonic()
        self.rows_a_flush = min(ROWS_A_FLUSH, self.rows_a_flush * 2)
        self._mailbox.keep(flushed.held, self._clock.monotonic())
        journal.rows_held(len(flushed.held))
        confirmed = self._mailbox.confirm(batch, ended_s, flushed.withheld)
        journal.rose(_WHAT)
        self._beats.rose(_WHAT)
        tally.flushed(len(confirmed) + len(batch.heartbeat_ids), ended_s - began_s)
        self._publish(confirmed, flushed.withheld, journal)
        changes = self._poller.changes
        changes.note(update.job_id for update in confirmed)
        changes.note(batch.heartbeat_ids)
        return True

    def _refuse(self, error: DatabaseRefusedError, journal: Journal) -> None:
        """Let go of rows the database does not take for what is in them; it has all the others."""
        self._mailbox.drop(error.job_ids, self._clock.monotonic())
        for job_id in error.job_ids:
            journal.row_refused(job_id, error)

    def _publish(self, confirmed: Iterable[Update], withheld: Container[str], journal: Journal) -> None:
        """Tell what the database has confirmed, and only that."""
        for update in confirmed:
            if update.is_terminal:
                self._poller.confirm_end(update.job_id)
                if update.job_id in withheld:
                    journal.withheld(update)
                else:
                    journal.written(update)
