"""A connection that has to say something in time, and is not one of too many of its address."""

import asyncio
from collections import Counter
from typing import Any, ClassVar, cast

from oma_poller.uvicorn_parts import H11Protocol

SILENCE_S = 10.0
"""A connection that has not sent a whole request by then, its first or the rest of one, is closed."""
UNREAD_S = 60.0
"""A client that does not take what it asked for in this time is cut off: it holds the reply in memory."""
MOST_UNREAD_BYTES = 128 * 2**20
"""Of all clients together; the next one that does not read is cut off at once."""
MOST_OF_ADDRESS = 600
"""Connections of one address; more of them are closed at once. The page and 500 event readers have room."""
MOST_OF_ALL = 1000
"""Connections of all addresses: each is an open file, and the polling needs files, too."""

ABORT = "oma_poller.abort"
"""In a request's scope: what ends its connection at once, whatever the client has not taken yet."""


class GuardedConnection(H11Protocol):
    """Closes connections that hold a place and say nothing."""

    per_address: ClassVar[Counter[str]] = Counter()
    silence_s: ClassVar[float] = SILENCE_S
    unread_s: ClassVar[float] = UNREAD_S

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as the base class takes
        super().__init__(*arguments, **options)
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base class
        """Count the connection, and begin to wait for its first request."""
        super().connection_made(transport)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        self.per_address[self._address] += 1
        if self.per_address[self._address] > MOST_OF_ADDRESS or self.per_address.total() > MOST_OF_ALL:
            transport.abort()
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self.per_address[self._address] -= 1
        if not self.per_address[self._address]:
            del self.per_address[self._address]
        self._wait_no_more()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read as fast as it is answered."""
        super().pause_writing()
        held = sum(one.transport.get_write_buffer_size() for one in self.connections)
        if held > MOST_UNREAD_BYTES:
            self.transport.abort()
        elif self._unread is None:
            self._unread = self.loop.call_later(self.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait for it no longer."""
        super().resume_writing()
        self._taken()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def data_received(self, data: bytes) -> None:
        """Take data; once a whole request is there nobody waits for it any more."""
        super().data_received(data)
        under_way = bool(self.cycle) and not self.cycle.response_complete
        if under_way:
            scope: dict[str, Any] = cast("dict[str, Any]", self.cycle.scope)
            scope[ABORT] = self.transport.abort
            self._wait_no_more()
        elif self._deadline is None:
            self._wait()

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.silence_s, self._close)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        self._deadline = None
        self.transport.abort()
