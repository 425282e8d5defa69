"""What a VMA's answer to one key comes to: a Reading, a Missing or a Failure.

Nothing past the VMA adapter raises; an answer that cannot be used is a value with its kind.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

BIGINT_MAX = 2**63 - 1
"""Largest number a BIGINT column holds; a reply beyond it is refused."""


class State(StrEnum):
    """The canonical states of a run; every word on the wire is one of these."""

    UNKNOWN = "unknown"
    QUEUED = "queued"
    PREPARING = "preparing"
    SNAPSHOTTING = "snapshotting"
    REPLICATING = "replicating"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FailureKind(StrEnum):
    """Why an answer could not be used. These words are metric labels."""

    UNREACHABLE = "unreachable"
    """No connection: refused, no route, name not found, dropped in the middle."""
    TIMEOUT = "timeout"
    TLS = "tls"
    SERVER_ERROR = "server_error"
    """HTTP 5xx."""
    RATE_LIMITED = "rate_limited"
    """HTTP 429."""
    REFUSED = "refused"
    """HTTP 401, 403 or another 4xx that is not "not found"."""
    UNEXPECTED_STATUS = "unexpected_status"
    """Any other HTTP status, redirects included: they are not followed."""
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    """NaN, infinity, or a number that no BIGINT column holds."""
    WRONG_JOB = "wrong_job"
    """The reply echoes another key than the one asked for."""
    BAD_KEY = "bad_key"
    """The key itself cannot be asked for: see `VolumeNameError`. No request was sent."""


class DiskReading(Struct, frozen=True, gc=False):
    """One disk as a reply details it, inside an entry that covers several."""

    disk_id: str
    label: str
    state: State
    bytes_transferred: int
    total_bytes: int
    percent: float | None
    speed_bps: int


class Reading(Struct, frozen=True, gc=False):
    """A progress entry, whatever its shape on the wire. Counts are clamped to 0 or more."""

    state: State
    word: str = ""
    """The status word as it came."""
    phase: str = ""
    operation: str = ""
    percent: float | None = None
    """As reported: neither clamped nor monotonic, but finite."""
    bytes_transferred: int = 0
    total_bytes: int = 0
    """0 when the reply names none."""
    speed_bps: int = 0
    """Bytes per second, the VMA's own figure."""
    eta_s: int | None = None
    started_at: datetime | None = None
    """Start of the key's first run by the VMA's clock; aware, UTC."""
    sync_type: str = ""
    error: str | None = None
    disks: tuple[DiskReading, ...] = ()
    shape: str = "C"
    clock_skew_s: float = 0.0
    """Our wall clock minus the VMA's, by the reply's `Date` header; 0 when it has none."""
    unknown_words: tuple[str, ...] = ()
    """Words the vocabulary lacks, as "field=word"."""


class Missing(Struct, frozen=True, gc=False):
    """The VMA answers and does not know the key."""

    detail: str = "job not found"
    retry_after_s: float | None = None


class Failure(Struct, frozen=True, gc=False):
    """No usable answer."""

    kind: FailureKind
    detail: str
    """One line for a person; no secrets."""
    retry_after_s: float | None = None


Outcome = Reading | Missing | Failure
