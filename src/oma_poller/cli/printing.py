"""Results on standard output."""

import json
import sys

import msgspec


def say(line: str) -> None:
    """Print one line for a person."""
    _write(f"{line}\n")


def say_json(document: object, *, indent: int | None = 2) -> None:
    """Print one JSON document; structs become objects. In ASCII, so that it survives every pipe."""
    _write(json.dumps(msgspec.to_builtins(document), indent=indent) + "\n")


def _write(text: str) -> None:
    if sys.stdout is not None:  # it is None where it was closed before the program began
        sys.stdout.write(text)


def complain(message: str) -> None:
    """Print one line on standard error, whatever is in the message."""
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy, and hardly ever needed

    if sys.stderr is not None:
        sys.stderr.write(f"oma-poller: {one_line(' '.join(message.split()))}\n")
        sys.stderr.flush()


def is_live() -> bool:
    """Whether standard output is a terminal on which a table can be redrawn in place."""
    from rich.console import Console  # noqa: PLC0415 - heavy

    console = Console()
    return console.is_terminal and not console.is_dumb_terminal
