"""`/openapi.json`: the API's own description, made from the structs that it answers with."""

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oma_poller import __version__
from oma_poller.web import routes_jobs, routes_polling
from oma_poller.web.call import JOB, Call, Parameter
from oma_poller.web.job_id import PATTERN
from oma_poller.web.parts import ApiParts
from oma_poller.web.problem import Problem

_REF = "#/components/schemas/{name}"
_TEXT = {"type": "string"}
_ALWAYS = (401, 403, 413, 421, 429, 431)
"""Problems that any call may have: they come from its guards."""
_OTHERS = (
    Call("GET", "/metrics", "Prometheus metrics", {200: None}, media_type="text/plain"),
    Call("GET", "/healthz", "Whether the program lives", {200: None, 503: None}),
    Call("GET", "/readyz", "Whether the program can do its work", {200: None, 503: None}),
)
_EVENTS = Call(
    "GET",
    "/api/v1/events",
    "Server-sent events of progress, state, observation and VMA health",
    {200: None},
    (400, 503),
    (Parameter("job_id", "Only events of this job.", _TEXT, repeats=True),),
    media_type="text/event-stream",
)
CALLS: tuple[Call, ...] = (*routes_polling.CALLS, *routes_jobs.CALLS, _EVENTS, *_OTHERS)


def routes(parts: ApiParts) -> list[BaseRoute]:
    """Return the route of the description."""

    @cache  # made when it is first asked for: few ever read it
    def body() -> bytes:
        return msgspec.json.encode(document(has_token=parts.settings.token is not None))

    async def openapi(_: Request) -> Response:
        return Response(body(), media_type="application/json")

    return [Route("/openapi.json", openapi, methods=["GET"])]


def document(*, has_token: bool) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    structs = [*_structs(CALLS), Problem]
    _, components = msgspec.json.schema_components(structs, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "OMA Progress Poller",
            "version": __version__,
            "description": "Progress of VM migrations. Times are RFC 3339 in UTC, sizes are bytes, speeds are"
            " bytes per second; what is not known is null. Errors are application/problem+json (RFC 9457).",
        },
        "paths": paths,
        "components": {"schemas": components},
    }
    if has_token:
        made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"] = [{"token": []}, {}]
    return made


def _structs(calls: Iterable[Call]) -> list[type[Struct]]:
    found = [struct for call in calls for struct in call.answers.values() if struct is not None]
    return list(dict.fromkeys(found))


def _operation(call: Call) -> dict[str, Any]:
    parameters = [_query(parameter) for parameter in call.parameters]
    if JOB in call.path:
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": PATTERN}
        parameters.insert(0, {"name": "job_id", "in": "path", "required": True, "schema": schema})
    answers = {str(status): _answer(call, status, struct) for status, struct in call.answers.items()}
    if call.may_not_change:
        answers["304"] = {"description": "Nothing changed since the ETag given in If-None-Match"}
    answers |= {
        str(status): _problem(status) for status in (*call.problems, *_ALWAYS) if str(status) not in answers
    }
    return {"summary": call.summary, "parameters": parameters, "responses": answers}


def _query(parameter: Parameter) -> dict[str, Any]:
    schema: Mapping[str, object] = parameter.schema
    if parameter.repeats:
        schema = {"type": "array", "items": dict(parameter.schema)}
    return {"name": parameter.name, "in": "query", "description": parameter.text, "schema": schema}


def _answer(call: Call, status: int, struct: type[Struct] | None) -> dict[str, Any]:
    schema: dict[str, object] = {} if struct is None else {"$ref": _REF.format(name=struct.__name__)}
    return {"description": HTTPStatus(status).phrase, "content": {call.media_type: {"schema": schema}}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=Problem.__name__)}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }
