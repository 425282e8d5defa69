"""A cohort with the jobs in it, and what is asked for them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from oma_poller.core.cohort import Cohort
from oma_poller.engine.cohort_request import Apart, CohortAnswer, CohortRequest, Said, only_goes_on
from oma_poller.engine.watch import Answered, Round, Seat, Slot, Watch, start_round
from oma_poller.model.reading import Failure, Reading
from oma_poller.model.update import Update


class Parted(Struct, frozen=True, gc=False):
    """The poll of a job that is to go on by itself."""

    round: Round
    """It has its outcomes where its keys have answered; else they are to be asked for."""
    is_followed: bool = False
    """Whether an HTTP reply to another job came after its own."""


class Group(Struct, eq=False):
    """Jobs of one VMA that share their place in the interval. Nobody joins while they are being asked."""

    vma: str
    cohort: Cohort
    slot: Slot
    in_bulk: bool
    """Whether the VMA answered in bulk when the first of them joined."""
    watches: list[Watch] = []
    """By place in the cohort."""
    keys: list[str] = []
    """Those of all, one after the other."""
    said: list[Said] = []
    """What each key said when its job joined."""
    turn: int = 0
    """Those whose places are so many, and so many turns, after the first are made anew next."""
    due_s: float = 0.0
    """When they were due; monotonic seconds, as is the next."""
    began_s: float = 0.0
    places: int = 0
    """How many places in flight they take."""

    def __len__(self) -> int:
        return len(self.cohort)

    def seated(self) -> Iterator[Watch]:
        """Yield the jobs that have not left."""
        return (watch for place, watch in enumerate(self.watches) if self.holds(watch, place))

    def holds(self, watch: Watch, place: int) -> bool:
        """Whether a job has this place still."""
        seat = watch.seat
        return seat is not None and seat.cohort is self.cohort and seat.place == place

    def join(self, watch: Watch, answered: Answered) -> bool:
        """Take a job that went on; return whether it has a place now."""
        readings = [one for one in answered.outcomes if isinstance(one, Reading) and only_goes_on(one)]
        if len(readings) < len(answered.outcomes):
            return False
        place = self.cohort.join(watch.decided, watch.job)
        if place is None:
            return False
        self.seat(watch, place, watch.decided.keys, [Said(reading) for reading in readings])
        return True

    def move(self, other: "Group") -> None:
        """Have those who have not left join another group."""
        for place, watch in enumerate(self.watches):
            span = self.cohort.spans[place]
            new_place = self.cohort.hand_over(place, other.cohort) if self.holds(watch, place) else None
            if new_place is not None:
                keys, said = self.keys[span.start : span.stop], self.said[span.start : span.stop]
                other.seat(watch, new_place, keys, said)

    def request(self, at_most: int, ticket: int) -> CohortRequest:
        """Return the request for all keys."""
        return CohortRequest(self.vma, self.keys, self.said, self.cohort.spans, at_most, ticket)

    def part(self, place: int, apart: Apart | None) -> Parted:
        """Have a job leave that did not simply go on, with what its keys answered, where they did."""
        watch = self.watches[place]
        watch.leave_cohort()
        parted = start_round(watch, self.began_s)
        if apart is not None and len(apart.outcomes) == len(parted.keys):
            parted.outcomes, parted.bodies = apart.outcomes, apart.bodies
            return Parted(parted, apart.is_followed)
        return Parted(parted)

    def fail(self, failure: Failure) -> list[Parted]:
        """Have all leave, each with a poll that came to a failure."""
        parted = []
        for watch in list(self.seated()):
            watch.leave_cohort()
            round_ = start_round(watch, self.began_s)
            round_.outcomes = (failure,) * len(round_.keys)
            parted.append(Parted(round_))
        return parted

    def late_s(self, answer: CohortAnswer, updates: Sequence[Update | None]) -> Counter[float]:
        """Return how many polls began how late with their first key, where each took a request of its own.

        Those that are to be asked anew are not among them.
        """
        if not answer.begun_s:
            return Counter()
        spans = answer.request.spans
        return Counter(
            max(0.0, answer.begun_s[spans[place].start] - self.due_s)
            for place, update in enumerate(updates)
            if update is not None or place in answer.apart
        )

    def places_of(self, answer: CohortAnswer) -> Iterator[int]:
        """Yield all places, those first whose keys took requests of their own, as these came."""
        yield from answer.apart
        yield from (place for place in range(len(self.watches)) if place not in answer.apart)

    def seat(self, watch: Watch, place: int, keys: Sequence[str], said: Sequence[Said]) -> None:
        """Note a job that has a new place in the cohort, and what its keys said."""
        self.watches.append(watch)
        self.keys += keys
        self.said += said
        watch.seat = Seat(self.cohort, place, self.slot)
