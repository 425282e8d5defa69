"""The ids of the active jobs: all of them in one cell, or row by row where that cell tells too little."""

from collections.abc import Iterable, Sequence
from typing import Any

SEPARATOR = "\n"
"""What stands between two ids in one cell."""
_REPLACEMENT = "\ufffd"


def split_ids(cells: Sequence[Any]) -> frozenset[str] | None:
    """Return the ids of a row with their number, their characters, and all of them in one cell.

    None where the cell is not to be trusted: an id is odd or has a line break, or the server cut the cell
    short. Then they are to be read row by row, so that no other job is missed.
    """
    count, characters, text = cells
    if not count:
        return frozenset()
    if not isinstance(text, str) or _REPLACEMENT in text:
        return None
    ids = text.split(SEPARATOR)
    if len(ids) != count or len(text) != int(characters or 0) + count - 1:
        return None
    found = frozenset(ids)
    return None if "" in found else found


def read_ids(rows: Iterable[Sequence[Any]]) -> tuple[frozenset[str], dict[str, str]]:
    """Return the ids of rows that have nothing else; and what was left out, each with the reason."""
    ids: set[str] = set()
    left_out: dict[str, str] = {}
    for (job_id,) in rows:
        reason = _flaw(job_id)
        if reason is None:
            ids.add(job_id)
        else:
            left_out[repr(job_id)[:80]] = reason
    return frozenset(ids), left_out


def _flaw(job_id: object) -> str | None:
    """Return why a row with this id cannot be followed; None where it can."""
    if not isinstance(job_id, str):
        return f"its id is not text but {type(job_id).__name__}"
    if not job_id:
        return "its id is empty"
    if _REPLACEMENT in job_id:
        return "its id is not valid UTF-8"
    return None
