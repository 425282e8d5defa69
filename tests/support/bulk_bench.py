"""A poller and a VMA, without a network: the client's own mirror and walks tell what its keys say."""

from typing import Any

import msgspec
from core_values import NOW, STARTED
from engine_world import Bench, key

from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.engine.ports import Answer, ProbeAnswer, TierAnswer, TierRequest
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure
from oma_poller.vma.exchange import Exchange, Received
from oma_poller.vma.feed import refused
from oma_poller.vma.mirror import Mirror
from oma_poller.vma.page import read_page
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.walk import Walk

VMA = "default"
TOTAL_BYTES = 10**9
UNUSED = Exchange(VmaTarget(VMA, "http://127.0.0.1:9"), 1.0)
"""Stands for the exchange of a key that is being asked for."""

__all__ = ["NOW", "TOTAL_BYTES", "VMA", "BulkBench", "key"]


class BulkBench(Bench):
    """Moves by hand: entries are told, time passes, and what is due is polled."""

    def __init__(
        self,
        *jobs: Job,
        policy: Policy | None = None,
        max_concurrent: int = 10,
        each_poll: bool = False,
    ) -> None:
        super().__init__(policy=policy, max_concurrent=max_concurrent, each_poll=each_poll)
        self.fetcher.bulk.add(VMA)
        self.failure: Failure | None = None
        """What every request to the VMA comes to; None while it answers."""
        self.broken: dict[str, Failure] = {}
        """What a request for a key by itself comes to."""
        self.slow: set[str] = set()
        """Keys that are not answered in time where each is asked for by itself."""
        self.asked_together: list[int] = []
        """How many keys each cohort's request had."""
        self._entries: dict[str, dict[str, Any] | None] = {}
        self._untold: set[str] = set()
        self._version = 0
        self._mirror = Mirror()
        self._list([])
        self.watch(*jobs)

    def tell(self, name: str, moved: int, **fields: Any) -> None:  # noqa: ANN401 - fields of an entry
        """Have the VMA say of a key how far its copy is."""
        entry = {
            "job_id": name,
            "status": "in_progress",
            "phase": "Transfer",
            "current_operation": "Transferring Data",
            "bytes_transferred": moved,
            "total_bytes": TOTAL_BYTES,
            "timing": {"start_time": STARTED.isoformat()},
        }
        self._entries[name] = entry | fields
        self._untold.add(name)

    def delete(self, name: str) -> None:
        """Have the VMA forget a key."""
        self._entries[name] = None
        self._untold.add(name)

    def run(self, seconds: float) -> None:
        """Let time pass, and poll what is due in it."""
        end_s = self.clock.now_s + seconds
        while (due_s := self.poller.next_due_s()) is not None and due_s <= end_s:
            self.clock.now_s = max(self.clock.now_s, due_s)
            self.step()
        self.clock.now_s = end_s

    def step(self) -> None:
        """Begin what is due now, and answer all of it."""
        self.poller.tick()
        while self.fetcher.requests or self.fetcher.cohorts or self.fetcher.probed:
            self.poller.receive(self.serve())

    def serve(self) -> list[Answer]:
        """Answer everything that was asked."""
        fetcher = self.fetcher
        cohorts, requests, probed = fetcher.cohorts, fetcher.requests, fetcher.probed
        fetcher.cohorts, fetcher.requests, fetcher.probed = [], [], []
        if self.failure is None:
            self._list(sorted(self._untold))
            self._untold.clear()
        answers: list[Answer] = [self._cohort(request) for request in cohorts]
        answers += [self.tier(request) for request in requests]
        answers += [ProbeAnswer(vma, 0.1, "" if self.failure else "healthy", self.failure) for vma in probed]
        return answers

    def is_together(self, job_id: str) -> bool:
        """Whether a job is polled with others."""
        return self.held(job_id).seat is not None

    def _cohort(self, request: CohortRequest) -> Answer:
        self.asked_together.append(len(request.keys))
        if self.failure is not None:
            return refused(request, self.failure, 0.1)
        return self._mirror.numbers(request, 0.1) if VMA in self.fetcher.bulk else self._walked(request)

    def _walked(self, request: CohortRequest) -> CohortAnswer:
        """Answer key by key; there is no time in which anything could be too slow."""
        walk = Walk(request)
        while (step := walk.next_step(self.clock.now_s)) is not None:
            walk.asked[step.place] = UNUSED
            entry = self._entries.get(step.key)
            body = b"job not found" if entry is None else msgspec.json.encode(entry)
            reply: Received | Failure = Received(404 if entry is None else 200, {}, body)
            if step.key in self.broken:
                reply = self.broken[step.key]
            if step.key not in self.slow:
                walk.take(step.place, reply, NOW, 0.0)
        return walk.answer(self.clock.now_s, 0.0)

    def tier(self, request: TierRequest) -> Answer:
        """Answer one poll."""
        if self.failure is not None:
            return refused(request, self.failure, 0.1)
        self._mirror.expect(request.keys)
        return TierAnswer(request, tuple(map(self._mirror.outcome, request.keys)), 0.1)

    def _list(self, names: list[str]) -> None:
        self._version += 1
        told = {
            "cursor": f"e.{self._version}",
            "complete": True,
            "full": self._version == 1,
            "entries": [entry for name in names if (entry := self._entries[name]) is not None],
            "deleted": [name for name in names if self._entries[name] is None],
        }
        # What is told before anybody asked for it is followed all the same here.
        self._mirror.expect(names)
        page = read_page(msgspec.json.encode(told))
        assert page is not None
        self._mirror.take(page, 0.0, self.clock.now_s)
