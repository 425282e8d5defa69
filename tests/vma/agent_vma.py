"""The product's own progress server behind the loopback VMA's sockets, and a poller's rounds against it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from agent_http import AgentHttp
from key_views import Got, one_key
from loopback_vma import Answers, LoopbackVma, Reply, Request, client, http, vma

from oma_poller.clock import Clock
from oma_poller.model.reading import Outcome
from oma_poller.vma.client import VMAProgressClient
from oma_poller.vma.page import LIST_PATH
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.wire import decode

MIB = 2**20
CAPABILITIES = "X-Progress-Capabilities: bulk, since"


def is_bulk(request: Request) -> bool:
    """Whether a request asks for the list."""
    return request.path.partition("?")[0] == LIST_PATH


class AgentVma:
    """A progress server that can be changed, replaced, and told to behave otherwise."""

    def __init__(self) -> None:
        self.agent = AgentHttp()
        self.instead: Callable[[Request], Reply | None] | None = None
        """Answers in the server's place where it is set."""
        self._lock = threading.Lock()

    def report(self, key: str, moved_mib: int, **more: object) -> None:
        """Report bytes under a key."""
        fields = {"stage": "Transfer", "status": "running", "bytes_transferred": moved_mib * MIB}
        with self._lock:
            self.agent.report(key, **fields | {"total_bytes": 1000 * MIB} | more)

    def delete(self, key: str) -> None:
        """Delete a key."""
        with self._lock:
            self.agent.ask("DELETE", f"{LIST_PATH}/{key}")

    def answer(self, request: Request) -> Reply | None:
        """Answer a request."""
        if self.instead is not None:
            return self.instead(request)
        return self.genuine(request)

    def genuine(self, request: Request, *more: str) -> Reply:
        """Answer as the server does, with more headers."""
        with self._lock:
            reply = self.agent.ask("GET", request.path)
        headers = [f"{name}: {value}" for name, value in reply.headers.items() if name != "content-length"]
        return Reply([http(reply.body, f"{reply.status} Reply", *headers, *more)])

    def truth(self, key: str) -> Outcome:
        """Return what a single reply for a key comes to, now."""
        with self._lock:
            return decode(self.agent.get(key).body, key)


class Rounds:
    """Asks for groups of keys."""

    def __init__(self, fetcher: VMAProgressClient, answers: Answers, server: LoopbackVma) -> None:
        self.fetcher, self.answers, self.server = fetcher, answers, server
        self._tickets = count(1)
        self._asked = 0
        self._seen = 0

    def submit(self, *keys: str, vma_name: str = "v") -> int:
        """Ask for keys, each in a request of its own; return the ticket."""
        ticket = next(self._tickets)
        self.fetcher.submit([one_key(vma_name, key, ticket) for key in keys])
        self._asked += len(keys)
        return ticket

    def answers_to(self, ticket: int) -> list[Got]:
        """Return the answers to a ticket, once everything asked so far is answered."""
        got = self.answers.wait(self._asked)
        assert len(got) == self._asked
        return [answer for answer in got if answer.request.ticket == ticket]

    def ask(self, *keys: str) -> dict[str, Outcome]:
        """Ask for keys and return what came."""
        answers = self.answers_to(self.submit(*keys))
        return {answer.request.key: answer.outcome for answer in answers}

    def paths(self) -> list[str]:
        """Return the requests since the last look, without what is the same in all of them."""
        new = self.server.requests[self._seen :]
        self._seen += len(new)
        return [request.path.removeprefix(LIST_PATH).removeprefix("/") for request in new]


@contextmanager
def agent_rounds(
    *keys: str, max_in_flight: int = 10, timeout_s: float = 20.0, clock: Clock | None = None
) -> Iterator[tuple[AgentVma, Rounds]]:
    """Run a server that has entries under `keys`, and a client that knows already that it offers bulk."""
    behind = AgentVma()
    for key in keys:
        behind.report(key, 1)
    with (
        vma(behind.answer) as server,
        client(
            VmaTarget("v", server.url), max_in_flight=max_in_flight, timeout_s=timeout_s, clock=clock
        ) as made,
    ):
        rounds = Rounds(*made, server)
        rounds.ask(keys[0])
        rounds.paths()
        yield behind, rounds
