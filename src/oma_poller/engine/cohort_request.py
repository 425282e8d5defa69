"""What a VMA is asked of many jobs that only go on, and what it answers."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from oma_poller.model.reading import Failure, Outcome, Reading, State

ELSE = -1
"""Stands for the bytes of a key that says something else than that its copy went on."""


class Said(Struct, gc=False):
    """What a key said when its job joined: by its words every later answer is measured."""

    reading: Reading
    words: tuple[str | None, ...] | None = None
    """The same words as they stand on the wire: a note of the fetcher's thread; None before it has one."""
    start: object = None
    """When the run started, likewise."""


class CohortRequest(Struct, frozen=True, gc=False):
    """The keys of many jobs, to be asked of one VMA: how far they are, unless they say anything new.

    Nobody changes it while it waits for its answer.
    """

    vma: str
    keys: Sequence[str]
    said: Sequence[Said]
    """One a key."""
    spans: Sequence[range]
    """Which keys are of one job: one span a job, without gaps between them."""
    at_most: int
    """So many keys may be asked for at a time, where each takes a request of its own."""
    ticket: int
    """Comes back with the answer."""


class Apart(Struct, frozen=True, gc=False):
    """What the keys of one job answered, each by itself, when they did not all simply go on."""

    outcomes: tuple[Outcome, ...]
    bodies: tuple[bytes, ...]
    """The raw replies, as in `TierAnswer`."""
    is_followed: bool
    """Whether an HTTP reply to another job came after these."""


class CohortAnswer(Struct, frozen=True, gc=False):
    """What came of a `CohortRequest`: one value a key, in their order."""

    request: CohortRequest
    duration_s: float
    bytes_transferred: list[int] = []
    """`ELSE` where the key's words are others than in the reading, or it has no usable entry."""
    total_bytes: list[int] = []
    percent: list[float] = []
    """As reported; NaN where none is."""
    failure: Failure | None = None
    """Why nothing could be had; then there are no values."""
    apart: Mapping[int, Apart] = {}
    """By place, where keys took requests of their own and a job did not simply go on."""
    begun_s: Sequence[float] = ()
    """When each key was really asked for, monotonic seconds; empty where one request was for all."""
    is_heard: bool = True
    """Whether any HTTP reply came."""
    is_cut: bool = False
    """Whether it took too long: keys that had not answered yet are to be asked for by themselves."""


def says_the_same(one: Reading, other: Reading) -> bool:
    """Whether two readings are of one run in one stage: they differ in numbers alone."""
    return one is other or (
        one.state is other.state
        and one.word == other.word
        and one.phase == other.phase
        and one.operation == other.operation
        and one.sync_type == other.sync_type
        and one.started_at == other.started_at
        and one.error == other.error
        and one.shape == other.shape
        and one.unknown_words == other.unknown_words
    )


def only_goes_on(reading: Reading) -> bool:
    """Whether a reading is of a copy in its middle, whose numbers are all that there is to tell."""
    return (
        reading.state is State.REPLICATING
        and reading.error is None
        and reading.shape == "C"
        and not reading.disks
        and not reading.unknown_words
        and reading.bytes_transferred > 0
        and reading.total_bytes > 0
    )
