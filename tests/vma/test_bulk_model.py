"""Whatever happens in whatever order, an answer in bulk is what a single one could have been meanwhile."""

from dataclasses import dataclass, field

from agent_http import HandClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from key_views import each_got

from oma_poller.agent.server.register import Limits, Register
from oma_poller.engine.ports import TierAnswer, TierRequest
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading
from oma_poller.vma.feed import Feed, Turn
from oma_poller.vma.gathering import Single, singles_of
from oma_poller.vma.page import read_page
from oma_poller.vma.reply import Fetched
from oma_poller.vma.wire import decode

KEYS = ("a", "b", "c", "d", "e", "f")
GROUPS = st.lists(st.sampled_from(KEYS), min_size=2, max_size=8)
FAILURE = Failure(FailureKind.TIMEOUT, "x")


@dataclass
class OnTheWay:
    """A request, and its reply once the server made it."""

    request: Single | None
    """None for a bulk request."""
    path: str = ""
    reply: bytes | None = None
    is_made: bool = False


@dataclass
class Asked:
    """A request that waits for its answer."""

    since: int
    """Number of changes on the server before it."""
    answers: list[TierAnswer] = field(default_factory=list)


class BulkModel(RuleBasedStateMachine):
    """One VMA, one feed, and a network that delays what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.server = Register(self.clock, Limits())
        self.feed = Feed()
        self.past: list[dict[str, Outcome]] = [dict.fromkeys(KEYS, Missing())]
        """What was true of each key after each change."""
        self.asked: dict[int, Asked] = {}
        self.network: list[OnTheWay] = []
        self.queue: list[TierRequest] = []

    @rule(
        key=st.sampled_from(KEYS), moved=st.integers(0, 100), status=st.sampled_from(["running", "completed"])
    )
    def report(self, key: str, moved: int, status: str) -> None:
        """A copier reports."""
        self.server.update(key, b'{"status": "%s", "bytes_transferred": %d}' % (status.encode(), moved))
        self._note()

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        """Somebody deletes an entry."""
        self.server.delete(key)
        self._note()

    @rule()
    def restart(self) -> None:
        """The VMA is replaced by another one, which knows nothing."""
        self.server = Register(self.clock, Limits())
        self._note()

    @rule(seconds=st.sampled_from([1.0, 10.0, 200.0]))
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.clock.s += seconds
        self.server.changes(None, 1)
        self._note()

    @rule(keys=GROUPS)
    def ask(self, keys: list[str]) -> None:
        """The poller asks for a group of keys."""
        request = TierRequest("v", tuple(dict.fromkeys(keys)), len(self.asked))
        self.asked[request.ticket] = Asked(len(self.past) - 1)
        if self.feed.is_on:
            self.feed.wait(request)
        else:
            self.queue.append(request)

    @rule()
    def begin(self) -> None:
        """The client begins what is queued."""
        if self.feed.is_ready:
            self._carry_out(self.feed.begin(self.clock.s))
        self.network += [OnTheWay(single) for request in self.queue for single in singles_of(request)]
        self.queue = []

    @precondition(lambda self: self.network)
    @rule(choice=st.integers(0, 50))
    def serve(self, choice: int) -> None:
        """The server makes a reply."""
        self._make(self.network[choice % len(self.network)])

    @precondition(lambda self: self.network)
    @rule(choice=st.integers(0, 50))
    def deliver(self, choice: int) -> None:
        """A reply arrives."""
        self._arrive(self.network.pop(choice % len(self.network)))

    @precondition(lambda self: self.network)
    @rule(choice=st.integers(0, 50))
    def fail(self, choice: int) -> None:
        """A request fails on the way."""
        there = self.network.pop(choice % len(self.network))
        if there.request is None:
            self._carry_out(self.feed.failed(FAILURE, 0.1, self.clock.s))
        else:
            self._heard(there.request, FAILURE)

    @precondition(lambda self: any(there.request is None for there in self.network))
    @rule()
    def refuse(self) -> None:
        """A bulk request meets a VMA that does not know such."""
        self.network = [there for there in self.network if there.request is not None]
        self._carry_out(self.feed.refused(self.clock.s))

    def teardown(self) -> None:
        """Let everything come to its end: each request has exactly one answer."""
        while self.network or self.queue or self.feed.is_ready:
            self.begin()
            if self.network:
                self.deliver(0)
        assert self.feed.cut() == []
        assert {len(asked.answers) for asked in self.asked.values()} <= {1}

    def _note(self) -> None:
        self.past.append({key: self._truth(key) for key in KEYS})

    def _truth(self, key: str) -> Outcome:
        found = self.server.progress(key)
        return Missing() if found is None else decode(found.body, key)

    def _make(self, there: OnTheWay) -> None:
        """Let the server make a reply, if it has not yet. Pages hold two entries."""
        if there.is_made:
            return
        there.is_made = True
        if there.request is None:
            since = there.path.partition("since=")[2] or None
            there.reply = self.server.changes(since, 2)
            self._note()
        else:
            found = self.server.progress(there.request.key)
            there.reply = None if found is None else found.body

    def _arrive(self, there: OnTheWay) -> None:
        self._make(there)
        if there.request is None:
            page = read_page(there.reply or b"")
            assert page is not None
            self._carry_out(self.feed.page(page, 0.0, 0.1, self.clock.s))
        else:
            body = there.reply
            self._heard(there.request, Missing() if body is None else decode(body, there.request.key))

    def _heard(self, single: Single, outcome: Outcome) -> None:
        self.feed.adopt(single, outcome)
        is_usable = isinstance(outcome, Reading | Missing)
        self.feed.heard(is_usable=is_usable, offers_bulk=True, now_s=self.clock.s)
        answer = single.answer(Fetched(outcome, 0.1))
        if answer is not None:
            self._answered(answer)

    def _carry_out(self, turn: Turn) -> None:
        self.queue += [request for request in turn.singles if isinstance(request, TierRequest)]
        if turn.path is not None:
            self.network.append(OnTheWay(None, turn.path))
        for answer in turn.answers:
            assert isinstance(answer, TierAnswer)
            self._answered(answer)

    def _answered(self, answer: TierAnswer) -> None:
        asked = self.asked[answer.request.ticket]
        asked.answers.append(answer)
        assert len(asked.answers) == 1
        for got in each_got(answer):
            possible = [moment[got.request.key] for moment in self.past[asked.since :]]
            assert got.outcome in [*possible, FAILURE], (got, possible)


BulkModel.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestBulk = BulkModel.TestCase
