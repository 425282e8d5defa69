"""Takes what came of a job's poll to the rules, and what they make of it to mailbox, log and counts."""

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from oma_poller.clock import Clock
from oma_poller.core.blind import blinded
from oma_poller.core.decide import decide
from oma_poller.core.mailbox import Mailbox
from oma_poller.core.outgoing import update_for
from oma_poller.core.poll import Poll
from oma_poller.core.states import ENDS
from oma_poller.engine.defect import after_defect
from oma_poller.engine.journal import Journal
from oma_poller.engine.presence import Outage
from oma_poller.engine.tally import Tally
from oma_poller.engine.watch import Watch
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision, EventKind
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, Outcome, Reading
from oma_poller.model.update import Update


class Judge:
    """Replaces the context of a watched job by the next one. A defect with one job stops no other."""

    def __init__(
        self, mailbox: Mailbox, policy: Policy, clock: Clock, journal: Journal, tally: Tally
    ) -> None:
        self._mailbox = mailbox
        self._policy = policy
        self._clock = clock
        self._journal = journal
        self._tally = tally

    def decided(self, watch: Watch, tier: int, outcomes: tuple[Outcome, ...]) -> Decision:
        """Decide a poll by the tier that was asked last and the outcomes of its keys."""
        now_s, now = self._clock.monotonic(), self._clock.utc()
        poll = Poll(
            job=watch.job,
            plan=watch.plan,
            policy=self._policy,
            tier=tier,
            outcomes=outcomes,
            now_s=now_s,
            now=now,
        )
        try:
            decision = decide(watch.context, poll)
            self._post(watch, decision.update, decision.context)
        except Exception as error:  # noqa: BLE001 - a defect with one job must not stop the others
            self._journal.defect(watch.job.id, error)
            decision = after_defect(watch.context, error, self._policy, now_s, now)
            with suppress(Exception):  # it may be the merging that is broken
                self._post(watch, decision.update, decision.context)
        watch.context = decision.context
        self._count(watch, decision, outcomes)
        self._journal.decided(watch, poll, decision)
        return decision

    def is_over(self, watch: Watch) -> bool:
        """Whether a job is polled no more. One whose status is left to the OMA goes on until that ends it."""
        return watch.context.state in ENDS and self._policy.write_status

    def spared(self, failure: Failure) -> None:
        """Count a poll that tells nothing of its job."""
        self._tally.polls[failure.kind.value] += 1

    def blind(self, watch: Watch, outage: Outage) -> None:
        """Say of a job that it is not seen for an outage of its VMA; the rest of it stays as it is (P8)."""
        watch.context = blinded(watch.context, outage.reason, outage.blind_since)
        update = update_for(watch.context, None, self._policy)
        try:
            self._post(watch, update, watch.context)
        except Exception as error:  # noqa: BLE001 - as in decided
            self._journal.defect(watch.job.id, error)

    def _post(self, watch: Watch, update: Update, context: PollingContext) -> None:
        """Have an update written to the row that it is of, and not to one made anew under its id."""
        self._mailbox.put(replace(update, born=watch.job.born), self._clock.monotonic(), context)

    def _count(self, watch: Watch, decision: Decision, outcomes: Sequence[Outcome]) -> None:
        tally = self._tally
        tally.polls[decision.result] += 1
        tally.regressions += sum(event.kind is EventKind.REGRESSION for event in decision.events)
        for outcome in outcomes:
            for word in outcome.unknown_words if isinstance(outcome, Reading) else ():
                if tally.unknown_word(word):
                    self._journal.unknown_word(watch.job.id, word)
