"""Waits for what must happen in another process, at most so long; never for a fixed time."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0
"""How long a test waits for what must happen. The machines are shared and slow at times."""
_LOOK_S = 0.02


def until(look: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Return the first truthy result of *look*; fail, naming *what*, when it does not come in time."""
    pause = Event()
    deadline_s = monotonic() + patience_s
    while True:
        seen = look()
        if seen:
            return seen
        assert monotonic() < deadline_s, f"waited {patience_s:g} s in vain for {what}; last seen: {seen!r}"
        pause.wait(_LOOK_S)
