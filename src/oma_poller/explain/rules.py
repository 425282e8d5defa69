"""Which rules decided, in words."""

from collections.abc import Iterator

from msgspec import Struct

from oma_poller.core.identity import starts_before
from oma_poller.core.states import ENDS
from oma_poller.explain.ask import Look
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.observation import Observation
from oma_poller.model.reading import Missing, Reading, State


class Rule(Struct, frozen=True):
    """A rule of the contract, and what it came to here."""

    name: str
    text: str


def rules_of(look: Look) -> tuple[Rule, ...]:
    """Return the rules that decided, in the order in which they were applied."""
    context = look.decision.context
    rules = [*_keys(look)]
    if look.poll.has_reading:
        for key, run in zip(look.poll.keys, context.runs, strict=True):
            if run is not None:
                rules += _identity(look, key, run)
        rules += [*_sum(look), *_ends(look, context)]
    rules += _seeing(look, context)
    return tuple(rules)


def _keys(look: Look) -> Iterator[Rule]:
    tiers = look.poll.plan.tiers
    judged = ", ".join(look.poll.keys)
    unknown = [one.key for one in look.tried if isinstance(one.outcome, Missing)]
    if len(unknown) == len(look.tried):
        yield Rule("P2", f"the VMA knows none of the job's keys: {', '.join(unknown)}")
    elif look.poll.tier > 0 or len(look.tried) > len(look.poll.keys):
        yield Rule("P2", f"asked tier {look.poll.tier + 1} of {len(tiers)}; judged by {judged}")
    else:
        yield Rule("P2", f"judged by the exports of the job's disks: {judged}")


def _identity(look: Look, key: str, run: KeyRun) -> Iterator[Rule]:
    """Whose run it is (T5)."""
    created_at, started_at = look.job.created_at, run.started_at
    reading = next((one.outcome for one in look.tried if one.key == key), None)
    before = created_at is not None and isinstance(reading, Reading) and starts_before(reading, created_at)
    dates = f"it began {_date(started_at)}, the job was made {_date(created_at)}"
    if run.trusted and not before and started_at is not None:
        yield Rule("T5", f"{key}: this job's run; {dates}")
    elif run.trusted:
        yield Rule("T5", f"{key}: this job's run; {dates}, but it was seen to move, to appear, or accepted")
    elif run.previous:
        yield Rule("T5", f"{key}: an earlier job's run, as far as can be proven; {dates}")
    else:
        yield Rule("T5", f"{key}: nothing proves yet whose run it is; {dates}")
    if run.stale_bytes is not None:
        yield Rule("F3", f"{key}: its {run.stale_bytes} bytes are those an earlier run left; they count as 0")
    if run.raw_bytes < run.bytes_transferred:
        yield Rule("T4", f"{key}: reports {run.raw_bytes} bytes, went back from {run.bytes_transferred}")


def _date(moment: object) -> str:
    return f"at {moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else "at an unknown time"


def _sum(look: Look) -> Iterator[Rule]:
    """How the numbers come about (T1, T4)."""
    progress = look.decision.update.progress
    if progress is None:
        return
    disks = max(len(look.job.disks), 1)
    percent = f"{progress.percent_bp / 100:.2f} %"
    total = f"{progress.bytes_transferred} of {progress.total_bytes} bytes"
    yield Rule("T1", f"{disks} disk{'s' if disks > 1 else ''} in all: {total}, {percent}, rounded down")
    if look.poll.is_partial:
        yield Rule(
            "T1", "a key that does not answer counts with its last values, or its capacity and 0 bytes"
        )
    if progress.setup_percent is not None:
        yield Rule(
            "F7", f"{progress.setup_percent:g} % without bytes is a set-up stage: in the operation only"
        )


def _ends(look: Look, context: PollingContext) -> Iterator[Rule]:
    """Why it has ended, or why not yet (T2, T3)."""
    runs = [run for run in context.runs if run is not None and run.trusted]
    if context.state is State.COMPLETED:
        yield Rule("T2", "every disk is completed, in this run, with all its bytes")
    elif context.held_since_s is not None:
        hold_s = look.poll.policy.completion_hold_s
        yield Rule(
            "T2", f"completed under one key for several disks: held {hold_s:g} s before it is believed"
        )
    elif any(run.state is State.COMPLETED for run in runs):
        yield Rule("T2", "a key says completed, but not every disk is, with all its bytes")
    if any(run.ended_polls == 1 for run in runs) and context.state not in ENDS:
        yield Rule("T3", "the VMA says failed or cancelled; it counts when it says so in two polls in a row")
    if context.state in {State.FAILED, State.CANCELLED}:
        yield Rule("T3", f"{context.state}: the VMA said so in two polls in a row")


def _seeing(look: Look, context: PollingContext) -> Iterator[Rule]:
    """How well it is seen, and what errors count (T7, T8, P5, P6, P8)."""
    sighting, policy = context.sighting, look.poll.policy
    if sighting.observation is Observation.STALLED:
        yield Rule("T7", sighting.reason)
    elif sighting.reason:
        yield Rule("T8", f"{sighting.observation}: {sighting.reason}")
    if look.vma_is_away:
        yield Rule("P8", "while the VMA cannot be reached its jobs are not asked, and no error is counted")
        return
    if look.decision.result == "pending":
        yield Rule("P6", f"a 404 within {policy.startup_grace_s:g} s of the first poll is no error")
    if context.consecutive_errors:
        yield Rule("P5", f"error {context.consecutive_errors} in a row; {policy.max_errors} park the job")
