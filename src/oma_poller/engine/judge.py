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
from oma_poller.core.stopping import started, stopped
from oma_poller.engine.defect import after_defect
from oma_poller.engine.journal import Journal
from oma_poller.engine.moment import Moment
from oma_poller.engine.presence import Outage
from oma_poller.engine.tally import Tally
from oma_poller.engine.watch import Answered, Watch
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

    def poll_of(self, watch: Watch, answered: Answered, moment: Moment) -> Poll:
        """Return a poll that ends at *moment*."""
        # By position, in the order of Poll's fields: this is made for every poll.
        return Poll(
            watch.job,
            watch.plan,
            self._policy,
            answered.tier,
            answered.outcomes,
            moment.monotonic_s,
            moment.utc,
        )

    def decided(self, watch: Watch, poll: Poll) -> Decision:
        """Decide a poll, and have what came of it written, told and counted."""
        try:
            decision = decide(watch.context, poll)
            self._post(watch, decision.update, decision.context, poll.now_s, went_on=decision.went_on)
        except Exception as error:  # noqa: BLE001 - a defect with one job must not stop the others
            self._journal.defect(watch.job.id, error)
            decision = after_defect(watch.context, error, self._policy, poll.now_s, poll.now)
            with suppress(Exception):  # it may be the merging that is broken
                self._post(watch, decision.update, decision.context, poll.now_s)
        watch.context = decision.context
        self._count(watch, decision, poll.outcomes)
        self._journal.decided(watch, poll, decision)
        return decision

    def is_over(self, watch: Watch) -> bool:
        """Whether a job is polled no more: it has ended, or a person stopped it.

        One whose status is left to the OMA goes on until that ends it.
        """
        return watch.context.stopped_at is not None or self.has_ended(watch)

    def has_ended(self, watch: Watch) -> bool:
        """Whether a job's end is decided, so that nothing of it is polled or written any more."""
        return watch.context.state in ENDS and self._policy.write_status

    def stop(self, watch: Watch) -> None:
        """Say of a job that a person has stopped its polling."""
        self._say(watch, stopped(watch.context, self._clock.utc()))

    def start(self, watch: Watch) -> None:
        """Say of a job that a person wants it polled, also one that is parked."""
        self._say(watch, started(watch.context, self._clock.utc()))

    def spared(self, failure: Failure) -> None:
        """Count a poll that tells nothing of its job."""
        self._tally.polls[failure.kind.value] += 1
        self._tally.errors[failure.kind.value] += 1

    def blind(self, watch: Watch, outage: Outage) -> None:
        """Say of a job that it is not seen for an outage of its VMA; the rest of it stays as it is (P8)."""
        self._say(watch, blinded(watch.context, outage.reason, outage.blind_since))

    def _say(self, watch: Watch, context: PollingContext) -> None:
        """Have it written how a job is seen, without a poll; its numbers stay."""
        watch.context = context
        update = update_for(context, None, self._policy, watch.job.born)
        try:
            self._post(watch, update, context, self._clock.monotonic())
        except Exception as error:  # noqa: BLE001 - as in decided
            self._journal.defect(watch.job.id, error)

    def _post(
        self, watch: Watch, update: Update, context: PollingContext, now_s: float, *, went_on: bool = False
    ) -> None:
        """Have an update written to the row that it is of, and not to one made anew under its id."""
        if update.born != watch.job.born:
            update = replace(update, born=watch.job.born)
        self._mailbox.put(update, now_s, context, went_on=went_on)

    def _count(self, watch: Watch, decision: Decision, outcomes: Sequence[Outcome]) -> None:
        tally = self._tally
        tally.polls[decision.result] += 1
        if decision.went_on:
            return
        if decision.context.error_kind:
            tally.errors[decision.context.error_kind] += 1
        for event in decision.events:
            tally.regressions += event.kind is EventKind.REGRESSION
        for outcome in outcomes:
            for word in outcome.unknown_words if isinstance(outcome, Reading) else ():
                if tally.unknown_word(word):
                    self._journal.unknown_word(watch.job.id, word)
