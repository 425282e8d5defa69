"""Jobs that are read and written only by the one poller that has the claim on their database."""

from collections.abc import Collection, Sequence

from oma_poller.engine.ports import Claim, FlightLog, Flushed, JobSink, JobSource
from oma_poller.model.flight import Recorded
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory
from oma_poller.model.update import Update


class ClaimedSource:
    """A JobSource that finds no job to poll while another poller has the claim."""

    def __init__(self, source: JobSource, claim: Claim) -> None:
        self._source = source
        self._claim = claim

    def active(self) -> frozenset[str]:
        """Hold the claim, then return every active job. Raises RivalError while another has it."""
        self._claim.hold()
        return self._source.active()

    def newest(self, limit: int) -> list[str]:
        """Return the newest jobs; `active` has just held the claim."""
        return self._source.newest(limit)

    def details(self, job_ids: Sequence[str], new_ids: Collection[str] = ()) -> list[Job]:
        """Return these jobs; `active` has just held the claim."""
        return self._source.details(job_ids, new_ids)

    def close(self) -> None:
        """Let the source go; the claim is its owner's."""
        self._source.close()


class ClaimedSink:
    """A JobSink that writes nothing while another poller has the claim."""

    def __init__(self, sink: JobSink, claim: Claim) -> None:
        self._sink = sink
        self._claim = claim

    def write(
        self,
        updates: Sequence[Update],
        heartbeat_ids: Sequence[str] = (),
        memories: Sequence[JobMemory] = (),
    ) -> Flushed:
        """Hold the claim, then write. Raises RivalError while another has it, and nothing is written."""
        self._claim.hold()
        return self._sink.write(updates, heartbeat_ids, memories)

    def close(self) -> None:
        """Let the sink go; the claim is its owner's."""
        self._sink.close()


class ClaimedFlightLog:
    """A FlightLog that keeps nothing while another poller has the claim."""

    def __init__(self, flights: FlightLog, claim: Claim) -> None:
        self._flights = flights
        self._claim = claim

    def open(self) -> bool:
        """Hold the claim, then look. Raises RivalError while another has it."""
        self._claim.hold()
        return self._flights.open()

    def write(self, recorded: Sequence[Recorded]) -> int:
        """Hold the claim, then write. Raises RivalError while another has it, and nothing is written."""
        self._claim.hold()
        return self._flights.write(recorded)

    def sweep(self) -> int:
        """Delete what is gone; `write` has just held the claim."""
        return self._flights.sweep()

    def close(self) -> None:
        """Let the connection go; the claim is its owner's."""
        self._flights.close()
