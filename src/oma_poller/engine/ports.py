"""What the engine needs from the world, as Protocols beside their caller.

The database ports block and are called on threads of their own, one thread a port, so an adapter may
keep one connection. They raise `DatabaseUnavailableError` when trying again may help, and another
`DatabaseError` when it cannot.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.model.flight import Recorded
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory
from oma_poller.model.reading import Failure, Outcome
from oma_poller.model.update import Update


class JobSource(Protocol):
    """Reads the OMA's jobs. Two calls a discovery pass, each one query, whatever the number of jobs.

    Where ids are odd the first may take one query more.
    """

    def active(self) -> frozenset[str]:
        """Return the id of every job whose status is active."""
        ...

    def newest(self, limit: int) -> list[str]:
        """Return the ids of at most so many active jobs, the newest of all, in one query."""
        ...

    def details(self, job_ids: Sequence[str], new_ids: Collection[str] = ()) -> list[Job]:
        """Return these jobs with disks and volumes, in one query; an unknown id is left out.

        Those of *new_ids* come with what is remembered of them, where anything is.
        """
        ...

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        ...


class Flushed(Struct, frozen=True):
    """What came of a flush that the database took. Names are ids of jobs."""

    held: frozenset[str] = frozenset()
    """Another program holds their rows locked: nothing of them is written, and it is to be tried again."""
    withheld: frozenset[str] = frozenset()
    """Their end was not written: the row was not active any more, or is gone (D5)."""


class JobSink(Protocol):
    """Writes updates back."""

    def write(
        self,
        updates: Sequence[Update],
        heartbeat_ids: Sequence[str] = (),
        memories: Sequence[JobMemory] = (),
    ) -> Flushed:
        """Write all of it in one transaction, guarded in SQL: a row that is not active is not touched.

        `heartbeat_ids` are jobs whose values did not change: only their `updated_at` and
        `vma_last_poll_at` are set. `memories` go to the program's own table, where there is one. No two
        updates have the same job id, and no two memories.

        Raises DatabaseRefusedError, with the ids of the jobs, for rows that the database does not take for
        what is in them; every other row is committed then, as `DatabaseRefusedError.held` and `withheld`
        say. After any other error none of them is.
        """
        ...

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        ...


class Thinned(Struct, frozen=True):
    """What came of a pass over the history."""

    rows: int = 0
    """Samples that were deleted."""
    has_more: bool = False
    """Whether there was no time for all that is to go."""

    def __add__(self, other: "Thinned") -> "Thinned":
        return Thinned(self.rows + other.rows, self.has_more or other.has_more)


class History(Protocol):
    """The samples that a JobSink leaves of the jobs it writes."""

    def thin(self) -> Thinned:
        """Delete a bounded number of samples that are too old, or of jobs that are gone."""
        ...


class FlightLog(Protocol):
    """Keeps the last recorded polls of each job, a bounded number of them."""

    def open(self) -> bool:
        """Return whether there is a place for them in this database."""
        ...

    def write(self, recorded: Sequence[Recorded]) -> int:
        """Keep flights, each in place of its job's oldest of its kind; return how many were taken.

        One that cannot be kept for what is in it, or whose job is no longer there, is left out.
        """
        ...

    def sweep(self) -> int:
        """Delete flights of jobs that are gone, a bounded number; return how many."""
        ...

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        ...


class Claim(Protocol):
    """The right to be the only poller at work on a database. May be called on any thread."""

    def hold(self) -> None:
        """Take the right, or make sure that it is still ours.

        Raises RivalError while another program has it, and another DatabaseError where the database does
        not answer. Where the right cannot be had for a technical reason it says so once, and returns.
        """
        ...

    def close(self) -> None:
        """Give the right up. May be called twice."""
        ...


class TierRequest(Struct, frozen=True, gc=False):
    """One tier of a job's keys, to be asked of one VMA for one poll."""

    vma: str
    """Name of the VMA; the fetcher knows its URL."""
    keys: tuple[str, ...]
    """At least one, none of them twice."""
    ticket: int
    """Number of the poll this belongs to; comes back with the answer."""


class TierAnswer(Struct, frozen=True, gc=False):
    """What came of a `TierRequest`, once all its keys are answered."""

    request: TierRequest
    outcomes: tuple[Outcome, ...]
    """One a key, in their order."""
    duration_s: float
    """Of the request that took longest."""
    bodies: tuple[bytes, ...] = ()
    """The raw replies, one a key, for whoever has to explain them: empty where none of its own came, or
    one that is too long to be kept. None at all where every one would be."""


class ProbeAnswer(Struct, frozen=True):
    """What came of a look at a VMA's health page."""

    vma: str
    duration_s: float
    word: str = ""
    """The VMA's own word ("healthy"), or "HTTP 404" and the like."""
    failure: Failure | None = None
    """Why no HTTP reply came at all; None where one did, with whatever status."""


Answer = TierAnswer | CohortAnswer | ProbeAnswer

Deliver = Callable[[Sequence[Answer]], None]
"""Takes a batch of answers. Called on the fetcher's own thread: the receiver hands them on."""


class ProgressFetcher(Protocol):
    """Asks VMAs for progress entries. Every request is answered exactly once, with an Outcome."""

    def start(self, deliver: Deliver) -> None:
        """Begin; answers go to `deliver` in batches."""
        ...

    def submit(self, requests: Iterable[TierRequest | CohortRequest]) -> None:
        """Queue requests; returns at once. No VMA's requests wait for those of another.

        At most the configured number of keys are asked for at a VMA at a time. Those of a cohort are never
        asked for singly: it is declined where its VMA does not answer in bulk.
        """
        ...

    def probe(self, vma: str) -> None:
        """Ask a VMA for its health; returns at once. Answered exactly once, before what is queued for it."""
        ...

    @property
    def defect(self) -> Exception | None:
        """What has ended the fetcher by itself; None while it lives, and after `close`."""
        ...

    def in_bulk(self, vma: str) -> bool:
        """Whether a VMA answers many keys in one request now: a poll of it takes no request of its own."""
        ...

    def close(self) -> None:
        """Cut what is in flight, and end. May be called twice."""
        ...


class Log(Protocol):
    """A structured logger: an event's name and its fields. structlog's bound loggers are ones."""

    def debug(self, event: str, **fields: object) -> object:
        """Say a detail."""
        ...

    def info(self, event: str, **fields: object) -> object:
        """Say what an operator may want to know."""
        ...

    def warning(self, event: str, **fields: object) -> object:
        """Say what an operator should know."""
        ...

    def error(self, event: str, **fields: object) -> object:
        """Say what an operator has to act on."""
        ...
