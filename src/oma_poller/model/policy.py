"""The numbers the rules are run with. Durations are seconds."""

from msgspec import Struct

TERMINAL_STATUSES = frozenset({"completed", "failed", "replication_failed", "cancelled"})
"""Statuses of `replication_jobs` that are never left again (D5)."""


class Policy(Struct, frozen=True, gc=False):
    """Settings of the rules, with the contract's defaults (section 6)."""

    interval_s: float = 5.0
    max_errors: int = 5
    startup_grace_s: float = 30.0
    completion_hold_s: float = 30.0
    stall_after_s: float = 300.0
    parked_retry_s: float = 300.0
    """0 never takes a parked job up again by itself."""
    fail_after_s: float | None = None
    active_statuses: frozenset[str] = frozenset({"queued", "running", "replicating"})
    write_status: bool = True
