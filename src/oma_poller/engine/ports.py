"""What the engine needs from the world, as Protocols beside their caller.

The database ports block and are called on threads of their own, one thread a port, so an adapter may
keep one connection. They raise `DatabaseUnavailableError` when trying again may help, and another
`DatabaseError` when it cannot.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from oma_poller.model.job import ActiveJob, Job
from oma_poller.model.reading import Outcome
from oma_poller.model.update import Update


class JobSource(Protocol):
    """Reads the OMA's jobs. Two calls a discovery pass, each one query, whatever the number of jobs."""

    def active(self) -> list[ActiveJob]:
        """Return id and status of every job whose status is active, in no particular order."""
        ...

    def details(self, job_ids: Sequence[str]) -> list[Job]:
        """Return these jobs with disks and volumes, in one query; an unknown id is left out."""
        ...

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        ...


class JobSink(Protocol):
    """Writes updates back."""

    def write(self, updates: Sequence[Update], heartbeat_ids: Sequence[str] = ()) -> None:
        """Write all of it in one transaction, guarded in SQL: a row that is not active is not touched.

        `heartbeat_ids` are jobs whose values did not change: only their `updated_at` and
        `vma_last_poll_at` are set. No two updates have the same job id.

        Raises DatabaseRefusedError, with the ids of the jobs, for rows that the database does not take for
        what is in them; every other row is committed then. After any other error none of them is.
        """
        ...

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        ...


class KeyRequest(Struct, frozen=True):
    """One key to be asked of one VMA, for one job's poll."""

    vma: str
    """Name of the VMA; the fetcher knows its URL."""
    key: str
    ticket: int
    """Number of the poll this belongs to; comes back with the answer."""


class KeyAnswer(Struct, frozen=True):
    """What came of a `KeyRequest`."""

    request: KeyRequest
    outcome: Outcome
    duration_s: float
    body: bytes = b""
    """The raw reply, at most 1 MiB, for whoever has to explain it; empty where none came."""


Deliver = Callable[[Sequence[KeyAnswer]], None]
"""Takes a batch of answers. Called on the fetcher's own thread: the receiver hands them on."""


class ProgressFetcher(Protocol):
    """Asks VMAs for progress entries. Every request is answered exactly once, with an Outcome."""

    def start(self, deliver: Deliver) -> None:
        """Begin; answers go to `deliver` in batches."""
        ...

    def submit(self, requests: Iterable[KeyRequest]) -> None:
        """Queue requests; returns at once. At most the configured number are in flight at a time."""
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
