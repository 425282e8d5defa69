"""`/api/v1/events`: what changes, told as it changes, to any number of readers."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oma_poller.web.event_hub import Hub, Pace
from oma_poller.web.event_stream import EventStream
from oma_poller.web.news import News
from oma_poller.web.parts import ApiParts
from oma_poller.web.problem import problem

MOST_READERS = 500
MOST_JOB_IDS = 100


def routes(parts: ApiParts, pace: Pace | None = None) -> list[BaseRoute]:
    """Return the route of the event stream."""
    hub = Hub(parts, News(parts), pace or Pace())

    async def events(request: Request) -> Response:
        unknown = sorted(set(request.query_params) - {"job_id"})
        if unknown:
            return problem(400, f"unknown parameter {unknown[0]!r}; allowed is job_id, also several times")
        job_ids = request.query_params.getlist("job_id")
        if len(job_ids) > MOST_JOB_IDS:
            return problem(400, f"job_id is given {len(job_ids)} times; allowed are {MOST_JOB_IDS}")
        if hub.readers >= MOST_READERS:
            return problem(503, f"{MOST_READERS} readers are served already", {"Retry-After": "5"})
        return EventStream(hub, request.headers.get("last-event-id"), frozenset(job_ids))

    return [Route("/api/v1/events", events, methods=["GET"])]
