"""Which request does what. Everything that decides is in the register."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from oma_poller.agent.server.page import PAGE_ENTRIES, PAGE_LIMIT
from oma_poller.agent.server.refusal import TOO_LARGE, RefusedError
from oma_poller.agent.server.register import Register
from oma_poller.agent.server.reply import entry_reply, json_reply, text_reply

BODY_LIMIT = 1024 * 1024
"""Bytes of a request's body."""
BODY_TIMEOUT_S = 30.0
"""A body that takes longer to come is refused."""
_NOT_FOUND = 404
_TIMEOUT = 408
_JOB_NOT_FOUND = "job not found"
_PAGE_NOT_FOUND = "404 page not found"
_NO_CONTENT = 204
_CLOSE = {"Connection": "close"}

Endpoint = Callable[[Request], Awaitable[Response]]


def application(register: Register) -> Starlette:
    """Return the progress API on a register."""
    routes = Routes(register)
    table: dict[str, tuple[Endpoint, list[str]]] = {
        "/api/v1/progress": (routes.listing, ["GET"]),
        "/api/v1/progress/{key}": (routes.entry, ["GET", "DELETE"]),
        "/api/v1/progress/{key}/update": (routes.update, ["POST"]),
        "/api/v1/status/{key}": (routes.status, ["GET"]),
        "/api/v1/health": (routes.health, ["GET"]),
    }
    app = Starlette(
        routes=[Route(path, endpoint, methods=methods) for path, (endpoint, methods) in table.items()],
        exception_handlers={HTTPException: _unroutable, RefusedError: _refused},
    )
    app.router.redirect_slashes = False
    return app


class Routes:
    """The endpoints. None of them waits for anything but the request's body."""

    def __init__(self, register: Register) -> None:
        self._register = register

    async def entry(self, request: Request) -> Response:
        """Answer with one entry in shape C, or delete it."""
        key = request.path_params["key"]
        if request.method == "DELETE":
            deleted = self._register.delete(key)
            return Response(status_code=_NO_CONTENT) if deleted else text_reply(_JOB_NOT_FOUND, _NOT_FOUND)
        found = self._register.progress(key)
        if found is None:
            return text_reply(_JOB_NOT_FOUND, _NOT_FOUND)
        return entry_reply(found.body, found.etag, request.headers)

    async def update(self, request: Request) -> Response:
        """Take a copier's report."""
        body = await _body(request)
        acknowledgement = self._register.update(request.path_params["key"], body)
        return json_reply(acknowledgement, request.headers)

    async def listing(self, request: Request) -> Response:
        """Answer with all entries, or those that changed since a cursor."""
        limit = _limit(request.query_params.get("limit"))
        body = self._register.changes(request.query_params.get("since"), limit)
        return json_reply(body, request.headers, {"Cache-Control": "no-cache"})

    async def status(self, request: Request) -> Response:
        """Answer with one entry in its short form."""
        body = self._register.status(request.path_params["key"])
        if body is None:
            return text_reply(_JOB_NOT_FOUND, _NOT_FOUND)
        return json_reply(body, request.headers, {"Cache-Control": "no-cache"})

    async def health(self, request: Request) -> Response:
        """Answer how the server is and what it can do."""
        return json_reply(self._register.health(), request.headers)


async def _body(request: Request) -> bytes:
    """Return the request's body. Raises RefusedError where it is too large or does not come."""
    declared = request.headers.get("content-length", "0")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            if not declared.isdecimal() or int(declared) > BODY_LIMIT:
                raise RefusedError(f"the body has more than {BODY_LIMIT} bytes", TOO_LARGE)
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise RefusedError(f"the body has more than {BODY_LIMIT} bytes", TOO_LARGE)
    except TimeoutError as error:
        raise RefusedError(f"the body did not come within {BODY_TIMEOUT_S:g} s", _TIMEOUT) from error
    except ClientDisconnect as error:
        raise RefusedError("the connection was closed within the body") from error
    return bytes(body)


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_ENTRIES
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(PAGE_LIMIT))):
        raise RefusedError(f"limit must be a number from 1 to {PAGE_LIMIT}")
    limit = int(text)
    if not 1 <= limit <= PAGE_LIMIT:
        raise RefusedError(f"limit is {limit}, allowed are 1 to {PAGE_LIMIT}")
    return limit


async def _refused(_request: Request, error: Exception) -> Response:
    """Answer a refusal with its reason."""
    status = error.status if isinstance(error, RefusedError) else 500
    # The rest of a body that was not read must not be taken for the next request.
    return text_reply(str(error), status, _CLOSE if status in {TOO_LARGE, _TIMEOUT} else None)


async def _unroutable(_request: Request, error: Exception) -> Response:
    """Answer an unknown path with 404 and a wrong method with 405, as the recorded servers do."""
    if isinstance(error, HTTPException) and error.status_code != _NOT_FOUND:
        allowed = sorted((error.headers or {}).get("Allow", "").split(", "))
        return Response(status_code=error.status_code, headers={"Allow": ", ".join(allowed)})
    return text_reply(_PAGE_NOT_FOUND, _NOT_FOUND)
