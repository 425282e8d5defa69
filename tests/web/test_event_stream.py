"""The route of the events on a small server: heartbeats, bounds, slow readers, and its end."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn
from engine_world import job, jobs
from event_reader import EventReader
from fleet_bench import FleetBench
from patience import PATIENCE_S, until
from starlette.applications import Starlette
from virtual_time import SetClock

from oma_poller.clock import SystemClock
from oma_poller.engine.beats import Beats
from oma_poller.web import events
from oma_poller.web.connection import GuardedConnection
from oma_poller.web.event_hub import Hub, Pace
from oma_poller.web.parts import ApiParts

QUICK = Pace(tick_s=0.01, tick_a_reader_s=0, heartbeat_s=0.1, slowest_reader_s=PATIENCE_S, end_s=0.2)


class StreamServer:
    """The route alone, on a thread of its own, over a poller that the test moves."""

    def __init__(self, pace: Pace = QUICK, count: int = 1) -> None:
        self.bench = FleetBench(*jobs(count), clock=SystemClock())
        self.ending = threading.Event()
        fields = {
            "poller": self.bench.poller,
            "mailbox": self.bench.mailbox,
            "tally": self.bench.tally,
            "beats": Beats(SetClock()),
            "discovery": SimpleNamespace(is_waiting=False),
            "fleet": self.bench.fleet,
            "vmas": (),
            "ending": self.ending,
        }
        parts = cast("ApiParts", SimpleNamespace(**fields))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(
            Starlette(routes=events.routes(parts, pace)),
            http=GuardedConnection,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=int(PATIENCE_S),  # uvicorn complains of what is not over by then
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._server.serve([self._listener]))

    def get(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Ask for something that ends."""
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE_S)) as way:
            way.request(method, path)
            answer = way.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def moved(self, *percents: int) -> None:
        """Move all jobs."""
        self.bench.moved(*percents)

    @property
    def connections(self) -> int:
        """Number of connections that are open."""
        return len(self._server.server_state.connections)

    @property
    def has_stuck(self) -> bool:
        """Whether a connection takes no more."""
        return any(cast("Any", one).flow.write_paused for one in list(self._server.server_state.connections))

    def end(self) -> None:
        """End it as the program does."""
        self.ending.set()
        self._server.should_exit = True
        self._thread.join(2 * PATIENCE_S)
        self._listener.close()
        assert not self._thread.is_alive()


@pytest.fixture
def server(caplog: pytest.LogCaptureFixture) -> Iterator[StreamServer]:
    """Return a server with one job; at its end nothing was complained of."""
    made = StreamServer()
    yield made
    made.end()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_quiet_stream_has_heartbeats(server: StreamServer) -> None:
    with EventReader(server.url) as reader:
        until(lambda: reader.heartbeats >= 3, "heartbeats")
        assert reader.of("progress") == []
        assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reader.headers["cache-control"] == "no-store"


def test_a_reader_that_leaves_out_most_jobs_has_heartbeats_all_the_same(server: StreamServer) -> None:
    with EventReader(server.url, "?job_id=job-9") as reader:
        for percent in range(1, 20):
            server.moved(percent)
        until(lambda: reader.heartbeats >= 2, "heartbeats")
        assert reader.of("progress", "state", "observation") == []


def test_a_change_that_a_list_took_in_first_is_told_at_once() -> None:
    pace = Pace(tick_s=0.5, tick_a_reader_s=0, heartbeat_s=1e6)  # nothing else wakes the reader
    server = StreamServer(pace)
    try:
        with EventReader(server.url) as reader:
            reader.wait_for("hello")
            for percent in (10, 20, 30):
                server.moved(percent)
                until(partial(_lists, server, percent), "it in the list")
            reader.wait_for("progress", lambda row: row["percent"] == 30)
    finally:
        server.end()


def _lists(server: StreamServer, percent: int) -> bool:
    return server.bench.fleet.rows()[0].percent == percent


def test_more_readers_than_allowed_are_turned_away_until_one_leaves(
    server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_READERS", 2)
    with EventReader(server.url) as first, EventReader(server.url) as second:
        first.wait_for("hello")
        second.wait_for("hello")
        status, headers, body = server.get("/api/v1/events")
        assert (status, headers["retry-after"]) == (503, "5")
        assert b"2 readers are served already" in body
    until(lambda: _is_accepted(server), "a place")


def _is_accepted(server: StreamServer) -> bool:
    with EventReader(server.url) as reader:
        return reader.status == 200


@pytest.mark.parametrize(
    ("query", "detail"),
    [("?job=1", b"unknown parameter 'job'"), ("?" + "job_id=a&" * 101, b"job_id is given 101 times")],
)
def test_what_cannot_be_asked_for_is_told(server: StreamServer, query: str, detail: bytes) -> None:
    status, _, body = server.get(f"/api/v1/events{query}")
    assert status == 400
    assert detail in body


def test_the_head_of_a_stream_ends(server: StreamServer) -> None:
    status, headers, body = server.get("/api/v1/events", "HEAD")
    assert (status, headers["content-type"], body) == (200, "text/event-stream; charset=utf-8", b"")


def test_a_reader_that_takes_nothing_is_let_go_and_its_connection_cut(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = StreamServer(Pace(tick_s=0.01, tick_a_reader_s=0, slowest_reader_s=0.5), count=500)
    try:
        slow = EventReader(server.url, buffer_bytes=4096)
        until(lambda: server.connections == 1, "the connection")
        percents = iter(range(1, 10_000))

        def is_cut_off() -> bool:
            server.moved(next(percents) % 90)
            return server.connections == 0

        until(is_cut_off, "the end of the slow reader's connection")
        slow.close()
        with EventReader(server.url) as other:
            other.wait_for("hello")
    finally:
        server.end()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_end_of_the_program_ends_all_streams_also_of_a_reader_that_takes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = StreamServer(count=500)
    with ExitStack() as stack:
        readers = [stack.enter_context(EventReader(server.url)) for _ in range(20)]
        slow = EventReader(server.url, buffer_bytes=4096)
        stack.callback(slow.close)
        for reader in readers:
            reader.wait_for("hello")
        percents = iter(range(1, 10_000))

        def is_stuck() -> bool:
            server.moved(next(percents) % 90)
            return server.has_stuck

        until(is_stuck, "a reader that has taken all it can hold")
        server.end()
        until(lambda: all(reader.ended for reader in readers), "the whole end of each stream")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_readers_that_are_up_to_date_share_one_chunk_and_a_slow_one_gets_each_job_once() -> None:
    async def follow() -> None:
        bench = FleetBench(job(1))
        parts = cast(
            "ApiParts",
            SimpleNamespace(
                fleet=bench.fleet, poller=bench.poller, ending=threading.Event(), mailbox=bench.mailbox
            ),
        )
        silent: Any = SimpleNamespace(version=0, refresh=lambda: False, since=lambda _: b"")
        hub = Hub(parts, silent, QUICK)
        first, second, slow = (hub.chunks(None, ()) for _ in range(3))
        for stream in (first, second, slow):
            assert (await anext(stream)).startswith(b"id: ")
        for percent in (10, 20, 30):
            bench.moved(percent)
            chunk = await anext(first)
            assert chunk is await anext(second)
            assert chunk.count(b'"percent":%d.0' % percent) == chunk.count(b"event: ")
        late = await anext(slow)
        assert late.count(b"event: progress") == 1
        assert b'"percent":30.0' in late
        assert b'"percent":10.0' not in late
        for stream in (first, second, slow):
            await stream.aclose()
        assert hub.readers == 0

    asyncio.run(follow())
