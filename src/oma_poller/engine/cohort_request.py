"""What a VMA that answers in bulk is asked of many jobs that only go on, and what it answers."""

from collections.abc import Sequence

from msgspec import Struct

from oma_poller.model.reading import Failure, Reading, State

ELSE = -1
"""Stands for the bytes of a key that says something else than that its copy went on."""


class CohortRequest(Struct, frozen=True, gc=False):
    """The keys of many jobs, to be asked of one VMA: how far they are, unless they say anything new."""

    vma: str
    keys: Sequence[str]
    readings: Sequence[Reading]
    """What each key said when its job joined the cohort: its words are what the answer is measured by."""
    ticket: int
    """Comes back with the answer."""


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
    is_declined: bool = False
    """Whether nothing was asked: the VMA does not answer in bulk any more."""


def declined(request: CohortRequest) -> CohortAnswer:
    """Return the answer of a VMA that is not asked in bulk any more: each job is to be asked by itself."""
    keys = len(request.keys)
    return CohortAnswer(request, 0.0, [ELSE] * keys, [0] * keys, [0.0] * keys, is_declined=True)


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
