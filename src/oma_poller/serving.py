"""A uvicorn server that leaves the signals to its program, and says when it is there."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oma_poller import uvicorn_parts
from oma_poller.uvicorn_parts import Config


class Server(uvicorn_parts.Server):
    """uvicorn that takes no signals: at its end it would raise them once more, and that kills the program.

    Whoever runs it sets `should_exit` to end it, and chooses the exit status.
    """

    def __init__(self, config: Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, then say so."""
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield
