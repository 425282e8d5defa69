"""How many polls each VMA may have in flight, so that none takes another's place (P4, P8)."""

from collections.abc import Mapping


def shares(jobs: Mapping[str, int], slots: int) -> dict[str, int]:
    """Divide *slots* among VMAs by their number of jobs; return each one's share.

    A VMA gets no more than it has jobs, and what that leaves is divided equally among the others. One that
    has jobs gets one slot at least, also where there are more VMAs than slots.
    """
    given: dict[str, int] = {}
    left = slots
    waiting = sorted((count, vma) for vma, count in jobs.items() if count > 0)
    for number, (count, vma) in enumerate(waiting):
        given[vma] = min(count, max(1, left // (len(waiting) - number)))
        left -= given[vma]
    return given
