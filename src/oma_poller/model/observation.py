"""How well a job is seen right now. It is never the same thing as the job's status."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]
"""An aware moment, UTC; one that is read back without a zone is refused."""


class Observation(StrEnum):
    """The observations of the contract, T8."""

    PENDING = "pending"
    FRESH = "fresh"
    LATE = "late"
    BLIND = "blind"
    NEVER_REPORTED = "never_reported"
    VANISHED = "vanished"
    STALLED = "stalled"
    PREVIOUS_RUN = "previous_run"
    UNVERIFIED = "unverified"
    PARKED = "parked"


class Sighting(Struct, frozen=True, gc=False):
    """An observation with since when and why."""

    observation: Observation
    since: Moment
    """Aware, UTC."""
    reason: str = ""
    """One line for a person; empty when fresh."""
