"""What systemd is told, and asks for: datagrams to the socket that `NOTIFY_SOCKET` names (sd_notify(3))."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

_MICROSECONDS = 1_000_000
_LONGEST = 18
"""Digits of a number that is read."""


class Notices:
    """The way to the supervisor; a place where nobody listens takes everything."""

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = address
        self.watchdog_s = watchdog_s
        """A sign of life is expected at least so often; None where none is."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return the way that systemd has named for this very process."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        micros = environment.get("WATCHDOG_USEC", "")
        usable = micros.isascii() and micros.isdecimal() and len(micros) <= _LONGEST and int(micros) > 0
        meant = environment.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
        return cls(address, int(micros) / _MICROSECONDS if usable and meant else None)

    def send(self, *lines: str) -> None:
        """Send assignments like `READY=1`. Nothing that happens to them stops the program."""
        if self._address is None or not lines:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.settimeout(0)
            way.sendto("\n".join(lines).encode(), address)
