"""What a poll comes to whose rules raised: a defect of this program, on one job alone."""

from datetime import datetime

from msgspec.structs import replace

from oma_poller.core.backoff import backoff_s
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.update import Update

LONGEST_REASON = 500
RESULT = "defect"
"""The label of such polls in `polls_total`."""


def after_defect(
    context: PollingContext, error: Exception, policy: Policy, now_s: float, now: datetime
) -> Decision:
    """Return the decision in place of the one that *error* prevented: counted and backed off like an error.

    The numbers and the state stay as they are.
    """
    errors = context.consecutive_errors + 1
    context = replace(context, consecutive_errors=errors, last_poll_s=now_s)
    observation = Observation.PARKED if context.is_parked else Observation.LATE
    since = context.sighting.since if context.sighting.observation is observation else now
    sighting = Sighting(observation, since, f"defect of this program: {error!r}"[:LONGEST_REASON])
    context = replace(context, sighting=sighting)
    return Decision(
        context=context,
        delay_s=backoff_s(policy, errors),
        update=Update(job_id=context.job_id, sighting=sighting, consecutive_errors=errors),
        result=RESULT,
    )
