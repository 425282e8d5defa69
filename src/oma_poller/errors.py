"""Every error this program raises on purpose, as one tree.

The message of an error is one line for a person: what was wrong, and what is allowed.
"""


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
