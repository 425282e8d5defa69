"""One poll of one job, whole: what the rules were given, and what they made of it.

It can be stored and run through the same rules again, so that a report from the field becomes a test.
"""

from msgspec import Struct

from oma_poller.model.decision import Event
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Moment
from oma_poller.model.policy import Policy
from oma_poller.model.reading import FailureKind, Reading


class KeyFlight(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one key answered: a body to decode, an entry as it was decoded, a 404, or a failure."""

    key: str
    body: str = ""
    """The reply as it came, where there was one of the key's own and it is short enough to be kept."""
    clock_skew_s: float = 0.0
    reading: Reading | None = None
    """The entry where there is no body to decode: it came in a bulk reply, or in one too long to keep."""
    missing: str | None = None
    """The VMA's words where it does not know the key."""
    failure: FailureKind | None = None
    detail: str = ""
    retry_after_s: float | None = None


class Decided(Struct, frozen=True, gc=False, omit_defaults=True):
    """What came of a poll, but for the speed: that depends on the poll before."""

    result: str
    state: str
    observation: str
    reason: str
    delay_s: float | None
    status: str | None = None
    percent_bp: int | None = None
    """None where no number was written."""
    bytes_transferred: int | None = None
    total_bytes: int | None = None
    operation: str | None = None
    error_message: str | None = None
    events: tuple[Event, ...] = ()


class Flight(Struct, frozen=True, gc=False, tag_field="version", tag=1):
    """A poll of one job."""

    at: Moment
    """When the poll ended."""
    job: Job
    policy: Policy
    tier: int
    """Which tier of the job's keys was judged."""
    answers: tuple[KeyFlight, ...]
    """One a key of that tier, in the plan's order."""
    memory: JobMemory
    """What was known of the job before, taken at the moment `at`."""
    decided: Decided


class Recorded(Struct, frozen=True, gc=False):
    """A flight that is to be kept, and in which of its job's rings."""

    flight: Flight
    is_eventful: bool
    """Whether something happened in it; the others show how a job stands that nothing happens to."""
