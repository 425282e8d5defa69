"""The composition root: builds each object once and hands it on."""

import asyncio
import gc
import signal

from oma_poller import __version__
from oma_poller.clock import SystemClock
from oma_poller.config import Settings
from oma_poller.core.mailbox import Mailbox
from oma_poller.database.claim import IDLE_S, claim_on
from oma_poller.database.sink import SqlJobSink
from oma_poller.database.source import SqlJobSource
from oma_poller.engine.claimed import ClaimedSink, ClaimedSource
from oma_poller.engine.database_thread import DatabaseThread
from oma_poller.engine.discovery import Discovery
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import Parts, VMAProgressPoller
from oma_poller.engine.ports import JobSink, JobSource
from oma_poller.engine.service import Machinery, Service
from oma_poller.engine.tally import Tally
from oma_poller.engine.upkeep import Upkeep
from oma_poller.engine.writer import Writer
from oma_poller.logs import get_logger
from oma_poller.vma.client import VMAProgressClient

CLOSE_S = 2.0
"""A connection that does not close in this time is left behind: its server hangs."""
HOLDS_MISSED = 3
"""So many discovery passes in a row must be missed before a server takes the claim from a poller."""


def run(settings: Settings) -> int:
    """Poll until SIGTERM, SIGINT or SIGHUP; return the exit status.

    Raises OmaPollerError where the settings or the database make polling impossible from the start.
    """
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    database, policy = settings.database, settings.policy
    claim = claim_on(database, max(IDLE_S, settings.discovery_interval_s * HOLDS_MISSED))
    source = ClaimedSource(SqlJobSource(database, policy.active_statuses), claim)
    rows = SqlJobSink(database, policy.active_statuses, policy.write_status)
    sink = ClaimedSink(rows, claim)
    reading, writing = DatabaseThread("database-read"), DatabaseThread("database-write")
    try:
        service = _service(settings, (source, sink), (reading, writing), Upkeep(rows, writing))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, service.stop)
        await service.run()
    finally:
        reading.submit(source.close)
        writing.submit(sink.close)
        writing.submit(claim.close)
        reading.close(CLOSE_S)
        writing.close(CLOSE_S)
    return 0


def _service(
    settings: Settings,
    ports: tuple[JobSource, JobSink],
    threads: tuple[DatabaseThread, DatabaseThread],
    upkeep: Upkeep,
) -> Service:
    clock, mailbox, tally = SystemClock(), Mailbox(), Tally()
    log = get_logger()
    journal = Journal(log, each_poll=settings.log_level == "debug")
    client = VMAProgressClient(
        settings.targets,
        max_in_flight=settings.max_concurrent,
        timeout_s=settings.http_timeout_s,
        clock=clock,
    )
    parts = Parts(
        fetcher=client,
        mailbox=mailbox,
        policy=settings.policy,
        clock=clock,
        journal=journal,
        tally=tally,
        rules=settings.rules,
        max_concurrent=settings.max_concurrent,
    )
    poller = VMAProgressPoller(parts)
    machinery = Machinery(
        poller=poller,
        discovery=Discovery(ports[0], poller, threads[0], clock, journal),
        writer=Writer(ports[1], mailbox, poller, threads[1], clock),
        fetcher=client,
        mailbox=mailbox,
        clock=clock,
        journal=journal,
        tally=tally,
        discovery_interval_s=settings.discovery_interval_s,
        upkeep=upkeep,
    )
    for warning in settings.warnings:
        log.warning("configuration", detail=warning)
    journal.note(
        "started",
        version=__version__,
        database=settings.database.redacted,
        vmas=[target.url for target in settings.targets],
        interval_s=settings.policy.interval_s,
    )
    gc.freeze()  # what was built so far lives as long as the program: no collection need walk it
    return Service(machinery)
