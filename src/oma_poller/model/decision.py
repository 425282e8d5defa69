"""What the rules make of one poll: a value that can be printed."""

from enum import StrEnum

from msgspec import Struct

from oma_poller.model.context import PollingContext
from oma_poller.model.update import Update


class EventKind(StrEnum):
    """Things worth a line in the log or a count in a metric."""

    ANSWERED = "answered"
    """The first good reply of a job, or the first after errors."""
    ERROR = "error"
    """A poll failed, the first time or for another reason than before."""
    PARKED = "parked"
    REGRESSION = "regression"
    """Bytes went back within a run."""
    RUN_CHANGED = "run_changed"
    """A new run began under a key that was being followed."""
    RUN_TRUSTED = "run_trusted"
    """An entry taken for an earlier run turned out to be this job's own."""
    UNSEEN = "unseen"
    """Bytes moved while nobody could see it: the VMA or this program was away."""
    DISK_ENDED = "disk_ended"
    """One disk of several ended under a whole-job key."""
    STATE = "state"
    OBSERVATION = "observation"


class Event(Struct, frozen=True, gc=False):
    """Something that happened to a job."""

    kind: EventKind
    detail: str


class Decision(Struct, frozen=True, gc=False):
    """The next context, what to write, what to tell, and when to poll again."""

    context: PollingContext
    delay_s: float | None
    """Seconds until the next poll; 0 is the job's next slot; None is never."""
    update: Update
    result: str
    """`ok`, `partial`, `pending`, or the kind of the error; the label of `polls_total`."""
    events: tuple[Event, ...] = ()
    went_on: bool = False
    """Whether it was the poll of a copy that only went on: nothing but numbers and moments are others."""
