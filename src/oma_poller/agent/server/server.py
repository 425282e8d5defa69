"""The progress server as a program: a register behind HTTP, until a signal ends it."""

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from oma_poller.agent.server.listen import Address
from oma_poller.agent.server.moment import SteadyClock
from oma_poller.agent.server.register import Limits, Register
from oma_poller.agent.server.routes import application
from oma_poller.agent.server.state_file import StateFile
from oma_poller.clock import SystemClock
from oma_poller.listening import BACKLOG, bind, url_of
from oma_poller.serving import Server
from oma_poller.uvicorn_parts import Config

KEEP_ALIVE_S = 75
"""Longer than any poll interval, so that a poller's connection is still there for its next poll."""
GRACE_S = 5
"""Requests that are being answered at the end have this long."""
HEADERS_LIMIT = 32 * 1024
"""Bytes of a request's first line and headers."""
CONNECTIONS_LIMIT = 1000
"""More connections than this are answered with 503."""


def serve(address: Address, state_path: Path | None, limits: Limits, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `announce` gets the URL once connections are accepted.

    Raises OmaPollerError where the address or the state file cannot be used.
    """
    clock = SteadyClock(SystemClock())
    state = StateFile(state_path) if state_path else None
    try:
        register = Register(clock, limits, state)
        register.restore(state.load() if state else [])
        listener = bind(address.host, address.port, "--listen")
        where = url_of(listener)
        server = Server(_config(register), lambda: announce(where))
        with listener:
            asyncio.run(_until_signal(server, listener))
    finally:
        if state:
            state.close()


async def _until_signal(server: Server, listener: socket.socket) -> None:
    """Serve; a signal is the wish to end, after what is being answered."""

    def end() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await server.serve([listener])


def _config(register: Register) -> Config:
    return Config(
        application(register),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",  # a defect is shown; requests that are refused are not
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=HEADERS_LIMIT,
        limit_concurrency=CONNECTIONS_LIMIT,
    )
