"""Whether an entry differs from what its key said in numbers alone, and in which."""

from math import nan

from msgspec import Struct

from oma_poller.engine.cohort_request import Said, only_goes_on, says_the_same
from oma_poller.model.reading import BIGINT_MAX, Reading
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.number import BYTES_PER_MIB, NumberRefusedError, eta_s, finite, speed_bps
from oma_poller.vma.wire import read

_MOST_SHARED = 1000
"""Different words that are held once for all keys; a VMA uses a handful."""

Words = tuple[str | None, str | None, str | None, str | None]

_shared: dict[Words, Words] = {}


class Moved(Struct, frozen=True, gc=False):
    """The numbers of an entry, as in `Reading`."""

    bytes_transferred: int
    total_bytes: int
    percent: float
    """NaN where the entry has none."""
    speed_bps: int
    eta_s: int
    """0 where it is not known."""


def only_moved(said: Said, key: str, entry: WireEntry) -> Moved | None:
    """Return the numbers of a key's next entry; None where it says anything else than the key *said*.

    Belongs to one thread: what the words look like on the wire is noted in *said*.
    """
    timing = entry.timing
    start = None if timing is None else timing.start_time
    words = entry.status, entry.phase, entry.current_operation, entry.sync_type
    if words != said.words or start != said.start or not _is_plain(entry, key):
        return _by_its_reading(said, key, entry)
    moved, total = entry.bytes_transferred, entry.total_bytes
    if type(moved) is not int or type(total) is not int:
        return None
    if not (0 < moved <= BIGINT_MAX and 0 < total <= BIGINT_MAX):
        return None
    throughput = entry.throughput
    try:
        percent = finite(entry.percentage, "percentage")
        mbps = None if throughput is None else throughput.current_mbps
        speed = speed_bps(mbps, "throughput.current_mbps", scale=BYTES_PER_MIB)
        eta = None if timing is None else eta_s(timing.eta_seconds, "timing.eta_seconds")
    except NumberRefusedError:
        return None
    return Moved(moved, total, nan if percent is None else percent, speed, eta or 0)


def numbers_of(reading: Reading) -> Moved:
    """Return the numbers of a reading."""
    percent = nan if reading.percent is None else reading.percent
    return Moved(
        reading.bytes_transferred, reading.total_bytes, percent, reading.speed_bps, reading.eta_s or 0
    )


def _by_its_reading(said: Said, key: str, entry: WireEntry) -> Moved | None:
    """Do the same with an entry whose words on the wire are not the ones noted, but may mean the same."""
    newest = read(entry, key)
    if not isinstance(newest, Reading) or not (only_goes_on(newest) and says_the_same(said.reading, newest)):
        return None
    if len(_shared) >= _MOST_SHARED:
        _shared.clear()
    words = entry.status, entry.phase, entry.current_operation, entry.sync_type
    said.words = _shared.setdefault(words, words)
    said.start = None if entry.timing is None else entry.timing.start_time
    return numbers_of(newest)


def _is_plain(entry: WireEntry, key: str) -> bool:
    """Whether an entry has none of the fields beside words and numbers that a reading is made of."""
    if entry.last_error or isinstance(entry.last_error, dict) or entry.errors or entry.disk_progresses:
        return False
    if entry.stage is not None or entry.aggregate is not None or (entry.job_id and entry.job_id != key):
        return False
    machine = entry.vm_info
    return machine is None or not isinstance(machine.disk_size_gb, float)
