"""The opt-in end of a job that does not go on: `VMA_PROGRESS_FAIL_AFTER` (T3).

Time counts only while every key is answered: a job never fails because it cannot be seen.
"""

from oma_poller.core.poll import Poll
from oma_poller.model.context import PollingContext

_SETTING = "VMA_PROGRESS_FAIL_AFTER"


def frozen_reason(context: PollingContext, poll: Poll) -> str | None:
    """Return why a job is failed whose run stands still on a VMA that answers; None when it is not."""
    changes_s = [run.changed_at_s for run in context.runs if run is not None and run.trusted]
    if context.held_since_s is not None:  # it is waited for on purpose
        changes_s.append(context.held_since_s + poll.policy.completion_hold_s)
    if not changes_s or not _has_passed(max(changes_s), context, poll):
        return None
    return f"nothing has changed on the VMA for {_SETTING} ({poll.policy.fail_after_s:g} s)"


def vanished_reason(context: PollingContext, poll: Poll) -> str | None:
    """Return why a job is failed whose run a VMA that answers does not know any more; None when it is not."""
    since_s = context.vanished_at_s
    if since_s is None or not _has_passed(since_s, context, poll):
        return None
    return f"the VMA has not known the run for {_SETTING} ({poll.policy.fail_after_s:g} s): {poll.trouble}"


def _has_passed(since_s: float, context: PollingContext, poll: Poll) -> bool:
    limit_s, clear_since_s = poll.policy.fail_after_s, context.clear_since_s
    if limit_s is None or clear_since_s is None:
        return False
    return poll.now_s - max(since_s, clear_since_s) >= limit_s
