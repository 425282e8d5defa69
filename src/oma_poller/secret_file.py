"""Files that hold one secret, so that it stands in no environment."""

from pathlib import Path

from oma_poller.errors import UsageError

LONGEST_BYTES = 4096


def read_secret(variable: str, what: str, file: Path) -> str:
    """Return the one line of *file*, which holds *what* ("the password").

    Raises UsageError, which names *variable*, where it cannot be read or holds anything else.
    """
    name = "".join(letter if letter.isprintable() else "?" for letter in str(file))
    try:
        with file.open("rb") as stream:
            text = stream.read(LONGEST_BYTES + 1).decode()
    except OSError as error:
        raise UsageError(f"{variable}: cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{variable}: {name} is not UTF-8 text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret or "\n" in secret or "\0" in secret or len(text) > LONGEST_BYTES:
        raise UsageError(f"{variable}: {name} must hold {what} and nothing else, on one line")
    return secret
