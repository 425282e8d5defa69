"""The phases a run has gone through, one for each name."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.agent.server.moment import Moment

PHASES_LIMIT = 32
"""Phases of a run that are kept; the oldest go first."""


class Phase(Struct, frozen=True, array_like=True):
    """One stage of a run, from when it was first told to when another one, or the end, was."""

    name: str
    started: Moment
    ended: Moment | None = None


def entered(phases: tuple[Phase, ...], name: str, now: Moment, *, ended: bool) -> tuple[Phase, ...]:
    """Return the phases with `name` as the last one, the current; the others are over.

    A phase that is told again goes on from its first start. `ended` closes the current one too.
    """
    known = next((phase for phase in phases if phase.name == name), Phase(name, now))
    others = tuple(
        phase if phase.ended else replace(phase, ended=now) for phase in phases if phase.name != name
    )
    end = known.ended or now
    return (*others[1 - PHASES_LIMIT :], replace(known, ended=end if ended else None))
