"""What `oma-poller check` found, one line each."""

from enum import StrEnum

from msgspec import Struct


class Mark(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    HINT = "hint"
    """It works; something could be better."""
    WRONG = "wrong"
    """It does not work, or not wholly: exit status 1."""


class Finding(Struct, frozen=True):
    """One line of the check."""

    area: str
    """configuration, database, vma or jobs."""
    mark: Mark
    text: str
