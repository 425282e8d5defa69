"""The API on a thread of its own: what a client does there, the polling does not feel."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable

from starlette.types import ASGIApp

from oma_poller.errors import OmaPollerError
from oma_poller.listening import BACKLOG, bind, url_of
from oma_poller.logs import get_logger
from oma_poller.serving import Server
from oma_poller.uvicorn_parts import Config
from oma_poller.web.connection import MOST_OF_ALL, GuardedConnection
from oma_poller.web.guard import HEADERS_LIMIT_BYTES
from oma_poller.web.settings import ApiSettings

RETRY_S = 5.0
"""Pause between two attempts to listen on an address that is taken."""
STOP_S = 3.0
"""Requests under way at the end have so long."""
CLOSE_S = 2 * STOP_S
"""The thread may take so long to end: one that hangs in a call of the database or a VMA is left behind."""
KEEP_ALIVE_S = 75


class ApiServer:
    """Serves until it is stopped. An address that cannot be had is tried again; the polling goes on."""

    def __init__(
        self,
        settings: ApiSettings,
        make_app: Callable[[], ASGIApp],
        ending: threading.Event | None = None,
    ) -> None:
        self._settings = settings
        self._make_app = make_app
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)
        self._stop = ending or threading.Event()
        self._server: Server | None = None
        self.is_listening = threading.Event()
        """Set once connections are accepted."""

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def end(self) -> None:
        """Ask it to end; returns at once."""
        self._stop.set()
        if self._server is not None:
            self._server.should_exit = True

    def close(self) -> None:
        """End the thread, and wait for that a bounded time."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        """Serve, and begin again after a defect: without the API nobody would see that it is gone."""
        while not self._stop.is_set():
            self._serve_once()
            self.is_listening.clear()
            self._stop.wait(RETRY_S)

    def _serve_once(self) -> None:
        log = get_logger()
        listener = self._listener()
        if listener is None:
            return
        scheme = "http" if self._settings.cert_file is None else "https"
        url = url_of(listener, scheme)

        def ready() -> None:
            log.info("API listening", url=url)
            self.is_listening.set()

        try:
            with listener, asyncio.Runner() as runner:
                runner.run(self._serve(listener, ready))
        except Exception as error:
            log.exception("API ended by a defect of this program", detail=repr(error))

    def _listener(self) -> socket.socket | None:
        """Return the socket, however long it takes to have it; None where the program ends first."""
        host, port = self._settings.listen or ("", 0)
        said = ""
        while not self._stop.is_set():
            try:
                return bind(host, port, "OMA_API_LISTEN")
            except OmaPollerError as error:
                if str(error) != said:
                    said = str(error)
                    get_logger().warning("API cannot listen", detail=said, retry_s=RETRY_S)
            self._stop.wait(RETRY_S)
        return None

    async def _serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        config = Config(
            self._make_app(),
            http=GuardedConnection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",  # a defect is shown; requests that are refused are not
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(STOP_S),
            h11_max_incomplete_event_size=HEADERS_LIMIT_BYTES,
            limit_concurrency=MOST_OF_ALL,
            ssl_certfile=self._settings.cert_file,
            ssl_keyfile=self._settings.key_file,
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
        )
        self._server = Server(config, ready)
        self._server.should_exit = self._stop.is_set()
        await self._server.serve([listener])
