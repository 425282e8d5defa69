"""An event loop whose time jumps to the next timer as soon as nothing is left to do."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import TypeVar

from core_values import NOW, NOW_S

T = TypeVar("T")

_ROUNDS = 1_000_000
"""So many turns of the loop are more than any test needs: it is spinning."""


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOW_S
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._rounds += 1
        assert self._rounds < _ROUNDS, "the loop spins without end"
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everything waits for something that never comes")
        if not ready and timeout is not None:
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that begins at `NOW_S`. Nothing outside of it may be waited for: no thread, no socket."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time, seconds."""
        return self._jumping.now_s


class LoopClock:
    """The clock of the running virtual loop. It shows `NOW` at `NOW_S`."""

    def monotonic(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    def utc(self) -> datetime:
        """Return the wall clock at that time."""
        return NOW + timedelta(seconds=self.monotonic() - NOW_S)


class SetClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def monotonic(self) -> float:
        """Return the time that was set."""
        return self.now_s

    def utc(self) -> datetime:
        """Return the wall clock at that time."""
        return NOW + timedelta(seconds=self.now_s - NOW_S)


def run_virtually(main: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


async def let_pass(seconds: float) -> None:
    """Let virtual time pass; everything that is due in it happens."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    over = asyncio.Event()
    loop.call_later(seconds, over.set)
    await over.wait()


async def until_true(look: Callable[[], object], within_s: float = 3600.0) -> None:
    """Let virtual time pass until *look* is true, and fail where it does not become so."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not look():
        assert loop.time() < end_s, f"not true within {within_s:g} virtual seconds"
        await let_pass(0.01)
