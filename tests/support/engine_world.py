"""The whole engine on fakes, in virtual time; and the poller alone, moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from core_values import NOW, STARTED, a_disk, a_job, a_reading
from engine_fakes import FakeDatabase, FakeLog, FakeThread, QuietFetcher, Script, ScriptedFetcher
from key_views import Asked
from virtual_time import LoopClock, SetClock

from oma_poller.core.mailbox import Mailbox
from oma_poller.engine.beats import Beats
from oma_poller.engine.discovery import Discovery
from oma_poller.engine.journal import Journal
from oma_poller.engine.parts import Parts
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import ProbeAnswer
from oma_poller.engine.service import Machinery, Service
from oma_poller.engine.tally import Tally
from oma_poller.engine.watch import Watch
from oma_poller.engine.writer import Writer
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading, State
from oma_poller.model.vma import VmaRule

GONE = Missing("job not found")
DOWN = Failure(FailureKind.UNREACHABLE, "connection refused")
BROKEN = Failure(FailureKind.SERVER_ERROR, "HTTP 500")


def job(number: int, **fields: Any) -> Job:  # noqa: ANN401 - the fields of Job have types of their own
    """Return job `job-N` with one disk on volume `vol-N`, made N seconds after the first."""
    name = f"job-{number:05}"
    created_at = STARTED - timedelta(hours=1) + timedelta(seconds=number % 1000)
    return a_job(a_disk(number), **({"id": name, "name": name, "created_at": created_at} | fields))


def jobs(count: int) -> list[Job]:
    """Return so many jobs."""
    return [job(number) for number in range(1, count + 1)]


def key(number: int) -> str:
    """Return the export name of `job-N`."""
    return f"migration-vol-vol-{number}"


def done(total_bytes: int = 100) -> Reading:
    """Return an entry that says completed, with all its bytes."""
    return a_reading(total_bytes, total_bytes, state=State.COMPLETED, word="completed", percent=100.0)


class Bench:
    """A poller alone: a test moves its clock and hands it the answers."""

    def __init__(
        self,
        *jobs: Job,
        policy: Policy | None = None,
        max_concurrent: int = 10,
        rules: tuple[VmaRule, ...] = (),
        each_poll: bool = False,
    ) -> None:
        self.clock = SetClock()
        self.log = FakeLog()
        self.journal = Journal(self.log, each_poll=each_poll)
        self.fetcher = QuietFetcher()
        self.mailbox = Mailbox()
        self.tally = Tally()
        parts = Parts(
            fetcher=self.fetcher,
            mailbox=self.mailbox,
            policy=policy or Policy(),
            clock=self.clock,
            journal=self.journal,
            tally=self.tally,
            rules=rules,
            max_concurrent=max_concurrent,
        )
        self.poller = VMAProgressPoller(parts)
        self.watch(*jobs)

    def watch(self, *jobs: Job) -> None:
        """Have jobs watched, due now."""
        self.journal.taken_up(self.poller.take_up([(job, self.clock.now_s) for job in jobs]))

    def reread(self, *jobs: Job) -> list[Job]:
        """Hand in the newest rows; return those that are new."""
        return self.poller.refresh(jobs, self.clock.now_s)

    def held(self, job_id: str) -> Watch:
        """Return what is held of a watched job."""
        watch = self.poller.watch_of(job_id)
        assert watch is not None
        return watch

    def ask(self) -> list[Asked]:
        """Begin what is due; return the keys that are asked for."""
        self.poller.tick()
        return self.fetcher.taken()

    def answer(self, requests: Sequence[Asked], *outcomes: Outcome) -> list[Asked]:
        """Answer keys in their order, the last outcome for all that remain; return what is asked then."""
        if not requests:
            return []
        filled = [*outcomes, *[outcomes[-1]] * (len(requests) - len(outcomes))]
        pairs = zip(requests, filled, strict=True)
        self.poller.receive(
            [answer for request, outcome in pairs for answer in self.fetcher.gathered(request, outcome)]
        )
        return self.fetcher.taken()

    def health(self, failure: Failure | None = None, vma: str = "default", word: str = "healthy") -> None:
        """Answer a probe."""
        self.poller.receive([ProbeAnswer(vma, 0.1, "" if failure else word, failure)])

    def poll(self, *outcomes: Outcome, took_s: float = 0.0) -> float:
        """Move to the next poll, answer every tier of it, and return when it began."""
        due_s = self.poller.next_due_s()
        assert due_s is not None
        self.clock.now_s = max(self.clock.now_s, due_s)
        began_s = self.clock.now_s
        requests = self.ask()
        self.clock.now_s += took_s
        while requests:
            requests = self.answer(requests, *outcomes)
        return began_s


class World:
    """The whole engine. Make it inside a running virtual loop."""

    def __init__(  # noqa: PLR0913 - a test names only what it is about
        self,
        *jobs: Job,
        script: Script | None = None,
        policy: Policy | None = None,
        max_concurrent: int = 10,
        rules: tuple[VmaRule, ...] = (),
        discovery_interval_s: float = 5.0,
        database: FakeDatabase | None = None,
    ) -> None:
        clock = LoopClock()
        beats = Beats(clock)
        self.log = FakeLog()
        self.fetcher = ScriptedFetcher(script or (lambda _: a_reading(50, 100)))
        self.database = database or FakeDatabase(*jobs)
        self.reading, self.writing = FakeThread(), FakeThread()
        self.mailbox, self.tally, journal = Mailbox(), Tally(), Journal(self.log)
        parts = Parts(
            fetcher=self.fetcher,
            mailbox=self.mailbox,
            policy=policy or Policy(),
            clock=clock,
            journal=journal,
            tally=self.tally,
            rules=rules,
            max_concurrent=max_concurrent,
        )
        self.poller = VMAProgressPoller(parts)
        machinery = Machinery(
            poller=self.poller,
            discovery=Discovery(self.database, self.poller, self.reading, journal, beats),
            writer=Writer(self.database, self.mailbox, self.poller, self.writing, beats),
            fetcher=self.fetcher,
            mailbox=self.mailbox,
            clock=clock,
            journal=journal,
            tally=self.tally,
            beats=beats,
            discovery_interval_s=discovery_interval_s,
        )
        self.service = Service(machinery)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the service around the block, stop it, and wait for its end."""
        life = asyncio.ensure_future(self.service.run())
        try:
            yield
        finally:
            self.service.stop()
            await life

    def status_of(self, number: int) -> str:
        """Return the status in the row of `job-N`."""
        return self.database.jobs[f"job-{number:05}"].status


__all__ = ["BROKEN", "DOWN", "GONE", "NOW", "Bench", "World", "done", "job", "jobs", "key"]
