"""A recording of a real copy, played through the real decoder and the real rules."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from core_values import a_disk, a_job

from oma_poller.core.decide import begin, decide
from oma_poller.core.keys import plan_keys
from oma_poller.core.poll import Poll
from oma_poller.model.decision import Decision
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Missing, Outcome
from oma_poller.model.update import Progress
from oma_poller.vma.wire import decode

RECORDINGS = sorted((Path(__file__).parents[1] / "recorded_copies").glob("*.jsonl"))
_EXPORT = "migration-vol-"
_START_S = 1000.0


class _Heading(msgspec.Struct):
    """The first line of a recording."""

    began_at: datetime
    interval_s: float
    keys: list[str]


class _Line(msgspec.Struct):
    """One reply."""

    at_s: float
    key: str
    body: msgspec.Raw


class Sight(msgspec.Struct):
    """What one poll of the copy came to."""

    at_s: float
    decision: Decision

    @property
    def progress(self) -> Progress:
        """The numbers that are written."""
        progress = self.decision.update.progress
        assert progress is not None
        return progress

    @property
    def share(self) -> float:
        """How much of the bytes is moved, 0 to 1."""
        return self.progress.bytes_transferred / (self.progress.total_bytes or 1)


def play(recording: Path) -> list[Sight]:
    """Poll a job of the recorded keys at the recorded moments, up to the poll that decides its end."""
    first, *rest = recording.read_bytes().splitlines()
    heading = msgspec.json.decode(first, type=_Heading)
    rounds: dict[float, dict[str, bytes]] = {}
    for line in rest:
        reply = msgspec.json.decode(line, type=_Line)
        rounds.setdefault(reply.at_s, {})[reply.key] = bytes(reply.body)
    volumes = (key.removeprefix(_EXPORT) for key in heading.keys)
    disks = [a_disk(number, volume_id=volume) for number, volume in enumerate(volumes, start=1)]
    job = a_job(*disks, created_at=heading.began_at - timedelta(seconds=5))
    policy = Policy(interval_s=heading.interval_s)
    context = begin(job, policy, heading.began_at)
    sights: list[Sight] = []
    for at_s, bodies in rounds.items():
        outcomes: list[Outcome] = [
            decode(bodies[key], key) if key in bodies else Missing() for key in heading.keys
        ]
        decision = decide(
            context,
            Poll(
                job=job,
                plan=plan_keys(job),
                policy=policy,
                tier=0,
                outcomes=tuple(outcomes),
                now_s=_START_S + at_s,
                now=heading.began_at + timedelta(seconds=at_s),
            ),
        )
        context = decision.context
        sights.append(Sight(at_s, decision))
        if decision.update.status is not None and decision.update.status == "completed":
            break
    return sights


def eta_error(sights: list[Sight], share: float) -> float:
    """Return by what part of the time really left the ETA is wrong, where *share* of the bytes is moved.

    An ETA that is unknown there is as wrong as can be.
    """
    sight = min(sights, key=lambda one: abs(one.share - share))
    left_s = sights[-1].at_s - sight.at_s
    told_s = sight.progress.eta_s
    return float("inf") if told_s is None else abs(told_s - left_s) / left_s
