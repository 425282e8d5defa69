"""A job of a VMA that is unreachable keeps everything (P7, P8)."""

from datetime import timedelta

import pytest
from core_values import NOW, a_job, a_reading
from msgspec.structs import asdict

from oma_poller.core.blind import blinded, welcomed
from oma_poller.core.decide import begin, decide
from oma_poller.core.keys import plan_keys
from oma_poller.core.poll import Poll
from oma_poller.model.context import PollingContext
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Outcome, State

BROKEN = Failure(FailureKind.SERVER_ERROR, "HTTP 500")
FAILED = a_reading(50, 100, state=State.FAILED, word="failed")
JOB = a_job()
REASON = "the VMA cannot be reached: connection refused"


def after(
    *outcomes: Outcome,
    context: PollingContext | None = None,
    now_s: float = 1000.0,
    policy: Policy | None = None,
) -> PollingContext:
    """Return the context after polls that brought these, 5 s apart, the first one at *now_s*."""
    policy = policy or Policy()
    last = context or begin(JOB, policy, NOW)
    plan = plan_keys(JOB)
    for number, outcome in enumerate(outcomes):
        outcomes_of_all = (outcome,) * len(plan.tiers[0])
        poll = Poll(JOB, plan, policy, 0, outcomes_of_all, now_s + 5.0 * number, NOW)
        last = decide(last, poll).context
    return last


@pytest.mark.parametrize("outcomes", [(), (BROKEN,) * 3, (BROKEN,) * 5, (a_reading(50, 100),) * 2])
def test_nothing_changes_but_that_it_is_not_seen(outcomes: tuple[Outcome, ...]) -> None:
    last = after(*outcomes)
    context = blinded(last, REASON, NOW)
    assert context.sighting.observation is Observation.BLIND
    assert (context.sighting.since, context.sighting.reason) == (NOW, REASON)
    changed = {name for name, value in asdict(context).items() if value != asdict(last)[name]}
    assert changed <= {"sighting", "clear_since_s"}


def test_one_that_is_blind_already_is_so_since_then() -> None:
    first = blinded(after(), REASON, NOW)
    again = blinded(first, "another reason", NOW + timedelta(hours=1))
    assert (again.sighting.since, again.sighting.reason) == (NOW, "another reason")


def test_a_failure_told_before_and_after_an_outage_is_not_told_twice_in_a_row() -> None:
    context = blinded(after(a_reading(40, 100), FAILED), REASON, NOW)
    assert after(FAILED, context=context, now_s=1100.0).state is not State.FAILED
    assert after(FAILED, FAILED, context=context, now_s=1100.0).state is State.FAILED


def test_the_time_of_an_outage_fails_no_run_that_stood_still_before_it() -> None:
    policy = Policy(fail_after_s=60.0)
    standing = a_reading(50, 100)
    context = blinded(after(standing, standing, standing, policy=policy), REASON, NOW)
    assert after(standing, context=context, now_s=4600.0, policy=policy).state is State.REPLICATING


def test_a_job_whose_vma_is_back_starts_without_errors() -> None:
    parked = after(*(BROKEN,) * 5)
    assert parked.is_parked
    context = welcomed(blinded(parked, REASON, NOW))
    assert (context.consecutive_errors, context.error_kind, context.is_parked) == (0, "", False)
    assert context.sighting.observation is Observation.BLIND  # until it is seen
