"""Which keys a job's progress may be stored under, and in what order they are asked (P2)."""

import re
from collections.abc import Sequence

from msgspec import Struct

from oma_poller.errors import VolumeNameError
from oma_poller.model.job import Job
from oma_poller.model.reading import Missing, Outcome

EXPORT_PREFIX = "migration-vol-"
_VOLUME_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_LONGEST_KEY = 255


def export_name(volume_id: str) -> str:
    """Return the NBD export name of a volume.

    Raises VolumeNameError where the id cannot be part of an export name and of a URL path segment.
    """
    if not _VOLUME_ID.fullmatch(volume_id):
        raise VolumeNameError(volume_id)
    return EXPORT_PREFIX + volume_id


class KeyPlan(Struct, frozen=True, gc=False):
    """The keys of a job in tiers, best first: exports, `nbd_export_name`, job id."""

    tiers: tuple[tuple[str, ...], ...]
    exports: tuple[str | None, ...]
    """The export of each disk, in the job's order; None where no volume is attached."""

    def is_whole_job(self, tier: int) -> bool:
        """Whether the one key of this tier stands for all disks of the job."""
        return not (tier == 0 and any(self.exports))


def plan_keys(job: Job) -> KeyPlan:
    """Return the key plan of *job*.

    Raises VolumeNameError for a volume id that cannot be asked for: half a job's keys would make
    half a truth.
    """
    exports: tuple[str | None, ...] = tuple(
        None if disk.volume_id is None else export_name(disk.volume_id) for disk in job.disks
    )
    named = tuple(dict.fromkeys(name for name in exports if name))
    if named == exports:
        exports = named  # one tuple for both: each of 100,000 jobs holds them
    tiers = [named]
    for key in (job.nbd_export_name, job.id):
        # One disk's export must not be asked again on its own: it would stand for the whole job then.
        if key and _can_be_asked(key) and not any(key in tier for tier in tiers):
            tiers.append((key,))
    return KeyPlan(tiers=tuple(tier for tier in tiers if tier), exports=exports)


def _can_be_asked(key: str) -> bool:
    """Whether *key* can be one segment of a URL path."""
    return len(key) <= _LONGEST_KEY and key.strip(".") != "" and key.isprintable()


def tier_order(tiers: int, answered: int | None) -> tuple[int, ...]:
    """Return the order in which the tiers are asked: what answered last goes first."""
    order = list(range(tiers))
    if answered is not None and answered < tiers:
        order.remove(answered)
        order.insert(0, answered)
    return tuple(order)


def is_unknown(outcomes: Sequence[Outcome]) -> bool:
    """Whether the VMA knows none of these keys, so that the next tier is worth asking."""
    return all(isinstance(outcome, Missing) for outcome in outcomes)
