"""All routes of the API behind their guards."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from oma_poller.errors import OmaPollerError, StoppingError, UnknownJobError
from oma_poller.logs import get_logger, one_line
from oma_poller.web import assets, events, health, metrics, openapi, routes_jobs, routes_polling
from oma_poller.web.guard import Guard
from oma_poller.web.headers import SafeHeaders
from oma_poller.web.job_id import JobIdError
from oma_poller.web.parts import ApiParts
from oma_poller.web.problem import problem
from oma_poller.web.query import QueryError

_WORTH_COMPRESSING_BYTES = 1024
_LEVEL = 4
"""A list of thousands of jobs shrinks to a tenth at this level too, at a third of the time."""
_SHOWN = 200


def api_app(parts: ApiParts) -> ASGIApp:
    """Return the whole API."""
    modules = (routes_polling, routes_jobs, events, metrics, health, openapi, assets)
    app = Starlette(
        routes=[route for module in modules for route in module.routes(parts)],
        exception_handlers={
            HTTPException: _http_error,
            JobIdError: _bad_request,
            QueryError: _bad_request,
            UnknownJobError: _unknown,
            OmaPollerError: _error,
            Exception: _defect,
        },
    )
    app.router.redirect_slashes = False
    packed = GZipMiddleware(app, minimum_size=_WORTH_COMPRESSING_BYTES, compresslevel=_LEVEL)
    return SafeHeaders(Guard(packed, parts.settings))


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {one_line(request.url.path[:_SHOWN])}; /docs lists every call"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(headers.get("Allow", "GET").split(", ")))
        detail = f"{request.method} is not allowed here; allowed are {allowed}"
    else:
        detail = str(getattr(error, "detail", "")) or HTTPStatus(status).phrase
    return problem(status, detail, headers)


async def _bad_request(_: Request, error: Exception) -> Response:
    return problem(HTTPStatus.BAD_REQUEST, one_line(str(error)))


async def _unknown(_: Request, error: Exception) -> Response:
    return problem(HTTPStatus.NOT_FOUND, one_line(str(error)))


async def _error(_: Request, error: Exception) -> Response:
    """Answer an error of our own that no route has taken: the database or a VMA does not do its part."""
    headers = {"Retry-After": "1"} if isinstance(error, StoppingError) else {}
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, one_line(str(error)), headers)


async def _defect(request: Request, error: Exception) -> Response:
    get_logger().error("defect of this program", path=one_line(request.url.path[:_SHOWN]), exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a defect of this program; its log has a line of it")
