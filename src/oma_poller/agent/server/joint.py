"""The status of a run whose disks are reported one by one."""

from collections.abc import Sequence

from oma_poller.agent.server.part import Part
from oma_poller.agent.server.words import ENDS, Kind, kind

GOING_ON = "in_progress"
"""The word for a run that goes on where no report has a better one."""


def joint_status(disks: Sequence[Part], disks_total: int, own_status: str, told: str) -> str:
    """Return the status word of the whole.

    Failed or cancelled as soon as one disk is, or the whole was told to be; completed when all announced
    disks are. Else the word told last, unless that is the end of a single disk, or its setup while another
    one copies. `own_status` is the last status told without a disk id, `told` that of the latest report,
    either of them maybe empty.
    """
    for end in (Kind.FAILED, Kind.CANCELLED):
        words = [word for word in (own_status, *(disk.status for disk in disks)) if kind(word) is end]
        if words:
            return words[0]
    completed = [disk.status for disk in disks if kind(disk.status) is Kind.COMPLETED]
    if len(completed) == len(disks) >= disks_total:
        return completed[-1]
    copying = next((disk.status for disk in disks if kind(disk.status) is Kind.COPYING), "")
    if told and kind(told) not in ENDS and not (copying and kind(told) is Kind.SETUP):
        return told
    return copying or GOING_ON
