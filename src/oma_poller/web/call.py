"""One call of the API: what answers it, and what is said of it in the API's own description."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from oma_poller.web.job_id import job_id_of, path_as_sent
from oma_poller.web.query import require_known

Answer = Callable[[Request], Awaitable[Response]]
AnswerOfJob = Callable[[str, Request], Awaitable[Response]]
JOB = "{job_id}"


class Parameter(Struct, frozen=True):
    """A query parameter."""

    name: str
    text: str
    schema: Mapping[str, object]
    repeats: bool = False
    """Whether it may be given several times, or as a list with commas."""


class Call(Struct, frozen=True):
    """A method and a path, with `{job_id}` where the id of a job stands."""

    method: str
    path: str
    summary: str
    answers: Mapping[int, type[Struct] | None]
    """What is answered by status; None is no JSON of ours. Problems are named by their status alone."""
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    media_type: str = "application/json"
    """Of the answer."""
    may_not_change: bool = False
    """Whether it answers 304 to If-None-Match."""


def route(call: Call, answer: Answer) -> BaseRoute:
    """Return the route of a call."""

    async def checked(request: Request) -> Response:
        _check_names(call, request)
        return await answer(request)

    return Route(call.path, checked, methods=[call.method])


def job_route(call: Call, answer: AnswerOfJob) -> BaseRoute:
    """Return the route of a call for one job: it is found by the path as it was sent."""
    prefix, suffix = call.path.split(JOB)

    async def of_job(request: Request) -> Response:
        _check_names(call, request)
        return await answer(job_id_of(request, prefix, suffix), request)

    return _RouteAsSent(f"{prefix}{{job_id:path}}{suffix}", of_job, methods=[call.method])


def _check_names(call: Call, request: Request) -> None:
    require_known(request.query_params, {parameter.name: parameter.repeats for parameter in call.parameters})


class _RouteAsSent(Route):
    """A route that is found by the path as it was sent: a `%2F` in it is part of a job's id."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is for this route."""
        if scope["type"] != "http":
            return Match.NONE, {}
        return super().matches({**scope, "path": path_as_sent(scope)})


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")
