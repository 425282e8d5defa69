"""VMAs that do not answer, told once for each and not once for each of its jobs."""

from msgspec import Struct


class Outage(Struct, eq=False):
    """A time in which a VMA's jobs failed by transport. Times are monotonic seconds."""

    since_s: float
    last_s: float
    """When the newest failure came."""
    jobs: int = 0
    """How many jobs were affected."""
    parked: bool = False
    """Whether the parking of its jobs was told."""


class Outages:
    """The outages that last, by VMA."""

    def __init__(self) -> None:
        self._lasting: dict[str, Outage] = {}

    def of(self, vma: str) -> Outage | None:
        """Return the outage of *vma*; None while it answers."""
        return self._lasting.get(vma)

    def begin(self, vma: str, now_s: float) -> Outage:
        """Note that *vma* stopped answering."""
        self._lasting[vma] = outage = Outage(now_s, now_s)
        return outage

    def answered(self, vma: str, now_s: float, quiet_s: float) -> Outage | None:
        """Return the outage that an answer ends; None where there is none, or failures still come.

        A VMA that answers some requests and fails others is in one outage until no failure has come for
        *quiet_s*, so that it is not told to come and go with every request.
        """
        outage = self._lasting.get(vma)
        if outage is None or now_s - outage.last_s < quiet_s:
            return None
        return self._lasting.pop(vma)
