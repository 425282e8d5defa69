"""Whether and how the program polls, and starting and stopping the polling of one job."""

from collections import Counter

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from oma_poller import __version__
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.web.call import Call, job_route, json_reply, route
from oma_poller.web.parts import ApiParts
from oma_poller.web.problem import problem
from oma_poller.web.row import Moment
from oma_poller.web.summary import Totals, totals_of
from oma_poller.web.surroundings import DatabaseRow, VmaRow, database_row, vma_rows


class PollingState(Struct, frozen=True):
    """The program at work."""

    running: bool
    """Whether jobs are polled: not while it waits for another poller, or a loop stands still."""
    version: str
    started_at: Moment
    interval_seconds: float
    active_jobs: int
    in_flight: int
    max_concurrent: int
    waiting: bool
    """Whether another poller is at work on the database, so that this one does nothing."""
    observations: dict[str, int]
    states: dict[str, int]
    polls: dict[str, int]
    """Finished polls by result, since the start."""
    database: DatabaseRow
    vmas: tuple[VmaRow, ...]
    totals: Totals


class Steered(Struct, frozen=True):
    """What came of the wish to start or stop."""

    job_id: str
    state: str
    """`started` or `stopped`."""
    detail: str


_STATE = Call("GET", "/api/v1/polling", "How the program polls", {200: PollingState}, (400,))
_START = "Poll a job now, also one that is parked or stopped"
_STARTS = tuple(
    Call("POST", path, _START, {202: Steered}, (400, 404, 409, 503))
    for path in ("/api/test/start-polling/{job_id}", "/api/v1/polling/{job_id}/start")
)
_STOP = Call(
    "POST", "/api/v1/polling/{job_id}/stop", "Poll a job no more", {202: Steered}, (400, 404, 409, 503)
)
CALLS = (_STATE, *_STARTS, _STOP)


def routes(parts: ApiParts) -> list[BaseRoute]:
    """Return the routes of these calls."""
    steering = Steering(parts)

    async def state(_: Request) -> Response:
        return json_reply(polling_state(parts))

    return [
        route(_STATE, state),
        *(job_route(call, steering.start) for call in _STARTS),
        job_route(_STOP, steering.stop),
    ]


def polling_state(parts: ApiParts) -> PollingState:
    """Return the program's state now."""
    rows = parts.fleet.rows()
    return PollingState(
        running=not (parts.discovery.is_waiting or parts.beats.stuck()),
        version=__version__,
        started_at=parts.started_at,
        interval_seconds=parts.poller.interval_s,
        active_jobs=len(rows),
        in_flight=parts.poller.in_flight,
        max_concurrent=parts.max_concurrent,
        waiting=parts.discovery.is_waiting,
        observations=dict(Counter(row.observation for row in rows)),
        states=dict(Counter(row.state for row in rows)),
        polls=dict(parts.tally.polls.copy()),
        database=database_row(parts),
        vmas=vma_rows(parts),
        totals=totals_of(rows),
    )


class Steering:
    """Starts and stops the polling of jobs, and says why it cannot."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    async def start(self, job_id: str, _: Request) -> Response:
        """Have a job polled at once; one that is not watched yet once it is found in the database."""
        if self._parts.discovery.is_waiting:
            return _rival()
        if await self._parts.controls.start(job_id) and not self._has_ended(job_id):
            return _steered(job_id, "started", "it is polled at once, or as soon as its VMA can be reached")
        refusal = await self._refusal(job_id)
        if refusal is not None:
            return refusal
        self._parts.controls.look_now()
        return _steered(job_id, "started", "it is active in the database and is taken up now")

    async def stop(self, job_id: str, _: Request) -> Response:
        """Have a job polled no more."""
        if self._parts.discovery.is_waiting:
            return _rival()
        if await self._parts.controls.stop(job_id) and not self._has_ended(job_id):
            return _steered(job_id, "stopped", "it is polled no more until it is started")
        refusal = await self._refusal(job_id)
        if refusal is not None:
            return refusal
        self._parts.controls.look_now()
        return problem(409, f"job {job_id!r} is active, but not taken up yet; try again in a moment")

    def _has_ended(self, job_id: str) -> bool:
        row = self._parts.fleet.row(job_id)
        return row is not None and row.status.lower() in TERMINAL_STATUSES

    async def _refusal(self, job_id: str) -> Response | None:
        """Say why a job cannot be polled by what the database has of it; None where it can."""
        status = await run_in_threadpool(self._parts.records.status_of, job_id)
        if status is None:
            return problem(404, f"job {job_id!r} is not in replication_jobs")
        if status.lower() in TERMINAL_STATUSES:
            return problem(409, f"job {job_id!r} is over: its status is {status}")
        active = self._parts.records.active_statuses
        if status.lower() not in active:
            words = ", ".join(sorted(active))
            return problem(409, f"job {job_id!r} is not active: its status is {status}; active are {words}")
        return None


def _rival() -> Response:
    detail = "another poller is at work on this database, and this one polls nothing; ask that one"
    return problem(503, detail, {"Retry-After": "5"})


def _steered(job_id: str, state: str, detail: str) -> Response:
    return json_reply(Steered(job_id, state, detail), 202)
