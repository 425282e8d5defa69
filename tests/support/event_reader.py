"""A reader of the events over a socket of its own, as a program outside would be one."""

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from threading import Lock, Thread
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from patience import PATIENCE_S, until


class Event(NamedTuple):
    """One message."""

    kind: str
    data: Any
    """JSON."""
    id: str
    """Empty where it has none."""


class EventReader:
    """Keeps what it was sent, from `start` on."""

    def __init__(self, url: str, query: str = "", last_event_id: str = "", buffer_bytes: int = 0) -> None:
        place = urlsplit(url)
        assert place.hostname is not None
        self._socket = socket.socket()
        if buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect((place.hostname, place.port))
        resumed = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        path = f"/api/v1/events{query}"
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\n{resumed}\r\n".encode())
        self._stream = self._socket.makefile("rb")
        self.status = int(self._stream.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._stream.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self._lock = Lock()
        self._events: list[Event] = []
        self.heartbeats = 0
        self.last_event_id = last_event_id
        self.ended = False
        """Whether the server has ended the stream, whole."""
        self._thread = Thread(target=self._read, daemon=True)

    def start(self) -> Self:
        """Begin to take what comes; a reader that was not started takes nothing."""
        if self.status == HTTPStatus.OK:
            self._thread.start()
        return self

    @property
    def events(self) -> list[Event]:
        """What came so far."""
        with self._lock:
            return list(self._events)

    def of(self, *kinds: str) -> list[Event]:
        """Return what came of these kinds."""
        return [event for event in self.events if event.kind in kinds]

    def wait_for(self, kind: str, look: Callable[[Any], object] = lambda _: True) -> Event:
        """Return the first message of a kind whose data are what is looked for, once it came."""
        what = f"a message {kind!r} like that"
        return until(lambda: [one for one in self.of(kind) if look(one.data)], what)[0]

    def close(self) -> None:
        """Go away."""
        with suppress(OSError):  # where the server was first
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        text = b""
        try:
            while piece := self._chunk():
                text += piece
                *whole, text = text.split(b"\n\n")
                for block in whole:
                    self._take(block.decode())
            self.ended = True
        except (OSError, ValueError):
            pass  # cut off, or closed here

    def _chunk(self) -> bytes:
        length = int(self._stream.readline(), 16)
        piece = self._stream.read(length)
        self._stream.readline()
        return piece

    def _take(self, block: str) -> None:
        if block.startswith(":"):
            self.heartbeats += 1
            return
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        event = Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
        with self._lock:
            self._events.append(event)
            self.last_event_id = event.id or self.last_event_id
