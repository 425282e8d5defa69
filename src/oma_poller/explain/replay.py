"""Runs recorded polls through today's rules."""

from msgspec import Struct
from msgspec.structs import fields

from oma_poller.core.decide import decide
from oma_poller.core.flight import boarding, decided_of, plain_outcome
from oma_poller.engine.defect import after_defect
from oma_poller.errors import VolumeNameError
from oma_poller.model.flight import Decided, Flight, KeyFlight
from oma_poller.model.reading import Outcome
from oma_poller.vma.wire import decode


class Replayed(Struct, frozen=True):
    """A recorded poll, and what today's rules make of it."""

    flight: Flight
    decided: Decided | None
    """None where it cannot be run."""
    differences: tuple[str, ...]
    """What is decided differently today, a line each."""


def replay(flight: Flight) -> Replayed:
    """Run one flight again. Never raises: rules that raise come to what the poller makes of that."""
    try:
        context, poll = boarding(flight, [_outcome(answer) for answer in flight.answers])
    except (ValueError, VolumeNameError) as error:
        return Replayed(flight, None, (f"it cannot be run: {error}",))
    try:
        decided = decided_of(decide(context, poll))
    except Exception as error:  # noqa: BLE001 - a poll on which the rules broke is what one most wants to run
        decided = decided_of(after_defect(context, error, poll.policy, poll.now_s, poll.now))
    return Replayed(flight, decided, _differences(flight.decided, decided))


def _outcome(answer: KeyFlight) -> Outcome:
    plain = plain_outcome(answer)
    if plain is not None:
        return plain
    return decode(answer.body.encode(), answer.key, clock_skew_s=answer.clock_skew_s)


def _differences(then: Decided, now: Decided) -> tuple[str, ...]:
    names = [field.name for field in fields(Decided)]
    pairs = ((name, getattr(then, name), getattr(now, name)) for name in names)
    return tuple(f"{name}: was {was!r}, is {now_is!r}" for name, was, now_is in pairs if was != now_is)
