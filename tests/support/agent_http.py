"""The progress server's application, asked without a socket, on a clock that the test moves."""

import asyncio
import gzip
import json
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

from msgspec import Struct
from starlette.applications import Starlette

from oma_poller.agent.server.moment import Moment
from oma_poller.agent.server.register import Limits, Register
from oma_poller.agent.server.routes import application
from oma_poller.agent.server.state_file import State

START_S = 1_795_449_264.0
"""2026-11-23T15:54:24Z."""


class HandClock:
    """Stands still until told."""

    def __init__(self, s: float = START_S) -> None:
        self.s = s

    def now(self) -> Moment:
        """Return the instant that was set."""
        return Moment(self.s, self.s)


class Reply(Struct, frozen=True):
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body, unpacked where it was compressed."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        """The body, decoded."""
        return json.loads(self.text)


class AgentHttp:
    """A server of its own."""

    def __init__(self, limits: Limits | None = None, state: State | None = None) -> None:
        self.clock = HandClock()
        self.register = Register(self.clock, limits or Limits(), state)
        self.app: Starlette = application(self.register)

    def ask(self, method: str, target: str, body: bytes | None = b"", **headers: str) -> Reply:
        """Send a request; `_` in a header's name stands for `-`. A body that is None never comes."""
        raw_path, _, query = target.partition("?")
        lines = {"host": "vma", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in lines.items()],
        }
        return asyncio.run(self._run(scope, body))

    async def _run(self, scope: dict[str, Any], body: bytes | None) -> Reply:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            if body is None:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *parts = sent
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, b"".join(part.get("body", b"") for part in parts))

    def get(self, key: str, **headers: str) -> Reply:
        """Ask for one entry."""
        return self.ask("GET", f"/api/v1/progress/{key}", b"", **headers)

    def entry(self, key: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return one entry, which must be there."""
        reply = self.get(key)
        assert reply.status == 200, reply
        return reply.json

    def post(self, key: str, document: object = None, **fields: object) -> Reply:
        """Report a document, or fields."""
        body = document if isinstance(document, bytes) else json.dumps(document or fields).encode()
        return self.ask("POST", f"/api/v1/progress/{key}/update", body)

    def report(self, key: str, **fields: object) -> None:
        """Report fields, which must be accepted."""
        reply = self.post(key, fields)
        assert reply.status == 200, reply

    def listing(self, query: str = "") -> Any:  # noqa: ANN401 - JSON may be anything
        """Return one page of all entries."""
        reply = self.ask("GET", f"/api/v1/progress{query}")
        assert reply.status == 200, reply
        return reply.json
