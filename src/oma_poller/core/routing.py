"""Which VMA has a job."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from oma_poller.model.job import Job
from oma_poller.model.vma import DEFAULT_VMA, VmaRule


def vma_for(job: Job, rules: Sequence[VmaRule]) -> str:
    """Return the name of the first VMA whose patterns match *job*, else the default one.

    Letter case does not count: host names have none.
    """
    for rule in rules:
        if _matches(rule.vcenter_host, job.vcenter_host) and _matches(rule.datacenter, job.datacenter):
            return rule.name
    return DEFAULT_VMA


def _matches(pattern: str | None, value: str | None) -> bool:
    return pattern is None or fnmatchcase((value or "").lower(), pattern.lower())
