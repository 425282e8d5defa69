"""The jobs: all of them, one of them, its history, and why it shows what it shows."""

from asyncio import Semaphore
from collections.abc import Callable
from typing import Any
from zlib import crc32

from msgspec import Raw, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from oma_poller.errors import VolumeNameError
from oma_poller.model.observation import Observation
from oma_poller.model.reading import State
from oma_poller.web.call import Call, Parameter, job_route, json_reply, route
from oma_poller.web.parts import ApiParts
from oma_poller.web.ports import HistoryPoint
from oma_poller.web.problem import problem
from oma_poller.web.query import (
    MOST_ROWS,
    ORDERS,
    SORTS,
    moment,
    number,
    read_list_query,
)
from oma_poller.web.row import JobDetail, JobRow
from oma_poller.web.summary import Summary, summary_of

MOST_POINTS = 5000
MOST_EXPLANATIONS = 2
"""So many at once: each asks a VMA."""


class JobPage(Struct, frozen=True):
    """A page of the jobs that match."""

    total: int
    """How many match."""
    offset: int
    limit: int
    jobs: tuple[JobRow, ...]
    summary: Summary


class _EncodedPage(Struct, frozen=True):
    """The same with rows that are JSON already."""

    total: int
    offset: int
    limit: int
    jobs: list[Raw]
    summary: Summary


class JobHistory(Struct, frozen=True):
    """Samples of a job, oldest first."""

    job_id: str
    points: list[HistoryPoint]


class ExportNames(Struct, frozen=True):
    """The NBD exports that a job's disks are written through."""

    job_id: str
    nbd_export_names: list[str]


def _words(name: str, text: str, words: list[str] | None = None) -> Parameter:
    item: dict[str, object] = {"type": "string"} if words is None else {"type": "string", "enum": words}
    return Parameter(name, text, item, repeats=True)


_LIST = Call(
    "GET",
    "/api/v1/progress",
    "All watched jobs",
    {200: JobPage},
    (400,),
    (
        _words("status", "Status of the row."),
        _words("state", "State by the VMA.", [state.value for state in State]),
        _words("observation", "How the job is seen.", [one.value for one in Observation]),
        _words("vma", "Name of the VMA."),
        Parameter("name", "Part of the VM's name or of the job's id.", {"type": "string", "maxLength": 255}),
        Parameter("sort", "What the list is sorted by.", {"type": "string", "enum": list(SORTS)}),
        Parameter("order", "Newest first, else ascending.", {"type": "string", "enum": list(ORDERS)}),
        Parameter("limit", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}),
        Parameter("offset", "Rows before it.", {"type": "integer", "minimum": 0, "maximum": 2**31}),
    ),
    may_not_change=True,
)
_JOB = Call("GET", "/api/v1/progress/{job_id}", "One job", {200: JobDetail}, (400, 404, 503))
_HISTORY = Call(
    "GET",
    "/api/v1/progress/{job_id}/history",
    "Samples of a job over time",
    {200: JobHistory},
    (400, 404, 503),
    (
        Parameter("since", "Not older than this moment.", {"type": "string", "format": "date-time"}),
        Parameter("limit", "The newest so many.", {"type": "integer", "minimum": 1, "maximum": MOST_POINTS}),
    ),
)
_EXPLAIN = Call(
    "GET",
    "/api/v1/progress/{job_id}/explain",
    "Why a job shows what it shows; asks its VMA",
    {200: None},
    (400, 404, 409, 503),
)
_EXPORTS = Call(
    "GET",
    "/api/debug/nbd-export-names/{job_id}",
    "The NBD exports of a job's disks",
    {200: ExportNames},
    (400, 404, 409, 503),
)
CALLS = (_LIST, _HISTORY, _EXPLAIN, _JOB, _EXPORTS)


def routes(parts: ApiParts) -> list[BaseRoute]:
    """Return the routes of these calls; the longer paths of a job come first."""
    jobs = Jobs(parts)
    return [
        route(_LIST, jobs.page),
        job_route(_HISTORY, jobs.history),
        job_route(_EXPLAIN, jobs.explain),
        job_route(_JOB, jobs.job),
        job_route(_EXPORTS, jobs.exports),
    ]


class Jobs:
    """Answers what is asked of the jobs."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._explaining = Semaphore(MOST_EXPLANATIONS)

    async def page(self, request: Request) -> Response:
        """Return the jobs that match, in order; 304 where nothing of them changed."""
        query = read_list_query(request.query_params)
        fleet = self._parts.fleet
        matching = [row for row in fleet.rows() if query.matches(row)]
        etag = f'W/"{fleet.epoch}-{fleet.version}-{crc32(request.url.query.encode()):08x}"'
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": etag})
        rows = query.sorted(matching)[query.offset : query.offset + query.limit]
        encoded = [Raw(fleet.encoded(row.job_id)) for row in rows]
        body = _EncodedPage(len(matching), query.offset, query.limit, encoded, summary_of(matching))
        return json_reply(body, headers={"ETag": etag})

    async def job(self, job_id: str, _: Request) -> Response:
        """Return one job."""
        detail = self._parts.fleet.detail(job_id)
        return json_reply(detail) if detail is not None else await self._unwatched(job_id)

    async def history(self, job_id: str, request: Request) -> Response:
        """Return the samples of a job, also of one that is over."""
        since = moment(request.query_params, "since")
        limit = number(request.query_params, "limit", 1, MOST_POINTS, 1000)
        points = await run_in_threadpool(self._parts.records.history, job_id, since, limit)
        return json_reply(JobHistory(job_id, points))

    async def explain(self, job_id: str, _: Request) -> Response:
        """Ask the VMA for a job now, and tell rule by rule what it comes to."""
        if self._explaining.locked():
            detail = f"{MOST_EXPLANATIONS} jobs are being explained already"
            return problem(503, detail, {"Retry-After": "2"})
        async with self._explaining:
            account = await _asked(self._parts.records.explain, job_id)
        return account if isinstance(account, Response) else json_reply(account)

    async def exports(self, job_id: str, _: Request) -> Response:
        """Return the exports of a job's disks."""
        names = await _asked(self._parts.records.export_names, job_id)
        return names if isinstance(names, Response) else json_reply(ExportNames(job_id, names))

    async def _unwatched(self, job_id: str) -> Response:
        status = await run_in_threadpool(self._parts.records.status_of, job_id)
        if status is None:
            return _unknown(job_id)
        return problem(404, f"job {job_id!r} is not watched: its status is {status}")


async def _asked(call: Callable[[str], Any], job_id: str) -> Any:  # noqa: ANN401 - whatever the call returns
    """Return what a call gives for a job, or that the job has a volume id that can name no export."""
    try:
        return await run_in_threadpool(call, job_id)
    except VolumeNameError as error:
        return problem(409, str(error))


def _unknown(job_id: str) -> Response:
    return problem(404, f"job {job_id!r} is not in replication_jobs")
