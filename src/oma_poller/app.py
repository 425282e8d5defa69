"""The composition root: builds each object once and hands it on."""

import asyncio
import gc
import os
import signal

from oma_poller import __version__
from oma_poller.api import api_server
from oma_poller.clock import SystemClock
from oma_poller.config import Settings
from oma_poller.core.mailbox import Mailbox
from oma_poller.database.claim import IDLE_S, claim_on
from oma_poller.database.flights import SqlFlightLog
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.source import SqlJobSource
from oma_poller.engine.beats import Beats
from oma_poller.engine.claimed import ClaimedFlightLog, ClaimedSink, ClaimedSource
from oma_poller.engine.controls import Controls
from oma_poller.engine.database_thread import DatabaseThread
from oma_poller.engine.discovery import Discovery
from oma_poller.engine.journal import Journal
from oma_poller.engine.parts import Parts
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import FlightLog, JobSink, JobSource
from oma_poller.engine.recorder import Recorder
from oma_poller.engine.service import Machinery, Service
from oma_poller.engine.tally import Tally
from oma_poller.engine.upkeep import Upkeep
from oma_poller.engine.writer import Writer
from oma_poller.logs import get_logger
from oma_poller.sd_notify import Notices
from oma_poller.supervision import Supervision
from oma_poller.vma.client import VMAProgressClient

CLOSE_S = 2.0
"""A connection that does not close in this time is left behind: its server hangs."""
HOLDS_MISSED = 3
"""So many discovery passes in a row must be missed before a server takes the claim from a poller."""


def run(settings: Settings) -> int:
    """Poll until SIGTERM, SIGINT or SIGHUP; return the exit status, 1 where rows could not be written.

    Raises OmaPollerError where the settings or the database make polling impossible from the start.
    """
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    database, policy = settings.database, settings.policy
    claim = claim_on(database, max(IDLE_S, settings.discovery_interval_s * HOLDS_MISSED))
    source = ClaimedSource(SqlJobSource(database, policy.active_statuses), claim)
    rows = SqlJobSink(database, policy.active_statuses, policy.write_status)
    sink = ClaimedSink(rows, claim)
    flights = ClaimedFlightLog(SqlFlightLog(database), claim)
    reading, writing = DatabaseThread("database-read"), DatabaseThread("database-write")
    try:
        keeping = (Upkeep(rows, writing), flights)
        machinery = _machinery(settings, (source, sink), (reading, writing), keeping)
        await _live(settings, machinery)
        return 1 if machinery.mailbox.unwritten.rows else 0
    finally:
        reading.submit(source.close)
        writing.submit(sink.close)
        writing.submit(flights.close)
        writing.submit(claim.close)
        reading.close(CLOSE_S)
        writing.close(CLOSE_S)


async def _live(settings: Settings, machinery: Machinery) -> None:
    """Poll, and serve the API, until a signal ends both."""
    service, api = Service(machinery), api_server(settings, machinery)
    supervision = Supervision(
        Notices.of(os.environ),
        machinery.beats,
        is_waiting=lambda: machinery.discovery.is_waiting,
        is_served=lambda: api is None or api.is_listening.is_set(),
    )

    def stop() -> None:
        supervision.ending()
        service.stop()
        if api is not None:
            api.end()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    _announce(settings, machinery.journal)
    gc.freeze()  # what was built so far lives as long as the program: no collection need walk it
    if api is not None:
        api.start()
    try:
        async with supervision.running():
            await service.run()
    finally:
        if api is not None:
            api.close()


def _announce(settings: Settings, journal: Journal) -> None:
    for warning in settings.warnings:
        journal.warn("configuration", detail=warning)
    journal.note(
        "started",
        version=__version__,
        database=settings.database.redacted,
        vmas=[target.url for target in settings.targets],
        interval_s=settings.policy.interval_s,
    )


def _machinery(
    settings: Settings,
    ports: tuple[JobSource, JobSink],
    threads: tuple[DatabaseThread, DatabaseThread],
    keeping: tuple[Upkeep, FlightLog],
) -> Machinery:
    clock, mailbox, tally = SystemClock(), Mailbox(), Tally()
    beats = Beats(clock)
    journal = Journal(get_logger(), each_poll=settings.log_level == "debug")
    client = VMAProgressClient(
        settings.targets,
        max_in_flight=settings.max_concurrent,
        timeout_s=settings.http_timeout_s,
        clock=clock,
    )
    recorder = Recorder(keeping[1], threads[1], journal)
    parts = Parts(
        fetcher=client,
        mailbox=mailbox,
        policy=settings.policy,
        clock=clock,
        journal=journal,
        tally=tally,
        rules=settings.rules,
        max_concurrent=settings.max_concurrent,
        recorder=recorder,
    )
    poller = VMAProgressPoller(parts)
    return Machinery(
        poller=poller,
        discovery=Discovery(ports[0], poller, threads[0], journal, beats),
        writer=Writer(ports[1], mailbox, poller, threads[1], beats),
        fetcher=client,
        mailbox=mailbox,
        clock=clock,
        journal=journal,
        tally=tally,
        beats=beats,
        discovery_interval_s=settings.discovery_interval_s,
        upkeep=keeping[0],
        controls=Controls(poller),
        recorder=recorder,
    )
