"""Signs of life of the engine: that its loops go round, and whether the database answers them."""

from datetime import datetime

from msgspec import Struct, field

from oma_poller.clock import Clock

PATIENCE_S = 30.0
"""A loop that is later than this stands still."""


class Away(Struct, frozen=True):
    """The database does not answer one of the loops."""

    since: datetime
    """Aware, UTC."""
    detail: str
    """One line for a person."""


class Beats(Struct):
    """Set on the engine's thread, read on any. Times ending in `_s` are monotonic seconds."""

    clock: Clock
    loops_s: dict[str, float] = field(default_factory=dict)
    """Until when each loop goes round again, by its name; infinity while it waits for the database."""
    has_answered: bool = False
    """Whether the database ever did."""
    first_discovery_at: datetime | None = None
    """When the jobs were read for the first time; aware, UTC."""
    away: dict[str, Away] = field(default_factory=dict)
    """What of the database does not answer, as "database for reading"; empty while it does."""

    def beat(self, loop: str, pause_s: float) -> None:
        """Note that a loop goes round, and will again after a pause."""
        self.loops_s[loop] = self.clock.monotonic() + pause_s + PATIENCE_S

    def asks(self, loop: str) -> None:
        """Note that a loop waits for the database: however long that takes, the loop is not to blame."""
        self.loops_s[loop] = float("inf")

    def stuck(self) -> list[str]:
        """Return the loops that stand still."""
        now_s = self.clock.monotonic()
        return sorted(name for name, until_s in self.loops_s.copy().items() if now_s > until_s)

    def discovered(self) -> None:
        """Note a discovery pass."""
        self.has_answered = True
        self.first_discovery_at = self.first_discovery_at or self.clock.utc()

    def answered(self) -> None:
        """Note that the database answers, only that another poller is at work on it."""
        self.has_answered = True
        self.away.clear()

    def fell(self, what: str, error: Exception) -> None:
        """Note that the database does not answer; the first reason and moment stay until it does."""
        self.away.setdefault(what, Away(self.clock.utc(), str(error)))

    def rose(self, what: str) -> None:
        """Note that it answers."""
        self.away.pop(what, None)
