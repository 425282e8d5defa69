"""Every error this program raises on purpose, as one tree.

The message of an error is one line for a person: what was wrong, and what is allowed.
"""

import traceback
from pathlib import Path


class OmaPollerError(Exception):
    """Something this program can explain in one line."""

    exit_status = 1


class UsageError(OmaPollerError):
    """The command line or the configuration asks for something that cannot be."""

    exit_status = 2


class DatabaseError(OmaPollerError):
    """The database answered, but it is not one this program can work with."""


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached, or refused this attempt; trying again may help."""


class DatabaseLockedError(DatabaseUnavailableError):
    """Another transaction stands in the way, or this one was chosen to give way (deadlock)."""


class DatabaseLockTimeoutError(DatabaseLockedError):
    """A row was locked by somebody else for as long as this program waits for one."""


class DatabaseGoneError(DatabaseUnavailableError):
    """The connection to the database broke; a new one may be had at once."""


class RivalError(DatabaseUnavailableError):
    """Another poller is at work on this database; this one may neither poll nor write until it ends."""


class DatabaseRefusedError(DatabaseError):
    """The database refuses rows for what is in them. Every other row of the call was written."""

    def __init__(
        self,
        message: str,
        job_ids: tuple[str, ...] = (),
        held: frozenset[str] = frozenset(),
        withheld: frozenset[str] = frozenset(),
    ) -> None:
        self.job_ids = job_ids
        """The jobs whose rows were refused."""
        self.held = held
        """Jobs whose rows another program holds locked: nothing of them is written."""
        self.withheld = withheld
        """Jobs whose end was not written, since their row was not active any more, or is gone."""
        super().__init__(message)


class DefectError(OmaPollerError):
    """Something in this program is broken, and a part of it cannot go on."""

    def __init__(self, part: str, error: Exception) -> None:
        places = traceback.extract_tb(error.__traceback__)
        place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
        super().__init__(f"{part} ended by a defect of this program: {error!r}{place}")


class VolumeNameError(OmaPollerError):
    """A volume id cannot stand in an NBD export name or in a URL path segment."""

    def __init__(self, volume_id: str) -> None:
        self.volume_id = volume_id
        super().__init__(
            f"volume id {volume_id!r} cannot name an NBD export: allowed are 1 to 200 characters "
            "of A-Z a-z 0-9 . _ -, not starting with a dot"
        )


class UnknownJobError(OmaPollerError):
    """No row of replication_jobs has this id."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id!r} is not in replication_jobs")


class ApiError(OmaPollerError):
    """What stands at a URL refuses, or is not the OMA API."""


class ApiUnavailableError(ApiError):
    """The OMA API cannot be reached, or cannot answer now; trying again may help."""


class StoppingError(OmaPollerError):
    """The program is not polling yet, or is about to end."""

    def __init__(self) -> None:
        super().__init__("the poller is just starting or about to end; try again in a moment")


class AcceptError(OmaPollerError):
    """A job is in no state in which a person could accept what the VMA shows of it."""


class CopyError(OmaPollerError):
    """A disk could not be copied, or the VMA could not be told how it ended."""
