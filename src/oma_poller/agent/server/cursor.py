"""Where a client stands in the stream of changes: the life of the server, and the last change it knows.

Versions count from 1 again in each life, so a cursor of another life means nothing and is told by its epoch.
"""

import re

from msgspec import Struct

_FORM = re.compile(r"([0-9a-z]{1,32})\.([0-9]{1,18})")


class Cursor(Struct, frozen=True):
    """Written as `EPOCH.VERSION`."""

    epoch: str
    version: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.version}"


def read_cursor(text: str) -> Cursor | None:
    """Return the cursor in `text`; None for anything else."""
    match = _FORM.fullmatch(text)
    return Cursor(match[1], int(match[2])) if match else None
