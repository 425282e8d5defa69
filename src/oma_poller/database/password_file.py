"""The file that holds the database's password. It is read at each connection: a new one needs no restart."""

from pathlib import Path

from oma_poller.secret_file import read_secret


def read_password(file: Path) -> str:
    """Return the one line of *file*. Raises UsageError where it cannot be read, or holds anything else."""
    return read_secret("OMA_DATABASE_PASSWORD_FILE", "the password", file)
