"""The file that holds the database's password. It is read at each connection: a new one needs no restart."""

from pathlib import Path

from oma_poller.errors import UsageError
from oma_poller.logs import one_line

LONGEST_BYTES = 4096


def read_password(file: Path) -> str:
    """Return the one line of *file*. Raises UsageError where it cannot be read, or holds anything else."""
    name = one_line(str(file))
    try:
        with file.open("rb") as stream:
            text = stream.read(LONGEST_BYTES + 1).decode()
    except OSError as error:
        raise UsageError(f"OMA_DATABASE_PASSWORD_FILE: cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"OMA_DATABASE_PASSWORD_FILE: {name} is not UTF-8 text") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password or "\n" in password or "\0" in password or len(text) > LONGEST_BYTES:
        raise UsageError(
            f"OMA_DATABASE_PASSWORD_FILE: {name} must hold the password and nothing else, on one line"
        )
    return password
